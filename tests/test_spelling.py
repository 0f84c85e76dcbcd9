"""Did you mean: near words are offered, far ones are not."""

from __future__ import annotations

import functools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cep.spelling import closest, distance

CLAUSES = ("when", "where", "within", "emit", "severity", "from")


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("wehn", "when"), ("whre", "where"), ("wihtin", "within"), ("emti", "emit"), ("sevrity", "severity"),
        ("sevreiyt", "severity"), ("form", "from"), ("throttle", None), ("wn", None), ("", None), ("when", None), ("e", None),
    ],
)  # fmt: skip
def test_the_nearest_clause_is_offered(word: str, meant: str | None) -> None:
    assert closest(word, CLAUSES) == meant


def test_of_equally_near_words_the_one_that_begins_alike_is_offered() -> None:
    assert closest("cat", ["bat", "car"]) == "car"
    assert closest("cat", ["car", "cab"]) == "car"


@functools.cache
def _slow(one: str, other: str) -> int:
    """The distance by its definition."""
    if not one or not other:
        return len(one) + len(other)
    costs = [_slow(one[1:], other) + 1, _slow(one, other[1:]) + 1, _slow(one[1:], other[1:]) + (one[0] != other[0])]
    if len(one) > 1 and len(other) > 1 and one[0] == other[1] and one[1] == other[0]:
        costs.append(_slow(one[2:], other[2:]) + 1)
    return min(costs)


short = st.text("abc", max_size=5)


@given(short, short, st.integers(0, 5))
def test_distance_agrees_with_its_definition(one: str, other: str, bound: int) -> None:
    true = _slow(one, other)
    assert distance(one, other, bound) == true if true <= bound else distance(one, other, bound) > bound


@given(st.text("abcdef", min_size=1, max_size=8), st.lists(st.text("abcdef", max_size=8), max_size=5))
def test_what_is_offered_is_near_and_known(word: str, known: list[str]) -> None:
    found = closest(word, known)
    near = [other for other in known if other != word and _slow(word, other) <= min(2, len(word) // 3)]
    assert (found in near) if near else found is None
