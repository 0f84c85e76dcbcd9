"""What looks at events before those of the window, per key: `first_seen`, `changed`, `baseline`.

Remembered is one time per value, the last value, or one number per part of the baseline; all of it goes by timers. An event
exactly D later still sees what came before (the timer acts after all events of its time).
"""

from __future__ import annotations

from collections import OrderedDict, deque
from itertools import chain
from typing import Any, Protocol

from cep.event import Key
from cep.match.aggregates import Sum
from cep.match.noise import tuple_key
from cep.plan.kernels import RecallKernels
from cep.plan.operations import divide
from cep.plan.plan import Recall, RegisterKind

Values = tuple[Any, ...]
ZERO_OF_NOTHING = (RegisterKind.COUNT, RegisterKind.DISTINCT, RegisterKind.SUM)


class Memory(Protocol):
    """What one recall remembers of all keys."""

    def next_due(self) -> int | None: ...
    def forget(self, before_us: int) -> list[Key]:
        """Let go what is due before a time; the keys it was of."""
        ...

    def holds(self, key: Key) -> bool: ...
    def keys(self) -> list[Key]: ...
    def dump(self, key: Key) -> Any: ...
    def load(self, key: Key, data: Any) -> None: ...
    def settle(self) -> None:
        """Everything has been loaded: put it in order."""
        ...


def _values_again(plain: list[Any]) -> Values:
    return tuple(tuple_key(value) for value in plain)


class FirstSeen:
    """True where no earlier event of the last D had these values. Nulls are unknown, and not remembered."""

    def __init__(self, recall: Recall, kernels: RecallKernels) -> None:
        self._over_us = recall.over_us
        self._values = kernels.values
        self._last: OrderedDict[tuple[Key, Values], int] = OrderedDict()  # oldest first
        self._of: dict[Key, dict[Values, None]] = {}

    def note(self, key: Key, row: Any, time_us: int) -> bool | None:
        values = self._values(row, time_us)
        if values is None:
            return None
        before_us = self._last.get((key, values))
        self._last[key, values] = time_us
        if before_us is not None:
            self._last.move_to_end((key, values))
            return time_us - before_us > self._over_us
        self._of.setdefault(key, {})[values] = None
        return True

    def next_due(self) -> int | None:
        for time_us in self._last.values():
            return time_us + self._over_us
        return None

    def forget(self, before_us: int) -> list[Key]:
        gone = []
        while (due_us := self.next_due()) is not None and due_us < before_us:
            (key, values), _ = self._last.popitem(last=False)
            del self._of[key][values]
            if not self._of[key]:
                del self._of[key]
            gone.append(key)
        return gone

    def holds(self, key: Key) -> bool:
        return key in self._of

    def keys(self) -> list[Key]:
        return list(self._of)

    def dump(self, key: Key) -> Any:
        return [[list(values), self._last[key, values]] for values in self._of[key]]

    def load(self, key: Key, data: Any) -> None:
        for plain, time_us in data:
            values = _values_again(plain)
            self._of.setdefault(key, {})[values] = None
            self._last[key, values] = time_us

    def settle(self) -> None:
        self._last = OrderedDict(sorted(self._last.items(), key=lambda item: item[1]))


class Changed:
    """True where the latest earlier event of the last D had other values. Nulls are unknown, and not remembered."""

    def __init__(self, recall: Recall, kernels: RecallKernels) -> None:
        self._over_us = recall.over_us
        self._values = kernels.values
        self._last: OrderedDict[Key, tuple[int, Values]] = OrderedDict()  # oldest first

    def note(self, key: Key, row: Any, time_us: int) -> bool | None:
        values = self._values(row, time_us)
        if values is None:
            return None
        before = self._last.get(key)
        self._last[key] = (time_us, values)
        self._last.move_to_end(key)
        return before is not None and time_us - before[0] <= self._over_us and before[1] != values

    def next_due(self) -> int | None:
        for time_us, _ in self._last.values():
            return time_us + self._over_us
        return None

    def forget(self, before_us: int) -> list[Key]:
        gone = []
        while (due_us := self.next_due()) is not None and due_us < before_us:
            gone.append(self._last.popitem(last=False)[0])
        return gone

    def holds(self, key: Key) -> bool:
        return key in self._last

    def keys(self) -> list[Key]:
        return list(self._last)

    def dump(self, key: Key) -> Any:
        time_us, values = self._last[key]
        return [time_us, list(values)]

    def load(self, key: Key, data: Any) -> None:
        self._last[key] = (data[0], _values_again(data[1]))

    def settle(self) -> None:
        self._last = OrderedDict(sorted(self._last.items(), key=lambda item: item[1][0]))


class _Past:
    """The past of one key: `g` is the part under way, `ended` those that still touch the window, `inside` those of the baseline.
    Parts are (number, what the aggregate said); `known`: how many inside are not null."""

    __slots__ = ("ended", "g", "inside", "known", "number", "total")

    def __init__(self, number: int, g: list[Any] | None) -> None:
        self.number = number
        self.g = g
        self.ended: deque[tuple[int, Any]] = deque()
        self.inside: deque[tuple[int, Any]] = deque()
        self.total = Sum()
        self.known = 0

    def enter(self, part: tuple[int, Any]) -> None:
        self.inside.append(part)
        self.total.add(part[1])
        self.known += part[1] is not None

    def leave(self) -> None:
        _, value = self.inside.popleft()
        self.total.drop(value)
        self.known -= value is not None


class Baseline:
    """The mean of an aggregate over the whole parts of P, counted from the epoch, that lie in the O before the window.

        parts      |  P  |  P  |  P  |  P  |  P  |
                     [---------- O ------------) [window]
                         |  P  |  P  |  P  |            these

    A part without an event counts 0 where that is what the aggregate is of nothing, else not at all.

    lag_us  how far the window's start may lie behind the time at which it is judged
    """

    def __init__(self, recall: Recall, kernels: RecallKernels, lag_us: int) -> None:
        assert recall.register is not None
        self._per_us = recall.per_us
        self._over_us = recall.over_us
        self._lag_us = lag_us
        self._kernels = kernels
        self._counts_empty = recall.register.kind in ZERO_OF_NOTHING
        self._pasts: OrderedDict[Key, _Past] = OrderedDict()  # by the number of their last part

    def note(self, key: Key, row: Any, time_us: int) -> None:
        number = time_us // self._per_us
        past = self._pasts.get(key)
        if past is None:
            past = self._pasts[key] = _Past(number, self._kernels.fresh())
        elif past.number != number:
            self._end_part(past)
            past.number, past.g = number, self._kernels.fresh()
            self._pasts.move_to_end(key)
            self._move(past, time_us - self._lag_us)
        assert past.g is not None  # a part that lies before the window takes no event any more
        self._kernels.take(past.g, row, time_us)

    def mean(self, key: Key, start_us: int) -> int | float | None:
        """The baseline of a window that began at start_us."""
        past = self._pasts.get(key)
        if past is not None:
            self._move(past, start_us)
        parts = 0 if past is None else past.known
        if self._counts_empty:
            first = -((self._over_us - start_us) // self._per_us)  # the first whole part at or after start - O
            parts = max(0, start_us // self._per_us - first)
        mean: int | float | None = divide(0 if past is None else past.total.read(), parts)
        return mean

    def _end_part(self, past: _Past) -> None:
        if past.g is not None:
            past.ended.append((past.number, self._kernels.read(past.g)[0]))
            past.g = None

    def _move(self, past: _Past, start_us: int) -> None:
        """Let parts that lie before the window come in, and those that lie too far back leave."""
        if (past.number + 1) * self._per_us <= start_us:
            self._end_part(past)
        while past.ended and (past.ended[0][0] + 1) * self._per_us <= start_us:
            past.enter(past.ended.popleft())
        while past.inside and past.inside[0][0] * self._per_us < start_us - self._over_us:
            past.leave()

    def _due(self, past: _Past) -> int:
        """When its last part has left every baseline."""
        return past.number * self._per_us + self._over_us + self._lag_us

    def next_due(self) -> int | None:
        for past in self._pasts.values():
            return self._due(past)
        return None

    def forget(self, before_us: int) -> list[Key]:
        gone = []
        while (due_us := self.next_due()) is not None and due_us < before_us:
            gone.append(self._pasts.popitem(last=False)[0])
        return gone

    def holds(self, key: Key) -> bool:
        return key in self._pasts

    def keys(self) -> list[Key]:
        return list(self._pasts)

    def dump(self, key: Key) -> Any:
        past = self._pasts[key]
        g = None if past.g is None else self._kernels.dump(past.g)
        return [past.number, g, [*map(list, past.ended)], [*map(list, past.inside)]]

    def load(self, key: Key, data: Any) -> None:
        number, g, ended, inside = data
        past = self._pasts[key] = _Past(number, None if g is None else self._kernels.load(g))
        past.ended.extend((at, value) for at, value in ended)
        for at, value in inside:
            past.enter((at, value))

    def settle(self) -> None:
        self._pasts = OrderedDict(sorted(self._pasts.items(), key=lambda item: item[1].number))


class Recalls:
    """All recalls of a rule. What they say stands behind the window's registers."""

    def __init__(self, recalls: tuple[Recall, ...], kernels: tuple[RecallKernels, ...], registers: int, lag_us: int) -> None:
        self._seen: list[FirstSeen | Changed] = []
        self._baselines: list[Baseline] = []
        self._places: list[tuple[int, int]] = []  # of what is seen: place among the registers, place in `seen`
        self._means: list[tuple[int, Baseline]] = []
        for place, (recall, kernel) in enumerate(zip(recalls, kernels), registers):
            match recall.kind:
                case "first_seen" | "changed":
                    self._places.append((place, len(self._seen)))
                    self._seen.append((FirstSeen if recall.kind == "first_seen" else Changed)(recall, kernel))
                case _:
                    self._baselines.append(Baseline(recall, kernel, lag_us))
                    self._means.append((place, self._baselines[-1]))
        self._memories: list[Memory] = [*self._seen, *self._baselines]

    def note(self, key: Key, row: Any, time_us: int) -> tuple[bool | None, ...]:
        """Remember an event; what `first_seen` and `changed` say of it."""
        for baseline in self._baselines:
            baseline.note(key, row, time_us)
        return tuple(one.note(key, row, time_us) for one in self._seen)

    def fill(self, registers: list[Any], key: Key, seen: tuple[bool | None, ...], start_us: int) -> None:
        """Put what they say of a window into its registers."""
        for place, index in self._places:
            registers[place] = seen[index]
        for place, baseline in self._means:
            registers[place] = baseline.mean(key, start_us)

    # ------------------------------------------------------------ time and state

    def next_due(self) -> int | None:
        return min((due_us for one in self._memories if (due_us := one.next_due()) is not None), default=None)

    def forget(self, before_us: int) -> set[Key]:
        return {key for one in self._memories for key in one.forget(before_us)}

    def holds(self, key: Key) -> bool:
        return any(one.holds(key) for one in self._memories)

    def keys(self) -> set[Key]:
        return set(chain.from_iterable(one.keys() for one in self._memories))

    def dump(self, key: Key) -> list[Any]:
        return [one.dump(key) if one.holds(key) else None for one in self._memories]

    def load(self, states: dict[Key, list[Any]]) -> None:
        for key, state in states.items():
            for one, data in zip(self._memories, state):
                if data is not None:
                    one.load(key, data)
        for one in self._memories:
            one.settle()


def recalls_of(recalls: tuple[Recall, ...], kernels: tuple[RecallKernels, ...], registers: int, lag_us: int) -> Recalls | None:
    return Recalls(recalls, kernels, registers, lag_us) if recalls else None
