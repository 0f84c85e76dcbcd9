"""All small patterns over all short words mean what the judge says: a seeded cut of them, or (`make thorough`) every one."""

from __future__ import annotations

import os
from collections.abc import Sequence
from itertools import islice
from random import Random

import pytest

from cep.match.pattern import PatternMatcher
from cep.plan.kernels import compile_rule
from cep.plan.plan import PickKind
from tests.judge.patterns import run_matcher, same
from tests.judge.small import END_US, FEW, MANY, Steps, judged, patterns, rule, stream

PICKS = [PickKind.FIRST, PickKind.LATEST, PickKind.LONGEST]
CUT = 3  # patterns of two steps and of three, for each way to pick
PARTS = 64
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


if EVERY:

    @pytest.mark.parametrize("pick", PICKS)
    @pytest.mark.parametrize("part", range(PARTS))
    def test_every_small_pattern_means_the_same_for_every_short_word(pick: PickKind, part: int) -> None:
        every = [*patterns(1, MANY), *patterns(2, MANY), *patterns(3, FEW)]
        agree([*islice(every, part, None, PARTS)], pick)
