"""Golden files of the compiler: a rule above, its plan or its faults below.

    === what the case is about
    rule r
      ...
    ---
    what comes of it

`python -m tests.plan.golden_files` writes the lower halves anew; the diff is to be read.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cep.errors import Diagnostic
from cep.lang.parser import parse_text
from cep.plan.explain import describe
from cep.plan.plan import Rulebook
from cep.plan.rulebook import build_rulebook

FOLDER = Path(__file__).parent / "golden"
SCHEMAS = {
    "telemetry": {"truck": "text", "speed": "number", "driver": "text"},
    "machine": {"host": "text", "process.name": "text", "process.id": "number", "tags": "list", "booted": "time", "up": "bool"},
}
TABLES = {"customers": {"c1": {"name": "Ana", "tier": "gold"}, "c2": {"name": "Bo", "tier": None}}}
CHANNELS = ("ops", "soc")


@dataclass(frozen=True)
class Case:
    name: str
    source: str
    expected: str


def build(source: str) -> tuple[Rulebook, list[Diagnostic]]:
    file, syntax = parse_text(source, "r.cep")
    assert syntax == [], syntax
    return build_rulebook([file], schemas=SCHEMAS, tables=TABLES, channels=CHANNELS)


def cases(name: str) -> list[Case]:
    found = []
    for block in ("\n" + (FOLDER / name).read_text()).split("\n=== ")[1:]:
        title, _, rest = block.partition("\n")
        source, _, expected = rest.partition("\n---\n")
        found.append(Case(title.strip(), source.rstrip("\n") + "\n", expected.strip("\n")))
    return found


def faults_said(source: str) -> str:
    """Each fault as `line:col code message`, then what stands beside the caret, what would mend it, other places; last the
    rules that were planned all the same."""
    book, faults = build(source)
    lines = []
    for fault in faults:
        lines.append(f"{fault.span.line}:{fault.span.col} {fault.code} {fault.message}")
        lines += [f"    caret: {fault.label}"] if fault.label else []
        lines += [f"    help: {fault.help}"] if fault.help else []
        lines += [f"    note: {note}" for note in fault.notes]
        lines += [f"    see {span.line}:{span.col}: {words}" for span, words in fault.labels]
        lines += [f"    fix {fault.fix.span.line}:{fault.fix.span.col}: {fault.fix.text}"] if fault.fix else []
    lines += [f"planned: {', '.join(plan.id for plan in book.plans)}"] if book.plans else []
    return "\n".join(lines)


def plan_said(source: str) -> str:
    """The plans in words, and the fields they read."""
    book, faults = build(source)
    assert [fault for fault in faults if fault.level == "error"] == []
    said = [describe(plan) for plan in book.plans]
    for event_type, paths in book.projection.items():
        fields = ", ".join(f"{'.'.join(path)} ({kind.value})" for path, kind in paths.items())
        said.append(f"reads {event_type}: {fields or 'nothing'}")
    return "\n".join(said)


def rewrite(name: str, say: Callable[[str], str]) -> None:
    text = "\n".join(f"=== {case.name}\n{case.source}---\n{say(case.source)}\n" for case in cases(name))
    (FOLDER / name).write_text(text)


if __name__ == "__main__":
    rewrite("faults.txt", faults_said)
    rewrite("plans.txt", plan_said)
