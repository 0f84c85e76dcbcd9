"""Rows that wait for the watermark: one list in feeding order, and what they came from.

A row that no rule reads is not always listed: it may wait in its group alone. What a group came from is kept by reference until
the watermark has passed all of it, because other rules may read other fields, and other rows.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from cep.event import HELD, Batch, Column, Document, EventId

# Time in microseconds (a float, because these are compared several times faster; exact up to 2**53), what goes before what at
# that time (number of the stream, behind its `order` field where a stream has one), row, id, type. Rows are never compared.
Held = tuple[float, Any, Any, EventId, str]
_time = itemgetter(0)
_time_and_rank = itemgetter(0, 1)
FEW = 8  # fresh rows are few where so many times as many wait: then those far before them are not looked at


@dataclass(slots=True)
class Group:
    """Rows that arrived together, some of which may still wait.

    position    of the first
    partitions  name -> (watermark, idle) before them
    until_us    once the watermark has reached it, none of them waits
    documents   the first `count` of these are theirs, of `positions`; neither is changed by anybody
    without     indices of those that never waited: they were late, or fed before a restart
    unread      how many wait that no rule reads
    """

    position: EventId
    partitions: dict[str, tuple[int, bool]]
    until_us: int
    documents: Sequence[Document]
    positions: Sequence[EventId]
    count: int
    without: frozenset[int] = frozenset()
    unread: int = 0


class Waiting:
    """Rows by (time, rank), among equals as they arrived.

    ranked  whether ranks differ: several streams, or an `order` field
    """

    def __init__(self, *, ranked: bool) -> None:
        self.rows: list[Held] = []
        self._key: Any = _time_and_rank if ranked else _time

    def add(self, fresh: list[Held]) -> None:
        """Take rows in the order of their arrival."""
        rows = self.rows
        if len(rows) > FEW * len(fresh) > 0:
            cut = bisect_left(rows, min(map(_time, fresh)), key=_time)
            tail = rows[cut:] + fresh
            tail.sort(key=self._key)
            rows[cut:] = tail
        else:
            rows += fresh
            rows.sort(key=self._key)  # a sorted run and a nearly sorted one: Timsort merges them

    def take(self, limit_us: int) -> Batch | None:
        """Those at or before this time, which wait no longer."""
        rows = self.rows
        count = bisect_right(rows, limit_us, key=_time)
        if not count:
            return None
        out = rows[:count]
        del rows[:count]
        return batch_of(out)


def batch_of(held: list[Held]) -> Batch:
    """A batch of these rows, whose columns are listed only if someone asks for them."""
    batch = Batch(_column(held, 2), Column(held, HELD.time, _whole_times), _column(held, 3), _column(held, 4, HELD.type))
    batch.reads, batch.held = HELD, held
    return batch


def _column(held: list[Held], at: int, code: str = "") -> Column:
    values = itemgetter(at)
    return Column(held, code, lambda some: list(map(values, some)))


def _whole_times(held: list[Held]) -> list[int]:
    return [int(one[0]) for one in held]
