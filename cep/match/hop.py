"""Windows judged at their ends (docs/language.md, Meaning 12): `per 10m`, `over 10m every 1m`.

    every 1m, over 2m     |-- 09:00 ---|-- 09:01 ---|-- 09:02 ---|
                          [--------------------------)               judged at 09:02, of [09:00, 09:02)
                                       [--------------------------)

An event of the time of an end lies in the next window. It comes before the timer of the end, though, and may resolve an alert; so
it is kept ahead until the end has been judged.
"""

from __future__ import annotations

from itertools import repeat
from typing import Any

from cep.event import TIMER, Batch, Key, Match
from cep.match.content import CLOSED, Content, GrowingContent, RollingContent
from cep.match.hopends import DAY_US, Ends
from cep.match.kept import KeptWindows
from cep.match.matcher import Hits
from cep.match.noise import tuple_key
from cep.match.recall import recalls_of
from cep.match.rising import registers_judged
from cep.match.sliding import RESOLVES, TAKES
from cep.match.stage import Stages
from cep.plan.kernels import RuleKernels
from cep.plan.plan import BudgetPlan, WindowBody


class HoppingWindows(KeptWindows):
    """All keys. Windows side by side only grow, and are begun anew; those that overlap hold their events.

    cost  O(registers) per row; at each end O(keys that hold something)
    """

    def __init__(self, body: WindowBody, kernels: RuleKernels, budget: BudgetPlan | None = None) -> None:
        content: Content = GrowingContent(body, kernels)
        if body.every_us < body.window_us:
            content = RollingContent(body, kernels, registers_judged(body))
        lag_us = body.window_us + (DAY_US if body.zone else 0)  # in a zone a window may be longer than it is called
        super().__init__(content, recalls_of(body.recalls, kernels.recalls, len(body.registers), lag_us), budget)
        self._ends = Ends(body.window_us, body.every_us, body.zone)
        self._end_us: int | None = None  # of the windows under way; None: there are none
        self._start_us = 0
        self._ahead: dict[Key, Any] = {}  # what lies at the end itself
        self._stages = Stages(body, kernels, content, self.recalls, self._start, self._reset, judged_late=True)

    def _start(self, time_us: int) -> int:
        return self._start_us

    def _reset(self, window: Any) -> None:
        del self.windows[window.key]

    def feed(self, batch: Batch, hits: Hits, out: list[Match]) -> None:
        rows, times_us, ids = batch.rows, batch.times_us, batch.ids
        for index, key, mask in zip(hits.rows, hits.keys, hits.masks or repeat(TAKES)):
            time_us = times_us[index]
            if self._end_us is not None and self._end_us < time_us:
                self.advance(time_us, out)
            if mask & TAKES:
                if self._end_us is None:
                    self._begin(self._ends.next_after(time_us))
                window = self._window(key, time_us, index, out)
                if window is None:
                    continue
                if self.recalls is not None:
                    window.seen = self.recalls.note(key, rows[index], time_us)
                self.content.take(window, rows[index], time_us, ids[index])
            if mask & RESOLVES and key in self.windows:
                self._stages.resolve_by_event(self.windows[key], time_us, index, out)
        self.noted.add_all(hits.keys)

    def _window(self, key: Key, time_us: int, cause: int, out: list[Match]) -> Any:
        """The window that an event of the key comes into; None: the budget does not take it."""
        if time_us != self._end_us:
            return self.windows.get(key) or self.begin(key, time_us, cause, out)
        window = self._ahead.get(key)
        if window is None:
            if key not in self.windows and self.begin(key, time_us, cause, out) is None:
                return None  # an empty window holds its place until the end has been judged
            window = self._ahead[key] = self.content.fresh(key)
        return window

    def let_go(self, window: Any, time_us: int, cause: int, out: list[Match]) -> None:
        self._ahead.pop(window.key, None)
        self._stages.empty(window, time_us, cause, out)

    def _begin(self, end_us: int) -> None:
        self._end_us, self._start_us = end_us, self._ends.start_of(end_us)

    # ------------------------------------------------------------ time

    def advance(self, watermark_us: int, out: list[Match]) -> None:
        """Judge the windows that end before the watermark."""
        while self._end_us is not None and self._end_us < watermark_us:
            self._judge_all(self._end_us, out)
        self.forget_recalled(watermark_us)

    def _judge_all(self, end_us: int, out: list[Match]) -> None:
        following_us = self._ends.next_after(end_us)
        self.noted.add_all(self.windows)
        windows = list(self.windows.values())
        for window in windows:
            if window.count:
                self._stages.judge(window, end_us, TIMER, out)
            else:
                self._stages.empty(window, end_us, TIMER, out)
        self._begin(following_us)
        for window in windows:
            self.content.roll(window, self._start_us)
            if not window.count and window.stage == CLOSED:
                self.windows.pop(window.key, None)
        for key, ahead in self._ahead.items():
            if key in self.windows:
                self.content.join(self.windows[key], ahead)
            else:
                self.put(ahead)
        self._ahead = {}
        if not self.windows:
            self._end_us = None

    def next_due(self) -> int | None:
        return self.earliest(self._end_us)

    # ------------------------------------------------------------ state

    def dump_meta(self) -> dict[str, Any]:
        return {"end_us": self._end_us, "ahead": [[key, self.content.dump(window)] for key, window in self._ahead.items()]}

    def rebuild(self, meta: dict[str, Any]) -> None:
        from_data = ((tuple_key(key), data) for key, data in meta["ahead"])
        self._ahead = {key: self.content.load(key, data) for key, data in from_data}
        self._end_us = None
        if meta["end_us"] is not None:
            self._begin(meta["end_us"])
