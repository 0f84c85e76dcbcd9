"""A picture as text: from top to bottom, for terminals and for whoever has it read out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cep.draw.diagram import Box, Diagram, Element, Frame, Joint, Kind, Row, Stack
from cep.draw.layout import words_on
from cep.report import clean

MARKS = {Kind.NOT: "✗", Kind.ALERT: "◆", Kind.TIMER: "◷", Kind.RESOLVED: "◇", Kind.WHEN: "?", Kind.WINDOW: "▭"}
ARROWS = {"->": "│", "=>": "║", "->>": "┊"}


def as_text(diagrams: Sequence[Diagram]) -> str:
    """The rules one below the other."""
    return "\n\n".join("\n".join(_rule(diagram)) for diagram in diagrams) + "\n"


def _rule(diagram: Diagram) -> Iterator[str]:
    yield f"{clean(diagram.rule)}: {diagram.kind}"
    yield f"  {clean('; '.join(diagram.facts))}"
    parts, joints = diagram.body.parts[1:], diagram.body.joints[1:]  # the start says nothing here
    yield from (f"  {line}".rstrip() for line in _lines(Row(parts, joints)))


def _lines(element: Element) -> Iterator[str]:
    match element:
        case Box():
            yield _box(element)
        case Row(parts=parts, joints=joints):
            for number, part in enumerate(parts):
                if number:
                    yield _joint(joints[number - 1])
                yield from _lines(part)
        case Stack(caption=caption, options=options):
            yield clean(caption) or "either"
            for option in options:
                yield from _bracketed(list(_lines(option)), "├")
        case Frame(caption=caption, body=body, loop=loop, skip=skip):
            inside = list(_lines(body))
            said = ", ".join(one for one in (loop, "or none" if skip else "", caption) if one)
            if element.open:
                yield from inside
                yield f"   ({clean(said)})"
            else:
                yield f"group: {clean(said)}" if said else "group"
                yield from _bracketed(inside, "╎")


def _bracketed(lines: list[str], first: str) -> Iterator[str]:
    rest = "│" if first == "├" else first
    for number, line in enumerate(lines):
        yield f"{rest if number else first} {line}"


def _joint(joint: Joint) -> str:
    words = words_on(joint)
    return f"{ARROWS[joint.sign]} {words}" if words else ARROWS[joint.sign]


def _box(box: Box) -> str:
    loop = "" if not box.loop else f" ({box.loop})"
    skip = " (or none)" if box.skip else ""
    lines = " ".join(box.lines)
    return clean(f"{MARKS.get(box.kind, '●')} {box.title}{loop}{skip}" + (f"  {lines}" if lines else ""))
