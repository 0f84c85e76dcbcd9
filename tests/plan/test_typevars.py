"""What is found out about types does not depend on the order in which it is found out, and can be undone."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cep.plan.typevars import EVERY, IN_EVENTS, MEANINGS, ORDERED, SCALARS, Clash, Solver, Types, Var, say_a, say_types
from cep.types import Type

N, T, B, TIME, SPAN, LIST = Type.NUMBER, Type.TEXT, Type.BOOL, Type.TIME, Type.SPAN, Type.LIST
VARS = 6
index = st.integers(0, VARS - 1)
STEPS = st.one_of(
    st.tuples(st.just("narrow"), index, st.sets(st.sampled_from(sorted(EVERY)), min_size=1)),
    st.tuples(st.just("unify"), index, index),
    st.tuples(st.just("tie"), st.sampled_from(sorted(MEANINGS)), st.tuples(index, index, index)),
)


def run(steps: list[tuple[object, ...]]) -> list[Types] | None:
    """What each variable may be after all steps; None when they clash."""
    solver, variables = Solver(), [Var(EVERY) for _ in range(VARS)]
    try:
        for step in steps:
            apply(solver, variables, step)
    except Clash:
        return None
    return [solver.allowed(var) for var in variables]


def apply(solver: Solver, variables: list[Var], step: tuple[object, ...]) -> None:
    match step:
        case ("narrow", int(i), set(types)):
            solver.narrow(variables[i], frozenset(types))
        case ("unify", int(i), int(j)):
            solver.unify(variables[i], variables[j])
        case ("tie", str(op), (int(i), int(j), int(k))):
            solver.tie(op, variables[i], variables[j], variables[k], None)


@given(steps=st.lists(STEPS, max_size=8), shuffle=st.randoms(use_true_random=False))
@settings(max_examples=300, deadline=None)
def test_the_order_does_not_matter(steps: list[tuple[object, ...]], shuffle: object) -> None:
    other = list(steps)
    shuffle.shuffle(other)  # type: ignore[attr-defined]  # a random.Random
    assert run(other) == run(steps)


@given(before=st.lists(STEPS, max_size=5), after=st.lists(STEPS, max_size=5))
@settings(max_examples=300, deadline=None)
def test_everything_can_be_undone(before: list[tuple[object, ...]], after: list[tuple[object, ...]]) -> None:
    solver, variables = Solver(), [Var(EVERY) for _ in range(VARS)]
    try:
        for step in before:
            apply(solver, variables, step)
    except Clash:
        return
    known, mark = [solver.allowed(var) for var in variables], solver.mark()
    for step in after:
        here = solver.mark()
        now = [solver.allowed(var) for var in variables]
        try:
            apply(solver, variables, step)
        except Clash:
            solver.undo_to(here)
            assert [solver.allowed(var) for var in variables] == now
    solver.undo_to(mark)
    assert [solver.allowed(var) for var in variables] == known


def test_a_time_minus_a_field_that_is_compared_with_a_duration_makes_the_field_a_time() -> None:
    solver, field, result = Solver(), Var(IN_EVENTS), Var(EVERY)
    solver.tie("-", Var(frozenset({TIME})), field, result, None)
    assert solver.allowed(field) == {TIME}  # events hold no durations
    assert solver.allowed(result) == {SPAN}


def test_what_nothing_tells_is_anything_and_what_is_ordered_a_number() -> None:
    solver, free, compared, ordered = Solver(), Var(IN_EVENTS), Var(IN_EVENTS & SCALARS), Var(IN_EVENTS & ORDERED)
    assert [solver.decide(var) for var in (free, compared, ordered)] == [Type.ANY, Type.ANY, N]
    assert solver.allowed(ordered) == {N}


def test_types_are_said_in_words() -> None:
    assert say_types(frozenset({N, TIME})) == "number or time"
    assert say_a(frozenset({N})) == "a number"
    assert say_a(frozenset({T})) == "text"
    assert say_a(EVERY) == say_a(frozenset({N, T, B})) == "anything"


def steps(var: Var) -> int:
    count = 0
    while var.link is not None:
        var, count = var.link, count + 1
    return count


@pytest.mark.parametrize("newcomer_first", [True, False])
def test_what_all_rules_share_is_found_in_a_few_steps(newcomer_first: bool) -> None:
    solver, shared = Solver(), Var(EVERY)
    everyone = [Var(EVERY) for _ in range(1000)]
    for var in everyone:
        solver.unify(*((var, shared) if newcomer_first else (shared, var)))
    assert max(map(steps, [shared, *everyone])) <= 2
    solver.narrow(everyone[0], frozenset({N}))
    assert {solver.allowed(var) for var in everyone} == {frozenset({N})}


def test_ties_of_both_sides_hold_after_they_become_one() -> None:
    solver = Solver()
    a, b, left, right = (Var(EVERY) for _ in range(4))
    solver.tie("*", a, left, Var(frozenset({N})), None)
    solver.tie("/", b, right, Var(frozenset({N})), None)
    solver.unify(a, b)
    solver.narrow(a, frozenset({N}))
    assert solver.allowed(left) == solver.allowed(right) == frozenset({N})


def test_what_is_kept_is_not_undone() -> None:
    solver, var = Solver(), Var(EVERY)
    solver.narrow(var, frozenset({N, T}))
    solver.keep()
    mark = solver.mark()
    solver.narrow(var, frozenset({T}))
    solver.undo_to(mark)
    assert solver.allowed(var) == frozenset({N, T})
