"""Pictures of results as SVG, legible on light and dark pages: ratios on a log axis, and curves."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

COLOURS = {  # light page, dark page
    "cepheid": ("#0969da", "#58a6ff"),
    "esper": ("#9a6700", "#e3b341"),
    "flink": ("#cf222e", "#ff7b72"),
    "flink-sql": ("#bc4c00", "#ffa657"),
    "siddhi": ("#8250df", "#d2a8ff"),
    "python-eql": ("#1a7f37", "#56d364"),
    "bytewax": ("#57606a", "#8b949e"),
    "duckdb": ("#1b7c83", "#39c5cf"),
    "polars": ("#bf3989", "#ff9bce"),
}
HOLLOW = ("duckdb", "polars")  # batch: no stream
FONT = "text{font-family:ui-sans-serif,system-ui,'Segoe UI',Helvetica,Arial,'DejaVu Sans',sans-serif;font-size:11px}"
LEFT, WIDE, ROW, HEAD = 84, 620, 20, 30
PANEL_WIDE, PANEL_HIGH = 250, 90


@dataclass(frozen=True)
class Dot:
    engine: str
    ratio: float


def style(engines: Sequence[str]) -> str:
    def rules(page: int) -> str:
        ink, soft, line = (("#1f2328", "#59636e", "#d1d9e0"), ("#f0f6fc", "#9aa4ae", "#3d444d"))[page]
        said = f"text{{fill:{ink}}}.n{{fill:{soft}}}.g{{stroke:{line}}}.one{{stroke:{soft}}}"
        for name in engines:
            colour = COLOURS[name][page]
            said += f".{name}{{fill:{colour};stroke:{colour}}}.{name}.h{{fill:none}}.{name}.l{{fill:none}}"
        return said

    both = FONT + ".b{font-weight:600}.h,.l{stroke-width:2}"
    return f"<style>{both}{rules(0)}@media (prefers-color-scheme:dark){{{rules(1)}}}</style>"


def ratios(panels: Sequence[tuple[str, Sequence[tuple[str, Sequence[Dot]]]]], labels: dict[str, str]) -> str:
    """Panels (title, rows of (workload, dots)); every row on the same log axis, a line where the loop by hand is."""
    dots = [dot for _, rows in panels for _, some in rows for dot in some]
    engines = [name for name in COLOURS if any(dot.engine == name for dot in dots)]
    low = math.floor(math.log10(min((dot.ratio for dot in dots), default=0.1)))
    high = math.ceil(math.log10(max((dot.ratio for dot in dots), default=10) * 1.01))

    def x(ratio: float) -> float:
        return LEFT + (math.log10(ratio) - low) / (high - low) * WIDE

    parts, across = [], 12.0
    for name in engines:
        parts.append(_mark(name, across, 14))
        parts.append(f'<text x="{across + 9}" y="18">{escape(labels.get(name, name))}</text>')
        across += 28 + 6 * len(labels.get(name, name))
    y = HEAD + 8
    for title, rows in panels:
        y += 18
        parts.append(f'<text class="b" x="{LEFT}" y="{y - 6}">{escape(title)}</text>')
        bottom = y + ROW * len(rows)
        for power in range(low, high + 1):
            at = x(10.0**power)
            kind = "one" if power == 0 else "g"
            parts.append(f'<line class="{kind}" x1="{at:.1f}" x2="{at:.1f}" y1="{y}" y2="{bottom}"/>')
            parts.append(f'<text class="n" x="{at:.1f}" y="{bottom + 13}" text-anchor="middle">{10.0**power:g}</text>')
        for workload, some in rows:
            middle = y + ROW / 2
            parts.append(f'<text x="{LEFT - 8}" y="{middle + 4}" text-anchor="end">{escape(workload)}</text>')
            parts.append(f'<line class="g" x1="{LEFT}" x2="{LEFT + WIDE}" y1="{middle}" y2="{middle}" stroke-dasharray="1 4"/>')
            parts += [
                _mark(dot.engine, x(dot.ratio), middle, f"{labels.get(dot.engine, dot.engine)}: {dot.ratio:g}")
                for dot in sorted(some, key=lambda dot: dot.engine == "cepheid")  # ours on top
            ]
            y += ROW
        y += 20
    said = "Events a second as a multiple of the loop written by hand in the same run (log axis; the line at 1 is that loop)"
    parts.append(f'<text class="n" x="{LEFT}" y="{y + 10}">{said}</text>')
    return _svg(LEFT + WIDE + 24, y + 20, style(engines), parts, "Ratios to the loop by hand")


def _mark(engine: str, x: float, y: float, title: str = "") -> str:
    told = f"<title>{escape(title)}</title>" if title else ""
    if engine in HOLLOW:
        return f'<rect class="{engine} h" x="{x - 4:.1f}" y="{y - 4:.1f}" width="8" height="8">{told}</rect>'
    return f'<circle class="{engine}" cx="{x:.1f}" cy="{y:.1f}" r="{6 if engine == "cepheid" else 4}">{told}</circle>'


@dataclass(frozen=True)
class Curve:
    """Points (x, y), x on a log axis; `unit` is said beside y."""

    title: str
    unit: str
    points: Sequence[tuple[float, float]]
    names: Sequence[str]  # of the points, below the axis


def curves(rows: Sequence[Sequence[Curve]]) -> str:
    """Small panels, a row of them for each curve."""
    parts: list[str] = []
    for n, row in enumerate(rows):
        for m, curve in enumerate(row):
            parts += _panel(curve, 60 + m * (PANEL_WIDE + 90), 28 + n * (PANEL_HIGH + 62))
    width, height = 60 + max(map(len, rows), default=1) * (PANEL_WIDE + 90) - 40, len(rows) * (PANEL_HIGH + 62) + 10
    return _svg(width, height, style(["cepheid"]), parts, "Scaling curves")


def _panel(curve: Curve, left: float, top: float) -> list[str]:
    places = [math.log10(max(x, 0.5)) for x, _ in curve.points]
    values = [y for _, y in curve.points]
    log = min(values) > 0 and max(values) / min(values) > 20
    ends = (math.log10(min(values)), math.log10(max(values))) if log else (0.0, max(values) * 1.1 or 1.0)
    span = (places[-1] - places[0]) or 1.0

    def at(place: float, value: float) -> tuple[float, float]:
        height = (math.log10(value) if log else value) - ends[0]
        return left + (place - places[0]) / span * PANEL_WIDE, top + PANEL_HIGH * (1 - height / ((ends[1] - ends[0]) or 1.0))

    points = [at(place, value) for place, value in zip(places, values)]
    parts = [f'<text class="b" x="{left}" y="{top - 12}">{escape(curve.title)}</text>']
    for value in (min(values), max(values)) if log else (0.0, max(values)):
        _, y = at(places[0], value)
        parts.append(f'<line class="g" x1="{left}" x2="{left + PANEL_WIDE}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text class="n" x="{left - 6}" y="{y + 4:.1f}" text-anchor="end">{value:,.3g}</text>')
    parts.append(f'<text class="n" x="{left + PANEL_WIDE}" y="{top - 12}" text-anchor="end">{escape(curve.unit)}</text>')
    parts.append(f'<polyline class="cepheid l" points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in points)}"/>')
    for (x, y), name, value in zip(points, curve.names, values):
        parts.append(
            f'<circle class="cepheid" cx="{x:.1f}" cy="{y:.1f}" r="3.5"><title>{escape(name)}: {value:,.3g}</title></circle>'
        )
        parts.append(f'<text class="n" x="{x:.1f}" y="{top + PANEL_HIGH + 16}" text-anchor="middle">{escape(name)}</text>')
    return parts


def _svg(width: float, height: float, styled: str, parts: Sequence[str], label: str) -> str:
    size = f'width="{width:.0f}" height="{height:.0f}" viewBox="0 0 {width:.0f} {height:.0f}"'
    body = "\n".join(parts)
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="{escape(label)}">\n{styled}\n{body}\n</svg>\n'
