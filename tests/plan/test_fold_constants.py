"""Folding changes no answer, whatever the event; what one event tells is parted from what needs the run."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings

from cep.plan import ir
from cep.plan.contradictions import contradiction
from cep.plan.fold_constants import conjuncts, fold, is_event_only
from cep.plan.ir import Expr
from cep.types import Type
from tests.judge.values import Scope, value
from tests.plan.generated import conditions, events, numbers
from tests.plan.golden_files import build

N, B = Type.NUMBER, Type.BOOL


@given(condition=conditions(tables=False), event=events())
@settings(max_examples=400, deadline=None)
def test_a_folded_condition_answers_alike(condition: Expr, event: dict[str, Any]) -> None:
    scope = Scope(row=event)
    assert value(fold(condition), scope) is value(condition, scope)


@given(number=numbers(2), event=events())
@settings(max_examples=300, deadline=None)
def test_a_folded_number_is_the_same_number(number: Expr, event: dict[str, Any]) -> None:
    before, after = value(number, Scope(row=event)), value(fold(number), Scope(row=event))
    assert (after, type(after)) == (before, type(before))


@given(condition=conditions(tables=False), event=events())
@settings(max_examples=400, deadline=None)
def test_what_is_called_never_true_is_never_true(condition: Expr, event: dict[str, Any]) -> None:
    parts = conjuncts(fold(condition))
    if contradiction(parts):
        assert value(condition, Scope(row=event)) is not True


@given(condition=conditions(tables=False))
@settings(max_examples=200, deadline=None)
def test_folding_again_changes_nothing(condition: Expr) -> None:
    once = fold(condition)
    assert repr(fold(once)) == repr(once)


def test_an_unknown_stays_under_not() -> None:
    unknown = ir.Compare("==", ir.Const(None, N), ir.Const(1, N))
    small = ir.Compare("<", ir.Field(("n",), N), ir.Const(1, N))
    assert fold(ir.And((unknown, small))) == ir.And((ir.Const(None, B), small))
    assert fold(ir.Not(unknown)) == ir.Const(None, B)


def test_event_only_parts_are_judged_once_for_all_rules() -> None:
    book, faults = build(
        "rule r\n  by user\n  match a -> b\n  where a: login\n"
        '        b: login where b.ip != a.ip and outcome == "ok" and (tries > 3 or a.tries > 3)\n  within 1h\n'
    )
    assert faults == []
    step = book["r"].body.steps[1]  # type: ignore[union-attr]  # a sequence, by its source
    assert step.select.where == ir.Compare("==", ir.Field(("outcome",), Type.TEXT), ir.Const("ok", Type.TEXT))
    assert isinstance(step.cond, ir.And)
    assert not any(is_event_only(part) for part in step.cond.operands)
