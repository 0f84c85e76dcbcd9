"""Leaky buckets (docs/language.md, Meaning 12): `bucket 5 leak 1 per 10s`.

Each event adds one; the bucket leaks evenly, one in ten seconds; what is more than five runs over: an alert, and the bucket is
empty.

    bucket 2 leak 1 per 10s     x0  x0  x5       2, and after five seconds 1.5: with the third 2.5, it runs over
                                x0  x0  x10      2, and after ten seconds 1: with the third 2, it does not

The level is a whole number of parts, of which an event adds `every_us` and each microsecond takes `leak`: nothing is rounded. A
bucket that has leaked empty is forgotten, with what alerts tell of it: they tell of the events since it was last empty.
"""

from __future__ import annotations

from heapq import heappop, heappush

from cep.event import Batch, Key, Match
from cep.match.content import Growing, GrowingContent
from cep.match.found import found
from cep.match.kept import KeptWindows
from cep.match.matcher import Hits
from cep.plan.kernels import RuleKernels
from cep.plan.plan import BudgetPlan, WindowBody


class LeakyBuckets(KeptWindows):
    """All keys. Each has one timer, put off while events come.

    cost  O(registers) per row, O(log keys) per timer
    """

    content: GrowingContent

    def __init__(self, body: WindowBody, kernels: RuleKernels, budget: BudgetPlan | None = None) -> None:
        super().__init__(GrowingContent(body, kernels), None, budget)
        self._kernels = kernels
        self._drop = body.every_us
        self._leak = body.leak
        self._full = body.events * body.every_us
        self._dues: list[tuple[int, int, Key]] = []  # when a bucket is empty, or before; some are of buckets that are gone
        self._timed: dict[Key, int] = {}  # the number of a bucket's own
        self._number = 0

    def feed(self, batch: Batch, hits: Hits, out: list[Match]) -> None:
        rows, times_us, ids = batch.rows, batch.times_us, batch.ids
        for index, key in zip(hits.rows, hits.keys):
            time_us = times_us[index]
            if self._dues and self._dues[0][0] < time_us:
                self.advance(time_us, out)
            window: Growing | None = self.windows.get(key)
            if window is None:
                window = self.begin(key, time_us, index, out)
                if window is None:
                    continue
            else:
                window.level = max(0, window.level - self._leak * (time_us - window.last_us))
            window.level += self._drop
            self.content.take(window, rows[index], time_us, ids[index])
            if window.level > self._full:
                self._run_over(window, time_us, index, out)
            elif key not in self._timed:
                self._time(self._empty_us(window), key)
        self.noted.add_all(hits.keys)

    def _run_over(self, window: Growing, time_us: int, cause: int, out: list[Match]) -> None:
        registers = self.content.judged(window, time_us)
        span, ids = window.span(), window.evidence()
        out.append(found(self._kernels, window.key, time_us, cause, registers, span, ids, window.count))
        self._forget(window.key)

    def _forget(self, key: Key) -> None:
        del self.windows[key]
        self._timed.pop(key, None)

    def let_go(self, window: Growing, time_us: int, cause: int, out: list[Match]) -> None:
        self._timed.pop(window.key, None)

    def _empty_us(self, window: Growing) -> int:
        """When the bucket is empty: rounded up to a microsecond."""
        return window.last_us - (-window.level // self._leak)

    def _time(self, due_us: int, key: Key) -> None:
        self._number += 1
        self._timed[key] = self._number
        heappush(self._dues, (due_us, self._number, key))

    def advance(self, watermark_us: int, out: list[Match]) -> None:
        """Forget what has leaked empty."""
        while self._dues and self._dues[0][0] < watermark_us:
            _, number, key = heappop(self._dues)
            if self._timed.get(key) != number:
                continue
            due_us = self._empty_us(self.windows[key])
            if due_us >= watermark_us:
                self._time(due_us, key)
            else:
                self._forget(key)
                self.noted.add_all((key,))

    def next_due(self) -> int | None:
        return self._dues[0][0] if self._dues else None

    def rebuild(self, meta: dict[str, object]) -> None:
        self._dues, self._timed = [], {}
        for key, window in self.windows.items():
            self._time(self._empty_us(window), key)
