"""The judge of patterns, held to the sentences of the language that linear patterns do not need: streams of one letter an event,
one microsecond apart."""

from __future__ import annotations

from typing import Any

import pytest

from cep.plan.ir import Compare, Const, Field, InSet, Reg
from cep.plan.plan import (
    ANY_STEP,
    AnyOrder,
    Bound,
    Chain,
    Either,
    KeyPlan,
    Link,
    Loop,
    Part,
    PatternBody,
    PickKind,
    Register,
    RegisterKind,
    RulePlan,
    Select,
    StepPlan,
    Take,
)
from cep.types import Type
from tests.judge.runs import judge_pattern
from tests.judge.values import Seen

LETTERS = "abcdxyz"  # step number i takes letter number i, and the letters that a test adds
LETTER = Field(("letter",), Type.TEXT)
KEY = KeyPlan(("k",), (("e", (Field(("k",), Type.TEXT),)),), (Type.TEXT,))
A, B, C, D, X, Y, Z = range(7)


def steps(**more: str) -> tuple[StepPlan, ...]:
    return tuple(StepPlan(one, Select("e", InSet(LETTER, tuple(one + more.get(one, ""))))) for one in LETTERS)


def stream(letters: str) -> list[Seen]:
    """Letter number i at time i; a dot is an own event that fits nothing, a blank is no event."""
    return [Seen(at, "e", {"k": "k", "letter": one, "v": at}, at) for at, one in enumerate(letters) if one != " "]


def chain(*parts: Any, within: Bound | None = None, **loop: Any) -> Chain:
    """`chain(A, "=>", B)`; a part is a step or a part, an arrow a text or one with its delay: `("->", 1, 3)`."""
    links, arrow = [], ("", None, None)
    for part in parts:
        if isinstance(part, str | tuple):
            arrow = part if isinstance(part, tuple) else (part, None, None)
        elif isinstance(part, Not):
            links.append(Link(Take(part.step), arrow[0], True, *arrow[1:]))
        else:
            links.append(Link(Take(part) if isinstance(part, int) else part, arrow[0], False, *arrow[1:]))
    return Chain(tuple(links), Loop(**loop), within)


class Not:
    def __init__(self, step: int) -> None:
        self.step = step


def many(step: int, least: int = 1, most: int | None = None, **more: Any) -> Part:
    return Take(step, Loop(least, most, **more))


def found(
    pattern: Chain,
    letters: str,
    within: Bound = Bound(50),  # noqa: B008
    pick: str = "first",
    fits: dict[str, str] | None = None,
    end_us: int = 100,
    **more: Any,
) -> list[tuple[int, tuple[object, ...]]]:
    """Alert time and the places of the letters taken."""
    body = PatternBody(steps(**(fits or {})), pattern, within, PickKind(pick), **more)
    verdicts = judge_pattern(RulePlan("r", "v", KEY, body, ()), stream(letters), end_us)
    return [(verdict.time_us, verdict.ids) for verdict in verdicts]


EVERY = chain(A, "->>", B, "->", C)
GROUP = chain(chain(A, "->", B, min=2, max=None))
GROUP_THEN = chain(chain(A, "->", B, min=1, max=2), "->", C)
EITHER = chain(Either((Take(A), chain(B, "->", C))), "->", D)
ALL = chain(AnyOrder((A, B, C), 3))
TWO_OF = chain(AnyOrder((A, B, C), 2), "=>", D)
LAZY = chain(many(A, lazy=True), "->", B)
LAZY_NEXT = chain(many(A, lazy=True), "=>", B)
UNTIL = chain(many(A, 2, until=Y), "->", B)
GAP = chain(many(A, 2, gap_us=2), "->", B)
STRICT = chain(many(A, 3, inner="=>"), "->", B)
COMBINED = chain(many(A, 2, 2, inner="->>"))
DELAYED = chain(A, ("->", 2, 4), B)
LEADING = chain(Not(X), "->", A)
LEADING_DELAYED = chain(Not(X), ("->", None, 3), A)
TRAILING_DELAYED = chain(A, ("->", None, 3), Not(X))
NEXT_NOT = chain(A, "=>", Not(X), "->", B)


@pytest.mark.parametrize(
    ("pattern", "letters", "matches"),
    [
        (EVERY, "abbc", [(3, (0, 1, 3))]),
        (GROUP, "ababab", [(3, (0, 1, 2, 3))]),  # a fresh start: the third pass is alone
        (GROUP, "aabb.ab", [(6, (0, 2, 5, 6))]),
        (GROUP_THEN, "abac", []),  # amid a pass the group is not complete; the run that began at 2 has no b
        (GROUP_THEN, "abc", [(2, (0, 1, 2))]),
        (EITHER, "ad", [(1, (0, 1))]),
        (EITHER, "bcd", [(2, (0, 1, 2))]),
        (EITHER, "bacd", [(3, (0, 2, 3))]),
        (ALL, "cab", [(2, (0, 1, 2))]),
        (ALL, "aab", []),
        (TWO_OF, "a.cd", [(3, (0, 2, 3))]),
        (TWO_OF, "ac.d", []),
        (LAZY, "aaab", [(3, (0, 3))]),
        (LAZY_NEXT, "aaab", [(3, (0, 1, 2, 3))]),
        (LAZY_NEXT, "a.ab", [(3, (2, 3))]),
        (UNTIL, "aayab", [(4, (0, 1, 4))]),
        (UNTIL, "ayab", []),
        (GAP, "aa   aab", [(7, (0, 1, 7))]),
        (GAP, "a   aab", [(6, (4, 5, 6))]),
        (STRICT, "aa.aaab", [(6, (3, 4, 5, 6))]),
        (COMBINED, "aaa", [(1, (0, 1))]),
        (DELAYED, "abb", [(2, (0, 2))]),
        (DELAYED, "a    b", []),
        (TRAILING_DELAYED, "a", [(3, (0,))]),
        (TRAILING_DELAYED, "a  x", []),
        (TRAILING_DELAYED, "a   x", [(3, (0,))]),
        (LEADING_DELAYED, "x  a", []),
        (LEADING_DELAYED, "x   a", [(4, (4,))]),
        (NEXT_NOT, "a.xb", [(3, (0, 3))]),
        (NEXT_NOT, "axb", []),
        (NEXT_NOT, "ab", [(1, (0, 1))]),
    ],
)
def test_a_pattern_means_what_the_language_says(pattern: Chain, letters: str, matches: list[tuple[int, tuple[int, ...]]]) -> None:
    assert found(pattern, letters) == matches


def test_a_leading_negation_looks_back_by_within_both_ends_in() -> None:
    assert found(LEADING, "x   a", Bound(4)) == []
    assert found(LEADING, "x   a", Bound(4, exclusive=True)) == [(4, (4,))]
    assert found(LEADING, "ax", Bound(4)) == [(0, (0,))]


def test_own_events_in_a_row() -> None:
    near = chain(A, "->", B)
    assert found(near, "a.b", Bound(events=3)) == [(2, (0, 2))]
    assert found(near, "a..b", Bound(events=3)) == []
    assert found(near, "a     b", Bound(events=2)) == [(6, (0, 6))]


def test_the_bound_of_a_group_is_of_each_pass() -> None:
    bounded = chain(chain(A, "->", B, within=Bound(2), min=2, max=2))
    assert found(bounded, "a b    a b") == [(9, (0, 2, 7, 9))]
    assert found(bounded, "a  bab") == []


def test_a_combining_loop_keeps_what_it_did_not_take() -> None:
    last = Compare("==", Reg(0, Type.NUMBER), Const(2, Type.NUMBER))
    registers = (Register(RegisterKind.LAST, A, Type.NUMBER, Field(("v",), Type.NUMBER)),)
    assert found(COMBINED, "aaa", registers=registers, when=last) == [(2, (0, 2))]


def test_previous_is_the_event_before_of_whatever_step() -> None:
    previous = Register(RegisterKind.LAST, ANY_STEP, Type.NUMBER, Field(("v",), Type.NUMBER), skip_nulls=False)
    close = Compare("<=", Field(("v",), Type.NUMBER), Reg(0, Type.NUMBER))  # never: v grows
    body_steps = steps()
    body = PatternBody(
        (*body_steps[:B], StepPlan("b", body_steps[B].select, close), *body_steps[C:]), chain(A, "->", B), Bound(9),
        registers=(previous,),
    )  # fmt: skip
    assert judge_pattern(RulePlan("r", "v", KEY, body, ()), stream("ab"), 9) == []


def test_latest_and_longest() -> None:
    two = chain(A, "->", B)
    assert found(two, "aab", pick="latest") == [(2, (1, 2))]
    loop = chain(many(A))
    assert found(loop, "aaa", Bound(2), "longest") == [(2, (0, 1, 2))]
    assert found(loop, "a a", Bound(4), "longest") == [(4, (0, 2))]
    assert found(chain(many(A, 1, 2)), "aaa", Bound(9), "longest") == [(1, (0, 1)), (11, (2,))]
    assert found(chain(many(A, until=Y)), "a.ay", Bound(9), "longest") == [(3, (0, 2))]
    assert found(chain(many(A, inner="=>")), "aa.a", Bound(9), "longest") == [(2, (0, 1)), (12, (3,))]
    assert found(chain(many(A, gap_us=2)), "aa   a", Bound(9), "longest") == [(3, (0, 1)), (7, (5,))]
    assert found(chain(A, "->", chain(B, "->", C, min=0, max=None)), "abcb", Bound(9), "longest") == [(9, (0, 1, 2))]


def test_what_ran_out_of_time_is_told_once() -> None:
    assert found(chain(A, "->", B), "aa.", Bound(5), timeout=True) == [(5, (0,)), (6, (1,))]
    assert found(chain(many(A), "->", B), "aa.", Bound(5), timeout=True) == [(5, (0, 1))]  # the later run lies in the earlier
    assert found(chain(A, "=>", B), "a.", Bound(5), timeout=True) == []  # killed
    assert found(chain(A, "=>", B), "a", Bound(5), timeout=True) == [(5, (0,))]
