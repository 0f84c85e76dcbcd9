"""`pick all` against brute force, where it can be said without a machine: chains of steps that take one event or so many, with
negations at either end."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from cep.match.planner import make_matcher
from cep.plan.plan import Bound, Chain, KeyPlan, Link, Loop, PatternBody, PickKind, StepPlan, Take
from cep.types import Type
from tests.judge.every import judge_every
from tests.judge.patterns import (
    KEY,
    KINDS,
    TWO_KEYS,
    claims,
    cuts,
    register_of,
    run_matcher,
    same,
    selects,
    sequence_rule,
    step_plans,
    streams,
)
from tests.judge.shapes import ARROWS, DELAYS, spell
from tests.judge.values import Seen

EXAMPLES = int(os.environ.get("CEP_JUDGED", "300"))


BOUNDS = [
    Bound(3),
    Bound(6),
    Bound(4, exclusive=True),
    Bound(6, events=3),
    Bound(4, exclusive=True, events=5),
    Bound(9, events=4),
]
UNTIMED = [Bound(), Bound(events=4)]
ENDS = ["", "", "", "->", "=>"]


@st.composite
def chains(draw: st.DrawFn) -> PatternBody:
    links, count = [], draw(st.integers(1, 4))
    starts, ends = draw(st.sampled_from(ENDS)), draw(st.sampled_from(ENDS))
    for step in range(count):
        struck = ends == "->" and step == count - 1  # amid a loop too, as Flink has it, by what must not come behind it
        times = 1 if struck else draw(st.sampled_from([1, 1, 1, 2, 3]))
        loop = Loop(times, times, inner=draw(st.sampled_from(["->", "=>", "->>"])) if times > 1 else "->")
        arrow = draw(st.sampled_from([*ARROWS, "->>", "->>"])) if step else starts
        delay = draw(st.sampled_from(DELAYS)) if arrow else (None, None)
        links.append(Link(Take(step, loop), arrow, False, *delay))
    registers = tuple(register_of(draw(st.sampled_from(KINDS)), draw(st.integers(0, count - 1))) for _ in range(2))
    scalars = [i for i, register in enumerate(registers) if register.type is Type.NUMBER] if draw(st.booleans()) else []
    steps = [draw(step_plans(i, draw(selects()), scalars, may_take=True)) for i in range(count)]
    if starts:
        links.insert(0, Link(Take(len(steps)), negated=True))
        steps.append(StepPlan("before", draw(selects())))
    if ends:
        links.append(Link(Take(len(steps)), ends, True, *(draw(st.sampled_from(DELAYS)) if ends == "->" else (None, None))))
        steps.append(draw(step_plans(len(steps), draw(selects()), scalars, may_take=False)))
    within = draw(st.sampled_from(BOUNDS if "->" in (starts, ends) else BOUNDS + UNTIMED))
    when = draw(claims(scalars)) if scalars and draw(st.booleans()) else None
    limit = None if ends == "->" else draw(st.sampled_from([None, None, 1, 2]))  # counts what one event completes
    return PatternBody(tuple(steps), Chain(tuple(links)), within, PickKind.ALL, limit, registers=registers, when=when)


@given(st.data(), chains(), streams(shortest=3, longest=10), st.sampled_from([KEY, KEY, TWO_KEYS]))
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_every_combination_is_told(data: st.DataObject, body: PatternBody, events: list[Seen], key: KeyPlan) -> None:
    note(spell(body))
    plan, end_us = sequence_rule(body, key), events[-1].time_us + 9
    same(run_matcher(plan, make_matcher, events, end_us, data.draw(cuts(len(events)))), judge_every(plan, events, end_us))
