"""Aggregates over what comes and goes."""

from __future__ import annotations

import math
from collections import deque
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cep.match.aggregates import aggregate_maker, read_over
from cep.plan.ir import Compare, Const, Field
from cep.plan.plan import Register, RegisterKind
from cep.types import Type
from tests.judge.values import exact_percentile, exact_stddev

X = Field(("x",), Type.NUMBER)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
NUMBERS = st.one_of(
    st.none(), st.integers(), st.integers(-3, 3), FLOATS, st.sampled_from([1e16, -1e16, 1.0, 5e-324, 1e308, -1e308])
)


def register(kind: RegisterKind, **more: Any) -> Register:
    return Register(kind, 0, Type.NUMBER, X, **more)


def expected(kind: RegisterKind, values: list[int | float | None]) -> object:
    known = [value for value in values if value is not None]
    if kind in NEW:
        return NEW[kind][1](known)
    if kind is RegisterKind.COUNT:
        return len(known)
    if kind is RegisterKind.DISTINCT:
        return len(set(known))
    if kind in (RegisterKind.SUM, RegisterKind.AVG):
        total = exactly(known)
        return total if kind is RegisterKind.SUM else quotient(total, len(known))
    if not known:
        return None
    return {
        RegisterKind.MIN: min(known),
        RegisterKind.MAX: max(known),
        RegisterKind.FIRST: known[0],
        RegisterKind.LAST: known[-1],
    }[kind]


def exactly(numbers: list[int | float]) -> int | float | None:
    if all(isinstance(number, int) for number in numbers):
        return sum(numbers)
    try:
        return float(sum(map(Fraction, numbers), Fraction(0)))
    except OverflowError:
        return None


def quotient(total: int | float | None, count: int) -> float | None:
    try:
        return None if total is None or not count else total / count
    except OverflowError:
        return None


NEW = {
    RegisterKind.STDDEV: (0, exact_stddev),
    RegisterKind.PERCENTILE: (90, lambda known: exact_percentile(known, 90)),
}
OTHERS = (RegisterKind.NTH, RegisterKind.LIST, RegisterKind.ROW, RegisterKind.LABEL, RegisterKind.TOP, RegisterKind.DECAY)


@pytest.mark.parametrize("kind", [kind for kind in RegisterKind if kind not in OTHERS])
def test_an_aggregate_reads_what_is_in_the_window_whatever_came_and_went(kind: RegisterKind) -> None:
    make = aggregate_maker(register(kind, argument=NEW[kind][0] if kind in NEW else 0))

    @given(st.lists(st.one_of(NUMBERS, st.just("drop")), max_size=40))
    @settings(max_examples=150, deadline=None)
    def check(moves: list[int | float | str | None]) -> None:
        aggregate, inside = make(), deque[int | float | None]()
        for move in moves:
            if not isinstance(move, str):
                inside.append(move)
                aggregate.add(move)
            elif inside:
                aggregate.drop(inside.popleft())
            read, meant = aggregate.read(), expected(kind, list(inside))
            assert (read, type(read)) == (meant, type(meant))

    check()


def test_large_floats_that_leave_take_nothing_else_with_them() -> None:
    total = aggregate_maker(register(RegisterKind.SUM))()
    for value in (1e16, 1, 0.25, -1e16):
        total.add(value)
    assert total.read() == 1.25
    total.drop(1e16)
    assert total.read() == math.fsum([1, 0.25, -1e16])
    total.drop(1)
    total.drop(0.25)
    total.drop(-1e16)
    assert repr(total.read()) == "0"


def test_a_sum_of_floats_beyond_all_floats_is_null_until_one_leaves() -> None:
    total = aggregate_maker(register(RegisterKind.SUM))()
    total.add(1.5e308)
    total.add(1.5e308)
    assert total.read() is None
    total.drop(1.5e308)
    assert total.read() == 1.5e308


def test_of_nothing_counts_and_sums_are_zero_and_the_rest_is_null() -> None:
    kinds = [kind for kind in RegisterKind if kind not in OTHERS or kind is RegisterKind.NTH]
    read = read_over([aggregate_maker(register(kind)) for kind in kinds], [])
    zero = {RegisterKind.COUNT, RegisterKind.SUM, RegisterKind.DISTINCT}
    assert dict(zip(kinds, read)) == {kind: 0 if kind in zero else None for kind in kinds}


@pytest.mark.parametrize(
    ("more", "reads"),
    [({"nth": 0}, 1), ({"nth": 1}, None), ({"nth": 2}, 3), ({"nth": 3}, None), ({"nth": -1}, 3), ({"nth": -4}, None)],
)
def test_a_place_counts_nulls(more: dict[str, int], reads: int | None) -> None:
    assert read_over([aggregate_maker(register(RegisterKind.NTH, **more))], [(1,), (None,), (3,)]) == [reads]


@pytest.mark.parametrize(
    "wrong",
    [
        register(RegisterKind.LIST),
        register(RegisterKind.NTH, where=Compare(">", X, Const(1, Type.NUMBER))),
        register(RegisterKind.LAST, skip_nulls=False, where=Compare(">", X, Const(1, Type.NUMBER))),
    ],
)
def test_what_windows_do_not_have_is_refused(wrong: Register) -> None:
    with pytest.raises(ValueError, match="a window has no"):
        aggregate_maker(wrong)
