"""Our runner of the tables and Lark agree: on what is read, and on where and why reading stops."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cep.lang.blocks import cut
from cep.lang.grammar import STARTS, Halt
from cep.lang.lalr import Halted, Parser, Token
from cep.lang.places import Lines
from cep.lang.tables import load_tables
from tests.lang import by_lark

ROOT = Path(__file__).resolve().parents[2]
TEXTS = sorted(
    (ROOT / "tests/lang/whole_language.cep", *(ROOT / "rules").glob("*.cep"), *(ROOT / "tests/lang/broken").glob("*.cep"))
)
FRAGMENTS = {
    "fragment_expression": "count(fail where ip != null) >= 3 and not (a.b[-1] in [1, 2.5, r'x'] or x =~i \"y\")",
    "fragment_pattern": "(a{2,} -> !b => c|d+ within 5m)? ->>[1s..2m] 2 of (e, f) -> g*? gap 3s until h",
    "fragment_when": "count() > 3 over 10m for 5s until x < 2",
    "fragment_by": "{a: user, b: [x, y = lower(z)]}",
    "fragment_emit_list": "rows, n = count(), `odd name`",
    "macro_block": "macro m(a, b): a + b * -3",
    "schema_block": "schema t.u {a: text, b.c: number,}",
    "list_block": 'list l: [1, -2.5, "x", true,]',
    "table_block": "table t from 'f.csv' key k",
    "test_block": 'test r "n" at 1s x {a: [1, {b: -2}]} x3 every 1s expect 1 alert at 5s with a == 3 and b.c > 1 # end',
}


class _Shown:
    """A builder that only writes down what it is called with."""

    def __getattr__(self, name: str) -> Callable[..., tuple[Any, ...]]:
        return lambda *parts: (name, *(_part(part) for part in parts))


def _part(part: Any) -> Any:
    return (part.type, part.text, part.start_pos, part.end_pos) if isinstance(part, Token) else part


@pytest.fixture(scope="module")
def parser() -> Parser:
    return Parser(load_tables(STARTS), _Shown(), lambda token: None)


def read(parser: Parser, start: str, text: str) -> Any:
    try:
        return _part(parser.parse(start, text))
    except Halted as halted:
        return Halt(halted.at, halted.token, parser.accepts(halted.states, start))


def blocks() -> list[tuple[str, str]]:
    found = list(FRAGMENTS.items())
    for path in TEXTS:
        text = path.read_text(encoding="utf-8")
        found += [(f"{piece.kind}_block", text[piece.start : piece.end]) for piece in cut(Lines(path.name, text), [])]
    return found


def spoiled(text: str, dice: random.Random) -> str:
    """The text with something taken out, put in or doubled."""
    at = dice.randrange(len(text) + 1)
    end = min(len(text), at + dice.choice((1, 1, 2, 5, 12)))
    kind = dice.randrange(4)
    if kind == 0:
        return text[:at] + text[end:]
    if kind == 1:
        return text[:at] + text[at:end] * 2 + text[end:]
    if kind == 2:
        return text[:at]
    put = dice.choice(
        ("(", ")", " where ", "->", " 5m ", "\n", "#", "# x\n", '"', "§", " in ", "{", ": ", " by ", "=~", " or ", "[", "``")
    )
    return text[:at] + put + text[at:]


def test_sound_and_broken_texts_are_read_alike(parser: Parser) -> None:
    told = [(start, text, read(parser, start, text), by_lark.read(start, text)) for start, text in blocks()]
    assert [(start, text) for start, text, ours, larks in told if ours != larks] == []
    assert sum(isinstance(ours, Halt) for _, _, ours, _ in told) > 20
    assert sum(not isinstance(ours, Halt) for _, _, ours, _ in told) > 40


@pytest.mark.parametrize("seed", range(4))
def test_spoiled_texts_are_read_alike(parser: Parser, seed: int) -> None:
    dice = random.Random(seed)
    known = blocks()
    halted = 0
    for _ in range(400):
        start, text = dice.choice(known)
        text = spoiled(text[:600], dice)
        ours = read(parser, start, text)
        assert ours == by_lark.read(start, text), (start, text)
        halted += isinstance(ours, Halt)
    assert 200 < halted < 400


def test_no_terminal_begins_with_what_may_stand_anywhere() -> None:
    """Spaces are skipped before a terminal is looked for, whatever its place in the order."""
    made = load_tables(STARTS)
    for name, pattern in made["terminals"]:
        assert re.compile(pattern).groups == 0, name
        if name not in made["ignored"]:
            assert not any(
                re.match(pattern, f"{space}{text}") for space in " \t\n\r\f" for text in ("", "a: 1", '"x"', "where x:")
            )
