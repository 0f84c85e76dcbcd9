"""Windows that only count: `when count() >= n` over a length of time, with alerts that open and resolve.

As long as no alert is open, the last n - 1 events of a key tell everything (see `cep.match.counter`): the n-th within w of the
first of them opens. From then on the window is kept whole, because its alert tells what it holds; it resolves when the n-th last
event leaves:

    n = 3       x   x   x     x  |     the third last leaves at x + w: two are left
    alert               opened   resolved

So nothing is judged by time while no alert is open, and one timer per key while one is.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from heapq import heapify, heappop, heappush
from operator import itemgetter
from typing import Any

from cep.event import TIMER, Batch, Key, Match
from cep.match.content import OPEN, Entry, Rolling, RollingContent
from cep.match.found import emptied, found, same_fields
from cep.match.matcher import Hits, RuleState
from cep.match.state import Touched, merge
from cep.plan.kernels import RuleKernels
from cep.plan.plan import RegisterKind, WindowBody

SHORT = 64  # entries of a key that are not worth trimming; a power of two


class CountedRises:
    """All keys of a window that counts to `threshold`.

    Keys without an alert are forgotten by generations, as in `cep.match.counter`: from `_young` to `_old` to nothing, in turns at
    least a window apart.

    cost  O(1) per row; a rise reads its n events; with an alert open O(registers) per row
    """

    def __init__(self, body: WindowBody, kernels: RuleKernels, threshold: int) -> None:
        self._window_us = body.window_us
        self._threshold = threshold
        self._kernels = kernels
        self._content = RollingContent(body, kernels, frozenset(), judge_all=True)
        self._values = _values_of(body, kernels)
        self._young: dict[Key, list[Entry]] = {}
        self._old: dict[Key, list[Entry]] = {}
        self._open: dict[Key, Rolling] = {}
        self._dues: list[tuple[int, int, Key]] = []  # one per open window: when it resolves, or before
        self._number = 0  # of the latest due, so that keys are never compared
        self._turn_us: int | None = None  # once the watermark is beyond it, all of `_old` is empty
        self._last_us = 0
        self._now_us = 0
        self._touched = Touched()

    def feed(self, batch: Batch, hits: Hits, out: list[Match]) -> None:
        if not hits.rows:
            return
        rows, times_us, ids, values = batch.rows, batch.times_us, batch.ids, self._values
        young, old, windows, dues = self._young, self._old, self._open, self._dues
        need, window_us = self._threshold, self._window_us
        if self._turn_us is None:
            self._turn_us = times_us[hits.rows[0]] + window_us
        for index, key in zip(hits.rows, hits.keys):
            time_us = times_us[index]
            if dues and dues[0][0] < time_us:
                self._fire(time_us, out)
            entry = (time_us, ids[index], values(rows[index], time_us))
            if key in windows:
                self._update(windows[key], entry, index, out)
                continue
            events = young.get(key)
            if events is None:
                events = young[key] = old.pop(key, [])
            events.append(entry)
            size = len(events)
            if size >= need and events[-need][0] >= time_us - window_us:
                del young[key]
                self._rise(key, events[-need:], index, out)
            elif size >= SHORT and not size & (size - 1):
                self._trim(events, time_us)
        self._last_us = self._now_us = times_us[hits.rows[-1]]
        self._touched.add_all(hits.keys)

    def _trim(self, events: list[Entry], now_us: int) -> None:
        """Drop what decides nothing any more. Done where the length is a power of two, so each event pays O(1) for it."""
        left = bisect_left(events, now_us - self._window_us, key=itemgetter(0))
        del events[: max(left, len(events) - self._threshold + 1)]

    # ------------------------------------------------------------ the life of an alert

    def _rise(self, key: Key, events: list[Entry], cause: int, out: list[Match]) -> None:
        window = self._open[key] = self._content.fresh(key)
        for entry in events:
            window.append(entry)
        window.stage = OPEN
        registers = self._content.judged(window, events[-1][0])
        window.told = self._kernels.emit(registers, key, None, 0)
        self._tell(window, registers, events[-1][0], cause, "opened", window.told, out)
        self._time(events[0][0] + self._window_us, key)

    def _update(self, window: Rolling, entry: Entry, cause: int, out: list[Match]) -> None:
        """An event came while the alert is open: what has left meanwhile is not in the window any more."""
        time_us = entry[0]
        while window.entries[0][0] + self._window_us < time_us:
            window.drop()
        window.append(entry)
        registers = self._content.judged(window, time_us)
        fields = self._kernels.emit(registers, window.key, None, 0)
        if not same_fields(fields, window.told):
            window.told = fields
            self._tell(window, registers, time_us, cause, "updated", fields, out)

    def _fire(self, before_us: int, out: list[Match]) -> None:
        """Resolve what is due before a time. A due was made when another event was the n-th last: then it is put off."""
        while self._dues and self._dues[0][0] < before_us:
            noted_us, _, key = heappop(self._dues)
            window = self._open[key]
            due_us = window.entries[-self._threshold][0] + self._window_us
            if due_us > noted_us:
                self._time(due_us, key)
            else:
                self._resolve(window, due_us, out)

    def _resolve(self, window: Rolling, time_us: int, out: list[Match]) -> None:
        key = window.key
        del self._open[key]
        self._touched.add_all((key,))
        while window.count >= self._threshold:
            window.drop()
        if not window.count:
            out.append(emptied(key, time_us, TIMER))
            return
        self._tell(window, self._content.judged(window, time_us), time_us, TIMER, "resolved", None, out)
        self._young[key] = [*window.entries]
        if self._turn_us is None:
            self._turn_us = time_us + self._window_us

    def _time(self, due_us: int, key: Key) -> None:
        self._number += 1
        heappush(self._dues, (due_us, self._number, key))

    def _tell(
        self,
        window: Rolling,
        registers: list[Any],
        time_us: int,
        cause: int,
        transition: str,
        fields: dict[str, Any] | None,
        out: list[Match],
    ) -> None:
        span, ids, key = window.span(), window.evidence(), window.key
        out.append(found(self._kernels, key, time_us, cause, registers, span, ids, window.count, transition, fields))

    # ------------------------------------------------------------ time

    def advance(self, watermark_us: int, out: list[Match]) -> None:
        """Resolve what is due, and forget what has emptied."""
        self._now_us = max(self._now_us, watermark_us)
        self._fire(watermark_us, out)
        if self._turn_us is None or watermark_us <= self._turn_us:
            return
        self._touched.add_all(self._old)
        self._old, self._young = self._young, {}
        self._turn_us = self._last_us + self._window_us if self._old else None
        if watermark_us > self._last_us + self._window_us:
            self._touched.add_all(self._old)
            self._old, self._turn_us = {}, None

    def next_due(self) -> int | None:
        if not self._dues:
            return self._turn_us
        resolves_us = self._dues[0][0]
        return resolves_us if self._turn_us is None else min(resolves_us, self._turn_us)

    # ------------------------------------------------------------ state

    def snapshot(self, *, delta: bool) -> RuleState:
        """Per key [window] with its alert open, else [None, events]: at most n - 1, none that has left."""
        changed = self._touched.begin(delta=delta)
        meta = {"now_us": self._now_us, "last_us": self._last_us}
        keys = [*self._open, *self._alive()] if changed is None else changed
        return RuleState([[key, self._dump(key)] for key in keys], meta, delta=changed is not None)

    def _alive(self) -> list[Key]:
        since_us = self._now_us - self._window_us
        return [key for part in (self._old, self._young) for key, events in part.items() if events[-1][0] >= since_us]

    def _dump(self, key: Key) -> list[Any] | None:
        if key in self._open:
            return [self._content.dump(self._open[key]), None]
        since_us = self._now_us - self._window_us
        events = self._young.get(key) or self._old.get(key) or []
        kept = [[at, event_id, list(values)] for at, event_id, values in events[-self._threshold :] if at >= since_us]
        return [None, kept] if kept else None

    def restore(self, states: list[RuleState]) -> None:
        self._open, self._old, self._young, self._dues = {}, {}, {}, []
        for key, (window, events) in merge(states).items():
            if window is not None:
                self._open[key] = self._content.load(key, window)
                self._dues.append((self._open[key].entries[-self._threshold][0] + self._window_us, len(self._dues), key))
            else:
                self._young[key] = [self._content.entry_of(event) for event in events]
        self._number = len(self._dues)
        heapify(self._dues)
        self._now_us, self._last_us = states[-1].meta["now_us"], states[-1].meta["last_us"]
        self._turn_us = max(self._now_us, self._last_us) + self._window_us if self._young else None
        self._touched.begin(delta=False)

    def size(self) -> int:
        return len(self._open) + len(self._alive())

    def touched(self) -> int:
        return self._touched.count(len(self._open) + len(self._young) + len(self._old))


def _values_of(body: WindowBody, kernels: RuleKernels) -> Callable[[Any, int], tuple[Any, ...]]:
    """What registers count of an event, without looking at it where all of them only count events."""
    if all((one.kind, one.expr, one.where) == (RegisterKind.COUNT, None, None) for one in body.registers):
        ones = (1,) * len(body.registers)
        return lambda row, time_us: ones
    return kernels.values
