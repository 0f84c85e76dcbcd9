"""Aggregates over a sliding window: values come at one end and leave at the other, in the order they came.

Each aggregate is given, per event, what `RuleKernels.values` says of it (None: this event does not count for it) and is told
the same value again when the event leaves. All are exact, so the way by which a window came to hold what it holds never shows.

cost  O(1) per event come and gone (MIN and MAX: amortised; PERCENTILE: O(log n), TOP reads O(different values))
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from heapq import nsmallest
from typing import Any, Protocol

from cep.match.noise import tuple_key
from cep.match.percentile import Percentile
from cep.plan.operations import divide, plain
from cep.plan.plan import Register, RegisterKind
from cep.plan.score import Score
from cep.plan.spread import Spread


class Aggregate(Protocol):
    def add(self, value: Any) -> None:
        """The value of the newest event."""
        ...

    def drop(self, value: Any) -> None:
        """The oldest event, whose value this was, has left."""
        ...

    def read(self) -> Any:
        """What `when` and `emit` see."""
        ...


class Count:
    __slots__ = ("_count",)

    def __init__(self) -> None:
        self._count = 0

    def add(self, value: Any) -> None:
        if value is not None:
            self._count += 1

    def drop(self, value: Any) -> None:
        if value is not None:
            self._count -= 1

    def read(self) -> int:
        return self._count


class Sum:
    """Ints stay ints; with a float in the window the sum is rounded once, as `math.fsum` does. Of nothing: 0.

    Held as a whole number of 2 ** -scale: every float is one, so coming and going is exact arithmetic of ints. (The partials of
    `cep.plan.exact` are slower to add to but small to save; a window saves its events, not its sums.)
    """

    __slots__ = ("_floats", "_scale", "_units")

    def __init__(self) -> None:
        self._units = 0
        self._scale = 0  # bits behind the point; 0 when no float is in
        self._floats = 0  # how many floats are in

    def add(self, value: Any) -> None:
        if value is None:
            return
        if value.__class__ is not float:
            self._units += value << self._scale
            return
        numerator, denominator = value.as_integer_ratio()
        bits = denominator.bit_length() - 1  # the denominator is a power of two
        if bits > self._scale:
            self._units <<= bits - self._scale
            self._scale = bits
        self._units += numerator << (self._scale - bits)
        self._floats += 1

    def drop(self, value: Any) -> None:
        if value is None:
            return
        if value.__class__ is not float:
            self._units -= value << self._scale
            return
        numerator, denominator = value.as_integer_ratio()
        self._units -= numerator << (self._scale + 1 - denominator.bit_length())
        self._floats -= 1
        if not self._floats:
            self._units >>= self._scale
            self._scale = 0

    def read(self) -> int | float | None:
        if not self._floats:
            return self._units
        try:
            return self._units / (1 << self._scale)  # int by int is rounded once
        except OverflowError:
            return None


class Average(Sum):
    """The sum, rounded, by how many values there are; null of nothing."""

    __slots__ = ("_count",)

    def __init__(self) -> None:
        super().__init__()
        self._count = 0

    def add(self, value: Any) -> None:
        if value is not None:
            self._count += 1
            Sum.add(self, value)

    def drop(self, value: Any) -> None:
        if value is not None:
            self._count -= 1
            Sum.drop(self, value)

    def read(self) -> int | float | None:
        quotient: int | float | None = divide(Sum.read(self), self._count)  # by zero: null
        return quotient


class Least:
    """The first of the smallest values. Kept are those that could still become it: each smaller than or equal to what follows."""

    __slots__ = ("_kept",)

    def __init__(self) -> None:
        self._kept: deque[Any] = deque()

    def add(self, value: Any) -> None:
        if value is None:
            return
        kept = self._kept
        while kept and kept[-1] > value:
            kept.pop()
        kept.append(value)

    def drop(self, value: Any) -> None:
        # Equal to the front means it is the front: had it been passed over, something smaller would stand there.
        if value is not None and self._kept[0] == value:
            self._kept.popleft()

    def read(self) -> Any:
        return self._kept[0] if self._kept else None


class Greatest:
    """The first of the greatest values, as `Least`."""

    __slots__ = ("_kept",)

    def __init__(self) -> None:
        self._kept: deque[Any] = deque()

    def add(self, value: Any) -> None:
        if value is None:
            return
        kept = self._kept
        while kept and kept[-1] < value:
            kept.pop()
        kept.append(value)

    def drop(self, value: Any) -> None:
        if value is not None and self._kept[0] == value:
            self._kept.popleft()

    def read(self) -> Any:
        return self._kept[0] if self._kept else None


class Distinct:
    """How many different values; they come as members of a set (a bool is not the number it equals in Python)."""

    __slots__ = ("_counts",)

    def __init__(self) -> None:
        self._counts: dict[Any, int] = {}

    def add(self, value: Any) -> None:
        if value is not None:
            self._counts[value] = self._counts.get(value, 0) + 1

    def drop(self, value: Any) -> None:
        if value is None:
            return
        left = self._counts[value] - 1
        if left:
            self._counts[value] = left
        else:
            del self._counts[value]

    def read(self) -> int:
        return len(self._counts)


class First:
    """The first value that is not null."""

    __slots__ = ("_values",)

    def __init__(self) -> None:
        self._values: deque[Any] = deque()

    def add(self, value: Any) -> None:
        if value is not None:
            self._values.append(value)

    def drop(self, value: Any) -> None:
        if value is not None:
            self._values.popleft()

    def read(self) -> Any:
        return self._values[0] if self._values else None


class Last:
    """The last value that is not null: it leaves after all others."""

    __slots__ = ("_count", "_value")

    def __init__(self) -> None:
        self._count = 0
        self._value: Any = None

    def add(self, value: Any) -> None:
        if value is not None:
            self._count += 1
            self._value = value

    def drop(self, value: Any) -> None:
        if value is not None:
            self._count -= 1
            if not self._count:
                self._value = None

    def read(self) -> Any:
        return self._value


class Nth:
    """The value at a place, from 0 or from the end when negative; nulls have places too."""

    __slots__ = ("_place", "_values")

    def __init__(self, place: int) -> None:
        self._place = place
        self._values: deque[Any] = deque()

    def add(self, value: Any) -> None:
        self._values.append(value)

    def drop(self, value: Any) -> None:
        self._values.popleft()

    def read(self) -> Any:
        return self._values[self._place] if -len(self._values) <= self._place < len(self._values) else None


class Top:
    """The most frequent values, of equals the one whose first event in the window is the oldest."""

    __slots__ = ("_came", "_many", "_number")

    def __init__(self, many: int) -> None:
        self._many = many
        self._number = 0
        self._came: dict[Any, deque[int]] = {}  # a value's events, by their number

    def add(self, value: Any) -> None:
        if value is not None:
            self._number += 1
            self._came.setdefault(value, deque()).append(self._number)

    def drop(self, value: Any) -> None:
        if value is None:
            return
        came = self._came[value]
        came.popleft()
        if not came:
            del self._came[value]

    def read(self) -> list[Any]:
        best = nsmallest(self._many, self._came.items(), key=lambda one: (-len(one[1]), one[1][0]))
        return [plain(value) for value, _ in best]


_MAKERS: dict[RegisterKind, Callable[[], Aggregate]] = {
    RegisterKind.COUNT: Count,
    RegisterKind.SUM: Sum,
    RegisterKind.AVG: Average,
    RegisterKind.MIN: Least,
    RegisterKind.MAX: Greatest,
    RegisterKind.DISTINCT: Distinct,
    RegisterKind.FIRST: First,
    RegisterKind.LAST: Last,
    RegisterKind.STDDEV: Spread,
}
_MEMBERS = (RegisterKind.DISTINCT, RegisterKind.TOP, RegisterKind.DECAY)
_PLACES = {RegisterKind.FIRST: 0, RegisterKind.LAST: -1}


def aggregate_maker(register: Register) -> Callable[[], Aggregate]:
    """What makes the aggregate of a window's register.

    raises  ValueError for what windows do not have: lists, and places among events of which a filter hides some
            (`RuleKernels.values` says None for a hidden event and for a null alike)
    """
    by_place = register.kind is RegisterKind.NTH or (register.kind in _PLACES and not register.skip_nulls)
    if register.kind is RegisterKind.LIST or (by_place and register.where is not None):
        raise ValueError(f"a window has no {register.kind} register of this kind")
    if by_place:
        place = _PLACES.get(register.kind, register.nth)
        return lambda: Nth(place)
    match register.kind:
        case RegisterKind.PERCENTILE:
            return lambda: Percentile(register.argument)
        case RegisterKind.TOP:
            return lambda: Top(int(register.argument))
        case RegisterKind.DECAY:
            return lambda: Score(int(register.argument))
    return _MAKERS[register.kind]


def read_over(makers: Sequence[Callable[[], Aggregate]], events: Sequence[Sequence[Any]]) -> list[Any]:
    """The registers over given events: for each event its values, oldest first."""
    aggregates = [make() for make in makers]
    for values in events:
        for aggregate, value in zip(aggregates, values):
            aggregate.add(value)
    return [aggregate.read() for aggregate in aggregates]


def values_loader(registers: Sequence[Register]) -> Callable[[Sequence[Any]], tuple[Any, ...]]:
    """What makes an event's values of plain data again: members of a set are tuples, which plain data hold as lists."""
    members = [register.kind in _MEMBERS for register in registers]
    if not any(members):
        return tuple
    return lambda values: tuple(tuple_key(value) if member else value for member, value in zip(members, values))
