"""Event-time order: partition watermarks, lateness, and the rows that wait for the watermark. Pure.

    W = min over the partitions that are not idle of (largest time seen - lateness); it never goes back

An event is late if it is behind its own partition's watermark as that stood just before it: the log alone decides,
whatever the batch size or the order in which streams were read. Lateness is judged row by row, by a running maximum.

    lateness 5 s   09:00:10 seen   partition at 09:00:05
                   09:00:05 -> waits for W, is fed          09:00:04.999 -> late, never fed, never lost

source  Akidau et al. 2015 (watermarks); docs/language.md, Meaning 1 to 4.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import repeat
from typing import Any

from cep.config import StreamSpec
from cep.event import Batch, Column, Document, EventId
from cep.match.held import Group, Held, Waiting

NEVER = -(1 << 62)
SOME = 16  # groups


@dataclass(slots=True)
class Partition:
    """One partition's own watermark (NEVER before its first event), whether it is left out of the merged one, and how many
    rows it has brought (late ones too): who watches for quiet partitions compares that number."""

    watermark_us: int = NEVER
    idle: bool = False
    seen: int = 0


@dataclass(slots=True)
class Arrived:
    """Rows of one stream in buffer order, column by column.

    partitions  None: the stream does not name them          orders  None: position breaks ties
    documents   what the rows were decoded from, at these positions; neither is changed by anybody from here on
    first, last positions of the entries they came from
    """

    rows: Sequence[Any]
    times_us: Sequence[int]
    ids: Sequence[EventId]
    types: Sequence[str]
    partitions: Sequence[str] | None
    orders: Sequence[Any] | None
    documents: Sequence[Document]
    positions: Sequence[EventId]
    first: EventId
    last: EventId

    def chosen(self, which: Sequence[int] | None, first: EventId) -> Arrived:
        """Some of the rows (None: all), in the order of their numbers, as of entries that begin at another position."""
        if which is None:
            return replace(self, first=first)
        return Arrived(
            [self.rows[n] for n in which],
            [self.times_us[n] for n in which],
            [self.ids[n] for n in which],
            [self.types[n] for n in which],
            None if self.partitions is None else [self.partitions[n] for n in which],
            None if self.orders is None else [self.orders[n] for n in which],
            [self.documents[n] for n in which],
            [self.positions[n] for n in which],
            first,
            self.last,
        )


@dataclass(frozen=True, slots=True)
class InputPosition:
    """How far an input has been read, and from where to read again to find the rows that are still held.

    high      last position read; None before the first
    low       first position of the oldest group of rows of which one is held; None when none is
    at_high, at_low   partition -> (watermark, idle) as they were there (before the row at `low`)
    """

    high: EventId | None
    low: EventId | None
    at_high: dict[str, tuple[int, bool]]
    at_low: dict[str, tuple[int, bool]]


class _Input:
    def __init__(self, spec: StreamSpec, number: int) -> None:
        self.spec = spec
        self.number = number
        # A stream whose events name their partitions learns them as they speak; any other has one, known from the start.
        self.partitions: dict[str, Partition] = {} if spec.partition else {"": Partition()}
        self.high: EventId | None = None
        self.groups: deque[Group] = deque()
        self.swept = 0  # groups left when those that are over were last looked for among them all

    def standing(self) -> dict[str, tuple[int, bool]]:
        return {name: (p.watermark_us, p.idle) for name, p in self.partitions.items()}

    def forget(self, limit_us: int) -> None:
        """Let go of groups of which nothing waits behind this time. Of those behind one that waits it is seen now and then."""
        groups = self.groups
        while groups and groups[0].until_us <= limit_us:
            groups.popleft()
        if len(groups) > 2 * self.swept + SOME:
            self.groups = deque(group for group in groups if group.until_us > limit_us)
        elif len(groups) > self.swept:
            return
        self.swept = len(self.groups)


class Orderer:
    """Puts rows of several streams into feeding order and moves the watermark."""

    def __init__(self, streams: dict[str, StreamSpec]) -> None:
        self._inputs = {name: _Input(spec, n) for n, (name, spec) in enumerate(streams.items())}
        # At the watermark itself more rows of that time may come from another stream, or with a smaller `order`: then only
        # what lies before it may be fed, or the answer would depend on who was read first.
        self._ordered = any(spec.order for spec in streams.values())
        self._strict = len(streams) > 1 or self._ordered
        self._waiting = Waiting(ranked=self._strict)
        self.watermark_us = NEVER
        self.last_us = NEVER  # largest time seen
        # (index of the row, partition) of partitions that came back, or first spoke, in the rows added last. They took W as
        # their own, and W depends on how far the other streams had been read: a replay must know where that was.
        self.returned: list[tuple[int, str]] = []

    # -- rows in

    def add(self, stream: str, new: Arrived) -> tuple[Batch | None, list[tuple[int, int]]]:
        """Take rows; give those that may be fed now, in feeding order, and (index, by how much) of late ones.

        cost    O(n) when they come in time order and nothing waits, else O((n + held) log) of comparisons
        """
        source, times_us = self._inputs[stream], new.times_us
        before = source.standing()
        source.high = new.last
        if not new.rows:
            return None, []
        late, in_order = self._judge(source, times_us, new.partitions)
        self.last_us = max(self.last_us, times_us[-1] if in_order else max(times_us))
        self._merge()
        if in_order and not self._waiting.rows and new.orders is None and times_us[-1] <= self._limit():
            return Batch(new.rows, times_us, new.ids, new.types), late
        self._hold(source, new, frozenset(index for index, _ in late), before)
        return self.release(), late

    def seen(self, stream: str, rows: int, largest_us: int, position: EventId | None = None) -> Batch | None:
        """Take note of rows that were judged elsewhere and that no rule wants; give what may be fed because time moved.

        position  of the last of them, if that is how far the stream has been read
        """
        source = self._inputs[stream]
        if position is not None:
            source.high = position
        partition = source.partitions[""]
        if partition.idle:
            self._wake(partition)
        partition.seen += rows
        partition.watermark_us = max(partition.watermark_us, largest_us - source.spec.lateness_us)
        self.last_us = max(self.last_us, largest_us)
        self._merge()
        return self.release()

    def straight_from(self, stream: str) -> int | None:
        """The time from which on rows of the stream may be fed as they come, while none goes back; None: some must wait."""
        source = self._inputs[stream]
        if self._strict or self._waiting.rows or source.spec.lateness_us or source.spec.partition:
            return None
        partition = source.partitions[""]
        return None if partition.idle else partition.watermark_us

    def went_straight(self, stream: str, rows: int, last_us: int, position: EventId) -> None:
        """So many rows were fed so, the last of that time and position."""
        source = self._inputs[stream]
        partition = source.partitions[""]
        partition.seen += rows
        partition.watermark_us = last_us
        source.high = position
        self.last_us = max(self.last_us, last_us)
        self._merge()

    def collects(self, stream: str) -> bool:
        """Whether rows of the stream may be judged as they come, and collected, by somebody else."""
        source = self._inputs[stream]
        if self._ordered or source.spec.partition:
            return False
        partition = source.partitions[""]
        # Whoever collects sees the rows that move the watermark. All others must be known to be no later than `last_us`.
        known = partition.watermark_us == NEVER or partition.watermark_us + source.spec.lateness_us <= self.last_us
        return known and not partition.idle

    def judged_by(self, stream: str) -> tuple[int, int, int]:
        """Watermark and lateness of a stream without partitions, and what its rows are ranked by."""
        source = self._inputs[stream]
        return source.partitions[""].watermark_us, source.spec.lateness_us, source.number

    def collected(self, stream: str, fresh: list[Held], group: Group, last: EventId, latest_us: int) -> Batch | None:
        """Take what was collected: rows that wait, and the group of all that came, which is filled in; what may be fed now.

        last       position of the last row
        latest_us  largest time among them, or an earlier one, which has been taken note of
        """
        source = self._inputs[stream]
        partition = source.partitions[""]
        group.partitions = source.standing()
        source.high = last
        partition.seen += group.count
        partition.watermark_us = max(partition.watermark_us, latest_us - source.spec.lateness_us)
        self.last_us = max(self.last_us, latest_us)
        self._merge()
        # None of them is later than the row that would have moved the watermark.
        group.until_us = partition.watermark_us + source.spec.lateness_us
        if group.count > len(group.without):
            source.groups.append(group)
        if fresh:
            self._waiting.add(fresh)
        return self.release()

    def reread(self, stream: str, again: Arrived) -> None:
        """Take rows again that were read before the restored snapshot: only those that were held then are held again."""
        source, times_us = self._inputs[stream], again.times_us
        before = source.standing()
        if not again.rows:
            return
        gone = {index for index, _ in self._judge(source, times_us, again.partitions)[0]}
        self.last_us = max(self.last_us, max(times_us))
        limit = self._limit()
        gone.update(i for i, time_us in enumerate(times_us) if time_us <= limit)
        self._hold(source, again, frozenset(gone), before)

    def _judge(
        self, source: _Input, times_us: Sequence[int], partitions: Sequence[str] | None
    ) -> tuple[list[tuple[int, int]], bool]:
        """(index, microseconds behind) of late rows, and whether all are in time and in order.

        Moves the partitions' own watermarks row by row.
        """
        lateness = source.spec.lateness_us
        self.returned = []
        if partitions is None:
            partition = source.partitions[""]
            if partition.idle:
                self._wake(partition)
                self.returned.append((0, ""))
            partition.seen += len(times_us)
            if times_us[0] >= partition.watermark_us and _in_order(times_us):
                partition.watermark_us = max(partition.watermark_us, times_us[-1] - lateness)
                return [], True
            partitions = [""] * len(times_us)
            partition.seen -= len(times_us)  # counted again below, one by one
        late: list[tuple[int, int]] = []
        for i, (name, time_us) in enumerate(zip(partitions, times_us)):
            one = source.partitions.get(name)
            if one is None:
                # A partition never heard before comes like one that returns: it takes W as its own, the W of this row.
                self._merge()
                one = source.partitions[name] = Partition(self.watermark_us)
                self.returned.append((i, name))
            elif one.idle:
                self._merge()
                self._wake(one)
                self.returned.append((i, name))
            one.seen += 1
            if time_us < one.watermark_us:
                late.append((i, one.watermark_us - time_us))
            elif time_us - lateness > one.watermark_us:
                one.watermark_us = time_us - lateness
        return late, not late and _in_order(times_us)

    def _wake(self, partition: Partition) -> None:
        partition.idle = False
        partition.watermark_us = max(partition.watermark_us, self.watermark_us)

    def _hold(self, source: _Input, new: Arrived, without: frozenset[int], before: dict[str, tuple[int, bool]]) -> None:
        number = source.number
        ranks = repeat(number) if not self._ordered else [(one, number) for one in new.orders or repeat((), len(new.rows))]
        fresh: list[Held] = list(zip(map(float, new.times_us), ranks, new.rows, new.ids, new.types))
        if without:
            fresh = [one for i, one in enumerate(fresh) if i not in without]
        if fresh:
            until_us = int(max(one[0] for one in fresh))
            count = len(new.rows)
            source.groups.append(Group(new.first, before, until_us, new.documents, new.positions, count, without))
            self._waiting.add(fresh)

    # -- rows out

    def release(self) -> Batch | None:
        """The held rows that the watermark has reached, in feeding order."""
        limit_us = self._limit()
        for source in self._inputs.values():
            source.forget(limit_us)
        return self._waiting.take(limit_us)

    def _limit(self) -> int:
        """Rows at or before this time may be fed."""
        return self.watermark_us - 1 if self._strict else self.watermark_us

    def _merge(self) -> None:
        speaking = [p.watermark_us for s in self._inputs.values() for p in s.partitions.values() if not p.idle]
        if speaking:
            self.watermark_us = max(self.watermark_us, min(speaking))

    # -- moves that are not events

    def idle(self, stream: str, partition: str) -> Batch | None:
        """Leave a quiet partition out until it speaks again; give what may be fed because of it."""
        self._inputs[stream].partitions.setdefault(partition, Partition()).idle = True
        self._merge()
        return self.release()

    def move(self, watermark_us: int) -> Batch | None:
        """Move the watermark by wall time (all partitions are idle) or because finite input ends."""
        self.watermark_us = max(self.watermark_us, watermark_us)
        return self.release()

    def next_held(self) -> int | None:
        """Time of the earliest held row."""
        return int(self._waiting.rows[0][0]) if self._waiting.rows else None

    @property
    def all_idle(self) -> bool:
        return all(p.idle for s in self._inputs.values() for p in s.partitions.values())

    def partitions(self, stream: str) -> dict[str, Partition]:
        """The live table of a stream's partitions, by name ("" where the stream does not name them)."""
        return self._inputs[stream].partitions

    def own_watermark(self, stream: str) -> int:
        """The lowest watermark of the stream's own partitions (the stream with the lowest holds the others back)."""
        return min((p.watermark_us for p in self._inputs[stream].partitions.values()), default=NEVER)

    def hold_again(self, again: Callable[[str, Group, int], Arrived | None]) -> None:
        """Hold what `again` makes of each group (name of the stream, the group, the time up to which rows have been fed): such
        rows as wait, decoded anew."""
        limit_us = self._limit()
        self._waiting.rows.clear()
        for name, source in self._inputs.items():
            groups, source.groups, source.swept = source.groups, deque(), 0
            for group in groups:
                arrived = again(name, group, limit_us)
                if arrived is not None and arrived.rows:
                    self._hold(source, replace(arrived, first=group.position), frozenset(), group.partitions)

    @property
    def unread(self) -> int:
        """Rows, at most, that wait in their groups alone, because no rule reads them."""
        return sum(group.unread for source in self._inputs.values() for group in source.groups)

    @property
    def held(self) -> int:
        """Rows that wait for the watermark, except those."""
        return len(self._waiting.rows)

    # -- positions and restarts

    def positions(self) -> dict[str, InputPosition]:
        found = {}
        for name, source in self._inputs.items():
            first = source.groups[0] if source.groups else None
            at_high = source.standing()
            found[name] = InputPosition(
                source.high, first.position if first else None, at_high, first.partitions if first else at_high
            )
        return found

    def restore(self, watermark_us: int, last_us: int, positions: dict[str, InputPosition]) -> None:
        """Stand where a snapshot was taken, before the held rows are read again from `low` with `reread`."""
        self.watermark_us, self.last_us = watermark_us, last_us
        self._waiting.rows.clear()
        for name, at in positions.items():
            if name in self._inputs:
                source = self._inputs[name]
                source.groups.clear()
                source.high = at.high
                source.partitions.update({p: Partition(w, idle) for p, (w, idle) in at.at_low.items()})


def _in_order(times_us: Sequence[int]) -> bool:
    if isinstance(times_us, Column):
        return times_us.in_order()
    # Timsort walks a sorted list once, in C: faster than any loop, and no array is built.
    return times_us == sorted(times_us)
