"""`pick all` by hand."""

from __future__ import annotations

import pytest

from cep.plan.plan import Bound, Chain, Link, Loop, PatternBody, PickKind, RulePlan, Take
from tests.judge.every import judge_every
from tests.judge.test_judge_patterns import KEY, A, B, C, Not, X, chain, many, steps, stream


def found(pattern: Chain, letters: str, within: Bound, limit: int | None = None) -> list[tuple[object, ...]]:
    body = PatternBody(steps(), pattern, within, PickKind.ALL, limit)
    return [verdict.ids for verdict in judge_every(RulePlan("r", "v", KEY, body, ()), stream(letters), 100)]


@pytest.mark.parametrize(
    ("pattern", "letters", "matches"),
    [
        (chain(A, "->", B), "aabb", [(0, 2), (1, 2)]),
        (chain(A, "->>", B), "aabb", [(0, 2), (1, 2), (0, 3), (1, 3)]),
        (chain(A, "=>", B), "aab.b", [(1, 2)]),
        (chain(A, "->", many(B, 2, 2)), "abbb", [(0, 1, 2)]),
        (Chain((Link(Take(A)), Link(Take(B, Loop(2, 2, inner="->>")), "->>"))), "abbb", [(0, 1, 2), (0, 1, 3), (0, 2, 3)]),
        (chain(A, "->", many(B, 2, 2, inner="=>"), "->", C), "abb.c", [(0, 1, 2, 4)]),
        (chain(A, ("->", 2, 3), B), "abbb", [(0, 2)]),
    ],
)
def test_every_combination(pattern: Chain, letters: str, matches: list[tuple[int, ...]]) -> None:
    assert found(pattern, letters, Bound(9)) == matches


def test_limit_counts_what_one_event_completes() -> None:
    assert found(chain(A, "->>", B), "aabb", Bound(9), 1) == [(0, 2), (0, 3)]


def test_all_lies_within() -> None:
    assert found(chain(A, "->>", B), "a b", Bound(2)) == [(0, 2)]
    assert found(chain(A, "->>", B), "a b", Bound(2, exclusive=True)) == []
    assert found(chain(A, "->>", B), "a..b", Bound(events=3)) == []


def test_all_lies_within_a_time_and_so_many_events() -> None:
    assert found(chain(A, "->>", B), "a.bb", Bound(2, events=9)) == [(0, 2)]
    assert found(chain(A, "->>", B), "a.bb", Bound(9, events=3)) == [(0, 2)]
    assert found(chain(A, "->>", B), "a b", Bound(2, exclusive=True, events=2)) == []


def test_what_must_not_come_before_is_bounded_by_both() -> None:
    before = chain(Not(X), "->", A)
    assert found(before, "x..a", Bound(9, events=4)) == []
    assert found(before, "x..a", Bound(9, events=3)) == [(3,)]
    assert found(before, "x..a", Bound(2, events=4)) == [(3,)]
    assert found(chain(Not(X), "=>", A), "x.a", Bound(9)) == [(2,)]
    assert found(chain(Not(X), "=>", A), "xa", Bound(9)) == []


def test_what_must_not_come_behind_is_bounded_by_both_and_certain_by_time() -> None:
    behind = PatternBody(steps(), chain(A, "->", Not(X)), Bound(4, events=3), PickKind.ALL)
    plan = RulePlan("r", "v", KEY, behind, ())
    assert [verdict.time_us for verdict in judge_every(plan, stream("a..x"), 100)] == [4]  # x is one event too far
    assert judge_every(plan, stream("a.x"), 100) == []
    assert judge_every(plan, stream("a.."), 3) == []
    assert found(chain(A, "=>", Not(X)), "a.", Bound(4, events=2)) == [(0,)]
    assert found(chain(A, "=>", Not(X)), "ax", Bound(4, events=2)) == []
    assert found(chain(A, "=>", Not(X)), "a.", Bound(4, events=1)) == []
