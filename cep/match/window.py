"""Window rules: which way of keeping windows runs which plan. Each keeps the promise of `cep.match.matcher.Matcher`."""

from __future__ import annotations

from typing import assert_never

from cep.event import Batch, Match
from cep.match.bucket import LeakyBuckets
from cep.match.counter import CountedWindows
from cep.match.each import EachEvent
from cep.match.fuse import Fused
from cep.match.hop import HoppingWindows
from cep.match.kept import KeptWindows
from cep.match.matcher import Hits, Matcher, RuleState
from cep.match.opening import CountedRises
from cep.match.rising import counted_threshold
from cep.match.session import Sessions
from cep.match.sliding import LastEvents, SlidingWindows
from cep.plan.kernels import RuleKernels
from cep.plan.plan import BudgetPlan, RulePlan, WindowBody, WindowKind


class WindowMatcher:
    """A window rule, run in the cheapest way there is for it.

    kind  "counter": `count() >= n` alone, each alert emptying the window; "rises": the same with alerts that resolve;
          "window" and the others: any condition over windows of that kind
    """

    def __init__(self, plan: RulePlan, kernels: RuleKernels) -> None:
        assert isinstance(plan.body, WindowBody)
        self.kind, self._way = _way(plan.body, kernels, plan.budget)
        self.budget = self._way.budget if isinstance(self._way, KeptWindows) else None

    @property
    def counter(self) -> CountedWindows | None:
        """What counts alone, each alert emptying the window; None: the rule asks for more."""
        return self._way if type(self._way) is CountedWindows else None

    def feed(self, batch: Batch, hits: Hits, out: list[Match]) -> None:
        self._way.feed(batch, hits, out)

    def fuse(self, n: int) -> Fused | None:
        return self._way.fuse(n) if isinstance(self._way, CountedWindows) else None

    def advance(self, watermark_us: int, out: list[Match]) -> None:
        self._way.advance(watermark_us, out)

    def next_due(self) -> int | None:
        return self._way.next_due()

    def snapshot(self, *, delta: bool) -> RuleState:
        return self._way.snapshot(delta=delta)

    def restore(self, states: list[RuleState]) -> None:
        self._way.restore(states)

    def size(self) -> int:
        return self._way.size()

    def touched(self) -> int:
        return self._way.touched()


def _way(body: WindowBody, kernels: RuleKernels, budget: BudgetPlan | None) -> tuple[str, Matcher]:
    match body.kind:
        case WindowKind.SLIDE:
            threshold = None if budget else counted_threshold(body)
            if threshold is None:
                return "window", SlidingWindows(body, kernels, budget)
            return ("counter", CountedWindows(body, kernels, threshold)) if body.then_reset else (
                "rises", CountedRises(body, kernels, threshold)
            )  # fmt: skip
        case WindowKind.EVENTS:
            return "last events", LastEvents(body, kernels, budget)
        case WindowKind.HOP:
            return "hopping", HoppingWindows(body, kernels, budget)
        case WindowKind.SESSION:
            return "session", Sessions(body, kernels, budget)
        case WindowKind.BUCKET:
            return "bucket", LeakyBuckets(body, kernels, budget)
        case WindowKind.NONE:
            return "each event", EachEvent(body, kernels)
        case _:
            assert_never(body.kind)
