"""What each rule costs over a file of events: its matcher is given its rows through a clock that counts them."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from cep.alert import Alert
from cep.config import StreamSpec
from cep.event import Batch, Match
from cep.match.matcher import Hits, Matcher, RuleState
from cep.match.planner import make_matcher
from cep.plan.kernels import RuleKernels
from cep.plan.plan import Rulebook, RulePlan
from cep.run.bounded import Summary, run_bounded

GROWN = 1.25  # state is weighed again when it has grown so far


@dataclass(slots=True)
class Measured:
    """rows        that reached the matcher
    seconds     it took, timers and all
    alerts      told or muted
    peak_keys   most keys at one moment, as seen between batches
    peak_bytes  of its state as it would be saved, at about that moment
    """

    rows: int = 0
    seconds: float = 0.0
    alerts: int = 0
    muted: int = 0
    peak_keys: int = 0
    peak_bytes: int = 0


@dataclass(slots=True)
class Measurement:
    """Per rule, and the run as a whole."""

    rules: dict[str, Measured] = field(default_factory=dict)
    summary: Summary = field(default_factory=Summary)


class Clocked:
    """A matcher with a clock around it. Never written into the loop that finds rows, nor matched together with others, so that
    its part can be told."""

    def __init__(self, matcher: Matcher, measured: Measured) -> None:
        self._matcher = matcher
        self._measured = measured
        self._rows_unseen = 0
        self._weighed_keys = 0.0

    def feed(self, batch: Batch, hits: Hits, out: list[Match]) -> None:
        rows = len(hits.rows)
        started = time.perf_counter()
        self._matcher.feed(batch, hits, out)
        self._measured.seconds += time.perf_counter() - started
        self._measured.rows += rows
        self._rows_unseen += rows
        if self._rows_unseen >= self._measured.peak_keys:  # counting keys may cost as much as there are
            self._look()

    def _look(self) -> None:
        self._rows_unseen = 0
        keys = self._matcher.size()
        self._measured.peak_keys = max(self._measured.peak_keys, keys)
        if keys > self._weighed_keys * GROWN:
            self._weighed_keys = keys
            state = self._matcher.snapshot(delta=False)
            self._measured.peak_bytes = len(msgspec.msgpack.encode([state.keys, state.meta]))

    def advance(self, watermark_us: int, out: list[Match]) -> None:
        started = time.perf_counter()
        self._matcher.advance(watermark_us, out)
        self._measured.seconds += time.perf_counter() - started

    def __getattr__(self, name: str) -> Any:
        """What only some matchers have: their budget, and whom they expect. (`fuse` would get round the clock.)"""
        if name in ("budget", "begun", "meet"):
            return getattr(self._matcher, name)
        raise AttributeError(name)

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


def measure(rulebook: Rulebook, streams: Mapping[str, StreamSpec], inputs: Sequence[tuple[str, Path | str]]) -> Measurement:
    """Run the rules over the inputs to their end, each under its clock.

    raises  ConfigError: a stream that is not declared, a file that cannot be read
    """
    made = Measurement({plan.id: Measured() for plan in rulebook.plans})

    def clocked(plan: RulePlan, kernels: RuleKernels) -> Matcher:
        return Clocked(make_matcher(plan, kernels), made.rules[plan.id])

    def tell(alert: Alert) -> None:
        if alert.transition in ("opened", "timeout"):
            made.rules[alert.rule].alerts += 1
            made.rules[alert.rule].muted += bool(alert.muted)

    made.summary = run_bounded(rulebook, streams, inputs, tell, lambda _: None, make=clocked)
    return made
