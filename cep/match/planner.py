"""Which matcher runs a rule, and why. `cep plan` says both."""

from __future__ import annotations

from typing import assert_never

from cep.match.absent import AbsentMatcher
from cep.match.filter import FilterMatcher
from cep.match.matcher import Matcher
from cep.match.sequence import SequenceMatcher
from cep.match.window import WindowMatcher
from cep.plan.kernels import RuleKernels
from cep.plan.plan import AbsentBody, FilterBody, RulePlan, SequenceBody, WindowBody


def choose_matcher(plan: RulePlan) -> tuple[str, str]:
    """The matcher's name, and the reason in words."""
    match plan.body:
        case FilterBody():
            return "filter", "each event that fits is an alert: no state"
        case WindowBody():
            return "window", "running aggregates over one sliding window per key"
        case AbsentBody():
            return "absent", "one deadline per key"
        case SequenceBody():
            return "run list", "every run of a key on its own"
        case _:
            assert_never(plan.body)


def make_matcher(plan: RulePlan, kernels: RuleKernels) -> Matcher:
    """The matcher that `choose_matcher` names."""
    match plan.body:
        case FilterBody():
            return FilterMatcher(plan, kernels)
        case WindowBody():
            return WindowMatcher(plan, kernels)
        case AbsentBody():
            return AbsentMatcher(plan, kernels)
        case SequenceBody():
            return SequenceMatcher(plan, kernels)
        case _:
            assert_never(plan.body)
