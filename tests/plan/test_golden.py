"""Rules above, their plans or their faults below: tests/plan/golden."""

from __future__ import annotations

import pytest

from tests.plan.golden_files import Case, cases, faults_said, plan_said


@pytest.mark.parametrize("case", cases("faults.txt"), ids=lambda case: case.name)
def test_a_broken_rule_earns_exactly_its_faults(case: Case) -> None:
    assert faults_said(case.source) == case.expected


@pytest.mark.parametrize("case", cases("plans.txt"), ids=lambda case: case.name)
def test_a_rule_becomes_its_plan(case: Case) -> None:
    assert plan_said(case.source) == case.expected


def test_no_two_cases_have_one_name() -> None:
    for name in ("faults.txt", "plans.txt"):
        names = [case.name for case in cases(name)]
        assert len(set(names)) == len(names) > 15
