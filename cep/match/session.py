"""Sessions (docs/language.md, Meaning 12): events of a key each at most `gap` after the one before, told when no more can come.

    session gap 5m           x  x    x ......|     closed, and judged, 5m after the last: an event of that very moment is in
    session gap 5m max 10m   x  x  x  x  x  |      or 10m after the first

A session that has been told is over: its alert has no open state.
"""

from __future__ import annotations

from collections import OrderedDict

from cep.event import TIMER, Batch, Key, Match
from cep.match.content import Growing, GrowingContent
from cep.match.found import found
from cep.match.kept import KeptWindows
from cep.match.matcher import Hits
from cep.match.recall import recalls_of
from cep.plan.kernels import RuleKernels
from cep.plan.plan import BudgetPlan, WindowBody


class Sessions(KeptWindows):
    """All keys. Two orders tell which session closes next: that of last events, and that of first ones.

    cost  O(registers) per row, O(1) per session closed
    """

    content: GrowingContent

    def __init__(self, body: WindowBody, kernels: RuleKernels, budget: BudgetPlan | None = None) -> None:
        assert kernels.when is not None
        recalls = recalls_of(body.recalls, kernels.recalls, len(body.registers), body.window_us)
        super().__init__(GrowingContent(body, kernels), recalls, budget)
        self._kernels = kernels
        self._when = kernels.when
        self._gap_us = body.window_us
        self._max_us = body.max_us
        self._by_last: OrderedDict[Key, Growing] = OrderedDict()
        self._by_first: OrderedDict[Key, Growing] = OrderedDict()  # only where there is a longest session

    def feed(self, batch: Batch, hits: Hits, out: list[Match]) -> None:
        rows, times_us, ids, windows = batch.rows, batch.times_us, batch.ids, self.windows
        for index, key in zip(hits.rows, hits.keys):
            time_us = times_us[index]
            if (closes_us := self._closes()) is not None and closes_us < time_us:
                self.advance(time_us, out)
            window = windows.get(key)
            if window is None:
                window = self.begin(key, time_us, index, out)
                if window is None:
                    continue
                self._by_last[key] = window
                if self._max_us:
                    self._by_first[key] = window
            else:
                self._by_last.move_to_end(key)
            if self.recalls is not None:
                window.seen = self.recalls.note(key, rows[index], time_us)
            self.content.take(window, rows[index], time_us, ids[index])
        self.noted.add_all(hits.keys)

    def let_go(self, window: Growing, time_us: int, cause: int, out: list[Match]) -> None:
        self._by_last.pop(window.key)
        self._by_first.pop(window.key, None)

    def _closes(self) -> int | None:
        """When the next session closes."""
        for last in self._by_last.values():
            closes_us = last.last_us + self._gap_us
            for first in self._by_first.values():
                return min(closes_us, first.first_us + self._max_us)
            return closes_us
        return None

    def advance(self, watermark_us: int, out: list[Match]) -> None:
        while (closes_us := self._closes()) is not None and closes_us < watermark_us:
            window = next(iter(self._by_last.values()))
            if window.last_us + self._gap_us != closes_us:
                window = next(iter(self._by_first.values()))
            key = window.key
            for kept in (self.windows, self._by_last, self._by_first):
                kept.pop(key, None)
            self.noted.add_all((key,))
            self._judge(window, closes_us, out)
        self.forget_recalled(watermark_us)

    def _judge(self, window: Growing, time_us: int, out: list[Match]) -> None:
        registers = self.content.judged(window, time_us)
        if self.recalls is not None:
            self.recalls.fill(registers, window.key, window.seen, window.first_us)
        if self._when(registers, window.key):
            span, ids = window.span(), window.evidence()
            out.append(found(self._kernels, window.key, time_us, TIMER, registers, span, ids, window.count))

    def next_due(self) -> int | None:
        return self.earliest(self._closes())

    def rebuild(self, meta: dict[str, object]) -> None:
        by_last = sorted(self.windows.items(), key=lambda item: item[1].last_us)
        by_first = sorted(self.windows.items(), key=lambda item: item[1].first_us) if self._max_us else []
        self._by_last, self._by_first = OrderedDict(by_last), OrderedDict(by_first)
