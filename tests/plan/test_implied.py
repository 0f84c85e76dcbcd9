"""What a condition on the run implies about the event alone: right bounds, and never another answer."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cep.plan.implied import with_implied
from cep.plan.ir import And, Arith, Compare, Const, Expr, Reg
from cep.plan.plan import Node, Register, RegisterKind, Select, SequenceBody, StepPlan
from cep.types import Type
from tests.judge.patterns import VALUE, sequence_rule, streams
from tests.judge.runs import judge_pattern
from tests.judge.values import Seen

FIRST = Reg(0, Type.NUMBER)


def number(value: float) -> Const:
    return Const(value, Type.NUMBER)


def times(value: float, expr: Expr) -> Arith:
    return Arith("*", number(value), expr, Type.NUMBER)


def pattern(first: Expr | None, cond: Expr, kind: RegisterKind = RegisterKind.LAST) -> SequenceBody:
    register = Register(kind, 0, Type.NUMBER, VALUE if kind is not RegisterKind.COUNT else None, skip_nulls=False)
    steps = (StepPlan("a", Select("e", first)), StepPlan("b", Select("e"), cond))
    return SequenceBody(steps, (Node(0, 1, None), Node(1, 1, 1)), 10, registers=(register,))


@pytest.mark.parametrize(
    ("first", "cond", "implied"),
    [
        (Compare(">", VALUE, number(100)), Compare(">", VALUE, times(3, FIRST)), Compare(">", VALUE, number(300))),
        (Compare("<", number(100), VALUE), Compare("<=", times(3, FIRST), VALUE), Compare(">=", VALUE, number(300))),
        (Compare(">", VALUE, number(100)), Compare("<", VALUE, times(-1, FIRST)), Compare("<", VALUE, number(-100))),
        (Compare("<=", VALUE, number(5)), Compare("<", VALUE, FIRST), Compare("<", VALUE, number(5))),
        (Compare("==", VALUE, number(5)), Compare(">", VALUE, FIRST), Compare(">", VALUE, number(5))),
        (Compare(">", VALUE, number(100)), Compare("<", VALUE, FIRST), None),
        (Compare(">", VALUE, number(0.1)), Compare(">", VALUE, times(3, FIRST)), None),  # 3 * 0.1 is rounded
        (Compare("!=", VALUE, number(5)), Compare(">", VALUE, FIRST), None),
        (None, Compare(">", VALUE, FIRST), None),
    ],
)
def test_bounds_pass_from_the_earlier_step_to_the_later(first: Expr | None, cond: Expr, implied: Expr | None) -> None:
    where = with_implied(pattern(first, cond)).steps[1].select.where
    assert where == (None if implied is None else And((implied,)))


def test_a_count_says_nothing_of_the_events() -> None:
    body = pattern(Compare(">", VALUE, number(100)), Compare(">", VALUE, FIRST), RegisterKind.COUNT)
    assert with_implied(body) == body


ORDERS = st.sampled_from(["<", "<=", ">", ">=", "=="])
NUMBERS = st.sampled_from([-2, -1, 0, 0.5, 1, 2, 3])


@given(
    ORDERS, NUMBERS, ORDERS, st.sampled_from("+-*"), NUMBERS, st.booleans(), streams(), st.sampled_from(["last", "first", "max"])
)
@settings(max_examples=300, deadline=None)
def test_the_answer_stays_the_same(
    told: str, bound: float, order: str, op: str, constant: float, constant_first: bool, events: list[Seen], kind: str
) -> None:
    run = Arith(op, number(constant), FIRST, Type.NUMBER) if constant_first else Arith(op, FIRST, number(constant), Type.NUMBER)
    body = pattern(Compare(told, VALUE, number(bound)), Compare(order, VALUE, run), RegisterKind(kind))
    end_us = 100
    assert judge_pattern(sequence_rule(with_implied(body)), events, end_us) == judge_pattern(sequence_rule(body), events, end_us)
