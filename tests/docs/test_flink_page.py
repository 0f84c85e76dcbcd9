"""The differences that docs/flink.md lists are those there are."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.flink.differences import DIFFERENCES, Difference

PAGE = (Path(__file__).parents[2] / "docs" / "flink.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("difference", DIFFERENCES, ids=lambda one: one.rule)
def test_a_difference_is_as_the_page_says(difference: Difference) -> None:
    assert difference.row in PAGE
    assert difference.found() == difference.ours


def test_no_row_is_without_its_case() -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith("| `match")]
    assert len(rows) == len(DIFFERENCES)
