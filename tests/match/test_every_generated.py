"""`pick all`: what can be said by hand is found, and neither batches, nor restarts, nor moves of time change what is told."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from cep.event import Match
from cep.match.compact import CompactMatcher, why_not_compact
from cep.match.every import EveryMatcher
from cep.plan.plan import Bound, Chain, Link, Loop, PatternBody, PickKind, RulePlan, SkipKind, Take
from tests.judge.every import judge_every
from tests.judge.patterns import KINDS, cuts, register_of, run_matcher, same, selects, sequence_rule, step_plans, streams
from tests.judge.shapes import DELAYS, pattern_bodies
from tests.judge.values import told

END_US = 40


@st.composite
def lines(draw: st.DrawFn) -> RulePlan:
    """Steps of one event or a fixed number, one after the other: what `tests.judge.every` can say."""
    count = draw(st.integers(1, 4))
    links: list[Link] = []
    for step in range(count):
        low = draw(st.sampled_from([1, 1, 1, 2, 3]))
        loop = Loop(low, low, lazy=True, inner=draw(st.sampled_from(["->", "=>", "->>"])))
        arrow = draw(st.sampled_from(["->", "=>", "->>"])) if step else ""
        delay = draw(st.sampled_from(DELAYS)) if step else (None, None)
        links.append(Link(Take(step, loop), arrow, False, *delay))
    registers = [register_of(draw(st.sampled_from(KINDS)), draw(st.integers(0, count - 1))) for _ in range(2)]
    scalars = [i for i, one in enumerate(registers) if one.type.value == "number"] if draw(st.booleans()) else []
    plans = [draw(step_plans(i, draw(selects()), scalars, may_take=True)) for i in range(count)]
    bounds = st.sampled_from([Bound(), Bound(5), Bound(5, exclusive=True), Bound(events=4), Bound(5, events=4)])
    limit = draw(st.sampled_from([None, None, 1, 3]))
    body = PatternBody(tuple(plans), Chain(tuple(links)), draw(bounds), PickKind.ALL, limit, registers=tuple(registers))
    return sequence_rule(body)


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_every_combination_is_found(data: st.DataObject) -> None:
    plan, events = data.draw(lines()), data.draw(streams())
    same(run_matcher(plan, EveryMatcher, events, END_US, data.draw(cuts(len(events)))), judge_every(plan, events, END_US))


@st.composite
def every_rules(draw: st.DrawFn) -> RulePlan:
    body = draw(pattern_bodies())
    takes = [link.part.step for link in body.pattern.links if not link.negated and isinstance(link.part, Take)]
    kinds = [kind for kind in SkipKind if takes or kind not in (SkipKind.FIRST, SkipKind.LAST)]
    skip = draw(st.sampled_from(kinds))
    skip_to = draw(st.sampled_from(takes)) if skip in (SkipKind.FIRST, SkipKind.LAST) else None
    limit = draw(st.sampled_from([None, None, 2]))
    return sequence_rule(replace(body, pick=PickKind.ALL, skip=skip, skip_to=skip_to, limit=limit))


def order(match: Match) -> str:
    return repr((match.time_us, match.transition, told(match)))


@settings(max_examples=600, deadline=None)
@given(st.data())
def test_batches_restarts_and_moves_of_time_change_nothing(data: st.DataObject) -> None:
    plan, events = data.draw(every_rules()), data.draw(streams())
    whole = run_matcher(plan, EveryMatcher, events, END_US)
    pieces = run_matcher(plan, EveryMatcher, events, END_US, data.draw(cuts(len(events))))
    assert sorted(map(order, whole)) == sorted(map(order, pieces))


@st.composite
def compact_rules(draw: st.DrawFn) -> RulePlan:
    body = draw(pattern_bodies(conditions=False))
    limit = draw(st.sampled_from([None, None, 2]))
    plan = sequence_rule(replace(body, pick=PickKind.ALL, limit=limit, timeout=False))
    assume(not why_not_compact(plan))
    return plan


@settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(st.data())
def test_sets_of_histories_hold_the_same_partial_matches(data: st.DataObject) -> None:
    plan, events = data.draw(compact_rules()), data.draw(streams())
    one_by_one = run_matcher(plan, EveryMatcher, events, END_US)
    in_sets = run_matcher(plan, CompactMatcher, events, END_US, data.draw(cuts(len(events))))
    assert sorted(map(order, one_by_one)) == sorted(map(order, in_sets))
