"""Other engines' own tests as our rules: none that differs is without a reason, and none that has one agrees after all."""

from __future__ import annotations

from collections import Counter
from functools import cache

import pytest

from tests.conformance.cases import Verdict
from tests.conformance.suites import NUMBERS, SUITES, verdicts
from tests.docs.pages import rows


@cache
def found(suite: str) -> list[Verdict]:
    return verdicts(suite)


def numbers(suite: str) -> tuple[int, int, int]:
    counts = Counter(verdict.how for verdict in found(suite))
    return counts["pass"], counts["different"], counts["cannot"]


@pytest.mark.parametrize("suite", SUITES)
def test_what_differs_has_a_reason(suite: str) -> None:
    told = [f"{one.case.name}\n{one.case.rule}expected {one.case.expected}, told {one.told}" for one in found(suite)
            if one.how == "unexplained"]  # fmt: skip
    assert not told, "\n".join(told)
    assert all(one.reason for one in found(suite) if one.how != "pass")


@pytest.mark.parametrize("suite", SUITES)
def test_a_reason_is_needed_where_it_is_given(suite: str) -> None:
    differs = {one.case.name for one in found(suite) if one.how == "different"}
    assert set(SUITES[suite][1]) == differs


@pytest.mark.parametrize("suite", SUITES)
def test_the_numbers_are_those_that_are_kept(suite: str) -> None:
    assert numbers(suite) == NUMBERS[suite]


def test_the_page_tells_them() -> None:
    table = {row.cells[0]: tuple(map(int, row.cells[1:5])) for row in rows("coming-from.md", "tests of", "cases")}
    assert table == {suite: (sum(NUMBERS[suite]), *NUMBERS[suite]) for suite in SUITES}
