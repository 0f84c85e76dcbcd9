"""Matchers written into the loop that finds their rows say what the judge says, as do the same matchers given lists of rows."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cep.event import Batch, Match
from cep.match.filter import FilterMatcher
from cep.match.fuse import MOST_FUSED
from cep.match.matcher import Hits, RuleState
from cep.match.planner import make_matcher
from cep.match.select import Selector
from cep.plan.ir import Expr
from cep.plan.kernels import RuleKernels, compile_rule
from cep.plan.plan import FilterBody, KeyPlan, Node, RulePlan, Select, SequenceBody, StepPlan, WindowBody
from tests.judge import patterns, windows
from tests.judge.patterns import KEY, cuts, one_of, run_matcher, same, sequence_rule
from tests.judge.runs import judge_pattern as judge_sequence
from tests.judge.values import Seen
from tests.match import test_window_generated as generated

KEYS = [generated.ONE_KEY, generated.TWO_KEYS, generated.NO_KEY]
QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large]


class InLoop:
    """A matcher that stands in the loop of a selector for its rule alone, or for it and others."""

    def __init__(self, plan: RulePlan, kernels: RuleKernels, others: tuple[RulePlan, ...] = ()) -> None:
        plans = [*others, plan]
        self._matcher = make_matcher(plan, kernels)
        matchers = [make_matcher(other, compile_rule(other, {}, rows="dict")) for other in others]
        self._selector = Selector(plans, {}, rows="dict", matchers=[*matchers, self._matcher], rules=range(len(plans)))
        striking = sum(isinstance(plan.body, FilterBody) for plan in plans)
        assert len(self._selector.fused) == len(plans) - striking
        self._number = len(others)

    def feed(self, batch: Batch, hits: Hits, out: list[Match]) -> None:
        assert not any(one.rows for one in self._selector.select(batch))
        assert not self._selector.active
        out += [match for number, match in self._selector.struck if number == self._number]
        out += dict(self._selector.fused).get(self._number, [])
        self._selector.struck.clear()
        for _, matches in self._selector.fused:
            matches.clear()

    def advance(self, watermark_us: int, out: list[Match]) -> None:
        self._matcher.advance(watermark_us, out)

    def next_due(self) -> int | None:
        return self._matcher.next_due()

    def snapshot(self, *, delta: bool) -> RuleState:
        return self._matcher.snapshot(delta=delta)

    def restore(self, states: list[RuleState]) -> None:
        self._matcher.restore(states)

    def size(self) -> int:
        return self._matcher.size()

    def touched(self) -> int:
        return self._matcher.touched()


def agree(data: st.DataObject, plan: RulePlan, events: list[Seen], judge: Any, others: tuple[RulePlan, ...] = ()) -> None:
    end_us = (events[-1].time_us if events else 0) + data.draw(st.integers(0, 9))
    verdicts, borders = judge(plan, events, end_us), data.draw(cuts(len(events)))

    def make(plan: RulePlan, kernels: RuleKernels) -> InLoop:
        return InLoop(plan, kernels, others)

    same(run_matcher(plan, make, events, end_us), verdicts)
    same(run_matcher(plan, make, events, end_us, borders), verdicts)
    same(run_matcher(plan, make_matcher, events, end_us, borders), verdicts)


SEQUENCES = st.one_of(patterns.tally_rules(), patterns.pending_rules(), patterns.pair_rules())


@given(st.data(), patterns.tally_rules(), patterns.streams())
@settings(max_examples=400, deadline=None, suppress_health_check=QUIET)
def test_a_tally_in_the_loop(data: st.DataObject, plan: RulePlan, events: list[Seen]) -> None:
    agree(data, plan, events, judge_sequence)


@given(st.data(), patterns.pending_rules(), patterns.streams())
@settings(max_examples=300, deadline=None, suppress_health_check=QUIET)
def test_waiting_events_in_the_loop(data: st.DataObject, plan: RulePlan, events: list[Seen]) -> None:
    agree(data, plan, events, judge_sequence)


@given(st.data(), patterns.pair_rules(), patterns.streams())
@settings(max_examples=400, deadline=None, suppress_health_check=QUIET)
def test_a_pair_in_the_loop(data: st.DataObject, plan: RulePlan, events: list[Seen]) -> None:
    agree(data, plan, events, judge_sequence)


@given(
    st.data(), generated.counting_windows(), generated.streams(longest=60), st.sampled_from([generated.ONE_KEY, generated.NO_KEY])
)
@settings(max_examples=300, deadline=None)
def test_a_counter_in_the_loop(data: st.DataObject, body: WindowBody, events: list[Seen], key: KeyPlan) -> None:
    agree(data, generated.rule(body, key), events, windows.judge)


@given(st.data(), generated.streams(), st.sampled_from(KEYS), st.sampled_from([None, generated.LARGE_X]))
@settings(max_examples=100, deadline=None)
def test_a_filter_in_the_loop(data: st.DataObject, events: list[Seen], key: KeyPlan, where: Expr | None) -> None:
    agree(data, generated.rule(FilterBody(Select("e", where)), key), events, windows.judge)


@given(st.data(), st.lists(SEQUENCES, min_size=2, max_size=4), patterns.streams())
@settings(max_examples=300, deadline=None, suppress_health_check=QUIET)
def test_several_rules_in_one_loop(data: st.DataObject, plans: list[RulePlan], events: list[Seen]) -> None:
    """Each says what it says alone, also where two select the same rows."""
    again = data.draw(st.booleans())
    agree(data, plans[0], events, judge_sequence, tuple(plans[1:] + plans[:1] * again))


def test_what_cannot_stand_in_the_loop_is_given_its_rows() -> None:
    """`=>` counts rows that fit nothing: this pattern needs its list of rows, beside one that does not."""
    steps = (StepPlan("a", one_of("a")), StepPlan("b", one_of("b")))
    strict = sequence_rule(SequenceBody(steps, (Node(0, 1, 1), Node(1, 1, 1, strict=True)), 5))
    plain = RulePlan("f", "v", KEY, FilterBody(one_of("a")), ())
    matchers = [make_matcher(plan, compile_rule(plan, {}, rows="dict")) for plan in (strict, plain)]
    selector = Selector([strict, plain], {}, rows="dict", matchers=matchers, rules=["strict", "plain"])
    rows: list[dict[str, Any]] = [{"k": "p", "l": "a"}, {"k": "p", "l": "x"}]
    hits = selector.select(Batch(rows, [1, 2], ["i1", "i2"], ["e", "e"]))
    assert selector.active == [0]
    assert hits[0].rows == [0, 1]
    assert [(rule, match.cause) for rule, match in selector.struck] == [("plain", 0)]


def test_rules_beyond_the_most_that_are_fused_get_their_rows() -> None:
    def body(first: str) -> SequenceBody:
        return SequenceBody((StepPlan("a", one_of(first)), StepPlan("b", one_of("c"))), (Node(0, 1, 1), Node(1, 1, 1)), 5)

    plans = [sequence_rule(body("ba"[n % 2])) for n in range(MOST_FUSED + 3)]
    matchers = [make_matcher(plan, compile_rule(plan, {}, rows="dict")) for plan in plans]
    selector = Selector(plans, {}, rows="dict", matchers=matchers)
    hits = selector.select(Batch([{"k": "p", "l": "a", "v": 1}], [1], ["i1"], ["e"]))
    assert len(selector.fused) == MOST_FUSED
    assert sorted(n for n, _ in selector.fused) == list(range(MOST_FUSED))
    assert selector.active == [MOST_FUSED + 1]
    assert hits[MOST_FUSED + 1].rows == [0]


def test_any_number_of_filters_strike_where_their_rows_are_found() -> None:
    plans = [RulePlan(f"r{n}", "v", KEY, FilterBody(one_of("ba"[n % 2])), ()) for n in range(MOST_FUSED + 3)]
    matchers = [FilterMatcher(plan, compile_rule(plan, {}, rows="dict")) for plan in plans]
    selector = Selector(plans, {}, rows="dict", matchers=matchers, rules=range(len(plans)))
    selector.select(Batch([{"k": "p", "l": "a", "v": 1}], [1], ["i1"], ["e"]))
    assert not selector.fused
    assert not selector.active
    assert [n for n, _ in selector.struck] == list(range(1, MOST_FUSED + 3, 2))


def test_a_filter_that_selects_as_another_rule_does_gets_its_rows() -> None:
    """One list of rows serves both, where the other needs it."""
    alone = RulePlan("f", "v", KEY, FilterBody(one_of("a")), ())
    matchers: list[object] = [make_matcher(alone, compile_rule(alone, {}, rows="dict")), object()]
    selector = Selector([alone, alone], {}, rows="dict", matchers=matchers, rules=[0, 1])
    selector.select(Batch([{"k": "p", "l": "a", "v": 1}], [1], ["i1"], ["e"]))
    assert not selector.struck
    assert selector.active == [0, 1]
