"""Windows that events enter and leave one by one (docs/language.md, Meaning 12): `over 10m` and `over 100 events`.

    over 10m    09:00 e enters ........ 09:10 an event still sees e; after the rows of 09:10 the timer takes e out

A departure is the timer e.time + w, so it comes after all events of that time; several at one time leave one by one. The
condition may rise and fall by either. The last N events change by events alone.
"""

from __future__ import annotations

from collections import deque
from itertools import repeat

from cep.event import TIMER, Batch, Key, Match
from cep.match.content import Entry, Rolling, RollingContent
from cep.match.kept import KeptWindows
from cep.match.matcher import Hits
from cep.match.recall import recalls_of
from cep.match.rising import opens_by_event_only, registers_judged
from cep.match.stage import Stages
from cep.plan.kernels import RuleKernels
from cep.plan.plan import BudgetPlan, WindowBody

TAKES, RESOLVES = 1, 2  # bits of the step mask


class SlidingWindows(KeptWindows):
    """All keys of a window of a length.

    Events come in order of time and all stay equally long, so the departures of all keys are one queue. A window emptied by
    `then reset` leaves its departures there; they are known by not being the oldest entry of their window.

    Kept up to date are the aggregates that `when` and `until` read, and the others while an alert is open (with `fire each`,
    which may tell every event, always).

    cost  O(registers judged) per row and per departure; a departure is judged only where it can change something
    """

    content: RollingContent

    def __init__(self, body: WindowBody, kernels: RuleKernels, budget: BudgetPlan | None = None) -> None:
        content = RollingContent(body, kernels, registers_judged(body), judge_all=body.fire_each)
        super().__init__(content, recalls_of(body.recalls, kernels.recalls, len(body.registers), body.window_us), budget)
        self._window_us = body.window_us
        self._fire_each = body.fire_each
        self._for_us = body.for_us
        self._opens_by_event_only = opens_by_event_only(body)
        self._departures: deque[tuple[Entry, Rolling]] = deque()
        self._stages = Stages(body, kernels, content, self.recalls, self._start, self._reset)

    def _start(self, time_us: int) -> int:
        return time_us - self._window_us

    def _reset(self, window: Rolling) -> None:
        window.entries.clear()
        del self.windows[window.key]

    def let_go(self, window: Rolling, time_us: int, cause: int, out: list[Match]) -> None:
        window.entries.clear()  # so that its departures are known to be none
        self._stages.empty(window, time_us, cause, out)

    def feed(self, batch: Batch, hits: Hits, out: list[Match]) -> None:
        rows, times_us, ids = batch.rows, batch.times_us, batch.ids
        windows, departures, values, stages = self.windows, self._departures, self.content.values, self._stages
        judge = stages.judge_each if self._fire_each else stages.judge
        for index, key, mask in zip(hits.rows, hits.keys, hits.masks or repeat(TAKES)):
            time_us = times_us[index]
            if (departures and departures[0][0][0] + self._window_us < time_us) or (
                self._for_us and (due_us := stages.next_due()) is not None and due_us < time_us
            ):
                self.advance(time_us, out)
            window = windows.get(key)
            if mask & TAKES:
                if window is None and (window := self.begin(key, time_us, index, out)) is None:
                    continue
                row = rows[index]
                if self.recalls is not None:
                    window.seen = self.recalls.note(key, row, time_us)
                entry = (time_us, ids[index], values(row, time_us))
                window.append(entry)
                departures.append((entry, window))
                judge(window, time_us, index, out)
            if mask & RESOLVES and window is not None:
                stages.resolve_by_event(window, time_us, index, out)
        self.noted.add_all(hits.keys)

    def advance(self, watermark_us: int, out: list[Match]) -> None:
        """Let leave, one by one, what is due before the watermark; what was true for long enough at a moment is told before."""
        departures = self._departures
        while True:
            leaves_us = departures[0][0][0] + self._window_us if departures else None
            due_us = self._stages.next_due() if self._for_us else None
            if due_us is not None and due_us < watermark_us and (leaves_us is None or due_us <= leaves_us):
                self._note(self._stages.fulfil(out).key)
            elif leaves_us is not None and leaves_us < watermark_us:
                self._depart(*departures.popleft(), leaves_us, out)
            else:
                break
        self.forget_recalled(watermark_us)

    def _depart(self, entry: Entry, window: Rolling, time_us: int, out: list[Match]) -> None:
        if not window.entries or window.entries[0] is not entry:
            return  # emptied by `then reset` meanwhile
        window.drop()
        self._note(window.key)
        if not window.entries:
            del self.windows[window.key]
            self._stages.empty(window, time_us, TIMER, out)
        elif not self._fire_each and (window.stage or not self._opens_by_event_only):
            self._stages.judge(window, time_us, TIMER, out)

    def _note(self, key: Key) -> None:
        if self.noted.keys is not None:
            self.noted.keys.add(key)

    def next_due(self) -> int | None:
        leaves_us = self._departures[0][0][0] + self._window_us if self._departures else None
        if self.recalls is None and not self._for_us:
            return leaves_us
        return self.earliest(leaves_us, self._stages.next_due())

    def rebuild(self, meta: dict[str, object]) -> None:
        departures = [(entry, window) for window in self.windows.values() for entry in window.entries]
        departures.sort(key=lambda departure: departure[0][0])  # stable: those of a key stay in order
        self._departures = deque(departures)
        self._stages.restore([*self.windows.values()])


class LastEvents(KeptWindows):
    """All keys of `over N events`: judged at each event, full or not.

    cost  O(registers judged) per row; a key is kept for ever, so the plan has a budget or no key
    """

    content: RollingContent

    def __init__(self, body: WindowBody, kernels: RuleKernels, budget: BudgetPlan | None = None) -> None:
        content = RollingContent(body, kernels, registers_judged(body), judge_all=body.fire_each)
        super().__init__(content, recalls_of(body.recalls, kernels.recalls, len(body.registers), 0), budget)
        self._events = body.events
        self._stages = Stages(body, kernels, content, self.recalls, lambda time_us: time_us, self._reset)
        self._judge = self._stages.judge_each if body.fire_each else self._stages.judge

    def _reset(self, window: Rolling) -> None:
        del self.windows[window.key]

    def let_go(self, window: Rolling, time_us: int, cause: int, out: list[Match]) -> None:
        self._stages.empty(window, time_us, cause, out)

    def feed(self, batch: Batch, hits: Hits, out: list[Match]) -> None:
        rows, times_us, ids = batch.rows, batch.times_us, batch.ids
        for index, key, mask in zip(hits.rows, hits.keys, hits.masks or repeat(TAKES)):
            time_us = times_us[index]
            if (due_us := self._stages.next_due()) is not None and due_us < time_us:
                self.advance(time_us, out)
            window = self.windows.get(key)
            if mask & TAKES:
                if window is None and (window := self.begin(key, time_us, index, out)) is None:
                    continue
                if self.recalls is not None:
                    window.seen = self.recalls.note(key, rows[index], time_us)
                self.content.take(window, rows[index], time_us, ids[index])
                if window.count > self._events:
                    window.drop()
                self._judge(window, time_us, index, out)
            if mask & RESOLVES and window is not None:
                self._stages.resolve_by_event(window, time_us, index, out)
        self.noted.add_all(hits.keys)

    def advance(self, watermark_us: int, out: list[Match]) -> None:
        while (due_us := self._stages.next_due()) is not None and due_us < watermark_us:
            self.noted.add_all((self._stages.fulfil(out).key,))
        self.forget_recalled(watermark_us)

    def next_due(self) -> int | None:
        return self.earliest(self._stages.next_due())

    def rebuild(self, meta: dict[str, object]) -> None:
        self._stages.restore([*self.windows.values()])
