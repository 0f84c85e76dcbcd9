"""All small patterns over all short streams, as many of them as there is time for: a seeded cut, different letters first."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import product
from random import Random

import pytest

from cep.match.planner import choose_matcher, make_matcher
from cep.match.sequence import SequenceMatcher
from cep.plan.plan import Node, Register, RegisterKind, RulePlan, SequenceBody, StepPlan
from cep.types import Type
from tests.judge.patterns import one_of, run_matcher, same, sequence_rule
from tests.judge.runs import judge_pattern
from tests.judge.values import Seen

FIRST = [(1, 1), (1, None), (2, None), (2, 2), (1, 2), (0, 1)]
SECOND = [(1, 1), (0, 1), (1, None), (0, None), (2, 2)]
BETWEEN = ["", "=>", "!"]
ENDINGS = ["", "-> !x", "=> !x"]
BOUNDS = [(2, False), (2, True), (3, False), (None, False)]
CUT = 3000


def patterns() -> Iterator[SequenceBody]:
    """Every pattern of two steps a (letters a, c) and b (letters b, c) with the quantifiers, negations and bounds above."""
    for first, second, between, ending, (within, exclusive) in product(FIRST, SECOND, BETWEEN, ENDINGS, BOUNDS):
        if ending == "-> !x" and within is None:
            continue  # needs a bound
        steps = (StepPlan("a", one_of("ac")), StepPlan("b", one_of("bc")), StepPlan("x", one_of("x")))
        nodes = (Node(0, *first), Node(1, *second, between == "=>", (2,) if between == "!" else ()))
        counts = tuple(Register(RegisterKind.COUNT, step, Type.NUMBER) for step in (0, 1))
        ends = (2,) if ending else ()
        yield SequenceBody(steps, nodes, within, exclusive, ends, ending == "=> !x", registers=counts)


def short_streams() -> Iterator[list[Seen]]:
    """Every stream of up to five events of the letters, each at the time of the one before or one later."""
    for length in range(1, 6):
        for letters in product("abcx", repeat=length):
            for gaps in product((0, 1), repeat=length - 1):
                now, events = 0, []
                for number, (letter, gap) in enumerate(zip(letters, (0, *gaps)), 1):
                    now += gap
                    events.append(Seen(now, "e", {"k": "p", "l": letter, "v": number}, number))
                yield events


def agree(plan: RulePlan, events: list[Seen]) -> None:
    end_us = events[-1].time_us + 3
    verdicts = judge_pattern(plan, events, end_us)
    same(run_matcher(plan, SequenceMatcher, events, end_us), verdicts)
    if choose_matcher(plan)[0] != "run list":
        same(run_matcher(plan, make_matcher, events, end_us), verdicts)


@pytest.mark.parametrize("seed", range(1, 1 + int(os.environ.get("CEP_SMALL_SCOPE", "2"))))
def test_small_patterns_mean_the_same_everywhere(seed: int) -> None:
    random = Random(seed)
    bodies, streams = list(patterns()), list(short_streams())
    for _ in range(CUT):
        agree(sequence_rule(random.choice(bodies)), random.choice(streams))
