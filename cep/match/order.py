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
from typing import Any

from cep.config import StreamSpec
from cep.event import Batch, Column, Document, EventId

# A held row: (time, `order` field, stream number, sequence, row, id, type, arrival group, document). The sequence is unique,
# so comparison never reaches the row. The document is kept because new rules may read other fields of it.
Held = tuple[int, Any, int, int, Any, EventId, str, int, Document]
NEVER = -(1 << 62)


@dataclass(slots=True)
class Partition:
    """One partition's own watermark (NEVER before its first event), whether it is left out of the merged one, and how many
    rows it has brought (late ones too): who watches for quiet partitions compares that number."""

    watermark_us: int = NEVER
    idle: bool = False
    seen: int = 0


@dataclass(slots=True)
class _Group:
    """Rows that arrived together, some of which may still be held: where they begin and the partitions as they were."""

    number: int
    position: EventId
    partitions: dict[str, tuple[int, bool]]
    held: int


@dataclass(slots=True)
class Arrived:
    """Rows of one stream in buffer order, column by column.

    partitions  None: the stream does not name them          orders  None: position breaks ties
    documents   what the rows were decoded from              first, last  positions of the entries they came from
    """

    rows: Sequence[Any]
    times_us: Sequence[int]
    ids: Sequence[EventId]
    types: Sequence[str]
    partitions: Sequence[str] | None
    orders: Sequence[Any] | None
    documents: Sequence[Document]
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
        self.groups: deque[_Group] = deque()

    def standing(self) -> dict[str, tuple[int, bool]]:
        return {name: (p.watermark_us, p.idle) for name, p in self.partitions.items()}


class Orderer:
    """Puts rows of several streams into feeding order and moves the watermark."""

    def __init__(self, streams: dict[str, StreamSpec]) -> None:
        self._inputs = {name: _Input(spec, n) for n, (name, spec) in enumerate(streams.items())}
        # At the watermark itself more rows of that time may come from another stream, or with a smaller `order`: then only
        # what lies before it may be fed, or the answer would depend on who was read first.
        self._strict = len(streams) > 1 or any(spec.order for spec in streams.values())
        self._held: list[Held] = []
        self._sequence = 0
        self._groups = 0
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
        if in_order and not self._held and new.orders is None and times_us[-1] <= self._limit():
            return Batch(new.rows, times_us, new.ids, new.types), late
        self._hold(source, new, {index for index, _ in late}, before)
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
        if self._strict or self._held or source.spec.lateness_us or source.spec.partition:
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
        self._hold(source, again, gone, before)

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

    def _hold(self, source: _Input, new: Arrived, without: set[int], before: dict[str, tuple[int, bool]]) -> None:
        group = _Group(self._groups, new.first, before, 0)
        self._groups += 1
        sequence, documents = self._sequence, list(new.documents)
        self._sequence += len(new.rows)
        rows, times_us, ids, types, orders = new.rows, list(new.times_us), new.ids, list(new.types), new.orders
        fresh: list[Held] = [
            (
                times_us[i],
                orders[i] if orders is not None else (),
                source.number,
                sequence + i,
                rows[i],
                ids[i],
                types[i],
                group.number,
                documents[i],
            )
            for i in range(len(rows))
            if i not in without
        ]
        if fresh:
            group.held = len(fresh)
            source.groups.append(group)
            self._held.extend(fresh)
            self._held.sort()  # two sorted runs, mostly: Timsort merges them

    # -- rows out

    def release(self) -> Batch | None:
        """The held rows that the watermark has reached, in feeding order."""
        limit = self._limit()
        held = self._held
        low, high = 0, len(held)
        while low < high:
            middle = (low + high) // 2
            if held[middle][0] <= limit:
                low = middle + 1
            else:
                high = middle
        if not low:
            return None
        out = held[:low]
        del held[:low]
        self._forget(out)
        return Batch([r[4] for r in out], [r[0] for r in out], [r[5] for r in out], [r[6] for r in out])

    def _forget(self, out: list[Held]) -> None:
        left: dict[int, int] = {}
        for row in out:
            left[row[7]] = left.get(row[7], 0) + 1
        for source in self._inputs.values():
            for group in source.groups:
                group.held -= left.get(group.number, 0)
            while source.groups and not source.groups[0].held:
                source.groups.popleft()

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
        return self._held[0][0] if self._held else None

    @property
    def all_idle(self) -> bool:
        return all(p.idle for s in self._inputs.values() for p in s.partitions.values())

    def partitions(self, stream: str) -> dict[str, Partition]:
        """The live table of a stream's partitions, by name ("" where the stream does not name them)."""
        return self._inputs[stream].partitions

    def replace_rows(self, decode: Callable[[Held], Any]) -> None:
        """Decode the held rows anew, for other rules; `decode` gives None for one that is bad to them."""
        kept: list[Held] = []
        gone: list[Held] = []
        for held in self._held:
            row = decode(held)
            if row is None:
                gone.append(held)
            else:
                kept.append((*held[:4], row, *held[5:]))
        self._held = kept
        self._forget(gone)

    @property
    def held(self) -> int:
        """Rows that wait for the watermark."""
        return len(self._held)

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
        self._held.clear()
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
