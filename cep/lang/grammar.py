"""The parser, made from `grammar.lark` when the first text is read: importing this costs nothing."""

from __future__ import annotations

import functools
import threading
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cep.errors import Diagnostic
from cep.lang.places import Lines, Place

if TYPE_CHECKING:
    from lark import Lark

    from cep.lang.build import Builder
    from cep.lang.pieces import Word

STARTS = (
    "rule_block",
    "test_block",
    "macro_block",
    "list_block",
    "table_block",
    "schema_block",
    "fragment_expression",
    "fragment_pattern",
    "fragment_select",
    "fragment_absent",
    "fragment_when",
    "fragment_within",
    "fragment_over",
    "fragment_per",
    "fragment_session",
    "fragment_bucket",
    "fragment_expect",
    "fragment_unless",
    "fragment_pick",
    "fragment_after",
    "fragment_once",
    "fragment_suppress",
    "fragment_budget",
    "fragment_mode",
    "fragment_duration",
    "fragment_by",
    "fragment_key_part",
    "fragment_emit_list",
    "fragment_emit_item",
    "fragment_checks",
    "fragment_type",
    "fragment_macro",
)
_LOCK = threading.Lock()  # the builder holds what one parse has found


@dataclass(frozen=True, slots=True)
class Halt:
    """Where the parser stopped: the offset of the text it did not expect (the end of the text: its length), the kind of
    that token ("" if no token begins so), and the terminals it would have taken."""

    at: int
    token: str
    accepts: frozenset[str]


@dataclass(frozen=True, slots=True)
class Parsed:
    """What one parse found: the value if it came to the end, or where it halted."""

    value: Any
    faults: list[Diagnostic]
    comments: list[Word]
    halt: Halt | None = None


def grammar_text() -> str:
    """The grammar: beside the package in a wheel, at the top of the source tree otherwise."""
    packed = resources.files("cep").joinpath("grammar.lark")
    if packed.is_file():
        return packed.read_text(encoding="utf-8")
    return (Path(__file__).resolve().parents[2] / "grammar.lark").read_text(encoding="utf-8")


@functools.cache
def _parser() -> tuple[Lark, Builder]:
    # Here and not above: Lark and its tables cost about 0.2 s, and many commands never read a rule.
    from lark import Lark

    from cep.lang.build import Builder

    builder = Builder()
    lark = Lark(
        grammar_text(),
        parser="lalr",
        lexer="contextual",
        start=list(STARTS),
        transformer=builder,
        lexer_callbacks={"COMMENT": builder.comment},
        maybe_placeholders=False,
    )
    return lark, builder


def parse(start: str, text: str, place: Place) -> Parsed:
    """Parse all of `text` as `start`; never raises for what the text says."""
    with _LOCK:
        lark, builder = _parser()
        from lark import UnexpectedInput

        builder.begin(place)
        try:
            value = lark.parse(text, start=start)
        except UnexpectedInput as error:
            return Parsed(None, builder.faults, builder.comments, _halt(lark, start, text, error))
        return Parsed(value, builder.finish(), builder.comments)


def accepts_after(start: str, text: str) -> frozenset[str]:
    """The terminals that may follow `text`, read as the beginning of `start`; none if it cannot be one."""
    with _LOCK:
        lark, builder = _parser()
        from lark import UnexpectedInput

        builder.begin(Place(Lines("", text)))
        stepping = lark.parse_interactive(text, start=start)
        try:
            stepping.exhaust_lexer()
        except UnexpectedInput:
            return frozenset()
        return frozenset(stepping.accepts())  # type: ignore[no-untyped-call]  # of Lark


def _halt(lark: Lark, start: str, text: str, error: Any) -> Halt:
    """Where and why it stopped. The parser is run again by hand, because only so it tells exactly what it would take."""
    from lark import UnexpectedInput, UnexpectedToken

    token = error.token.type if isinstance(error, UnexpectedToken) else ""
    if token == "$END":
        at, token = len(text), "end"
    else:
        at = error.token.start_pos if isinstance(error, UnexpectedToken) else error.pos_in_stream
    stepping = lark.parse_interactive(text, start=start)
    try:
        stepping.exhaust_lexer()
    except UnexpectedInput:
        pass  # the same error: it is here again because the parser was stepped to it on purpose
    return Halt(at or 0, token, frozenset(stepping.accepts()))  # type: ignore[no-untyped-call]  # of Lark
