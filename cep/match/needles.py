"""What must be true of one field for a list of conditions to be true: the way a rule is found in an index.

image endswith "\\cmd.exe" and (line contains "/c" or line contains "-k")     image holds \\cmd.exe
user == "x" and (a or b)                                                      user is x
line matches "(foo|bar)\\d" or user in ["x", "y"]                             line holds foo or bar; or user is x or y
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cep.functions.literals import Pieces, pieces_of, pieces_of_lower, pieces_of_regex
from cep.functions.regex_syntax import parse_regex
from cep.plan import ir
from cep.plan.codegen import TIME_PATH
from cep.plan.ir import Expr
from cep.plan.operations import hashable, plain
from cep.types import Type


@dataclass(frozen=True, slots=True)
class Way:
    """The field is one of the values (as `hashable` makes them), or its folded text holds one of the pieces."""

    field: ir.Field
    values: tuple[Any, ...] = ()
    pieces: Pieces = ()

    def words(self) -> str:
        """As `cep plan` says it: `user is "x" or "y"`, `line holds "-enc"`."""
        told = [(verb, [json.dumps(plain(one), ensure_ascii=False) for one in some])
                for verb, some in (("is", self.values), ("holds", self.pieces)) if some]  # fmt: skip
        return ".".join(self.field.path) + " " + " or ".join(f"{verb} {' or '.join(some)}" for verb, some in told)


Ways = tuple[Way, ...]  # one of them is open whenever the condition is true; (): nothing is known


def ways_in(conjuncts: Sequence[Expr]) -> list[Ways]:
    """Of each condition that must be true what it says of fields, where it says anything."""
    return [ways for ways in map(ways_of, conjuncts) if ways]


def ways_of(expr: Expr) -> Ways:
    """What must be so of fields where the condition is true."""
    match expr:
        case ir.And(operands=xs):
            return max(ways_in(xs), key=_told, default=())
        case ir.Or(operands=xs):
            found = [ways_of(x) for x in xs]
            return _joined([way for ways in found for way in ways]) if all(found) else ()
        case ir.Compare(op="==", left=ir.Field() as field, right=ir.Const(value=value)) if value is not None:
            return _of_values(field, (value,))
        case ir.Compare(op="==", left=ir.Const(value=value), right=ir.Field() as field) if value is not None:
            return _of_values(field, (value,))
        case ir.InSet(operand=ir.Field() as field, values=values) if values:
            return _of_values(field, values)
        case ir.TextMatch(subject=ir.Field(type=Type.TEXT) as field, needle=ir.Const(value=str() as needle)):
            pieces = _pieces(expr.kind, needle, expr.fold)
            return (Way(field, pieces=pieces),) if pieces else ()
        case _:
            return ()


def choose(options: Sequence[Ways], asked: Counter[Any]) -> Ways:
    """The ways that lead to the fewest rules. asked: how many rules ask for a value or a piece of a field (`asks`)."""
    return min(options, key=lambda ways: (max(asked[one] for one in asks(ways)), tuple(-n for n in _told(ways))))


def asks(ways: Ways) -> list[Any]:
    """What the ways ask for: (field, value or piece)."""
    return [(way.field, one) for way in ways for one in (*way.values, *way.pieces)]


def _of_values(field: ir.Field, values: Sequence[Any]) -> Ways:
    plain = field.path != TIME_PATH and all(isinstance(value, str | int | float) for value in values)
    return (Way(field, tuple(map(hashable, values))),) if plain else ()


def _pieces(kind: str, needle: str, fold: bool) -> Pieces:
    if kind == "regex":
        return pieces_of_regex(parse_regex(needle, fold))
    of_text = pieces_of_lower if fold else pieces_of
    if kind == "glob":
        return max(map(of_text, needle.replace("?", "*").split("*")), key=lambda pieces: len("".join(pieces)))
    return of_text(needle)


def _joined(ways: Sequence[Way]) -> Ways:
    """One way for each field."""
    found: dict[ir.Field, Way] = {}
    for way in ways:
        other = found.get(way.field, Way(way.field))
        values, pieces = (*other.values, *way.values), (*other.pieces, *way.pieces)
        found[way.field] = Way(way.field, tuple(dict.fromkeys(values)), tuple(dict.fromkeys(pieces)))
    return tuple(found.values())


def _told(ways: Ways) -> tuple[int, int]:
    """How much it tells that one of the ways is open: a value most, a long piece more than a short one."""
    return min(100 if not way.pieces else min(map(len, way.pieces)) for way in ways), -len(asks(ways))
