"""The judge of patterns, held to the sentences of the language: streams of one letter an event, one microsecond apart."""

from __future__ import annotations

from typing import Any

import pytest

from cep.plan.ir import Compare, Const, Field, InSet, Reg
from cep.plan.plan import KeyPlan, Node, Register, RegisterKind, RulePlan, Select, SequenceBody, StepPlan
from cep.types import Type
from tests.judge.runs import judge_pattern
from tests.judge.values import Seen

LETTER = Field(("letter",), Type.TEXT)
KEY = KeyPlan(("k",), (("e", (Field(("k",), Type.TEXT),)),), (Type.TEXT,))


def steps(*letters: str) -> tuple[StepPlan, ...]:
    """A step per text; it takes any of the letters in it."""
    return tuple(StepPlan(text, Select("e", InSet(LETTER, tuple(text)))) for text in letters)


def stream(letters: str, key: str = "k") -> list[Seen]:
    """Letter number i at time i; a dot is an own event that fits nothing, a blank is no event."""
    return [Seen(at, "e", {"k": key, "letter": one}, at) for at, one in enumerate(letters) if one != " "]


def found(body: SequenceBody, letters: str, end_us: int = 100) -> list[tuple[int, tuple[object, ...]]]:
    """Alert time and the places of the letters taken."""
    plan = RulePlan("r", "v", KEY, body, ())
    return [(verdict.time_us, verdict.ids) for verdict in judge_pattern(plan, stream(letters), end_us)]


def plus(step: int, least: int = 1, most: int | None = None, **more: Any) -> Node:
    return Node(step, least, most, **more)


def one(step: int, **more: Any) -> Node:
    return plus(step, 1, 1, **more)


THEN = SequenceBody(steps("a", "b"), (one(0), one(1)), 10)
NEXT = SequenceBody(steps("a", "b"), (one(0), one(1, strict=True)), 10)
LOOP = SequenceBody(steps("a", "b"), (plus(0, 3), one(1)), 10)
LOOP_AT_END = SequenceBody(steps("a"), (plus(0, 5),), 100)
OPTIONAL = SequenceBody(steps("a", "b", "c"), (one(0), plus(1, 0, 1), one(2)), 10)
OPTIONAL_FIRST = SequenceBody(steps("a", "b"), (plus(0, 0, 1), one(1)), 10)
BETWEEN = SequenceBody(steps("a", "x", "cx"), (one(0), one(2, forbids=(1,))), 10)
LOOP_BETWEEN = SequenceBody(steps("ax", "x", "c"), (plus(0), one(2, forbids=(1,))), 10)
UNPAID = SequenceBody(steps("a", "x"), (one(0),), 4, ending=(1,))
UNPAID_EXCLUSIVE = SequenceBody(steps("a", "x"), (one(0),), 4, exclusive=True, ending=(1,))
UNPAID_NEXT = SequenceBody(steps("a", "x"), (one(0),), 4, ending=(1,), ending_strict=True)


@pytest.mark.parametrize(
    ("body", "letters", "matches"),
    [
        (THEN, "a.b", [(2, (0, 2))]),
        (THEN, "aab", [(2, (0, 2))]),  # the earliest start; a fresh start drops the other
        (THEN, "abb", [(1, (0, 1))]),
        (THEN, "a         b", [(10, (0, 10))]),  # within is inclusive
        (THEN, "a          b", []),
        (NEXT, "ab", [(1, (0, 1))]),
        (NEXT, "a.b", []),
        (NEXT, "a b", [(2, (0, 2))]),
        (NEXT, "aab", [(2, (1, 2))]),
        (LOOP, "aab", []),
        (LOOP, "aa.aab", [(5, (0, 1, 3, 4, 5))]),  # a run never lets pass what it can take
        (LOOP_AT_END, "aaaaaaaaaa", [(4, (0, 1, 2, 3, 4)), (9, (5, 6, 7, 8, 9))]),
        (OPTIONAL, "ac", [(1, (0, 1))]),
        (OPTIONAL, "abc", [(2, (0, 1, 2))]),
        (OPTIONAL_FIRST, "b", [(0, (0,))]),
        (OPTIONAL_FIRST, "ab", [(1, (0, 1))]),
        (BETWEEN, "a.c", [(2, (0, 2))]),
        (BETWEEN, "ax", [(1, (0, 1))]),  # the event taken as the last is not before it
        (LOOP_BETWEEN, "aac", [(2, (0, 1, 2))]),
        (LOOP_BETWEEN, "axc", [(2, (1, 2))]),  # x kills the run that could take it, and starts its own
        (UNPAID, "a", [(4, (0,))]),
        (UNPAID, "a   x", []),  # exactly at the deadline is in time
        (UNPAID, "a    x", [(4, (0,))]),
        (UNPAID, "aa", [(4, (0,)), (5, (1,))]),  # each unpaid order is told
        (UNPAID_EXCLUSIVE, "a   x", [(4, (0,))]),
        (UNPAID_NEXT, "a.", [(1, (0,))]),  # the next event completes it and is no part of it
        (UNPAID_NEXT, "aa.", [(1, (0,)), (2, (1,))]),
        (UNPAID_NEXT, "ax.", []),
        (UNPAID_NEXT, "a", []),
        (UNPAID_NEXT, "a    .", []),
    ],
)
def test_a_pattern_means_what_the_language_says(
    body: SequenceBody, letters: str, matches: list[tuple[int, tuple[int, ...]]]
) -> None:
    assert found(body, letters) == matches


def test_what_is_due_later_than_the_end_stays_undecided() -> None:
    assert found(UNPAID, "a", end_us=3) == []
    assert found(UNPAID, "a", end_us=4) == [(4, (0,))]


def test_ties_go_to_the_earliest_start_then_the_most_events_then_what_was_taken_before_what_was_left() -> None:
    # each b fits the loop and the step behind it; one run took both, another left the second
    greedy = SequenceBody(steps("ab", "b", "c"), (plus(0), one(1), one(2)), 10)
    assert found(greedy, "abbc") == [(3, (0, 1, 2, 3))]
    # x fits two optional steps: the earlier one wins
    forked = SequenceBody(steps("a", "x", "x", "c"), (one(0), plus(1, 0, 1), plus(2, 0, 1), one(3)), 10)
    registers = (Register(RegisterKind.COUNT, 1, Type.NUMBER), Register(RegisterKind.COUNT, 2, Type.NUMBER))
    told = SequenceBody(forked.steps, forked.nodes, 10, registers=registers)
    emit = (("x", Reg(0, Type.NUMBER)), ("y", Reg(1, Type.NUMBER)))
    (verdict,) = judge_pattern(RulePlan("r", "v", KEY, told, emit), stream("axc"), 9)
    assert verdict.fields == {"x": 1, "y": 0}


def test_a_complete_run_goes_on_while_its_last_condition_is_not_true() -> None:
    taken = Register(RegisterKind.COUNT, 0, Type.NUMBER)
    enough = Compare(">=", Reg(0, Type.NUMBER), Const(3, Type.NUMBER))
    assert found(SequenceBody(steps("a"), (plus(0),), 10, registers=(taken,), when=enough), "aaaa") == [(2, (0, 1, 2))]
    assert found(SequenceBody(steps("a"), (plus(0, 1, 2),), 10, registers=(taken,), when=enough), "aaaa") == []


def test_its_own_label_means_the_event_tried_as_well() -> None:
    total = Register(RegisterKind.SUM, 0, Type.NUMBER, Field(("ts",), Type.NUMBER))
    small = Compare("<=", Reg(0, Type.NUMBER), Const(3, Type.NUMBER))
    step = StepPlan("a", Select("e"), small, cond_after_take=True)
    body = SequenceBody((step, *steps("b")), (plus(0), one(1)), 10, registers=(total,))
    # 0 + 1 + 2 are taken, 3 would be too much; b at 4 completes
    assert found(body, "aaaab") == [(4, (0, 1, 2, 4))]


def test_keys_do_not_see_each_other_and_no_key_is_no_event() -> None:
    events = [Seen(0, "e", {"k": "p", "letter": "a"}, 0), Seen(1, "e", {"k": "q", "letter": "b"}, 1)]
    nobody = Seen(1, "e", {"letter": "b"}, 2)
    own = Seen(2, "e", {"k": "p", "letter": "b"}, 3)
    verdicts = judge_pattern(RulePlan("r", "v", KEY, NEXT, ()), [*events, nobody, own], 9)
    assert [(verdict.key, verdict.ids) for verdict in verdicts] == [("p", (0, 3))]
