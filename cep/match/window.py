"""Sliding windows (docs/language.md, Meaning 12): `when` over what lies in [t - w, t], at each event and each departure.

    w = 10m    09:00 e enters ........ 09:10 an event still sees e; after the rows of 09:10 the timer takes e out

A departure is the timer e.time + w, so it comes after all events of that time; several at one time leave one by one. The window
may open by either; it closes silently. An empty window is never true, and its key is forgotten.
"""

from __future__ import annotations

from collections import deque
from typing import Any

from cep.event import TIMER, Batch, EventId, Key, Match
from cep.match.aggregates import Aggregate, aggregate_maker, read_over, values_loader
from cep.match.counter import CountedWindows
from cep.match.found import ends, found
from cep.match.fuse import Fused
from cep.match.matcher import Hits, RuleState
from cep.match.rising import counted_threshold, opens_by_event_only, registers_of
from cep.match.state import Touched, merge
from cep.plan.kernels import RuleKernels
from cep.plan.plan import RulePlan, WindowBody

Entry = tuple[int, EventId, tuple[Any, ...]]  # time, id, what each register counts of it


class WindowMatcher:
    """Keeps the promise of `cep.match.matcher.Matcher` for `WindowBody`, in the cheaper of two ways.

    kind  "counter": `count() >= n` alone; "window": any condition
    """

    def __init__(self, plan: RulePlan, kernels: RuleKernels) -> None:
        assert isinstance(plan.body, WindowBody)
        threshold = None if plan.body.fire_each else counted_threshold(plan.body)
        self._way: CountedWindows | SlidingWindows
        if threshold is None:
            self.kind = "window"
            self._way = SlidingWindows(plan.body, kernels)
        else:
            self.kind = "counter"
            self._way = CountedWindows(plan.body, kernels, threshold)

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


class _Window:
    """The window of one key, never empty. `judged`: the aggregates that are kept up to date, each with its register's index."""

    __slots__ = ("entries", "is_open", "judged", "key")

    def __init__(self, key: Key, judged: list[tuple[int, Aggregate]]) -> None:
        self.key = key
        self.entries: deque[Entry] = deque()
        self.judged = judged
        self.is_open = False


class SlidingWindows:
    """All keys of a window with any condition.

    Events come in order of time and all stay equally long, so the departures of all keys are one queue. A window emptied by
    `then reset` leaves its departures there; they are known by not being the oldest entry of their window.

    Kept up to date are the aggregates that `when` reads; what only alerts read is calculated for each alert from what is in the
    window (with `fire each`, which may tell every event, all are kept).

    cost  O(registers judged) per row and per departure; a departure is judged only where it can change something
    """

    def __init__(self, body: WindowBody, kernels: RuleKernels) -> None:
        assert kernels.when is not None
        self._when = kernels.when
        self._window_us = body.window_us
        self._fire_each = body.fire_each
        self._then_reset = body.then_reset
        self._opens_by_event_only = opens_by_event_only(body)
        self._kernels = kernels
        makers = [(index, aggregate_maker(register)) for index, register in enumerate(body.registers)]
        judged = range(len(makers)) if body.fire_each else registers_of(body.when)
        self._judged = [(index, make) for index, make in makers if index in judged]
        self._told = [(index, make) for index, make in makers if index not in judged]
        self._unread = [None] * len(makers)
        self._load_values = values_loader(body.registers)
        self._windows: dict[Key, _Window] = {}
        self._departures: deque[tuple[Entry, _Window]] = deque()
        self._touched = Touched()

    def feed(self, batch: Batch, hits: Hits, out: list[Match]) -> None:
        rows, times_us, ids = batch.rows, batch.times_us, batch.ids
        windows, departures, values = self._windows, self._departures, self._kernels.values
        for index, key in zip(hits.rows, hits.keys):
            time_us = times_us[index]
            if departures and departures[0][0][0] + self._window_us < time_us:
                self.advance(time_us, out)
            window = windows.get(key)
            if window is None:
                window = windows[key] = _Window(key, [(i, make()) for i, make in self._judged])
            read = values(rows[index], time_us)
            entry = (time_us, ids[index], read)
            window.entries.append(entry)
            for register, aggregate in window.judged:
                aggregate.add(read[register])
            departures.append((entry, window))
            self._judge(window, time_us, index, out)
        self._touched.add_all(hits.keys)

    def advance(self, watermark_us: int, out: list[Match]) -> None:
        """Let leave, one by one, what is due before the watermark."""
        departures, touched = self._departures, self._touched
        leaves_before_us = watermark_us - self._window_us
        while departures and departures[0][0][0] < leaves_before_us:
            entry, window = departures.popleft()
            entries, values = window.entries, entry[2]
            if not entries or entries[0] is not entry:
                continue  # emptied by `then reset` meanwhile
            entries.popleft()
            for register, aggregate in window.judged:
                aggregate.drop(values[register])
            if touched.keys is not None:
                touched.keys.add(window.key)
            if not entries:
                del self._windows[window.key]
            elif not self._fire_each and (window.is_open or not self._opens_by_event_only):
                self._judge(window, entry[0] + self._window_us, TIMER, out)

    def _judge(self, window: _Window, time_us: int, cause: int, out: list[Match]) -> None:
        """Tell a rise (or, with `fire each`, a true moment) of a window that is not empty."""
        registers: list[Any] = self._unread[:]
        for index, aggregate in window.judged:
            registers[index] = aggregate.read()
        was_open, window.is_open = window.is_open, self._when(registers, window.key)
        if not window.is_open or (was_open and not self._fire_each):
            return
        entries = window.entries
        for index, make in self._told:
            (registers[index],) = read_over((make,), [(entry[2][index],) for entry in entries])
        times_us, ids = (entries[0][0], entries[-1][0]), [entry[1] for entry in ends(entries)]
        out.append(found(self._kernels, window.key, time_us, cause, registers, times_us, ids, len(entries)))
        if self._then_reset:
            entries.clear()
            del self._windows[window.key]

    def next_due(self) -> int | None:
        return self._departures[0][0][0] + self._window_us if self._departures else None

    # ------------------------------------------------------------ state

    def snapshot(self, *, delta: bool) -> RuleState:
        """Per key [is open, [[time, id, values], ...]]; the aggregates are made again from these."""
        changed = self._touched.begin(delta=delta)
        if changed is None:
            return RuleState([[key, _plain(window)] for key, window in self._windows.items()])
        return RuleState([[key, _plain(self._windows.get(key))] for key in changed], delta=True)

    def restore(self, states: list[RuleState]) -> None:
        self._windows = {}
        departures: list[tuple[Entry, _Window]] = []
        for key, (is_open, entries) in merge(states).items():
            window = self._windows[key] = _Window(key, [(i, make()) for i, make in self._judged])
            window.is_open = is_open
            for time_us, event_id, values in entries:
                entry = (time_us, event_id, self._load_values(values))
                window.entries.append(entry)
                for register, aggregate in window.judged:
                    aggregate.add(entry[2][register])
                departures.append((entry, window))
        departures.sort(key=lambda departure: departure[0][0])  # stable: those of a key stay in order
        self._departures = deque(departures)
        self._touched.begin(delta=False)

    def size(self) -> int:
        return len(self._windows)

    def touched(self) -> int:
        return self._touched.count(len(self._windows))


def _plain(window: _Window | None) -> list[Any] | None:
    if window is None:
        return None
    return [window.is_open, [[time_us, event_id, list(values)] for time_us, event_id, values in window.entries]]
