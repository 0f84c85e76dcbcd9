"""Compiled expressions and registers say what the judge says, over dicts and over decoded structs."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from cep.config import StreamSpec
from cep.match.decode import Decoder
from cep.plan.ir import Expr
from cep.plan.kernels import compile_rule
from cep.plan.plan import FilterBody, KeyPlan, Node, Register, RegisterKind, RulePlan, Select, SequenceBody, StepPlan
from cep.types import Type
from tests.judge.values import Scope, Seen, register_value, value
from tests.plan.generated import PATHS, TABLES, conditions, events, fields, numbers, texts

KEY = KeyPlan((), (("e", ()),))
FAST = settings(max_examples=300, deadline=None)


def exactly(one: Any) -> Any:
    """A value together with its type: 1, 1.0 and true are three."""
    return [exactly(item) for item in one] if isinstance(one, list | tuple) else (type(one), one)


def as_struct(event: dict[str, Any]) -> Any:
    decoded = Decoder({"e": PATHS}, StreamSpec(type_fixed="e")).decode([json.dumps({**event, "ts": 1}).encode()])
    assert not decoded.bad, decoded.bad
    return decoded.rows[0]


@FAST
@given(
    st.lists(st.one_of(conditions(), numbers(3), texts(2)), min_size=1, max_size=5), st.lists(events(), min_size=1, max_size=3)
)
def test_compiled_expressions_have_the_value_the_judge_gives_them(exprs: list[Expr], given_events: list[dict[str, Any]]) -> None:
    emit = tuple((f"x{n}", expr) for n, expr in enumerate(exprs))
    plan = RulePlan("r", "v", KEY, FilterBody(Select("e")), emit)
    on_dicts, on_structs = compile_rule(plan, TABLES, rows="dict"), compile_rule(plan, TABLES, rows="struct")
    for event in given_events:
        told = on_dicts.emit([], (), event, 5)
        for n, expr in enumerate(exprs):
            want = value(expr, Scope(event, 5, tables=TABLES))
            assert exactly(told[f"x{n}"]) == exactly(want), (expr, event)
        assert exactly(list(on_structs.emit([], (), as_struct(event), 5).values())) == exactly(list(told.values()))


def registers() -> st.SearchStrategy[Register]:
    def of(kinds: list[RegisterKind], exprs: st.SearchStrategy[Expr], kind: Type) -> st.SearchStrategy[Register]:
        return st.builds(
            lambda k, e, w, nth, skip: Register(k, 0, kind, e, w, nth, skip),
            st.sampled_from(kinds), exprs, st.one_of(st.none(), conditions(0)), st.integers(-3, 3), st.booleans(),
        )  # fmt: skip

    K = RegisterKind
    return st.one_of(
        of([K.SUM, K.AVG, K.MIN, K.MAX], numbers(0), Type.NUMBER),
        of([K.FIRST, K.LAST, K.NTH, K.COUNT, K.LIST], st.one_of(numbers(1), texts(0), fields(Type.ANY)), Type.ANY),
        of([K.DISTINCT], st.one_of(fields(Type.ANY), texts(0), fields(Type.NUMBER)), Type.NUMBER),
        st.builds(lambda w: Register(K.COUNT, 0, Type.NUMBER, None, w), st.one_of(st.none(), conditions(0))),
    )


@FAST
@given(st.lists(registers(), min_size=1, max_size=4), st.lists(events(), max_size=6), st.integers(0, 6))
def test_registers_taken_event_by_event_read_as_over_the_whole_list(
    kept: list[Register], given_events: list[dict[str, Any]], cut: int
) -> None:
    body = SequenceBody((StepPlan("a", Select("e")),), (Node(0, 1, None),), None, registers=tuple(kept))
    kernels = compile_rule(RulePlan("r", "v", KEY, body, ()), TABLES, rows="dict")
    take = kernels.take[0]
    assert take is not None
    g = kernels.fresh()
    for n, event in enumerate(given_events):
        if n == cut:  # a restart, and a fork that goes its own way, change nothing
            other = kernels.copy(g)
            take(other, given_events[0], 0)
            g = kernels.load(json.loads(json.dumps(kernels.dump(g))))
        take(g, event, n)
    seen = [Seen(n, "e", event, n) for n, event in enumerate(given_events)]
    for register, read in zip(kept, kernels.read(g), strict=True):
        assert exactly(read) == exactly(register_value(register, seen, TABLES)), register


@FAST
@given(st.lists(registers(), min_size=1, max_size=4), st.lists(events(), min_size=1, max_size=4))
def test_values_of_a_window_are_those_that_count(kept: list[Register], given_events: list[dict[str, Any]]) -> None:
    body = SequenceBody((StepPlan("a", Select("e")),), (Node(0, 1, None),), None, registers=tuple(kept))
    kernels = compile_rule(RulePlan("r", "v", KEY, body, ()), TABLES, rows="dict")
    for n, event in enumerate(given_events):
        for register, told in zip(kept, kernels.values(event, n), strict=True):
            scope = Scope(event, n, tables=TABLES)
            counts = register.where is None or value(register.where, scope) is True
            plain = None if not counts else True if register.expr is None else value(register.expr, scope)
            if register.kind in (RegisterKind.COUNT, RegisterKind.DISTINCT):
                assert (told is None) == (plain is None)
            else:
                assert exactly(told) == exactly(plain)
