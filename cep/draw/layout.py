"""Where the boxes of a picture lie: left to right along one axis, options above one another, loops as arcs above.

    up     |   arcs and captions          an element is as wide as `width`, and reaches `up` above and `down` below the axis
    ----- axis ------------------->       on which arrows run; so nothing needs to look at its neighbours, and nothing overlaps
    down   |   what may be left out

Lengths are in pixels; letters are taken as a little wider than most fonts have them.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from textwrap import wrap
from typing import assert_never

from cep.draw.diagram import Box, Element, Frame, Joint, Kind, Row, Stack
from cep.report import clean

TITLE_PX, TITLE_LINE = 8.4, 18.0  # bold, 13 px
CODE_PX, CODE_LINE = 6.7, 14.0  # monospaced, 11 px
NOTE_PX, NOTE_LINE = 6.3, 14.0  # 11 px
COLUMNS, NOTE_COLUMNS = 30, 34
PAD, GAP, INSET, BRANCH, BETWEEN = 11.0, 38.0, 14.0, 30.0, 16.0
START_PX = 10.0


@dataclass(frozen=True, slots=True)
class Placed:
    """A box with its upper left corner; `lines` are wrapped."""

    box: Box
    x: float
    y: float
    width: float
    height: float
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Outline:
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Stroke:
    """A line: `look` is plain, next, every, loop, skip or span; `head` whether it ends in an arrow."""

    path: str
    look: str = "plain"
    head: bool = False


@dataclass(frozen=True, slots=True)
class Note:
    """Words; `anchor` start, middle or end."""

    x: float
    y: float
    text: str
    anchor: str = "middle"


@dataclass(slots=True)
class Scene:
    boxes: list[Placed] = field(default_factory=list)
    frames: list[Outline] = field(default_factory=list)
    strokes: list[Stroke] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Size:
    width: float
    up: float
    down: float


def columns_of(text: str) -> int:
    """How many columns of letters a text takes: wide characters take two."""
    return sum(2 if unicodedata.east_asian_width(one) in "WF" else 1 for one in text)


def lines_of(box: Box) -> tuple[str, ...]:
    """What stands below the title, in lines that fit."""
    return tuple(piece for line in box.lines for piece in wrap(clean(line), COLUMNS))


def _notes_of(words: str) -> list[str]:
    return wrap(clean(words), NOTE_COLUMNS) if words else []


def _note_width(lines: Sequence[str]) -> float:
    return max((columns_of(line) for line in lines), default=0) * NOTE_PX


# ---------------------------------------------------------------- how large


def size_of(element: Element) -> Size:
    """What an element needs."""
    match element:
        case Box(kind=Kind.START):
            return Size(START_PX, START_PX / 2, START_PX / 2)
        case Box():
            width, height = _box_size(element)
            return _dressed(Size(width, height / 2, height / 2), element.loop, element.skip)
        case Row(parts=parts, joints=joints):
            sizes = [size_of(part) for part in parts]
            width = sum(one.width for one in sizes) + sum(map(_gap, joints))
            return Size(width, max(one.up for one in sizes), max(one.down for one in sizes))
        case Stack(caption=caption, options=options):
            sizes = [size_of(option) for option in options]
            inner = max(one.width for one in sizes)
            width = max(inner + 2 * BRANCH, _note_width([caption]) + BRANCH)
            height = sum(one.up + one.down for one in sizes) + BETWEEN * (len(sizes) - 1)
            axis = _axis(sizes)
            return Size(width, axis + (NOTE_LINE + 4 if caption else 0), height - axis)
        case Frame(caption=caption, body=body, open=is_open):
            inside = size_of(body)
            if is_open:
                return Size(max(inside.width, _note_width([caption]) + 20), inside.up, inside.down + 14 + NOTE_LINE)
            width = max(inside.width + 2 * INSET, _note_width([caption]) + 2 * INSET)
            up = inside.up + INSET + (NOTE_LINE if caption else 0)
            return _dressed(Size(width, up, inside.down + INSET), element.loop, element.skip)
        case _:
            assert_never(element)


def _box_size(box: Box) -> tuple[float, float]:
    lines = lines_of(box)
    width = max(columns_of(clean(box.title)) * TITLE_PX, max((columns_of(line) for line in lines), default=0) * CODE_PX)
    return max(width + 2 * PAD, 64.0), TITLE_LINE + len(lines) * CODE_LINE + 14


def _dressed(bare: Size, loop: str, skip: bool) -> Size:
    """With the arc above and the way round below."""
    words = _notes_of(loop)
    width = max(bare.width, _note_width(words))
    up = bare.up + (20 + NOTE_LINE * len(words) if words else 0)
    return Size(width + (2 * INSET if skip else 0), up, bare.down + (16 + NOTE_LINE if skip else 0))


def _gap(joint: Joint) -> float:
    return max(GAP, _note_width([words_on(joint)]) + 26)


def words_on(joint: Joint) -> str:
    """What is written on an arrow."""
    sign = {"->": "", "=>": "next", "->>": "every"}[joint.sign]
    return ", ".join(one for one in (sign, joint.words) if one)


def _axis(sizes: Sequence[Size]) -> float:
    """Of options above one another: halfway between the axes of the first and the last."""
    last = sum(one.up + one.down for one in sizes[:-1]) + BETWEEN * (len(sizes) - 1) + sizes[-1].up
    return (sizes[0].up + last) / 2


# ---------------------------------------------------------------- where


def place(element: Element, x: float, axis: float, scene: Scene, *, last: bool = False) -> tuple[float, float]:
    """Put an element at `x` on the axis; gives where arrows enter and leave it. `last`: nothing follows."""
    match element:
        case Box():
            return _place_box(element, x, axis, scene)
        case Row():
            return _place_row(element, x, axis, scene, last)
        case Stack():
            return _place_stack(element, x, axis, scene, last)
        case Frame(open=True):
            size, body = size_of(element), size_of(element.body)
            ends = place(element.body, x + (size.width - body.width) / 2, axis, scene, last=last)
            below = axis + body.down + 12
            scene.strokes.append(Stroke(f"M{x:g} {below - 5:g}v10M{x:g} {below:g}h{size.width:g}m0 -5v10", "span"))
            scene.notes.append(Note(x + size.width / 2, below + NOTE_LINE, clean(element.caption)))
            return ends
        case Frame():
            return _place_frame(element, x, axis, scene)
        case _:
            assert_never(element)


def _place_box(box: Box, x: float, axis: float, scene: Scene) -> tuple[float, float]:
    size = size_of(box)
    if box.kind is Kind.START:
        scene.boxes.append(Placed(box, x, axis - START_PX / 2, START_PX, START_PX, ()))
        return x, x + START_PX
    width, height = _box_size(box)
    left = x + (size.width - width) / 2
    scene.boxes.append(Placed(box, left, axis - height / 2, width, height, lines_of(box)))
    return _dress(Outline(left, axis - height / 2, width, height), x, size, axis, box.loop, box.skip, scene)


def _place_frame(frame: Frame, x: float, axis: float, scene: Scene) -> tuple[float, float]:
    size, body = size_of(frame), size_of(frame.body)
    caption = NOTE_LINE if frame.caption else 0
    width = max(body.width + 2 * INSET, _note_width([frame.caption]) + 2 * INSET)
    left, top = x + (size.width - width) / 2, axis - body.up - INSET - caption
    outline = Outline(left, top, width, body.up + body.down + 2 * INSET + caption)
    scene.frames.append(outline)
    if frame.caption:
        scene.notes.append(Note(left + 9, top + NOTE_LINE, clean(frame.caption), "start"))
    ends = place(frame.body, left + (width - body.width) / 2, axis, scene)
    if not frame.loop and not frame.skip:
        return ends
    scene.strokes += [Stroke(f"M{left:g} {axis:g}H{ends[0]:g}", head=True), Stroke(f"M{ends[1]:g} {axis:g}H{left + width:g}")]
    return _dress(outline, x, size, axis, frame.loop, frame.skip, scene)


def _dress(at: Outline, x: float, size: Size, axis: float, loop: str, skip: bool, scene: Scene) -> tuple[float, float]:
    """Draw the arc above and the way round below."""
    right, words = at.x + at.width, _notes_of(loop)
    if words:
        reach = min(24.0, at.width / 3)
        a, b, top = right - reach, at.x + reach, at.y - 16
        scene.strokes.append(Stroke(f"M{a:g} {at.y:g}C{a:g} {top:g} {a - 6:g} {top:g} {a - 12:g} {top:g}H{b + 12:g}"
                                    f"C{b + 6:g} {top:g} {b:g} {top:g} {b:g} {at.y - 2:g}", "loop", head=True))  # fmt: skip
        for number, line in enumerate(reversed(words)):
            scene.notes.append(Note(at.x + at.width / 2, top - 5 - number * NOTE_LINE, line))
    if not skip:
        return at.x, right
    start, end, below = x, x + size.width, at.y + at.height + 10
    scene.strokes += [
        Stroke(f"M{start:g} {axis:g}H{at.x:g}", head=True),
        Stroke(f"M{right:g} {axis:g}H{end:g}"),
        Stroke(f"M{start:g} {axis:g}C{start + 8:g} {axis:g} {start:g} {below:g} {start + 16:g} {below:g}H{end - 16:g}"
               f"C{end:g} {below:g} {end - 8:g} {axis:g} {end:g} {axis:g}", "skip"),
    ]  # fmt: skip
    scene.notes.append(Note(at.x + at.width / 2, below + NOTE_LINE - 1, "or none"))
    return start, end


def _place_row(row: Row, x: float, axis: float, scene: Scene, last: bool) -> tuple[float, float]:
    entry = leave = x
    for number, part in enumerate(row.parts):
        ends = place(part, x, axis, scene, last=last and number == len(row.parts) - 1)
        if number:
            joint = row.joints[number - 1]
            look = {"->": "plain", "=>": "next", "->>": "every"}[joint.sign]
            scene.strokes.append(Stroke(f"M{leave:g} {axis:g}H{ends[0]:g}", look, head=True))
            if words := words_on(joint):
                scene.notes.append(Note((x - _gap(joint) + x) / 2, axis - 7, clean(words)))
        else:
            entry = ends[0]
        leave = ends[1]
        x += size_of(part).width + (_gap(row.joints[number]) if number < len(row.joints) else 0)
    return entry, leave


def _place_stack(stack: Stack, x: float, axis: float, scene: Scene, last: bool) -> tuple[float, float]:
    sizes = [size_of(option) for option in stack.options]
    size = size_of(stack)
    top, right = axis - _axis(sizes), x + size.width
    if stack.caption:
        scene.notes.append(Note(x + BRANCH - 8, axis - size.up + NOTE_LINE - 3, clean(stack.caption), "start"))
    for one, option in zip(sizes, stack.options):
        level = top + one.up
        entry, leave = place(option, x + BRANCH, level, scene)
        scene.strokes.append(Stroke(_bow(x, axis, x + BRANCH - 8, level) + f"H{entry:g}", head=True))
        if not last:
            scene.strokes.append(Stroke(f"M{leave:g} {level:g}" + _bow(right - BRANCH + 8, level, right, axis, "L")))
        top += one.up + one.down + BETWEEN
    return x, right


def _bow(x: float, y: float, to_x: float, to_y: float, start: str = "M") -> str:
    middle = (x + to_x) / 2
    return f"{start}{x:g} {y:g}C{middle:g} {y:g} {middle:g} {to_y:g} {to_x:g} {to_y:g}"
