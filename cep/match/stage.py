"""The life of an alert over a window (docs/language.md, Meaning 12): opened by a rise, updated, resolved.

condition   false | true ................... | false
alert              opened   updated updated    resolved
for D              |--D--| opened ..........   resolved      any fall within D starts over

CLOSED  -> OPEN at a rise, or -> PENDING, with `for D`, and OPEN at the timer of rise + D
OPEN    -> CLOSED where the condition falls (with `until C`: where C is true), or the window is empty
        -> SPENT by an event of `resolve when`, or by C, while the condition is true: it must fall first
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from cep.event import TIMER, Key, Match
from cep.match.content import CLOSED, OPEN, PENDING, SPENT, Content, Window
from cep.match.found import emptied, found, same_fields
from cep.match.recall import Recalls
from cep.plan.kernels import RuleKernels
from cep.plan.plan import WindowBody


class Stages:
    """Judges the windows of one rule and tells what becomes of their alerts.

    content       how its windows hold events
    recalls       what looks further back; None: nothing does
    start_of      when the window that is judged at a time began
    emptied_by    forgets a window that `then reset` empties
    judged_late   windows are judged at their ends alone: there updates are told, and `for` is fulfilled
    """

    def __init__(
        self,
        body: WindowBody,
        kernels: RuleKernels,
        content: Content,
        recalls: Recalls | None,
        start_of: Callable[[int], int],
        emptied_by: Callable[[Any], None],
        *,
        judged_late: bool = False,
    ) -> None:
        assert kernels.when is not None
        self._kernels = kernels
        self._content = content
        self._when, self._until = kernels.when, kernels.until
        self._for_us = body.for_us
        self._fire_each = body.fire_each
        self._then_reset = body.then_reset
        self._recalls = recalls
        self._start_of = start_of
        self._emptied_by = emptied_by
        self._judged_late = judged_late
        self._pending: OrderedDict[Key, Window] = OrderedDict()  # in order of their rise

    # ------------------------------------------------------------ judging

    def judge(self, window: Any, time_us: int, cause: int, out: list[Match]) -> None:
        """Look at a window that is not empty, after an event (`cause`: its row) or by a timer."""
        registers = self._registers(window, time_us)
        is_true = window.is_true = self._when(registers, window.key)
        stage = window.stage
        if stage == CLOSED:
            if is_true:
                self._rise(window, registers, time_us, cause, out)
        elif stage == OPEN:
            over = not is_true if self._until is None else self._until(registers, window.key)
            if over:
                self._resolve(window, registers, time_us, cause, out)
            elif cause != TIMER or self._judged_late:
                self._update(window, registers, time_us, cause, out)
        elif not is_true:
            if stage == PENDING:
                self._pending.pop(window.key, None)
            window.stage = CLOSED
        elif stage == PENDING and self._judged_late and time_us - window.since_us >= self._for_us:
            self._open(window, registers, time_us, cause, out)

    def judge_each(self, window: Any, time_us: int, cause: int, out: list[Match]) -> None:
        """With `fire each`: an alert of its own at each event after which the condition is true."""
        registers = self._registers(window, time_us)
        if self._when(registers, window.key):
            self._tell(window, self._content.complete(window, registers, time_us), time_us, cause, "opened", None, out)

    def resolve_by_event(self, window: Any, time_us: int, cause: int, out: list[Match]) -> None:
        """An event of `resolve when` came."""
        if window.stage == OPEN:
            if window.count:
                self._resolve(window, self._registers(window, time_us), time_us, cause, out)
            else:
                self._end(window)
                out.append(emptied(window.key, time_us, cause))

    def empty(self, window: Any, time_us: int, cause: int, out: list[Match]) -> None:
        """The window holds nothing any more."""
        if window.stage == OPEN:
            out.append(emptied(window.key, time_us, cause))
        elif window.stage == PENDING:
            self._pending.pop(window.key, None)
        window.stage = CLOSED

    def _registers(self, window: Any, time_us: int) -> list[Any]:
        registers = self._content.judged(window, time_us)
        if self._recalls is not None:
            self._recalls.fill(registers, window.key, window.seen, self._start_of(time_us))
        return registers

    # ------------------------------------------------------------ `for`

    def next_due(self) -> int | None:
        """When the first condition will have held for long enough."""
        for window in self._pending.values():
            return window.since_us + self._for_us
        return None

    def fulfil(self, out: list[Match]) -> Window:
        """Open the first of those that wait, and return it."""
        _, window = self._pending.popitem(last=False)
        time_us = window.since_us + self._for_us
        self._open(window, self._registers(window, time_us), time_us, TIMER, out)
        return window

    def restore(self, windows: list[Any]) -> None:
        """Take up the windows of a snapshot."""
        waiting = [] if self._judged_late else [window for window in windows if window.stage == PENDING]
        self._pending = OrderedDict((one.key, one) for one in sorted(waiting, key=lambda one: one.since_us))

    # ------------------------------------------------------------ telling

    def _rise(self, window: Any, registers: list[Any], time_us: int, cause: int, out: list[Match]) -> None:
        if not self._for_us:
            self._open(window, registers, time_us, cause, out)
            return
        window.stage, window.since_us = PENDING, time_us
        if not self._judged_late:
            self._pending[window.key] = window

    def _open(self, window: Any, registers: list[Any], time_us: int, cause: int, out: list[Match]) -> None:
        if self._then_reset:
            self._tell(window, self._content.complete(window, registers, time_us), time_us, cause, "opened", None, out)
            window.stage = CLOSED
            self._emptied_by(window)
            return
        registers = self._content.complete(window, registers, time_us)
        self._content.widen(window)
        window.stage = OPEN
        window.told = self._kernels.emit(registers, window.key, None, 0)
        self._tell(window, registers, time_us, cause, "opened", window.told, out)

    def _update(self, window: Any, registers: list[Any], time_us: int, cause: int, out: list[Match]) -> None:
        fields = self._kernels.emit(registers, window.key, None, 0)
        if not same_fields(fields, window.told):
            window.told = fields
            self._tell(window, registers, time_us, cause, "updated", fields, out)

    def _resolve(self, window: Any, registers: list[Any], time_us: int, cause: int, out: list[Match]) -> None:
        self._tell(window, registers, time_us, cause, "resolved", None, out)
        self._end(window)

    def _end(self, window: Any) -> None:
        window.stage = SPENT if window.is_true else CLOSED
        window.told = None
        self._content.narrow(window)

    def _tell(
        self,
        window: Any,
        registers: list[Any],
        time_us: int,
        cause: int,
        transition: str,
        fields: dict[str, Any] | None,
        out: list[Match],
    ) -> None:
        span, ids, key = window.span(), window.evidence(), window.key
        out.append(found(self._kernels, key, time_us, cause, registers, span, ids, window.count, transition, fields))
