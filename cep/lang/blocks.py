"""Cuts a text file into rule and test blocks at its column-1 lines, so that a broken block costs only itself."""

from __future__ import annotations

import re
from itertools import pairwise

from cep.errors import Diagnostic, Fix, Span
from cep.lang.declared import DECLARATIONS
from cep.lang.places import Lines
from cep.records import record
from cep.spelling import closest

RULE_WORDS = (
    "title", "severity", "tags", "description", "meta", "mode", "by", "from", "match", "where", "absent", "expect", "unless",
    "within", "pick", "after", "when", "over", "per", "session", "bucket", "for", "until", "resolve", "fire", "then", "let",
    "emit", "on", "once", "suppress", "budget", "to",
)  # fmt: skip
TEST_WORDS = ("at", "expect", "until")
BLOCKS = ("rule", "test", *DECLARATIONS)
OTHER_COMMENTS = ("//", "/*")  # of other languages
MAX_BLOCKS = 5_000  # of one file: nobody writes more, and each costs a fraction of a millisecond

_COLUMN_ONE = re.compile(r"^[^\s#]", re.MULTILINE)
_WORD = re.compile(r"[^\W\d]\w*")
_FIRST_WORD = re.compile(r"^[ \t]*([^\W\d]\w*)(?!\w)", re.MULTILINE)

_TEXT = re.compile(r"(?:\s|#[^\n]*)*")  # all that stands before the first text


@record(frozen=True, slots=True)
class Slice:
    """One block: source[start:end] is a rule, a test or a declaration."""

    kind: str
    start: int
    end: int


def cut(lines: Lines, faults: list[Diagnostic]) -> list[Slice]:
    """The blocks in order; text that belongs to none becomes a fault each."""
    source = lines.source
    heads: list[tuple[str, int]] = []  # (kind or "" for text that begins no block, offset)
    for found in _COLUMN_ONE.finditer(source):
        word = _WORD.match(source, found.start())
        kind = _kind(word[0] if word else "", bool(heads))
        if kind is not None:
            heads.append((kind, found.start()))
    if len(heads) > MAX_BLOCKS:
        faults.append(too_many(lines, heads[MAX_BLOCKS][1]))
        return []
    first = _first_text(source)
    if first is not None and (not heads or first < heads[0][1]):
        _fault_indented(lines, first, faults)
    slices = []
    for (kind, start), (_, end) in pairwise([*heads, ("", len(source))]):
        if kind:
            slices.append(Slice(kind, start, end))
        else:
            _fault_outside(lines, start, faults)
    return slices


def too_many(lines: Lines, at: int) -> Diagnostic:
    """The fault of a file that holds more rules and tests than are read."""
    return Diagnostic(
        "E0142", f"more than {MAX_BLOCKS:,} rules and tests in one file", lines.span(at, at + 1), help="split the file"
    )


def _kind(word: str, inside: bool) -> str | None:
    """What a column-1 line begins: a block, nothing known (""), or only the next line of the block before it (None)."""
    if word in BLOCKS:
        return word
    if not inside:
        return ""
    known = word == "" or word in RULE_WORDS or word in TEST_WORDS
    return None if known or (_near_block(word) is None and closest(word, (*RULE_WORDS, *TEST_WORDS))) else ""


def _near_block(word: str) -> str | None:
    return word.lower() if word.lower() in BLOCKS else closest(word.lower(), BLOCKS)


def _first_text(source: str) -> int | None:
    """Offset of the first character that is neither space nor comment."""
    found = _TEXT.match(source)
    return found.end() if found and found.end() < len(source) else None


def _fault_indented(lines: Lines, at: int, faults: list[Diagnostic]) -> None:
    word = _WORD.match(lines.source, at)
    end = word.end() if word else at + 1
    faults.append(
        Diagnostic(
            "E0108",
            "this line belongs to no rule",
            lines.span(at, end),
            help="`rule` and `test` stand at the very start of their line, their clauses below them are indented",
        )
    )


def _fault_outside(lines: Lines, at: int, faults: list[Diagnostic]) -> None:
    found = _WORD.match(lines.source, at)
    if found is None:
        if lines.source[at : at + 2] in OTHER_COMMENTS:
            faults.append(comment_fault(lines.source[at : at + 2], lines.span(at, at + 2)))
            return
        faults.append(
            Diagnostic(
                "E0108", "this line belongs to no rule", lines.span(at, at + 1), help="a file holds `rule` and `test` blocks"
            )
        )
        return
    span, near = lines.span(at, found.end()), _near_block(found[0])
    faults.append(
        Diagnostic(
            "E0108",
            f"`{found[0]}` begins neither a rule nor a test",
            span,
            help=f"did you mean `{near}`?"
            if near
            else "a block begins with `rule ID` or `test ID`; indent what belongs to the block above",
            fix=Fix(span, near) if near else None,
        )
    )


def comment_fault(sign: str, span: Span) -> Diagnostic:
    """Of a comment as other languages write it."""
    fix = Fix(span, "#") if sign == "//" else None
    return Diagnostic("E0104", f"`{sign}` begins no comment", span, help="a comment begins with `#`", fix=fix)


def clause_starts(text: str, kind: str) -> list[int]:
    """Offsets of the lines of a block that begin with a word of its clauses, or with one misspelt and indented like the
    others, and the end of the head: where reading can start anew after a fault."""
    words = RULE_WORDS if kind == "rule" else TEST_WORDS
    lines = [
        (found.start(), found.start(1) - found.start(), found[1]) for found in _FIRST_WORD.finditer(text) if found.start() > 0
    ]
    indent = next((indent for _, indent, word in lines if word in words), -1)
    return [start for start, own, word in lines if word in words or (own == indent and closest(word.lower(), words) is not None)]


def blank(text: str, start: int, end: int) -> str:
    """The text with [start, end) made spaces, line ends kept: every offset still holds."""
    return text[:start] + re.sub(r"[^\n]", " ", text[start:end]) + text[end:]
