"""What the window of one key holds, and the stage of its alert.

Rolling   events come at one end and leave at the other: each is kept with what every register counts of it
Growing   events only come: the registers are kept, and the ids that evidence needs; O(1) per window

A window reads its registers for a time (a decaying score asks for it), in the order of the plan; behind them are the places of
what looks further back (`cep.match.recall`).
"""

from __future__ import annotations

from collections import deque
from typing import Any, Protocol

from cep.event import EventId, Key
from cep.match.aggregates import Aggregate, aggregate_maker, values_loader
from cep.match.found import ends
from cep.match.keyed import keep_id
from cep.plan.kernels import RuleKernels
from cep.plan.plan import RegisterKind, WindowBody

CLOSED, PENDING, OPEN, SPENT = range(4)  # PENDING: true, but not yet for so long; SPENT: resolved while it was still true

Entry = tuple[int, EventId, tuple[Any, ...]]  # time, id, what each register counts of it
Ids = list[EventId]


class Window:
    """The window of one key.

    count     events in it
    stage     of its alert; `since_us`: when its condition rose; `is_true`: what it last was; `told`: the fields last told
    seen      what `first_seen` and `changed` said of its newest event
    """

    __slots__ = ("count", "is_true", "key", "number", "seen", "since_us", "stage", "told")

    def __init__(self, key: Key) -> None:
        self.key = key
        self.number = 0
        self.count = 0
        self.stage = CLOSED
        self.since_us = 0
        self.is_true = False
        self.told: dict[str, Any] | None = None
        self.seen: tuple[bool | None, ...] = ()

    def life(self) -> list[Any]:
        return [self.number, self.stage, self.since_us, self.is_true, self.told, list(self.seen)]

    def restore_life(self, data: list[Any]) -> None:
        self.number, self.stage, self.since_us, self.is_true, self.told, seen = data
        self.seen = tuple(seen)


class Rolling(Window):
    """judged: the aggregates that are kept up to date, each with its register's index; `wide`: all of them are."""

    __slots__ = ("entries", "judged", "wide")

    def __init__(self, key: Key, judged: list[tuple[int, Aggregate]]) -> None:
        super().__init__(key)
        self.entries: deque[Entry] = deque()
        self.judged = judged
        self.wide = False

    def append(self, entry: Entry) -> None:
        self.entries.append(entry)
        self.count += 1
        for register, aggregate in self.judged:
            aggregate.add(entry[2][register])

    def drop(self) -> Entry:
        """Let the oldest event leave."""
        entry = self.entries.popleft()
        self.count -= 1
        for register, aggregate in self.judged:
            aggregate.drop(entry[2][register])
        return entry

    def span(self) -> tuple[int, int]:
        return self.entries[0][0], self.entries[-1][0]

    def evidence(self) -> Ids:
        return [entry[1] for entry in ends(self.entries)]


class Growing(Window):
    """g: the registers. level: of a leaky bucket, as of its last event."""

    __slots__ = ("first_us", "g", "ids", "last_us", "level")

    def __init__(self, key: Key, g: list[Any]) -> None:
        super().__init__(key)
        self.g = g
        self.first_us = 0
        self.last_us = 0
        self.level = 0
        self.ids: Ids = []

    def span(self) -> tuple[int, int]:
        return self.first_us, self.last_us

    def evidence(self) -> Ids:
        return self.ids


class Content(Protocol):
    """How the windows of a rule take events, read their registers, empty from the front, and are saved."""

    def fresh(self, key: Key) -> Any: ...
    def take(self, window: Any, row: Any, time_us: int, event_id: EventId) -> None: ...
    def judged(self, window: Any, now_us: int) -> list[Any]:
        """The registers that `when` and `until` read; others may be None."""
        ...

    def complete(self, window: Any, registers: list[Any], now_us: int) -> list[Any]:
        """All registers."""
        ...

    def widen(self, window: Any) -> None:
        """Keep all registers up to date from now on: the alert is open."""
        ...

    def narrow(self, window: Any) -> None: ...
    def roll(self, window: Any, start_us: int) -> None:
        """The next window begins at start_us."""
        ...

    def join(self, window: Any, ahead: Any) -> None:
        """Take what the window ahead holds."""
        ...

    def dump(self, window: Any) -> list[Any]: ...
    def load(self, key: Key, data: list[Any]) -> Any: ...


class RollingContent:
    """Of a rule whose windows roll: `judge_all` keeps all registers up to date for all windows."""

    def __init__(self, body: WindowBody, kernels: RuleKernels, judged: frozenset[int], *, judge_all: bool = False) -> None:
        makers = [(index, aggregate_maker(register)) for index, register in enumerate(body.registers)]
        self._judged = [one for one in makers if judge_all or one[0] in judged]
        self._told = [one for one in makers if not (judge_all or one[0] in judged)]
        self._timed = [i for i, register in enumerate(body.registers) if register.kind is RegisterKind.DECAY]
        self._unread: list[Any] = [None] * (len(makers) + len(body.recalls))
        self.values = kernels.values
        self._load_values = values_loader(body.registers)

    def fresh(self, key: Key) -> Rolling:
        return Rolling(key, [(i, make()) for i, make in self._judged])

    def take(self, window: Rolling, row: Any, time_us: int, event_id: EventId) -> None:
        window.append((time_us, event_id, self.values(row, time_us)))

    def judged(self, window: Rolling, now_us: int) -> list[Any]:
        registers = self._unread[:]
        for index, aggregate in window.judged:
            registers[index] = aggregate.read()
        for index in self._timed:
            if registers[index] is not None:
                registers[index] = registers[index].at(now_us)
        return registers

    def complete(self, window: Rolling, registers: list[Any], now_us: int) -> list[Any]:
        if window.wide or not self._told:
            return registers
        for index, make in self._told:
            aggregate = make()
            for entry in window.entries:
                aggregate.add(entry[2][index])
            value = aggregate.read()
            registers[index] = value.at(now_us) if index in self._timed else value
        return registers

    def widen(self, window: Rolling) -> None:
        if window.wide or not self._told:
            return
        more = [(index, make()) for index, make in self._told]
        for _, _, values in window.entries:
            for index, aggregate in more:
                aggregate.add(values[index])
        window.judged = window.judged + more
        window.wide = True

    def narrow(self, window: Rolling) -> None:
        if window.wide:
            window.judged = window.judged[: len(self._judged)]
            window.wide = False

    def roll(self, window: Rolling, start_us: int) -> None:
        while window.entries and window.entries[0][0] < start_us:
            window.drop()

    def join(self, window: Rolling, ahead: Rolling) -> None:
        for entry in ahead.entries:
            window.append(entry)
        window.seen = ahead.seen

    def dump(self, window: Rolling) -> list[Any]:
        return [window.life(), [[time_us, event_id, list(values)] for time_us, event_id, values in window.entries]]

    def load(self, key: Key, data: list[Any]) -> Rolling:
        window = self.fresh(key)
        life, entries = data
        for time_us, event_id, values in entries:
            window.append((time_us, event_id, self._load_values(values)))
        window.restore_life(life)
        if window.stage == OPEN:
            self.widen(window)
        return window


class GrowingContent:
    """Of a rule whose windows only grow."""

    def __init__(self, body: WindowBody, kernels: RuleKernels) -> None:
        self._kernels = kernels
        self._take = kernels.take[0]
        self._timed = [i for i, register in enumerate(body.registers) if register.kind is RegisterKind.DECAY]

    def fresh(self, key: Key) -> Growing:
        return Growing(key, self._kernels.fresh())

    def take(self, window: Growing, row: Any, time_us: int, event_id: EventId) -> None:
        if self._take is not None:
            self._take(window.g, row, time_us)
        if not window.count:
            window.first_us = time_us
        window.count += 1
        window.last_us = time_us
        keep_id(window.ids, event_id)

    def judged(self, window: Growing, now_us: int) -> list[Any]:
        registers = self._kernels.read(window.g)
        for index in self._timed:
            registers[index] = registers[index].at(now_us)
        return registers

    def complete(self, window: Growing, registers: list[Any], now_us: int) -> list[Any]:
        return registers

    def widen(self, window: Growing) -> None:
        """All are kept already."""

    def narrow(self, window: Growing) -> None:
        """All are kept always."""

    def roll(self, window: Growing, start_us: int) -> None:
        window.g, window.ids, window.count = self._kernels.fresh(), [], 0

    def join(self, window: Growing, ahead: Growing) -> None:
        window.g, window.ids, window.count = ahead.g, ahead.ids, ahead.count
        window.first_us, window.last_us, window.seen = ahead.first_us, ahead.last_us, ahead.seen

    def dump(self, window: Growing) -> list[Any]:
        times = [window.first_us, window.last_us, window.level]
        return [window.life(), self._kernels.dump(window.g), times, window.ids[:], window.count]

    def load(self, key: Key, data: list[Any]) -> Growing:
        life, g, times, ids, count = data
        window = Growing(key, self._kernels.load(g))
        window.first_us, window.last_us, window.level = times
        window.ids, window.count = [*ids], count
        window.restore_life(life)
        return window
