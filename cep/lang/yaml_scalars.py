"""Where each character of a YAML scalar's value stands in the file: through quotes, escapes, folding and indentation.

The value is the loader's; what is worked out here is compared with it, and if the two ever differ the scalar's start
stands for all its characters.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from cep.lang.places import Lines, Place
from cep.lang.yaml_nodes import Scalar

Placed = tuple[str, list[int]]  # characters, and the offset of each

_SIMPLE = {
    "0": "\0", "a": "\a", "b": "\b", "t": "\t", "\t": "\t", "n": "\n", "v": "\v", "f": "\f", "r": "\r", "e": "\x1b", " ": " ",
    '"': '"', "/": "/", "\\": "\\", "N": "\x85", "_": "\xa0", "L": "\u2028", "P": "\u2029",
}  # fmt: skip
_HEX = {"x": 2, "u": 4, "U": 8}
_BREAK = re.compile(r"\r\n|[\r\n\x85\u2028\u2029]")
_HEADER = re.compile(r"[|>]([+-]?)([1-9]?)([+-]?)[ \t]*(?:#[^\r\n]*)?(?:\r\n|[\r\n]|$)")


def place_of(lines: Lines, scalar: Scalar) -> Place:
    """The place of the scalar's value: an offset in the value to one in the file."""
    raw = lines.source[scalar.start : scalar.end]
    if raw == scalar.value:
        return Place(lines, scalar.start)
    readers: dict[str, Callable[[str, Scalar], Placed]] = {"": _plain, "'": _single, '"': _double, "|": _block, ">": _block}
    text, offsets = readers[scalar.style](raw, scalar)
    if text != scalar.value:
        return Place(lines, 0, [scalar.start] * (len(scalar.value) + 1))
    end = offsets[-1] + 1 if offsets else scalar.start + 1
    return Place(lines, 0, [scalar.start + at for at in offsets] + [min(scalar.start + end, scalar.end)])


class _Pen:
    """Writes characters with their offsets, and folds lines as YAML does."""

    def __init__(self) -> None:
        self.text: list[str] = []
        self.offsets: list[int] = []

    def put(self, character: str, at: int) -> None:
        self.text.append(character)
        self.offsets.append(at)

    def drop_blanks(self, keep: int = 0) -> None:
        """Forget spaces and tabs at the end, down to a length of `keep`."""
        while len(self.text) > keep and self.text[-1] in " \t":
            self.text.pop()
            self.offsets.pop()

    def done(self) -> Placed:
        return "".join(self.text), self.offsets


def _fold(raw: str, at: int, pen: _Pen, keep: int = 0) -> int:
    """At a line end: skip it, empty lines and indentation; one line end is a space, each further one a line end."""
    pen.drop_blanks(keep)
    breaks = []
    while found := _BREAK.match(raw, at):
        breaks.append((at, found[0]))
        at = found.end()
        while at < len(raw) and raw[at] in " \t":
            at += 1
    if len(breaks) == 1 and breaks[0][1] in ("\n", "\r", "\r\n", "\x85"):
        pen.put(" ", breaks[0][0])
    elif len(breaks) == 1:
        pen.put(breaks[0][1], breaks[0][0])
    for where, kind in breaks[1:]:
        pen.put(kind if kind in ("\u2028", "\u2029") else "\n", where)
    return at


def _plain(raw: str, scalar: Scalar) -> Placed:
    pen, at = _Pen(), 0
    while at < len(raw):
        if _BREAK.match(raw, at):
            at = _fold(raw, at, pen)
        else:
            pen.put(raw[at], at)
            at += 1
    return pen.done()


def _single(raw: str, scalar: Scalar) -> Placed:
    pen, at = _Pen(), 1
    while at < len(raw) - 1:
        if _BREAK.match(raw, at):
            at = _fold(raw, at, pen)
        else:
            pen.put(raw[at], at)
            at += 2 if raw[at] == "'" else 1
    return pen.done()


def _double(raw: str, scalar: Scalar) -> Placed:
    pen, at, keep = _Pen(), 1, 0
    while at < len(raw) - 1:
        if _BREAK.match(raw, at):
            at = _fold(raw, at, pen, keep)
        elif raw[at] != "\\":
            pen.put(raw[at], at)
            at += 1
        elif found := _BREAK.match(raw, at + 1):
            keep, at = len(pen.text), _skip_lines(raw, found.end(), pen)
        else:
            at = _escape(raw, at, pen)
            keep = len(pen.text)  # an escaped blank is text, also at the end of a line
    return pen.done()


def _skip_lines(raw: str, at: int, pen: _Pen) -> int:
    """After an escaped line end: the indentation, and empty lines, each of which is a line end."""
    while True:
        while at < len(raw) and raw[at] in " \t":
            at += 1
        found = _BREAK.match(raw, at)
        if found is None:
            return at
        pen.put("\n", at)
        at = found.end()


def _escape(raw: str, at: int, pen: _Pen) -> int:
    letter = raw[at + 1 : at + 2]
    if letter in _HEX:
        end = at + 2 + _HEX[letter]
        pen.put(chr(int(raw[at + 2 : end], 16)), at)
        return end
    pen.put(_SIMPLE.get(letter, letter), at)
    return at + 2


def _block(raw: str, scalar: Scalar) -> Placed:
    """A literal or folded block. Its indentation is that of its first line with text, or the one that yields the value."""
    header = _HEADER.match(raw)
    if header is None:
        return "", []
    chomp = header[1] or header[3]
    rows = _rows(raw, header.end())
    indents = [len(text) - len(text.lstrip(" ")) for _, text, _ in rows if text.strip(" ")]
    deepest = max((len(text) - len(text.lstrip(" ")) for _, text, _ in rows), default=0)
    written: Placed = ("", [])
    for indent in range(deepest + 1) if header[2] else indents[:1] or [deepest]:
        written = _indented(rows, indent, chomp, folded=scalar.style == ">")
        if written[0] == scalar.value:
            break
    return written


def _rows(raw: str, at: int) -> list[tuple[int, str, bool]]:
    """(offset, text, whether a line end follows) of each line."""
    rows = []
    while at < len(raw):
        found = _BREAK.search(raw, at)
        end = found.start() if found else len(raw)
        rows.append((at, raw[at:end], found is not None))
        at = found.end() if found else end
    return rows


def _indented(rows: list[tuple[int, str, bool]], indent: int, chomp: str, folded: bool) -> Placed:
    """The value of a block: `indent` columns taken away, lines folded, line ends at the end clipped, kept or stripped."""
    pen = _Pen()
    waiting: list[int] = []  # offsets of line ends not yet written
    before_more = True  # the line before is none, or begins with a blank: no folding beside it
    for at, text, ended in rows:
        body = text[indent:]
        if not text[:indent].strip(" ") and not body and (len(text) <= indent):
            waiting.append(at + len(text))
            continue
        more = body[:1] in (" ", "\t")
        _write_breaks(pen, waiting, folded and not before_more and not more)
        waiting = []
        for shift, character in enumerate(body):
            pen.put(character, at + indent + shift)
        before_more = more
        if ended:
            waiting.append(at + len(text))
    if chomp == "+":
        for at in waiting:
            pen.put("\n", at)
    elif chomp != "-" and waiting and pen.text:
        pen.put("\n", waiting[0])
    return pen.done()


def _write_breaks(pen: _Pen, waiting: list[int], fold: bool) -> None:
    if fold and len(waiting) == 1:
        pen.put(" ", waiting[0])
        return
    for at in waiting[1:] if fold else waiting:
        pen.put("\n", at)
