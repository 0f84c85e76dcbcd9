"""What a condition between events implies for the event alone."""

from __future__ import annotations

import pytest

from cep.lang.parser import parse_text
from cep.plan import ir
from cep.plan.plan import SequenceBody
from cep.plan.rulebook import build_rulebook


def selection(first: str, second: str) -> list[tuple[str, str, object]]:
    """(field, operator, constant) of the second step's event-only part."""
    rule = f"rule r\n  by k\n  match a -> b\n  where a: x where {first}\n        b: y where {second}\n  within 1m\n"
    file, faults = parse_text(rule, "r.cep")
    book, more = build_rulebook([file])
    assert [d.message for d in (*faults, *more) if d.level == "error"] == []
    body = book["r"].body
    assert isinstance(body, SequenceBody)
    where = body.steps[1].select.where
    parts = where.operands if isinstance(where, ir.And) else () if where is None else (where,)
    found = []
    for part in parts:
        assert isinstance(part, ir.Compare) and isinstance(part.left, ir.Field) and isinstance(part.right, ir.Const)
        found.append((".".join(part.left.path), part.op, part.right.value))
    return found


@pytest.mark.parametrize(
    ("first", "second", "implied"),
    [
        ("n > 100", "m > 3 * a.n", [("m", ">", 300)]),
        ("n >= 100", "m >= a.n + 20", [("m", ">=", 120)]),
        ("n < 10", "m < a.n", [("m", "<", 10)]),
        ("n > 100", "3 * a.n < m", [("m", ">", 300)]),
        ("n == 7", "m > a.n", [("m", ">", 7)]),
        ("n > 100 and n > 200", "m > a.n", [("m", ">", 200)]),
        ("n > 100", "m < a.n", []),  # an upper end is not known
        ("n > 100", "m > -3 * a.n", []),
        ("n > 100", "m > a.n or m < 0", []),
        ("p > 100", "m > a.n", []),
    ],
)
def test_bounds_follow_from_the_other_step(first: str, second: str, implied: list[tuple[str, str, object]]) -> None:
    assert selection(first, second) == implied


def test_its_own_conditions_stay() -> None:
    assert selection("n > 100", "m > 5 and m > a.n") == [("m", ">", 5), ("m", ">", 100)]
