"""Which rule, clause or test line each comment belongs to, so that printing in either spelling keeps it there.

A comment at the end of a line stands beside what ends on that line; one on a line of its own stands before what follows, or
after the last line of its block if it is indented like it.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from cep.errors import Span
from cep.lang import tree
from cep.lang.pieces import Block, Word
from cep.lang.places import Lines

_SEVERAL = {"rule": ("where", "let"), "test": ("given", "expect"), "declaration": ("item",)}  # parts with a number
_BREAK = re.compile(r"[\n\r\x85\u2028\u2029]")  # what ends a line of YAML
Anchor = tuple[str | int, ...]
Place = Literal["before", "beside", "after"]
Owner = tuple[tuple[str, int], Block]


@dataclass(frozen=True, slots=True)
class Found:
    """A comment as it stands: `alone` on its line or not, and whether an empty line follows."""

    text: str
    line: int
    col: int
    alone: bool
    gap: bool


@dataclass(frozen=True, slots=True)
class _Mark:
    start: tuple[int, int]
    end: tuple[int, int]
    anchor: Anchor


def text_comments(lines: Lines, words: Sequence[Word]) -> list[Found]:
    """Comments that the parser met, and those before the first block."""
    found = {(word.span.line, word.span.col): word.text for word in words}
    for at, row in enumerate(lines.source.split("\n"), start=1):
        text = row.strip()
        if text.startswith("#"):
            found.setdefault((at, len(row) - len(row.lstrip()) + 1), text)
        elif text:
            break
    return [_found(lines, line, col, text) for (line, col), text in sorted(found.items())]


def yaml_comments(lines: Lines, scalars: Sequence[tuple[int, int]], inside_values: Sequence[Word]) -> list[Found]:
    """Each `#` that begins a line or follows a blank, outside of all scalars; what follows the `|` of a block; and the
    comments of the language inside of values."""
    starts = [start for start, _ in scalars]
    made = []
    at = 0
    while (at := lines.source.find("#", at)) >= 0:
        found = _BREAK.search(lines.source, at)
        end = found.start() if found else len(lines.source)
        before = bisect_left(starts, at) - 1
        inside = before >= 0 and at < scalars[before][1] and not _in_header(lines.source, scalars[before][0], at)
        if inside or (at > 0 and not lines.source[at - 1].isspace()):
            at += 1
            continue
        made.append(_found(lines, *lines.position(at), lines.source[at:end].rstrip()))
        at = end
    made += [_found(lines, word.span.line, word.span.col, word.text) for word in inside_values]
    return sorted(made, key=lambda found: (found.line, found.col))


def _in_header(source: str, start: int, at: int) -> bool:
    return source[start] in "|>" and re.fullmatch(r"[|>][-+0-9]*[ \t]+", source[start:at]) is not None


def _found(lines: Lines, line: int, col: int, text: str) -> Found:
    start = lines.starts[line - 1]
    alone = not lines.source[start : start + col - 1].strip()
    after = lines.source[lines.starts[line] : lines.starts[line + 1] - 1] if line + 1 < len(lines.starts) else "-"
    return Found(text, line, col, alone, alone and not after.strip())


def attach(owners: Sequence[Owner], comments: Sequence[Found], lines: Lines) -> tuple[tree.Comment, ...]:
    """The comments with what they belong to, in the order of the file."""
    if not comments:
        return ()
    marks = sorted((mark for owner in owners for mark in _marks(*owner)), key=lambda mark: mark.start)
    starts = [mark.start for mark in marks]
    made: list[tree.Comment] = []
    for comment in comments:
        where = (comment.line, comment.col)
        at = bisect_left(starts, where)
        last, following = marks[at - 1] if at else None, marks[at] if at < len(marks) else None
        anchor, place = _belongs(comment, last, following)
        made.append(tree.Comment(anchor, place, comment.text))
        if comment.gap and place != "beside" and len(anchor) <= 2 and (comment.col == 1 or place == "before"):
            made.append(tree.Comment(anchor, place, ""))
    while made and made[-1].text == "" and made[-1].anchor == ("file",):
        made.pop()
    return tuple(made)


def _belongs(comment: Found, last: _Mark | None, following: _Mark | None) -> tuple[Anchor, Place]:
    where = (comment.line, comment.col)
    if last is not None and where < last.end:
        return last.anchor, "before"  # in the midst of a clause of several lines
    if not comment.alone and last is not None and last.end[0] == comment.line:
        return last.anchor, "beside"
    if following is None:
        if last is None or comment.col == 1:
            return ("file",), "after"
        return last.anchor, "after"
    if last is not None and last.anchor[:2] != following.anchor[:2] and comment.alone and comment.col > following.start[1]:
        return last.anchor, "after"
    return following.anchor, "before"


def _marks(root: tuple[str, int], block: Block) -> list[_Mark]:
    """Everything of a block that a comment can belong to."""
    marks = [_mark(root, block.head)]
    counts: dict[str, int] = {}
    for clause in block.clauses:
        if clause.kind == "name":
            continue
        for kind, span in _pieces(clause.kind, clause.span, clause.value):
            if kind in _SEVERAL[root[0]]:
                counts[kind] = counts.get(kind, -1) + 1
                marks.append(_mark((*root, kind, counts[kind]), span))
            else:
                marks.append(_mark((*root, kind), span))
    return marks


def _pieces(kind: str, span: Span, value: object) -> list[tuple[str, Span]]:
    if kind == "where" and isinstance(value, tuple):
        return [("where", select.span) for select in value]
    return [(kind, span)]


def _mark(anchor: Anchor, span: Span) -> _Mark:
    return _Mark((span.line, span.col), (span.end_line, span.end_col), anchor)
