"""The suites by name."""

from __future__ import annotations

from collections.abc import Callable

from tests.conformance import elastalert, panther, siddhi
from tests.conformance.cases import Case, Verdict, judge

SUITES: dict[str, tuple[Callable[[], list[Case]], dict[str, str]]] = {
    "siddhi": (siddhi.cases, siddhi.DIFFERENT),
    "elastalert": (elastalert.cases, elastalert.DIFFERENT),
    "panther": (panther.cases, panther.DIFFERENT),
}

NUMBERS = {"siddhi": (95, 11, 77), "elastalert": (14, 2, 0), "panther": (17, 0, 0)}  # pass, different by design, cannot be said


def verdicts(suite: str) -> list[Verdict]:
    """Every case of a suite, judged."""
    cases, different = SUITES[suite]
    return judge(cases(), different)
