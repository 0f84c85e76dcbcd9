"""A picture as DOT, for Graphviz and what else reads it. Graphviz itself is not needed to write it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from textwrap import wrap

from cep.draw.diagram import Box, Diagram, Element, Frame, Joint, Kind, Row, Stack, boxes
from cep.report import clean

COLUMNS = 34  # of a line in a box
POINT = 'shape=point, width=0.05, label=""'
SHAPES = {
    Kind.START: 'shape=point, width=0.12, label=""',
    Kind.STEP: 'shape=box, style="rounded,filled", fillcolor="#e8f0fe"',
    Kind.NOT: 'shape=box, style="rounded,dashed", color="#c5221f", fontcolor="#c5221f"',
    Kind.EVENTS: 'shape=box, style="rounded,filled", fillcolor="#e8f0fe"',
    Kind.WINDOW: 'shape=box, style="filled", fillcolor="#fef7e0"',
    Kind.TIMER: 'shape=box, style="rounded,filled", fillcolor="#fef7e0"',
    Kind.WHEN: 'shape=box, style="filled", fillcolor="#f1f3f4"',
    Kind.ALERT: 'shape=box, style="rounded,filled", fillcolor="#e6f4ea", peripheries=2',
    Kind.RESOLVED: 'shape=box, style="rounded"',
}


def as_dot(diagrams: Sequence[Diagram]) -> str:
    """One digraph: a rule is a cluster, and a rule that takes another one's alerts has an edge from it."""
    lines = [
        "digraph rules {",
        "  rankdir=LR;",
        "  compound=true;",
        '  node [fontname="Helvetica", fontsize=11];',
        '  edge [fontname="Helvetica", fontsize=10];',
    ]
    alerts: dict[str, str] = {}
    for number, diagram in enumerate(diagrams):
        drawing = _Cluster(f"r{number}", diagram)
        lines += drawing.lines()
        alerts[diagram.rule] = drawing.alert
    for number, diagram in enumerate(diagrams):
        for box in boxes(diagram.body):
            if box.reads in alerts:
                lines.append(f'  {alerts[box.reads]} -> r{number}_{box.id} [style=bold, label="alerts"];')
    return "\n".join([*lines, "}"]) + "\n"


def quoted(text: str) -> str:
    """A DOT string: quotes and backslashes escaped, control characters made visible, `\\l` where a line ends."""
    return '"' + "".join(f"{_escaped(line)}\\l" for line in text.split("\n")) + '"'


def _escaped(text: str) -> str:
    return clean(text).replace("\\", "\\\\").replace('"', '\\"')


@dataclass(frozen=True, slots=True)
class _Ends:
    """Ids of the boxes that are entered and left, and whether the whole may be left out."""

    ins: tuple[str, ...]
    outs: tuple[str, ...]
    skip: bool = False


class _Cluster:
    def __init__(self, prefix: str, diagram: Diagram) -> None:
        self._prefix = prefix
        self._diagram = diagram
        self._edges: list[str] = []
        self._clusters, self._forks = count(1), count(1)
        self.alert = next(f"{prefix}_{box.id}" for box in boxes(diagram.body) if box.kind is Kind.ALERT)

    def lines(self) -> Iterator[str]:
        said = "\n".join([f"{self._diagram.rule} ({self._diagram.kind})", *self._diagram.facts])
        yield f"  subgraph cluster_{self._prefix} {{"
        yield f'    label={quoted(said)}; labeljust=l; style="rounded"; color="#9aa0a6";'
        nodes: list[str] = []
        self._draw(self._diagram.body, nodes, "    ")
        yield from nodes
        yield from (f"    {edge}" for edge in self._edges)
        yield "  }"

    def _draw(self, element: Element, out: list[str], indent: str) -> _Ends:
        match element:
            case Box():
                return self._box(element, out, indent)
            case Row():
                return self._row(element, out, indent)
            case Stack(caption=caption, options=options):
                number = next(self._forks)
                fork, join = f"{self._prefix}_fork{number}", f"{self._prefix}_join{number}"
                out.append(self._open(caption, "dotted", indent))
                out.append(f"{indent}  {fork} [{POINT}]; {join} [{POINT}];")
                ends = [self._draw(option, out, f"{indent}  ") for option in options]
                out.append(f"{indent}}}")
                for end in ends:
                    self._connect(_Ends((fork,), (fork,)), end, Joint())
                    self._connect(end, _Ends((join,), (join,)), None)
                return _Ends((fork,), (join,), any(end.skip for end in ends))
            case Frame(caption=caption, body=body, loop=loop, skip=skip):
                out.append(self._open(caption, "dotted" if element.open else "dashed", indent))
                ends_of = self._draw(body, out, f"{indent}  ")
                out.append(f"{indent}}}")
                if loop:
                    self._edge(ends_of.outs[-1], ends_of.ins[0], "style=dashed", loop)
                return _Ends(ends_of.ins, ends_of.outs, skip or ends_of.skip)

    def _open(self, caption: str, style: str, indent: str) -> str:
        return (
            f"{indent}subgraph cluster_{self._prefix}_{next(self._clusters)} "
            f'{{ label={quoted(caption)}; labeljust=l; style="rounded,{style}"; color="#9aa0a6";'
        )

    def _box(self, box: Box, out: list[str], indent: str) -> _Ends:
        name = f"{self._prefix}_{box.id}"
        label = "" if box.kind is Kind.START else f", label={quoted(_label(box))}"
        out.append(f"{indent}{name} [{SHAPES[box.kind]}{label}];")
        if box.loop:
            self._edge(name, name, "style=dashed", box.loop)
        return _Ends((name,), (name,), box.skip)

    def _row(self, row: Row, out: list[str], indent: str) -> _Ends:
        ends = [self._draw(part, out, indent) for part in row.parts]
        for at, end in enumerate(ends[1:], 1):
            for earlier in range(at - 1, -1, -1):  # what stands between may be left out
                self._connect(ends[earlier], end, row.joints[at - 1], skipping=earlier < at - 1)
                if not ends[earlier].skip:
                    break
        first = next((at for at, end in enumerate(ends) if not end.skip), len(ends) - 1)
        last = next((at for at in range(len(ends) - 1, -1, -1) if not ends[at].skip), 0)
        return _Ends(
            tuple(one for end in ends[: first + 1] for one in end.ins),
            tuple(one for end in ends[last:] for one in end.outs),
            all(end.skip for end in ends),
        )

    def _connect(self, before: _Ends, after: _Ends, joint: Joint | None, *, skipping: bool = False) -> None:
        """From all that may come last of `before` to all that may come first of `after`. No joint: a line without a head."""
        for source in before.outs:
            for target in after.ins:
                if joint is None:
                    self._edge(source, target, "dir=none", "")
                else:
                    self._join(source, target, joint, skipping=skipping)

    def _join(self, source: str, target: str, joint: Joint, *, skipping: bool) -> None:
        style = {"->": "style=solid", "->>": "style=solid, arrowhead=normalnormal", "=>": "style=bold, arrowhead=vee"}[joint.sign]
        words = [{"->": "", "->>": "every later", "=>": "the very next"}[joint.sign], joint.words]
        words += ["left out in between"] if skipping else []
        self._edge(source, target, style, ", ".join(word for word in words if word))

    def _edge(self, source: str, target: str, style: str, words: str) -> None:
        label = f', label="{_escaped(words)}"' if words else ""
        self._edges.append(f"{source} -> {target} [{style}{label}];")


def _label(box: Box) -> str:
    return "\n".join([box.title, *(piece for line in box.lines for piece in wrap(clean(line), COLUMNS))])
