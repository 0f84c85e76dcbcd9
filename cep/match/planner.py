"""Which matcher runs a rule, and why. `cep plan` says both."""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from cep.match.absent import AbsentMatcher
from cep.match.compact import CompactMatcher, why_not_compact
from cep.match.every import EveryMatcher
from cep.match.expected import ExpectingMatcher
from cep.match.filter import FilterMatcher
from cep.match.matcher import Matcher
from cep.match.pairs import PairMatcher, why_not_pair
from cep.match.pattern import PatternMatcher
from cep.match.pending import PendingMatcher, why_not_pending
from cep.match.rising import counted_threshold
from cep.match.sequence import SequenceMatcher
from cep.match.tally import TallyMatcher, why_not_tally
from cep.match.window import WindowMatcher
from cep.plan.kernels import RuleKernels
from cep.plan.lines import as_line
from cep.plan.plan import AbsentBody, FilterBody, PatternBody, PickKind, RulePlan, SequenceBody, WindowBody, WindowKind


def choose_matcher(plan: RulePlan) -> tuple[str, str]:
    """The matcher's name, and the reason in words."""
    match plan.body:
        case FilterBody():
            return "filter", "each event that fits is an alert: no state"
        case WindowBody():
            return _choose_for_window(plan.body)
        case AbsentBody():
            return "absent", "one deadline per key"
        case SequenceBody():
            return _choose_for_sequence(plan.body)
        case PatternBody(pick=PickKind.ALL):
            reason = why_not_compact(plan)
            if reason:
                return "every match", f"each partial match of a key by itself, because {reason}"
            return "every match, in sets", "its conditions are of single events: all partial matches at one place move as one"
        case PatternBody():
            return "run list", f"every run of a key on its own, because {_what_is_new(plan.body)}"
        case _:
            assert_never(plan.body)


def _choose_for_window(body: WindowBody) -> tuple[str, str]:
    match body.kind:
        case WindowKind.SLIDE if counted_threshold(body) is not None:
            after = "each alert empties the window" if body.then_reset else "a timer only while an alert is open"
            return "counter", f"the last events of a key tell whether so many lie in the window: {after}"
        case WindowKind.SLIDE | WindowKind.EVENTS:
            return "window", "running aggregates over one sliding window per key"
        case WindowKind.HOP if body.every_us == body.window_us:
            return "tumbling", "running aggregates, begun anew at each end: no event is kept"
        case WindowKind.HOP:
            return "hopping", "running aggregates over one window per key, judged at each end"
        case WindowKind.SESSION:
            return "session", "running aggregates of one session per key: no event is kept"
        case WindowKind.BUCKET:
            return "bucket", "one level per key"
        case WindowKind.NONE:
            return "each event", "no window: only what `when` looks back at is kept"
        case _:
            assert_never(body.kind)


def _what_is_new(body: PatternBody) -> str:
    if body.pick is not PickKind.FIRST:
        return f"it asks for `pick {body.pick}`"
    if as_line(replace(body, within=replace(body.within, events=None))) is not None:
        return "its `within` counts events" + ("" if body.within.us is None else " beside the time")
    told = ", its runs that lapse are told" if body.timeout else ""
    return f"the pattern, its bounds or what it tells go beyond a plain line{told}"


def _choose_for_sequence(body: SequenceBody) -> tuple[str, str]:
    tally, pending = why_not_tally(body), why_not_pending(body)
    if not tally:
        return "tally", "the events of its first step, in order, tell the earliest run: no run is listed"
    if not why_not_pair(body):
        return "pairs", "what the condition wants of each first event: no run is listed"
    if not pending:
        return "pending", "one deadline per event that waits: no run is listed"
    return "run list", f"every run of a key on its own, because {pending if body.ending else tally}"


def make_matcher(plan: RulePlan, kernels: RuleKernels) -> Matcher:
    """The matcher that `choose_matcher` names."""
    match plan.body:
        case FilterBody():
            return FilterMatcher(plan, kernels)
        case WindowBody():
            return WindowMatcher(plan, kernels)
        case AbsentBody() as body:
            plain = body.expect is None and body.resolve is None and not body.unless_silent
            return AbsentMatcher(plan, kernels) if plain else ExpectingMatcher(plan, kernels)
        case SequenceBody():
            match choose_matcher(plan)[0]:
                case "tally":
                    return TallyMatcher(plan, kernels)
                case "pending":
                    return PendingMatcher(plan, kernels)
                case "pairs":
                    return PairMatcher(plan, kernels)
                case _:
                    return SequenceMatcher(plan, kernels)
        case PatternBody(pick=PickKind.ALL):
            return EveryMatcher(plan, kernels) if why_not_compact(plan) else CompactMatcher(plan, kernels)
        case PatternBody():
            return PatternMatcher(plan, kernels)
        case _:
            assert_never(plan.body)
