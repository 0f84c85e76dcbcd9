"""The parser, made from `grammar.lark` when the first text is read: importing this costs nothing."""

from __future__ import annotations

import functools
import threading
from typing import TYPE_CHECKING, Any

from cep.errors import Diagnostic
from cep.lang.places import Lines, Place
from cep.lang.tables import load_tables
from cep.records import record

if TYPE_CHECKING:
    from cep.lang.build import Builder
    from cep.lang.lalr import Parser
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


@record(frozen=True, slots=True)
class Halt:
    """Where the parser stopped: the offset of the text it did not expect (the end of the text: its length), the kind of
    that token ("" if no token begins so), and the terminals it would have taken."""

    at: int
    token: str
    accepts: frozenset[str]


@record(frozen=True, slots=True)
class Parsed:
    """What one parse found: the value if it came to the end, or where it halted."""

    value: Any
    faults: list[Diagnostic]
    comments: list[Word]
    halt: Halt | None = None


@functools.cache
def _parser() -> tuple[Parser, Builder]:
    # Here and not above: the builder and the tables cost some 20 ms, and many commands never read a rule.
    from cep.lang.build import Builder
    from cep.lang.lalr import Parser

    builder = Builder()
    return Parser(load_tables(STARTS), builder, builder.comment), builder


def parse(start: str, text: str, place: Place) -> Parsed:
    """Parse all of `text` as `start`; never raises for what the text says."""
    from cep.lang.lalr import Halted

    with _LOCK:
        parser, builder = _parser()
        builder.begin(place)
        try:
            value = parser.parse(start, text)
        except Halted as halted:
            halt = Halt(halted.at, halted.token, parser.accepts(halted.states, start))
            return Parsed(None, builder.faults, builder.comments, halt)
        return Parsed(value, builder.finish(), builder.comments)


def accepts_after(start: str, text: str) -> frozenset[str]:
    """The terminals that may follow `text`, read as the beginning of `start`; none if it cannot be one."""
    from cep.lang.lalr import Halted

    with _LOCK:
        parser, builder = _parser()
        builder.begin(Place(Lines("", text)))
        try:
            return parser.accepts(parser.read(start, text), start)
        except Halted:
            return frozenset()
