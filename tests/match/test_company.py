"""Rules of one shape that are matched together say what they say one by one, in the same order, whatever happens to them:
batch borders, restarts, rules that come and go."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cep.alert import Alert
from cep.buffer.checkpoint import pack, unpack
from cep.match import alike_counts, alike_tallies, fuse
from cep.match.engine import Engine
from cep.match.planner import make_matcher
from cep.match.running import MakeMatcher, Running
from cep.match.tally import TallyMatcher
from cep.match.together import Member
from cep.match.window import WindowMatcher
from cep.plan.ir import Compare, Const, Reg
from cep.plan.kernels import RuleKernels
from cep.plan.plan import KeyPlan, Register, RegisterKind, Rulebook, RulePlan, Select, SequenceBody, WindowBody
from cep.types import Type
from tests.judge import patterns
from tests.judge.patterns import KEY
from tests.judge.values import Seen
from tests.match import test_window_generated as windows
from tests.match.written import batch

QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large]


class AloneTally(TallyMatcher):
    """One that is matched with no other."""


class AloneWindow(WindowMatcher):
    """One that is matched with no other."""


def alone(plan: RulePlan, kernels: RuleKernels) -> Any:
    """The planner's matcher, none of which is matched together with others."""
    made = make_matcher(plan, kernels)
    if type(made) is WindowMatcher:
        return AloneWindow(plan, kernels)
    return AloneTally(plan, kernels) if type(made) is TallyMatcher else made


def rules_of(engine: Engine) -> list[Running]:
    return engine._rules


def members(engine: Engine) -> int:
    return sum(isinstance(rule.keeper, Member) for rule in rules_of(engine))


@st.composite
def like(draw: st.DrawFn, plan: RulePlan) -> RulePlan:
    """A rule of the same shape, with other constants."""
    body = draw(other_tally(plan.body) if isinstance(plan.body, SequenceBody) else other_counter(plan.body))
    emit = draw(st.sampled_from([plan.emit, plan.emit, plan.emit[:1], ()]))
    return replace(plan, body=body, version=repr((body, emit)), emit=emit)


@st.composite
def other_tally(draw: st.DrawFn, body: SequenceBody) -> SequenceBody:
    first, then = body.nodes
    least = draw(st.integers(1, 4))
    most = None if body.steps[then.step].cond is not None or draw(st.booleans()) else least + draw(st.integers(0, 2))
    nodes = (replace(first, min=least, max=most), then)
    return replace(body, nodes=nodes, within_us=draw(st.integers(2, 9)), exclusive=draw(st.booleans()))


@st.composite
def other_counter(draw: st.DrawFn, body: Any) -> WindowBody:
    when = Compare(draw(st.sampled_from([">=", ">"])), Reg(0, Type.NUMBER), Const(draw(st.integers(0, 5)), Type.NUMBER))
    return replace(body, when=when, window_us=draw(st.sampled_from([0, 1, 2, 5, 9, 30])), then_reset=True)


@st.composite
def rulebooks(draw: st.DrawFn, shape: RulePlan, *, fewest: int = 3) -> Rulebook:
    """Rules of one shape, and sometimes a stranger, in any order."""
    plans = draw(st.lists(like(shape), min_size=fewest, max_size=6))
    if draw(st.booleans()):
        plans.append(draw(patterns.tally_rules()))
    return book(draw(st.permutations([replace(plan, id=f"r{n}") for n, plan in enumerate(plans)])))


def book(plans: list[RulePlan]) -> Rulebook:
    return Rulebook(tuple(plans), {})


@st.composite
def changed(draw: st.DrawFn, old: Rulebook, shape: RulePlan) -> Rulebook:
    """Some rules are gone, some others decide otherwise, some are new, some are called otherwise."""
    plans = []
    for plan in old.plans:
        match draw(st.sampled_from(["stays", "stays", "stays", "goes", "decides", "is tagged"])):
            case "stays":
                plans.append(plan)
            case "decides":
                plans.append(replace(draw(like(shape)), id=plan.id))
            case "is tagged":
                plans.append(replace(plan, tags=("x",)))
    names = [f"r{n}" for n in range(10) if f"r{n}" not in {plan.id for plan in plans}]
    plans += [replace(draw(like(shape)), id=name) for name in names[: draw(st.integers(0, 3))]]
    return book(draw(st.permutations(plans)))


class Pair:
    """One engine that matches rules together, one that does not, fed alike."""

    def __init__(self, rulebook: Rulebook) -> None:
        self.rulebook = rulebook
        self.engines = self._made()
        self.saved: list[list[Any]] = [[], []]
        self.generation = 1

    def _made(self) -> list[Engine]:
        ways: list[MakeMatcher] = [make_matcher, alone]
        return [Engine(self.rulebook, rows="dict", make=make) for make in ways]

    def feed(self, events: list[Seen], watermark_us: int) -> list[Alert]:
        return self._same([engine.feed(batch(events), watermark_us) for engine in self.engines])

    def advance(self, watermark_us: int) -> list[Alert]:
        return self._same([engine.advance(watermark_us) for engine in self.engines])

    def swap(self, rulebook: Rulebook, watermark_us: int) -> None:
        self.rulebook, self.generation = rulebook, self.generation + 1
        self._same([engine.swap(rulebook, self.generation, watermark_us) for engine in self.engines])

    def save(self, *, delta: bool) -> None:
        for engine, saved in zip(self.engines, self.saved):
            if not delta:
                saved.clear()
            saved.append(unpack(pack(engine.snapshot(delta=bool(saved)))))

    def restart(self, *, crossed: bool) -> None:
        """From what was saved; `crossed`: each goes on from what the other one saved."""
        if crossed:
            self.saved.reverse()
        self.engines = self._made()
        for engine, saved in zip(self.engines, self.saved):
            engine.restore(saved)

    @staticmethod
    def _same(both: list[list[Alert]]) -> list[Alert]:
        assert both[0] == both[1]
        return both[0]


@given(st.data(), patterns.tally_rules(), patterns.streams(longest=40))
@settings(max_examples=300, deadline=None, suppress_health_check=QUIET)
def test_tallies_together_and_one_by_one_alike(data: st.DataObject, shape: RulePlan, events: list[Seen]) -> None:
    agree(data, shape, events)


@given(st.data(), windows.counting_windows(), windows.streams(longest=60), st.sampled_from([windows.ONE_KEY, windows.NO_KEY]))
@settings(max_examples=200, deadline=None, suppress_health_check=QUIET)
def test_counters_together_and_one_by_one_alike(data: st.DataObject, body: WindowBody, events: list[Seen], key: KeyPlan) -> None:
    agree(data, windows.rule(body, key), events)


def agree(data: st.DataObject, shape: RulePlan, events: list[Seen]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        for module in (alike_tallies, alike_counts):
            patch.setattr(module, "LOOKED_AT", data.draw(st.sampled_from([2, 5, 64])))
        patch.setattr(fuse, "MOST_FUSED", data.draw(st.sampled_from([0, 48])))  # rows in lists, or in the loop
        pair = Pair(data.draw(rulebooks(shape)))
        assert members(pair.engines[0]) >= 3
        assert members(pair.engines[1]) == 0
        done = 0
        for border in [*sorted(data.draw(st.lists(st.integers(0, len(events)), max_size=6))), len(events)]:
            some = events[done:border]
            now_us = events[border - 1].time_us if border else 0
            if some:
                pair.feed(some, now_us)
            done = border
            match data.draw(st.sampled_from(["", "advance", "save", "delta", "restart", "crossed", "swap", "swap"])):
                case "advance":
                    pair.advance(events[done].time_us if done < len(events) else now_us + 5)
                case "save":
                    pair.save(delta=False)
                case "delta":
                    pair.save(delta=True)
                case "restart" | "crossed" as how:
                    pair.save(delta=True)
                    pair.restart(crossed=how == "crossed")
                case "swap":
                    pair.swap(data.draw(changed(pair.rulebook, shape)), now_us)
                    pair.save(delta=False)
        pair.advance(1 << 60)
        assert not any(pair.engines[0].sizes().values())
        assert pair.engines[0].next_due() is None


def test_a_state_of_other_events_stays_alone() -> None:
    """Who went on from somewhere else cannot share; it says what it would have said."""
    plans = [replace(like_counter(n), id=f"r{n}") for n in (2, 3, 4)]
    whole, strange = Engine(book(plans), rows="dict"), Engine(book(plans[:1]), rows="dict")
    events = [Seen(n, "e", {"k": "p"}, f"i{n}") for n in range(1, 9)]
    whole.feed(batch(events[:1]), 1)
    strange.feed(batch(events[1:2]), 2)
    saved = whole.snapshot(delta=False)
    saved["rules"]["r2"] = strange.snapshot(delta=False)["rules"]["r2"]
    again = Engine(book(plans), rows="dict")
    again.restore([saved])
    assert members(again) == 0  # two are too few
    assert [(alert.rule, alert.evidence) for alert in again.feed(batch(events[2:4]), 4)] == [
        ("r2", ("i2", "i3")),
        ("r3", ("i1", "i3", "i4")),
    ]


def like_counter(least: int) -> RulePlan:
    when = Compare(">=", Reg(0, Type.NUMBER), Const(least, Type.NUMBER))
    body = WindowBody(Select("e"), 100, (Register(RegisterKind.COUNT, 0, Type.NUMBER),), when, then_reset=True)
    return RulePlan(f"r{least}", f"v{least}", KEY, body, ())


def test_what_is_kept_is_kept_once() -> None:
    """However many rules there are, a key has one list, which holds no more than the most demanding of them needs."""
    engine = Engine(book([like_counter(n) for n in (2, 90, 100)]), rows="dict")
    events = [Seen(n * 2, "e", {"k": "p"}, f"i{n}") for n in range(5000)]
    for start in range(0, 5000, 500):
        engine.feed(batch(events[start : start + 500]), events[start + 499].time_us)
    keepers = [rule.keeper for rule in rules_of(engine)]
    assert all(isinstance(keeper, Member) for keeper in keepers)
    assert len({id(keeper.together) for keeper in keepers if isinstance(keeper, Member)}) == 1
    together = keepers[0].together  # type: ignore[attr-defined]
    assert len(together.ages.get("p")) <= 2 * (51 + 64) + 1  # within 100 there are 51, looked at every 64
    assert engine.sizes() == {"r2": 0, "r90": 1, "r100": 1}  # the last event was the second of a pair
