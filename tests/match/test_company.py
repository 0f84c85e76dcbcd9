"""Rules of one shape that are matched together say what they say one by one, in the same order, whatever happens to them:
batch borders, restarts, rules that come and go."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cep.buffer.checkpoint import pack, unpack
from cep.event import Alert
from cep.match.engine import Engine
from cep.match.planner import make_matcher
from cep.match.register import TallyMatcher
from cep.match.running import MakeMatcher, Running
from cep.match.together import Member
from cep.plan.kernels import RuleKernels
from cep.plan.plan import Rulebook, RulePlan, SequenceBody
from tests.judge import patterns
from tests.judge.values import Seen
from tests.match.written import batch

QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large]


class AloneTally(TallyMatcher):
    """One that is matched with no other."""


def alone(plan: RulePlan, kernels: RuleKernels) -> Any:
    """The planner's matcher, none of which is matched together with others."""
    made = make_matcher(plan, kernels)
    return AloneTally(plan, kernels) if type(made) is TallyMatcher else made


def rules_of(engine: Engine) -> list[Running]:
    return engine._rules


def members(engine: Engine) -> int:
    return sum(isinstance(rule.keeper, Member) for rule in rules_of(engine))


@st.composite
def like(draw: st.DrawFn, plan: RulePlan) -> RulePlan:
    """A rule of the same shape, with other constants."""
    body = plan.body
    assert isinstance(body, SequenceBody) and body.within_us is not None
    first, then = body.nodes
    least = draw(st.integers(1, 4))
    most = None if body.steps[then.step].cond is not None or draw(st.booleans()) else least + draw(st.integers(0, 2))
    within_us, exclusive = draw(st.integers(2, 9)), draw(st.booleans())
    nodes = (replace(first, min=least, max=most), then)
    version = f"{least} {most} {within_us} {exclusive}"
    emit = draw(st.sampled_from([plan.emit, plan.emit, plan.emit[:1], ()]))
    return replace(
        plan, body=replace(body, nodes=nodes, within_us=within_us, exclusive=exclusive), version=version, emit=emit
    )  # fmt: skip


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
@settings(max_examples=400, deadline=None, suppress_health_check=QUIET)
def test_together_and_one_by_one_alike(data: st.DataObject, shape: RulePlan, events: list[Seen]) -> None:
    pair = Pair(data.draw(rulebooks(shape)))
    assert members(pair.engines[0]) >= 3
    assert members(pair.engines[1]) == 0
    done = 0
    for border in [*sorted(data.draw(st.lists(st.integers(0, len(events)), max_size=6))), len(events)]:
        some = events[done:border]
        now_us = some[-1].time_us if some else events[done - 1].time_us if done else 0
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
