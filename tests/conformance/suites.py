"""The suites by name."""

from __future__ import annotations

from collections.abc import Callable

from tests.conformance import siddhi
from tests.conformance.cases import Case, Verdict, judge

SUITES: dict[str, tuple[Callable[[], list[Case]], dict[str, str]]] = {
    "siddhi": (siddhi.cases, siddhi.DIFFERENT),
}


def verdicts(suite: str) -> list[Verdict]:
    """Every case of a suite, judged."""
    cases, different = SUITES[suite]
    return judge(cases(), different)
