"""A picture as SVG: drawn by ourselves, readable on light and on dark ground, without a program to be installed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from textwrap import wrap
from xml.sax.saxutils import escape

from cep.draw.diagram import Box, Diagram, Kind
from cep.draw.layout import (
    CODE_LINE,
    NOTE_LINE,
    PAD,
    TITLE_LINE,
    Note,
    Outline,
    Placed,
    Scene,
    Stroke,
    columns_of,
    place,
    size_of,
)
from cep.draw.rulemap import RuleMap, map_of
from cep.report import clean

MARGIN, HEAD = 22.0, 30.0
FACT_PX = 6.6
LIGHT = {
    "text": "#1f2328", "soft": "#59636e", "line": "#59636e", "ground": "#ffffff", "panel": "#f8fafc", "edge": "#d1d9e0",
    "step": "#ddf0ff", "step-edge": "#3b82c4", "not": "#fff1f0", "not-edge": "#cf222e", "time": "#fff6cf", "time-edge": "#9a6700",
    "when": "#eef1f4", "when-edge": "#818b98", "alert": "#dafbe1", "alert-edge": "#1a7f37",
}  # fmt: skip
DARK = {
    "text": "#f0f6fc", "soft": "#9aa4ae", "line": "#9aa4ae", "ground": "#0d1117", "panel": "#151b23", "edge": "#3d444d",
    "step": "#12283f", "step-edge": "#4493f8", "not": "#2b1517", "not-edge": "#f85149", "time": "#2b2410", "time-edge": "#d29922",
    "when": "#232a32", "when-edge": "#7d8590", "alert": "#12301d", "alert-edge": "#3fb950",
}  # fmt: skip
SHAPE = """
text{font-family:ui-sans-serif,system-ui,'Segoe UI',Helvetica,Arial,'DejaVu Sans',sans-serif}
.c{font-size:11px;font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace}
.t{font-size:13px;font-weight:600}
.n,.f{font-size:11px}
.r{font-size:15px;font-weight:700}
.l{fill:none;stroke-width:1.4}
.next{stroke-width:2.6}
.every{stroke-dasharray:7 3}
.loop,.skip{stroke-dasharray:3 3}
.span{stroke-width:1}
.frame{fill:none;stroke-dasharray:5 4}
.not,.resolved{stroke-dasharray:5 3}
.alert{stroke-width:2.2}
"""
ARROW = (
    '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerUnits="userSpaceOnUse" markerWidth="9" markerHeight="9" '
    'orient="auto-start-reverse"><path class="head" d="M0 0.8L7.5 4L0 7.2z"/></marker></defs>'
)
CLASSES = {
    Kind.START: "start", Kind.STEP: "step", Kind.EVENTS: "step", Kind.NOT: "not", Kind.WINDOW: "time", Kind.TIMER: "time",
    Kind.WHEN: "when", Kind.ALERT: "alert", Kind.RESOLVED: "resolved",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Panel:
    """A rule's picture, with its head; `scene` lies in a space of its own, whose corner goes to (MARGIN, HEAD)."""

    diagram: Diagram
    scene: Scene
    head: tuple[str, ...]
    width: float
    height: float


def panel_of(diagram: Diagram) -> Panel:
    """Lay out one rule."""
    size, scene = size_of(diagram.body), Scene()
    title = columns_of(clean(diagram.rule)) * 9.0 + columns_of(diagram.kind) * 7.0 + 24
    width = max(size.width, title)
    head = tuple(wrap(clean("  ·  ".join(diagram.facts)), max(40, int(width / FACT_PX))))
    top = HEAD + len(head) * 16 + 16
    place(diagram.body, MARGIN, top + size.up, scene, last=True)
    return Panel(diagram, scene, head, width + 2 * MARGIN, top + size.up + size.down + MARGIN)


def as_svg(diagrams: Sequence[Diagram]) -> str:
    """The rules one below the other; above them, if some take the alerts of others, how they hang together."""
    panels = [panel_of(diagram) for diagram in diagrams]
    overview = map_of(diagrams)
    inner = max([panel.width for panel in panels] + ([overview.width + 2 * MARGIN] if overview else []))
    width = inner + 2 * MARGIN
    body: list[str] = []
    y = MARGIN
    if overview:
        body += _overview(overview, inner, y)
        y += overview.height + HEAD + 2 * MARGIN
    for panel in panels:
        body += _panel(panel, inner, y)
        y += panel.height + MARGIN
    names = ", ".join(clean(diagram.rule) for diagram in diagrams)
    return (
        "\n".join(
            [
                f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{y:.0f}" viewBox="0 0 {width:.0f} {y:.0f}" '
                f'role="img" aria-label="{_attribute(names)}">',
                f"<style>{_style()}</style>",
                ARROW,
                f'<rect class="ground" width="{width:.0f}" height="{y:.0f}"/>',
                *body,
                "</svg>",
            ]
        )
        + "\n"
    )


def _style() -> str:
    shape = "".join(line.strip() for line in SHAPE.splitlines())
    return f"{shape}{_colors(LIGHT)}@media (prefers-color-scheme:dark){{{_colors(DARK)}}}"


def _colors(of: dict[str, str]) -> str:
    rules = [
        f"text{{fill:{of['text']}}}.n,.f{{fill:{of['soft']}}}.l{{stroke:{of['line']}}}.head{{fill:{of['line']}}}",
        f".ground{{fill:{of['ground']}}}.panel{{fill:{of['panel']};stroke:{of['edge']}}}.frame{{stroke:{of['line']}}}",
        f".start{{fill:{of['text']}}}.resolved{{fill:{of['panel']};stroke:{of['alert-edge']}}}.x{{fill:{of['not-edge']}}}",
    ]
    rules += [f".{name}{{fill:{of[name]};stroke:{of[f'{name}-edge']}}}" for name in ("step", "not", "time", "when", "alert")]
    return "".join(rules)


def _attribute(text: str) -> str:
    return escape(clean(text), {'"': "&quot;"})


def _panel(panel: Panel, width: float, y: float) -> Iterator[str]:
    diagram, scene = panel.diagram, panel.scene
    yield f'<g transform="translate({MARGIN:g} {y:g})">'
    yield f'<rect class="panel" width="{width:g}" height="{panel.height:g}" rx="10"/>'
    yield (
        f'<text class="r" x="{MARGIN:g}" y="28">{escape(clean(diagram.rule))}'
        f'<tspan class="n" dx="10" font-weight="400">{diagram.kind}</tspan></text>'
    )
    for number, line in enumerate(panel.head):
        yield f'<text class="f" x="{MARGIN:g}" y="{46 + 16 * number:g}">{escape(line)}</text>'
    for frame in scene.frames:
        yield _frame(frame)
    for stroke in scene.strokes:
        yield _stroke(stroke)
    for box in scene.boxes:
        yield from _box(box)
    for note in scene.notes:
        yield _note(note)
    yield "</g>"


def _frame(at: Outline) -> str:
    return f'<rect class="frame" x="{at.x:g}" y="{at.y:g}" width="{at.width:g}" height="{at.height:g}" rx="9"/>'


def _stroke(stroke: Stroke) -> str:
    head = ' marker-end="url(#head)"' if stroke.head else ""
    return f'<path class="l {stroke.look}" d="{stroke.path}"{head}/>'


def _note(note: Note) -> str:
    return f'<text class="n" x="{note.x:g}" y="{note.y:g}" text-anchor="{note.anchor}">{escape(note.text)}</text>'


def _box(at: Placed) -> Iterator[str]:
    box = at.box
    name = CLASSES[box.kind]
    if box.kind is Kind.START:
        yield f'<circle class="start" cx="{at.x + at.width / 2:g}" cy="{at.y + at.height / 2:g}" r="{at.width / 2:g}"/>'
        return
    corner = 3 if box.kind in (Kind.WHEN, Kind.WINDOW) else 9
    yield f"<g><title>{escape(_whole(box))}</title>"
    place_of = f'x="{at.x:g}" y="{at.y:g}" width="{at.width:g}" height="{at.height:g}"'
    yield f'<rect class="{name}" {place_of} rx="{corner}"/>'
    title = ' class="t x"' if box.kind is Kind.NOT else ' class="t"'
    yield f'<text{title} x="{at.x + PAD:g}" y="{at.y + TITLE_LINE + 3:g}">{escape(clean(box.title))}</text>'
    for number, line in enumerate(at.lines):
        y = at.y + TITLE_LINE + 4 + CODE_LINE * (number + 1)
        yield f'<text class="c" x="{at.x + PAD:g}" y="{y:g}">{escape(line)}</text>'
    yield "</g>"


def _whole(box: Box) -> str:
    return "\n".join(map(clean, (box.title, *box.lines, *([box.loop] if box.loop else []))))


def _overview(rules: RuleMap, width: float, y: float) -> Iterator[str]:
    yield f'<g transform="translate({MARGIN:g} {y:g})">'
    yield f'<rect class="panel" width="{width:g}" height="{rules.height + HEAD + MARGIN:g}" rx="10"/>'
    yield f'<text class="f" x="{MARGIN:g}" y="24">rules that take the alerts of others</text>'
    yield f'<g transform="translate({MARGIN:g} {HEAD + NOTE_LINE:g})">'
    for stroke in rules.strokes:
        yield _stroke(stroke)
    for chip in rules.chips:
        yield f'<rect class="alert" x="{chip.x:g}" y="{chip.y:g}" width="{chip.width:g}" height="{chip.height:g}" rx="9"/>'
        yield f'<text class="t" x="{chip.x + PAD:g}" y="{chip.y + TITLE_LINE + 1:g}">{escape(clean(chip.rule))}</text>'
    yield "</g></g>"
