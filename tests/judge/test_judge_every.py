"""`pick all` by hand."""

from __future__ import annotations

import pytest

from cep.plan.plan import Bound, Chain, Link, Loop, PatternBody, PickKind, RulePlan, Take
from tests.judge.every import judge_every
from tests.judge.test_judge_patterns import KEY, A, B, C, chain, many, steps, stream


def found(pattern: Chain, letters: str, within: Bound, limit: int | None = None) -> list[tuple[object, ...]]:
    body = PatternBody(steps(), pattern, within, PickKind.ALL, limit)
    return [verdict.ids for verdict in judge_every(RulePlan("r", "v", KEY, body, ()), stream(letters))]


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
