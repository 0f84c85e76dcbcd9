"""The matcher of patterns that are no plain line against the judge, on generated patterns and streams."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from cep.match.planner import make_matcher
from cep.plan.plan import KeyPlan, PatternBody
from tests.judge.patterns import KEY, TWO_KEYS, cuts, run_matcher, same, sequence_rule, streams
from tests.judge.runs import judge_pattern
from tests.judge.shapes import pattern_bodies, spell
from tests.judge.values import Seen

QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large]
LENGTH = int(os.environ.get("CEP_JUDGED", "400"))


@given(st.data(), pattern_bodies(), streams(shortest=3), st.integers(0, 9), st.sampled_from([KEY, KEY, TWO_KEYS]))
@settings(max_examples=LENGTH, deadline=None, suppress_health_check=QUIET)
def test_the_matcher_says_what_the_judge_says(
    data: st.DataObject, body: PatternBody, events: list[Seen], longer_us: int, key: KeyPlan
) -> None:
    note(spell(body))
    plan = sequence_rule(body, key)
    end_us = events[-1].time_us + longer_us
    verdicts = judge_pattern(plan, events, end_us)
    same(run_matcher(plan, make_matcher, events, end_us), verdicts)
    same(run_matcher(plan, make_matcher, events, end_us, data.draw(cuts(len(events)))), verdicts)
