"""Windows that only count, with alerts that open and resolve: `when count() >= n`.

As long as no alert is open, the last n events of a key tell everything (`cep.match.counter`). From the rise on the window is
kept whole, because its alert tells what it holds; it resolves when the n-th last event leaves:

    n = 3       x   x   x     x  |     the third last leaves at x + w: two are left
    alert               opened   resolved

So nothing is judged by time while no alert is open, and one timer per key while one is.
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from typing import Any

from cep.event import TIMER, Batch, EventId, Key, Match
from cep.match.content import OPEN, Entry, Rolling, RollingContent
from cep.match.counter import TRIMMED_FROM, Counted, CountedWindows
from cep.match.found import emptied, found, same_fields
from cep.match.fuse import AT, Bits, Fused, indented
from cep.match.matcher import Hits, RuleState
from cep.match.state import merge
from cep.plan.kernels import RuleKernels
from cep.plan.plan import WindowBody


class CountedRises(CountedWindows):
    """All keys of a window that counts to `threshold`. Those with an open alert are in `_open`, the others are counted.

    cost  O(1) per row; a rise reads its n events; with an alert open O(registers) per row
    """

    def __init__(self, body: WindowBody, kernels: RuleKernels, threshold: int) -> None:
        super().__init__(body, kernels, threshold)
        self._content = RollingContent(body, kernels, frozenset(), judge_all=True)
        self._ones = (1,) * len(body.registers)  # what registers count of an event, where they only count
        self._open: dict[Key, Rolling] = {}
        self._dues: list[tuple[int, int, Key]] = []  # one per open window: when it resolves, or before
        self._number = 0  # of the latest due, so that keys are never compared

    def feed(self, batch: Batch, hits: Hits, out: list[Match]) -> None:
        if not hits.rows:
            return
        young, old, get, windows, dues = self.ages.young, self.ages.old, self.ages.young.get, self._open, self._dues
        need, window_us = 2 * self.threshold, self._window_us
        times_us = list(map(batch.times_us.__getitem__, hits.rows))
        for index, key, time_us, told in zip(hits.rows, hits.keys, times_us, self._told(batch, hits, times_us)):
            if dues and dues[0][0] < time_us:
                self.fire(time_us, out)
            if key in windows:
                self.update(key, index, time_us, told, out)
                continue
            events = get(key)
            if events is None:
                events = young[key] = old.pop(key, [])
            events.append(time_us)
            events.append(told)
            size = len(events)
            if size >= need and events[-need] >= time_us - window_us:
                self.rise(key, index, events, out)
            elif size >= TRIMMED_FROM and not size & (size - 1):
                self.trim(events, time_us)
        self.ages.saw(times_us[-1])
        self.noted.add_all(hits.keys)

    def fuse(self, n: int) -> Fused:
        counted = super().fuse(n)
        told = "e" if self.counts_alone else f"(e, M{n}.kernels.values(r, t))"

        def row(key: str, bits: Bits) -> list[str]:
            update = f"M{n}.update({key}, i, t, {told}, O{n}); L{n} = t"
            return [
                AT,
                f"if D{n} and D{n}[0][0] < t: M{n}.fire(t, O{n})",
                *indented(f"if {key} in W{n}:", [update, f"if C{n} is not None: C{n}.add({key})"]),
                *indented("else:", counted.row(key, bits)),
            ]

        return Fused(self, row, [*counted.before, f"D{n} = M{n}._dues; W{n} = M{n}._open"], counted.after)

    # ------------------------------------------------------------ the life of an alert

    def rise(self, key: Key, cause: int, events: Counted, out: list[Match]) -> None:
        """The last n of these events open an alert."""
        del self.ages.young[key]
        window = self._open[key] = self._content.fresh(key)
        for at in range(len(events) - 2 * self.threshold, len(events), 2):
            window.append(self._entry(events[at], events[at + 1]))
        time_us = events[-2]
        window.stage = OPEN
        registers = self._content.judged(window, time_us)
        window.told = self.kernels.emit(registers, key, None, 0)
        self._tell(window, registers, time_us, cause, "opened", window.told, out)
        self._time(window.entries[0][0] + self._window_us, key)

    def _entry(self, time_us: int, told: Any) -> Entry:
        if self.counts_alone:
            return time_us, told, self._ones
        event_id, values = told
        return time_us, event_id, values

    def update(self, key: Key, cause: int, time_us: int, told: EventId | tuple[Any, ...], out: list[Match]) -> None:
        """An event came while the alert is open: what has left meanwhile is not in the window any more."""
        window = self._open[key]
        while window.entries[0][0] + self._window_us < time_us:
            window.drop()
        window.append(self._entry(time_us, told))
        registers = self._content.judged(window, time_us)
        fields = self.kernels.emit(registers, key, None, 0)
        if not same_fields(fields, window.told):
            window.told = fields
            self._tell(window, registers, time_us, cause, "updated", fields, out)

    def fire(self, before_us: int, out: list[Match]) -> None:
        """Resolve what is due before a time. A due was made when another event was the n-th last: then it is put off."""
        while self._dues and self._dues[0][0] < before_us:
            noted_us, _, key = heappop(self._dues)
            window = self._open[key]
            due_us = window.entries[-self.threshold][0] + self._window_us
            if due_us > noted_us:
                self._time(due_us, key)
            else:
                self._resolve(window, due_us, out)

    def _resolve(self, window: Rolling, time_us: int, out: list[Match]) -> None:
        key = window.key
        del self._open[key]
        self.noted.add_all((key,))
        while window.count >= self.threshold:
            window.drop()
        if not window.count:
            out.append(emptied(key, time_us, TIMER))
            return
        self._tell(window, self._content.judged(window, time_us), time_us, TIMER, "resolved", None, out)
        counted: Counted = []
        for at_us, event_id, values in window.entries:
            counted += (at_us, event_id if self.counts_alone else (event_id, values))
        self.ages.young[key] = counted
        if self.ages.turn_us is None:
            self.ages.turn_us = time_us + self._window_us

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
        out.append(found(self.kernels, key, time_us, cause, registers, span, ids, window.count, transition, fields))

    # ------------------------------------------------------------ time and state

    def advance(self, watermark_us: int, out: list[Match]) -> None:
        """Resolve what is due, and forget what has emptied."""
        self.fire(watermark_us, out)
        super().advance(watermark_us, out)

    def next_due(self) -> int | None:
        turn_us = super().next_due()
        if not self._dues:
            return turn_us
        return self._dues[0][0] if turn_us is None else min(turn_us, self._dues[0][0])

    def snapshot(self, *, delta: bool) -> RuleState:
        """Per key what the counter says of it, or {"open": its window}."""
        state = super().snapshot(delta=delta)
        if state.delta:
            keys = [[key, self._dump(key) if key in self._open else counted] for key, counted in state.keys]
        else:
            keys = [*state.keys, *([key, self._dump(key)] for key in self._open)]
        return RuleState(keys, state.meta, state.delta)

    def _dump(self, key: Key) -> dict[str, Any]:
        return {"open": self._content.dump(self._open[key])}

    def restore(self, states: list[RuleState]) -> None:
        whole = merge(states)
        counted = [[key, state] for key, state in whole.items() if not isinstance(state, dict)]
        super().restore([RuleState(counted, states[-1].meta)])
        opened = [(key, state["open"]) for key, state in whole.items() if isinstance(state, dict)]
        self._open = {key: self._content.load(key, window) for key, window in opened}
        self._dues = [
            (window.entries[-self.threshold][0] + self._window_us, number, key)
            for number, (key, window) in enumerate(self._open.items())
        ]
        self._number = len(self._dues)
        heapify(self._dues)

    def size(self) -> int:
        return len(self._open) + super().size()

    def touched(self) -> int:
        return self.noted.count(len(self._open) + len(self.ages))
