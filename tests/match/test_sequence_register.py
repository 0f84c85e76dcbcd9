"""The matchers that list no runs, against the judge and the run list, on patterns of the shapes they accept."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cep.match.pairs import PairMatcher
from cep.match.planner import choose_matcher, make_matcher
from cep.match.sequence import SequenceMatcher
from cep.plan.plan import RulePlan
from tests.judge.patterns import Cut, cuts, pair_rules, pending_rules, run_matcher, same, streams, tally_rules
from tests.judge.runs import judge_pattern
from tests.judge.values import Seen

QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large]


def agree(plan: RulePlan, events: list[Seen], longer_us: int, borders: list[Cut]) -> None:
    end_us = (events[-1].time_us if events else 0) + longer_us
    verdicts = judge_pattern(plan, events, end_us)
    same(run_matcher(plan, make_matcher, events, end_us), verdicts)
    same(run_matcher(plan, make_matcher, events, end_us, borders), verdicts)
    same(run_matcher(plan, SequenceMatcher, events, end_us, borders), verdicts)


@given(st.data(), tally_rules(), streams(), st.integers(0, 9))
@settings(max_examples=500, deadline=None, suppress_health_check=QUIET)
def test_a_tally_says_what_the_judge_says(data: st.DataObject, plan: RulePlan, events: list[Seen], longer_us: int) -> None:
    assert choose_matcher(plan)[0] == "tally"
    agree(plan, events, longer_us, data.draw(cuts(len(events))))


@given(st.data(), pending_rules(), streams(), st.integers(0, 9))
@settings(max_examples=300, deadline=None, suppress_health_check=QUIET)
def test_waiting_events_say_what_the_judge_says(data: st.DataObject, plan: RulePlan, events: list[Seen], longer_us: int) -> None:
    assert choose_matcher(plan)[0] == "pending"
    agree(plan, events, longer_us, data.draw(cuts(len(events))))


@given(st.data(), pair_rules(), streams(), st.integers(0, 9))
@settings(max_examples=400, deadline=None, suppress_health_check=QUIET)
def test_pairs_say_what_the_judge_says(data: st.DataObject, plan: RulePlan, events: list[Seen], longer_us: int) -> None:
    assert choose_matcher(plan)[0] == "pairs"
    agree(plan, events, longer_us, data.draw(cuts(len(events))))


@given(pair_rules(), streams(), st.data())
@settings(max_examples=100, deadline=None, suppress_health_check=QUIET)
def test_pairs_go_on_from_the_state_of_a_run_list(plan: RulePlan, events: list[Seen], data: st.DataObject) -> None:
    """Pairs were run lists once: states that were written then are read."""
    made: list[type[PairMatcher] | type[SequenceMatcher]] = [SequenceMatcher, PairMatcher]
    restart = Cut(data.draw(st.integers(0, len(events))), restart=True)
    end_us = events[-1].time_us + 9 if events else 9
    found = run_matcher(plan, lambda *args: made.pop(0)(*args), events, end_us, [restart])
    same(found, judge_pattern(plan, events, end_us))
