"""Filter rules: a match for each row that fits. No state."""

from __future__ import annotations

from typing import Any

from cep.event import Batch, Match
from cep.match.matcher import Hits, RuleState
from cep.plan.kernels import RuleKernels
from cep.plan.plan import RulePlan

_NOTHING: list[Any] = []  # a filter has no registers


class FilterMatcher:
    """Keeps the promise of `cep.match.matcher.Matcher` for `FilterBody`."""

    def __init__(self, plan: RulePlan, kernels: RuleKernels) -> None:
        self._emit = kernels.emit
        self._title = kernels.title if plan.title else None

    def feed(self, batch: Batch, hits: Hits, out: list[Match]) -> None:
        """A match per row; `emit` reads the row itself."""
        rows, times_us, ids = batch.rows, batch.times_us, batch.ids
        emit, title_of = self._emit, self._title
        for index, key in zip(hits.rows, hits.keys):
            row, time_us, event_id = rows[index], times_us[index], ids[index]
            fields = emit(_NOTHING, key, row, time_us)
            title = title_of(fields, _NOTHING, key, row, time_us) if title_of else ""
            out.append(Match(key, time_us, index, fields, title, time_us, time_us, event_id, event_id, (event_id,), 1))

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
