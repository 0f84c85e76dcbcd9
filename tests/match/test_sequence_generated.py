"""The run list against the judge, on generated patterns and streams."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cep.match.sequence import SequenceMatcher
from cep.plan.plan import SequenceBody
from tests.judge.patterns import KEY, TWO_KEYS, cuts, run_matcher, same, sequence_bodies, sequence_rule, streams
from tests.judge.runs import judge_pattern
from tests.judge.values import Seen

QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large]


@given(st.data(), sequence_bodies(), streams(), st.integers(0, 9), st.sampled_from([KEY, KEY, TWO_KEYS]))
@settings(max_examples=1000, deadline=None, suppress_health_check=QUIET)
def test_the_run_list_says_what_the_judge_says(
    data: st.DataObject, body: SequenceBody, events: list[Seen], longer_us: int, key: object
) -> None:
    plan = sequence_rule(body, key)
    end_us = (events[-1].time_us if events else 0) + longer_us
    verdicts = judge_pattern(plan, events, end_us)
    same(run_matcher(plan, SequenceMatcher, events, end_us), verdicts)
    same(run_matcher(plan, SequenceMatcher, events, end_us, data.draw(cuts(len(events)))), verdicts)
