"""The words every part shares: event ids, positions, batches of events, matches, alerts.

Inside the engine there is one time: int microseconds since the epoch, UTC.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, MutableSequence, Sequence
from typing import Any, NamedTuple

import msgspec

from cep.types import Type

Scalar = None | bool | int | float | str
# The declared id of an event, else its position: the line number of a file (from 1), the id of a stream entry
# ("1718000000000-0"), or "1718000000000-0/3" for the fourth line of a packed entry.
EventId = int | str
# A correlation key: one scalar for a key of one part, a tuple for several, () for the one global key.
# A bool part is written as ("bool", value), because Python holds True == 1.
Key = Scalar | tuple[Any, ...]

# An event as it comes: one JSON document, the plain field-value pairs of a stream entry, or a dict of whoever calls us.
Document = bytes | Mapping[str, Any]


class Walked(Sequence[Any]):
    """Things made one by one as they are walked over, each for the moment in which it is looked at: a thousand take no more room
    in the cache than one. They are listed when someone asks for more than the first and the last.

    walk     gives the things, from the first, as often as it is called
    count    how many there are, at least one
    ends     the first and the last, if they are known without a walk
    longest  no thing is longer than this
    """

    __slots__ = ("_count", "_ends", "_listed", "_walk", "longest")

    def __init__(
        self, walk: Callable[[], Iterator[Any]], count: int, *, ends: tuple[Any, Any] | None = None, longest: int = 0
    ) -> None:
        self._walk, self._count, self._ends, self.longest = walk, count, ends, longest
        self._listed: list[Any] | None = None

    def __iter__(self) -> Iterator[Any]:
        return self._walk() if self._listed is None else iter(self._listed)

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: Any) -> Any:
        if self._ends is not None and isinstance(index, int):
            if index == 0:
                return self._ends[0]
            if index in (-1, self._count - 1):
                return self._ends[1]
        if self._listed is None:
            self._listed = list(self._walk())
        return self._listed[index]


MAX_EVIDENCE = 64  # events listed in an alert: the first and the last ones; the count is exact


class Column(MutableSequence[Any]):
    """One value of each of many rows, made into a list only when someone asks for more than single ones: who walks over the
    rows anyway reads it there.

    code    of the value, of a row `r`
    make    the values of some rows
    sorts   what to sort by instead of the values, if that is cheaper
    """

    __slots__ = ("_in_order", "_listed", "_make", "_rows", "_sorts", "code")

    def __init__(
        self,
        rows: list[Any],
        code: str,
        make: Callable[[list[Any]], list[Any]],
        sorts: Callable[[list[Any]], list[Any]] | None = None,
    ) -> None:
        self.code = code
        self._rows = rows
        self._make = make
        self._sorts = sorts or make
        self._listed: list[Any] | None = None
        self._in_order: bool | None = None

    def listed(self) -> list[Any]:
        if self._listed is None:
            self._listed = self._make(self._rows)
        return self._listed

    def in_order(self) -> bool:
        if self._in_order is None:
            values = self._sorts(self._rows)
            self._in_order = values == sorted(values)  # Timsort walks a sorted list once, in C: faster than any loop
        return self._in_order

    def largest(self) -> Any:
        return self[-1] if self.in_order() else max(self.listed())

    def __len__(self) -> int:
        return len(self._rows)

    def __bool__(self) -> bool:
        return bool(self._rows)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.listed())

    def __getitem__(self, index: Any) -> Any:
        if self._listed is None and isinstance(index, int):
            return self._make([self._rows[index]])[0]
        return self.listed()[index]

    def __setitem__(self, index: Any, value: Any) -> None:
        self.listed()[index] = value

    def __delitem__(self, index: Any) -> None:
        del self.listed()[index]

    def insert(self, index: int, value: Any) -> None:
        self.listed().insert(index, value)

    def __eq__(self, other: object) -> bool:
        return self.listed() == other if isinstance(other, list) else self is other

    __hash__ = None  # type: ignore[assignment]  # like a list


class Reads(NamedTuple):
    """How generated code reads of a row `r` what matters of every event.

    time    its time in microseconds                  type   its type
    raw     its time as written, a whole number of `scale` microseconds each, never negative; scale 0: it is not written so
    texts   paths of the fields that hold text or null in every row, though rules take them for values of any type
    checks  of rows that nobody has looked at (dicts, as they were given): (event type, path, what it has to be), and
    within  the lowest good `raw`, and the first too high; None: the rows are good
    present paths of the fields that are expected in such rows; one without is for others to judge
    """

    time: str
    type: str
    raw: str = ""
    scale: int = 0
    texts: frozenset[tuple[str, ...]] = frozenset()
    checks: tuple[tuple[str, tuple[str, ...], Type], ...] = ()
    within: tuple[int, int] | None = None
    present: frozenset[tuple[str, ...]] = frozenset()


HELD = Reads("int(v)", "y")  # of a row that waited, told apart as `cep.match.held.Held`: time `v`, row `r`, id `e`, type `y`


class Batch:
    """Rows in feeding order: by (event time, `order` field, stream, position).

    shape   rows, times_us, ids, types: one entry per event; rows are what the rule set's projection decodes to
            (msgspec structs made by `cep.match.decode`, or plain dicts when events come from memory)
    reads   how times and types are read off the rows, where neither has to be listed; None: they are
    held    the rows as they waited (`cep.match.held.Held`), where `reads` is `HELD`
    """

    __slots__ = ("_times_us", "_types", "held", "ids", "reads", "rows")

    def __init__(self, rows: Sequence[Any], times_us: Sequence[int], ids: Sequence[EventId], types: Sequence[str]) -> None:
        self.rows = rows
        self.ids = ids
        self._times_us = times_us
        self._types = types
        lazy = isinstance(times_us, Column) and isinstance(types, Column)
        self.reads: Reads | None = Reads(times_us.code, types.code) if lazy else None  # type: ignore[attr-defined]
        self.held: Sequence[Any] = ()

    @property
    def times_us(self) -> Sequence[int]:
        return self._times_us.listed() if isinstance(self._times_us, Column) else self._times_us

    @property
    def types(self) -> Sequence[str]:
        return self._types.listed() if isinstance(self._types, Column) else self._types

    def __len__(self) -> int:
        return len(self.rows)


TIMER = 1 << 62  # the `cause` of a match that a timer brought: after all rows of its time


class Match(msgspec.Struct, gc=False):  # a struct is made in half the time of a dataclass
    """What a matcher found, before it becomes an alert (or is muted).

    transition  "opened"; of the alert that is open for this key, "updated" or "resolved"; "timeout": a run that lapsed
    time_us  the moment it became certain: the event or deadline that decided it
    cause    index in the batch of the event that decided it, or TIMER
    first_us, last_us, first_id, last_id   of its events; None without events
    evidence ids of its events in order, at most MAX_EVIDENCE: the first half and the last half
    events   how many there were
    transition  "opened"; "timeout" of a run that lapsed
    """

    key: Key
    time_us: int
    cause: int
    fields: dict[str, Any]
    title: str
    first_us: int | None
    last_us: int | None
    first_id: EventId | None
    last_id: EventId | None
    evidence: tuple[EventId, ...]
    events: int
    transition: str = "opened"
