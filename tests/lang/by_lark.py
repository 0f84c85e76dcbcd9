"""What Lark itself makes of a text: the judge of `cep.lang.lalr`, which runs the same tables by itself."""

from __future__ import annotations

import functools
from typing import Any

from lark import Lark, Token, Tree, UnexpectedInput, UnexpectedToken

from cep.lang.grammar import STARTS, Halt
from cep.lang.tables import grammar_text

Shown = tuple[Any, ...]


@functools.cache
def _lark() -> Lark:
    return Lark(grammar_text(), parser="lalr", lexer="contextual", start=list(STARTS), maybe_placeholders=False)


def read(start: str, text: str) -> Shown | Halt:
    """(rule, parts...) with tokens as (terminal, text, where), or where it stopped and what it would have taken."""
    lark = _lark()
    try:
        return _shown(lark.parse(text, start=start))
    except UnexpectedInput as error:
        token = error.token.type if isinstance(error, UnexpectedToken) else ""
        at = error.token.start_pos if isinstance(error, UnexpectedToken) else error.pos_in_stream  # type: ignore[attr-defined]
    if token == "$END":
        at, token = len(text), "end"
    stepping = lark.parse_interactive(text, start=start)
    try:
        stepping.exhaust_lexer()
    except UnexpectedInput:
        pass  # the same error again: now the parser stands there
    return Halt(at or 0, token, frozenset(stepping.accepts()))  # type: ignore[no-untyped-call]


def _shown(node: Any) -> Shown:
    if isinstance(node, Token):
        return (node.type, str(node), node.start_pos, node.end_pos)
    assert isinstance(node, Tree)
    return (str(node.data), *map(_shown, node.children))
