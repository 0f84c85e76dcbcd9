"""Filter rules: a match for each row that fits. No state."""

from __future__ import annotations

from typing import Any

from cep.event import Batch, EventId, Key, Match
from cep.match.matcher import Hits, RuleState
from cep.plan.kernels import RuleKernels
from cep.plan.plan import RulePlan

_NOTHING: list[Any] = []  # a filter has no registers


class FilterMatcher:
    """Keeps the promise of `cep.match.matcher.Matcher` for `FilterBody`.

    make  as `match`; None: the match says no more than which event it is (`cep.match.strike` makes it)
    """

    def __init__(self, plan: RulePlan, kernels: RuleKernels) -> None:
        self._emit = kernels.emit
        self._title = kernels.title if plan.title else None
        self.make = None if kernels.bare else self.match

    def feed(self, batch: Batch, hits: Hits, out: list[Match]) -> None:
        """A match per row; `emit` reads the row itself."""
        rows, times_us, ids = batch.rows, batch.times_us, batch.ids
        for index, key in zip(hits.rows, hits.keys):
            out.append(self.match(key, rows[index], times_us[index], index, ids[index]))

    def match(self, key: Key, row: Any, time_us: int, index: int, event_id: EventId) -> Match:
        fields = self._emit(_NOTHING, key, row, time_us)
        title = self._title(fields, _NOTHING, key, row, time_us) if self._title else ""
        return Match(key, time_us, index, fields, title, time_us, time_us, event_id, event_id, (event_id,), 1)

    def advance(self, watermark_us: int, out: list[Match]) -> None:
        """A filter has no timers."""

    def next_due(self) -> int | None:
        return None

    def snapshot(self, *, delta: bool) -> RuleState:
        return RuleState([], delta=delta)

    def restore(self, states: list[RuleState]) -> None:
        """A filter has no state."""

    def size(self) -> int:
        return 0

    def touched(self) -> int:
        return 0
