"""Tables and pictures of docs/performance.md, made of bench/results.json, curves.json and memory.json alone.

    python bench/report.py

A table stands between `<!-- bench:NAME -->` and `<!-- /bench -->`; what stands there is replaced. A file of results that is not
there leaves its tables as they are.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import chart

HERE = Path(__file__).parent
ROOT = HERE.parent
DOCS = ROOT / "docs" / "performance.md"
PICTURES = ROOT / "docs" / "pictures"
INPUTS = {"json": "From JSON lines", "memory": "From events in memory", "arrow": "From Arrow"}
Row = dict[str, Any]
Results = dict[str, Any]


def read(name: str, folder: Path = HERE) -> Results | None:
    path = folder / name
    return json.loads(path.read_text()) if path.exists() else None


def table(heads: list[str], rows: list[list[str]], left: int = 1) -> str:
    """Markdown; the first `left` columns are text, the others figures."""
    bars = ["---"] * left + ["---:"] * (len(heads) - left)
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (heads, bars, *rows))


def millions(events_per_s: int) -> str:
    millions = events_per_s / 1e6
    return f"{millions:.2f}" if millions >= 0.1 else f"{millions:.2g}"


def ratio_table(results: Results, source: str) -> str:
    """A row for each workload: the loop by hand and cepheid in full, the others as ratios."""
    rows = [row for row in results["results"] if row["input"] == source]
    workloads = list(dict.fromkeys(row["workload"] for row in rows))
    peers = [name for name in results["engines"] if any(row["engine"] == name for row in rows)]
    found = {(row["workload"], row["engine"]): row for row in rows}
    heads = ["workload", "by hand, M/s", "cepheid, M/s", "ratio", "lowest, highest"]
    heads += [results["engines"][name]["label"] for name in peers]
    lines = []
    for workload in workloads:
        ours = found.get((workload, "cepheid"))
        cells = ["", "", "", ""]
        if ours is not None:
            span = f"{ours['ratio_min']:g}, {ours['ratio_max']:g}"
            cells = [millions(ours["by_hand_events_per_s"]), millions(ours["events_per_s"]), f"**{ours['ratio']:g}**", span]
        lines.append([workload, *cells, *(_cell(found.get((workload, name))) for name in peers)])
    return table(heads, lines)


def _cell(row: Row | None) -> str:
    if row is None:
        return ""
    if "left_out" in row:
        return "over the limit" if row["left_out"].startswith("over") else "failed"
    return f"{row['ratio']:g}" + ("" if row["equal"] else " *")


def engine_table(results: Results) -> str:
    lines = []
    for name, said in results["engines"].items():
        rows = [row for row in results["results"] if row["engine"] == name and "peak_mb" in row]
        if "left_out" in said and not rows:
            lines.append([said["label"], said.get("version", ""), f"left out: {said['left_out']}", ""])
            continue
        peaks = [row["peak_mb"] for row in rows]
        memory = f"{min(peaks):,} to {max(peaks):,}" if peaks else ""
        lines.append([said["label"], said["version"], said["how"], memory])
    ours = {
        source: [row["peak_mb"] for row in results["results"] if row["engine"] == "cepheid" and row["input"] == source]
        for source in INPUTS
    }
    for source, peaks in ours.items():
        if peaks:
            what = INPUTS[source][0].lower() + INPUTS[source][1:]
            lines.append(["cepheid", "", what, f"{min(peaks):,} to {max(peaks):,}"])
    return table(["engine", "version", "how it is run", "peak memory, MB"], lines, left=3)


def difference_table(results: Results) -> str:
    """Where a peer counts otherwise, with the reason; and what went wrong, as it was said."""
    lines = []
    for row in results["results"]:
        label = results["engines"].get(row["engine"], {}).get("label", row["engine"])
        if "left_out" in row:
            lines.append([f"{row['workload']}, {label}", f"{row['events']:,}", "", "", row["left_out"]])
        elif not row["equal"]:
            counts, by_hand = (", ".join(f"{n:,}" for n in row[name]) for name in ("counts", "by_hand_counts"))
            lines.append([f"{row['workload']}, {label}", f"{row['events']:,}", counts, by_hand, row["why"]])
    if not lines:
        return "None."
    heads = ["workload, engine", "events", "counts", "by hand", "why"]
    return table(heads, lines, left=5)


def machine_line(results: Results) -> str:
    machine, rows = results["machine"], results["results"]
    rounds = sorted({row["rounds"] for row in rows if "rounds" in row})
    events = max((row["events"] for row in rows), default=0)
    parts = [machine["machine"], f"{machine['cores']} cores", f"Python {machine['python']}"]
    if machine.get("java"):
        parts.append(f"Java {machine['java']}")
    said = " and ".join(str(n) for n in rounds)
    return f"Measured in {machine['month']} on {', '.join(parts)}; {events:,} events where no fewer are named, {said} rounds."


def fewer_line(results: Results) -> str:
    """Which rows ran on fewer events."""
    most = max((row["events"] for row in results["results"]), default=0)
    said: dict[str, list[str]] = {}
    for row in results["results"]:
        if row["events"] < most:
            said.setdefault(row["engine"], []).append(f"{row['workload']} {row['events']:,}")
    labels = {"cepheid": "cepheid"} | {name: engine["label"] for name, engine in results["engines"].items()}
    text = "; ".join(f"{labels[name]}: {', '.join(rows)}" for name, rows in said.items())
    return f"Slow ones ran over fewer events, and the loop by hand over as many beside them. {text}." if text else ""


def curve_table(curves: Results, name: str) -> str:
    curve = curves["curves"][name]
    rows = [
        [point["name"], f"{point['us_per_event']:.3g}", f"{point['peak_mb']:,}", f"{point['alerts']:,}"]
        for point in curve["points"]
    ]
    return table([curve["axis"], "us per event", "peak memory, MB", "alerts"], rows, left=0)


def memory_table(memory: Results) -> str:
    rows = [[said["what"], said["figure"], said["aim"], f"`{said['command']}`"] for said in memory["figures"]]
    return table(["what", "figure", "aim", "command"], rows, left=4)


def sections() -> dict[str, str]:
    """Name of a table -> its text, of the results that are there."""
    made: dict[str, str] = {}
    if (results := read("results.json")) is not None and "engines" in results:
        for source in INPUTS:
            made[source] = ratio_table(results, source)
        made |= {
            "engines": engine_table(results), "differences": difference_table(results), "machine": machine_line(results),
            "fewer": fewer_line(results),
        }  # fmt: skip
    if (curves := read("curves.json")) is not None:
        made |= {f"curve-{name}": curve_table(curves, name) for name in curves["curves"]}
    if (memory := read("memory.json")) is not None:
        made["footprint"] = memory_table(memory)
    return made


def filled(text: str, made: dict[str, str]) -> str:
    """The text with each table between its marks replaced.

    raises  SystemExit: a mark without an end
    """
    if text.count("<!-- bench:") != text.count("<!-- /bench -->"):
        raise SystemExit("docs/performance.md: a <!-- bench:... --> has no <!-- /bench -->, or the other way round")

    def put(found: re.Match[str]) -> str:
        name = found[1]
        return f"<!-- bench:{name} -->\n{made[name]}\n<!-- /bench -->" if name in made else found[0]

    return re.sub(r"<!-- bench:([\w-]+) -->\n.*?<!-- /bench -->", put, text, flags=re.DOTALL)


def ratio_picture(results: Results) -> str:
    panels = []
    for source, title in INPUTS.items():
        rows: dict[str, list[chart.Dot]] = {}
        for row in results["results"]:
            if row["input"] == source and "ratio" in row:
                rows.setdefault(row["workload"], []).append(chart.Dot(row["engine"], row["ratio"]))
        if rows:
            panels.append((title, list(rows.items())))
    return chart.ratios(panels, {name: said["label"] for name, said in results["engines"].items()})


def curve_picture(curves: Results) -> str:
    rows = []
    for curve in curves["curves"].values():
        names = [point["name"] for point in curve["points"]]
        row = []
        for field, unit in (("us_per_event", "us per event"), ("peak_mb", "peak memory, MB")):
            points = [(point["x"], point[field]) for point in curve["points"]]
            row.append(chart.Curve(curve["title"], unit, points, names))
        rows.append(row)
    return chart.curves(rows)


def pictures() -> dict[str, str]:
    """Name of a file -> the picture, of the results that are there."""
    made: dict[str, str] = {}
    if (results := read("results.json")) is not None and "engines" in results:
        made["performance.svg"] = ratio_picture(results)
    if (curves := read("curves.json")) is not None:
        made["curves.svg"] = curve_picture(curves)
    return made


def write() -> None:
    DOCS.write_text(filled(DOCS.read_text(), sections()))
    for name, picture in pictures().items():
        (PICTURES / name).write_text(picture)


if __name__ == "__main__":
    write()
