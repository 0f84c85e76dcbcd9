"""The matcher of patterns against the judge: generated patterns over short streams, in batches, stopped and started again."""

from __future__ import annotations

import os
from itertools import product

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from cep.match.pattern import PatternMatcher
from cep.plan.plan import Bound, Chain, KeyPlan, Link, Loop, PatternBody, RulePlan, SequenceBody, StepPlan, Take
from tests.judge.lines import as_pattern
from tests.judge.patterns import (
    KEY,
    TWO_KEYS,
    cuts,
    one_of,
    rows_rule,
    run_matcher,
    same,
    sequence_bodies,
    sequence_rule,
    streams,
)
from tests.judge.runs import judge_pattern
from tests.judge.shapes import pattern_bodies, spell
from tests.judge.values import Seen

EXAMPLES = int(os.environ.get("CEP_JUDGED", "500"))
QUIET = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
KEYS = st.sampled_from([KEY, KEY, TWO_KEYS])


@given(st.data(), pattern_bodies(), streams(shortest=3), st.integers(0, 9), KEYS)
@QUIET
def test_any_pattern_means_what_the_judge_says(
    data: st.DataObject, body: PatternBody, events: list[Seen], longer_us: int, key: KeyPlan
) -> None:
    note(spell(body))
    plan = rows_rule(body, key) if data.draw(st.integers(0, 5)) == 5 else sequence_rule(body, key)
    _agree(data, plan, events, longer_us)


@given(st.data(), sequence_bodies(), streams(shortest=3), st.integers(0, 9), KEYS)
@QUIET
def test_a_plain_line_means_the_same_as_a_pattern(
    data: st.DataObject, body: SequenceBody, events: list[Seen], longer_us: int, key: KeyPlan
) -> None:
    _agree(data, sequence_rule(as_pattern(body), key), events, longer_us)


def _agree(data: st.DataObject, plan: RulePlan, events: list[Seen], longer_us: int) -> None:
    end_us = events[-1].time_us + longer_us
    verdicts = judge_pattern(plan, events, end_us)
    same(run_matcher(plan, PatternMatcher, events, end_us, data.draw(cuts(len(events)))), verdicts)


@pytest.mark.parametrize("bound", [Bound(), Bound(us=3), Bound(events=2), Bound(events=3), Bound(1, events=3)])
@pytest.mark.parametrize("before", ["", "->", "=>"])
def test_what_stands_before_a_trailing_next_decides_too(before: str, bound: Bound) -> None:
    """`a -> !a -> a? => !b` and its like, over all short streams: the event that `=> !b` asks for must be in time, and none that
    is forbidden in front of the step left out."""
    second = Link(Take(2), before, negated=True) if before else Link(Take(2), "->")
    links = [Link(Take(0)), second, Link(Take(1, Loop(0, 1)), "->"), Link(Take(3), "=>", negated=True)]
    steps = tuple(StepPlan(f"s{n}", one_of(letter)) for n, letter in enumerate("aaab"))
    plan = sequence_rule(PatternBody(steps, Chain(tuple(links)), bound))
    for letters in product("abx", repeat=4):
        events = [Seen(n // 2, "e", {"k": "p", "l": letter, "v": 1}, f"i{n}") for n, letter in enumerate(letters)]
        same(run_matcher(plan, PatternMatcher, events, 9), judge_pattern(plan, events, 9))


UNEVEN_US = (0, 0, 1, 3, 4)  # so that three own events in a row are now more, now less than what three microseconds hold


@pytest.mark.parametrize("bound", [Bound(events=1), Bound(events=3), Bound(3, events=3), Bound(3, exclusive=True, events=4)])
@pytest.mark.parametrize(("arrow", "delay"), [("->", (None, 4)), ("->", (2, 9)), ("=>", (None, None)), ("=>", (1, 2))])
def test_what_came_before_the_start_counts_by_time_and_by_events(
    arrow: str, delay: tuple[int | None, int | None], bound: Bound
) -> None:
    """`!x ->[2us..9us] a within 3us and 3 events` and its like, over all short streams."""
    links = (Link(Take(0), negated=True), Link(Take(1), arrow, False, *delay))
    steps = (StepPlan("x", one_of("x")), StepPlan("a", one_of("a")))
    plan = sequence_rule(PatternBody(steps, Chain(links), bound))
    for letters in product("axb", repeat=5):
        events = [
            Seen(time_us, "e", {"k": "p", "l": letter, "v": 1}, f"i{n}")
            for n, (letter, time_us) in enumerate(zip(letters, UNEVEN_US))
        ]
        same(run_matcher(plan, PatternMatcher, events, 20), judge_pattern(plan, events, 20))
