"""All small patterns over all short words mean what the judge says: a seeded cut of them, or (`make thorough`) every one."""

from __future__ import annotations

import os
from collections.abc import Sequence
from itertools import islice, product
from random import Random

import pytest

from cep.match.pattern import PatternMatcher
from cep.match.planner import make_matcher
from cep.plan.kernels import compile_rule
from cep.plan.plan import Bound, PickKind
from tests.judge.every import judge_every
from tests.judge.patterns import run_matcher, same
from tests.judge.small import BOTH, END_US, FEW, MANY, UNEVEN_US, Steps, judged, patterns, rule, stream, words

PICKS = [PickKind.FIRST, PickKind.LATEST, PickKind.LONGEST]
CUT = 3  # patterns of two steps and of three, for each way to pick
SHORTER = 5  # words, where there are bounds to choose from
PARTS = 64
FIXED = {name: MANY[name] for name in ("one", "two", "two-consecutive")}
EVERY = os.environ.get("CEP_SMALL_SCOPE") == "all"


def agree(chosen: Sequence[Steps], pick: PickKind) -> None:
    for steps in chosen:
        plan = rule(steps, pick)
        kernels = compile_rule(plan, {}, rows="dict")
        for word, verdicts in judged(plan):
            same(run_matcher(plan, PatternMatcher, stream(word), END_US, kernels=kernels), verdicts)


@pytest.mark.parametrize("pick", PICKS)
def test_small_patterns_mean_the_same_for_every_short_word(pick: PickKind) -> None:
    random = Random(f"small {pick}")
    agree(random.sample([*patterns(2, MANY)], CUT) + random.sample([*patterns(3, FEW)], CUT), pick)


@pytest.mark.parametrize("pick", PICKS)
def test_small_patterns_bounded_in_time_and_events_mean_the_same_for_every_short_word(pick: PickKind) -> None:
    random = Random(f"both bounds {pick}")
    for steps in chosen_of(random, [*patterns(2, MANY)]) + chosen_of(random, [*patterns(3, FEW)]):
        agree_on_both(steps, pick, random.choice(BOTH))


@pytest.mark.parametrize("within", BOTH)
def test_every_match_bounded_in_time_and_events_is_told_for_every_short_word(within: Bound) -> None:
    random = Random(f"every match {within}")
    for steps in chosen_of(random, [*filter(can_be_said, patterns(3, FIXED))]):
        agree_on_every_match(steps, within)


def chosen_of(random: Random, every: list[Steps]) -> list[Steps]:
    """A few, half of them such as wait for a deadline."""
    waiting = [steps for steps in every if steps[-1].arrow == "-> !"]
    return random.sample(every, CUT) + random.sample(waiting, CUT)


def can_be_said(steps: Steps) -> bool:
    """Whether `tests.judge.every` speaks of it: no negation amid the pattern, nor behind a loop that it strikes as well."""
    return all("!" not in step.arrow for step in steps[:-1]) and (steps[-1].arrow != "-> !" or steps[-2].quantifier == "one")


def agree_on_both(steps: Steps, pick: PickKind, within: Bound) -> None:
    plan = rule(steps, pick, within)
    kernels = compile_rule(plan, {}, rows="dict")
    for word, verdicts in judged(plan, SHORTER, UNEVEN_US):
        same(run_matcher(plan, PatternMatcher, stream(word, UNEVEN_US), END_US, kernels=kernels), verdicts)


def agree_on_every_match(steps: Steps, within: Bound) -> None:
    plan = rule(steps, PickKind.ALL, within)
    kernels = compile_rule(plan, {}, rows="dict")
    for word in words(SHORTER):
        events = stream(word, UNEVEN_US)
        same(run_matcher(plan, make_matcher, events, END_US, kernels=kernels), judge_every(plan, events, END_US))


if EVERY:

    @pytest.mark.parametrize("pick", PICKS)
    @pytest.mark.parametrize("part", range(PARTS))
    def test_every_small_pattern_means_the_same_for_every_short_word(pick: PickKind, part: int) -> None:
        every = [*patterns(1, MANY), *patterns(2, MANY), *patterns(3, FEW)]
        agree([*islice(every, part, None, PARTS)], pick)

    @pytest.mark.parametrize("pick", PICKS)
    @pytest.mark.parametrize("part", range(PARTS))
    def test_every_small_pattern_bounded_in_time_and_events_means_the_same(pick: PickKind, part: int) -> None:
        every = [*product([*patterns(2, MANY), *patterns(3, {"one": MANY["one"], "plus-greedy": MANY["plus-greedy"]})], BOTH)]
        for steps, within in islice(every, part, None, PARTS):
            agree_on_both(steps, pick, within)

    @pytest.mark.parametrize("within", BOTH)
    @pytest.mark.parametrize("part", range(PARTS))
    def test_every_match_of_every_small_pattern_bounded_in_time_and_events_is_told(within: Bound, part: int) -> None:
        for steps in islice(filter(can_be_said, [*patterns(2, FIXED), *patterns(3, FIXED)]), part, None, PARTS):
            agree_on_every_match(steps, within)
