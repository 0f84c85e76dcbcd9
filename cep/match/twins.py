"""Runs of one start that nothing can tell apart from here on: the one that a tie would not choose is let go.

    a ->> b -> c     a b1 b2 b3 ... : each b makes a fork that waits for c, and all of them would match at the same event

Two runs are twins when they stand at one spot and everything that conditions, `when` and bounds still read of them is equal.
"""

from __future__ import annotations

from typing import Any

from cep.match.deadlines import has_delays
from cep.match.runs import Run
from cep.plan.ir import registers_in
from cep.plan.kernels import RuleKernels
from cep.plan.plan import PatternBody


class Twins:
    """Knows the twins of one pattern."""

    def __init__(self, body: PatternBody, kernels: RuleKernels) -> None:
        self._dump = kernels.dump
        self._read = sorted({i for step in body.steps for i in registers_in(step.cond)} | set(registers_in(body.when)))
        self._delays = has_delays(body.pattern)
        self._all_count = body.timeout  # of two that lapse both are told

    def without(self, runs: list[Run]) -> list[Run]:
        """The runs in their order, one of each set of twins: that with the most events, of those the first."""
        if self._all_count:
            return runs
        kept: dict[Any, int] = {}
        chosen: list[Run | None] = []
        for n, run in enumerate(runs):
            chosen.append(run)
            seen = self._seen(run)
            other = kept.get(seen)
            if other is None:
                kept[seen] = n
                continue
            before = runs[other]
            if run.events > before.events and _covers(run, before):
                chosen[other] = None
                kept[seen] = n
            elif run.events <= before.events and _covers(before, run):
                chosen[n] = None
        return [run for run in chosen if run is not None]

    def _seen(self, run: Run) -> Any:
        slots = self._dump(run.g) if self._read else ()
        values = repr([slots[i] for i in self._read])
        return id(run.spot), run.start, run.marks, run.waited, run.last_us if self._delays else None, values


def _covers(run: Run, other: Run) -> bool:
    """Whether the match that `other` holds is told in no case, as `run` holds one that goes before it."""
    mine, others = run.match, other.match
    return others is None or (mine is not None and mine.events >= others.events)
