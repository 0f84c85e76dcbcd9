"""Standing again where a cell stood: state from the checkpoint, held rows read again, the log replayed up to the last commit.

    manifest          last commit        now
       |---- replay ------>|---- live ---->
    low..high: read again only to hold what was held

Alerts met on the way go to the outbox again and are refused there by their ids. Control entries are obeyed where they took
effect the first time, so the clock plays no part.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from cep.buffer import keys
from cep.buffer.checkpoint import Manifest
from cep.buffer.commit import Standing
from cep.buffer.control import Control, Idle, Returned, Swap, Wall
from cep.buffer.gaps import Gap
from cep.buffer.position import Arrivals, before, entry_of, place, whole
from cep.buffer.reader import Reader, Rows
from cep.config import StreamSpec
from cep.event import Document
from cep.match.outcome import Outcome
from cep.match.pipeline import Pipeline
from cep.plan.plan import Rulebook

SLICE = 1024  # rows to a push: more leaves the cache
Tell = Callable[[Outcome], None]
_NOTHING: tuple[Sequence[Document], Sequence[str]] = (), ()


def input_keys(streams: Mapping[str, StreamSpec]) -> dict[str, str]:
    """Stream -> the Redis key it is read from."""
    return {name: spec.key or keys.events(name) for name, spec in streams.items()}


def hold_again(pipeline: Pipeline, reader: Reader, manifest: Manifest, snapshots: list[dict[str, Any]]) -> list[Gap]:
    """Restore the state of a checkpoint, and hold again the rows that were held then; gives what of them is gone.

    The reader is left where the checkpoint had read to.
    """
    gaps: list[Gap] = []
    standing = manifest.standing
    inputs = pipeline.restore(snapshots)
    for stream, low in manifest.lows.items():
        if stream not in pipeline.streams:
            continue  # no longer read
        high = standing.highs[stream]
        rejected = set(manifest.rejected.get(stream, ()))
        cursor = reader.cursors[stream] = before(entry_of(low))
        oldest = reader.oldest(stream)
        if oldest and place(oldest) > place(entry_of(low)):
            gaps.append(Gap(stream=stream, kind="trimmed", after=cursor, before=oldest))
        while rows := reader.read_to(stream, high):
            _hold_rows(pipeline, rows, low, rejected)
    for stream, at in inputs.items():
        known = {partition for name, partition in pipeline.activity() if name == stream}
        for partition, (_, idle) in at.at_high.items():
            if idle and partition in known and not pipeline.is_idle(stream, partition):
                pipeline.idle(stream, partition)
    for stream in pipeline.streams:
        if stream in standing.highs:
            reader.cursors[stream], reader.seen[stream] = standing.highs[stream], standing.seen[stream]
    return gaps


def _hold_rows(pipeline: Pipeline, rows: Rows, low: str, rejected: set[str]) -> None:
    """Rows that were rejected then are left out: the rules may since be others that would take them."""
    start = place(low)
    kept = [i for i, position in enumerate(rows.positions) if position not in rejected and place(position) >= start]
    for first in range(0, len(kept), SLICE):
        some = kept[first : first + SLICE]
        pipeline.reread(rows.stream, [rows.documents[i] for i in some], [rows.positions[i] for i in some])


class Replay:
    """Feeds a restored pipeline the log once more, up to where the last commit stood."""

    def __init__(self, pipeline: Pipeline, reader: Reader, last: Standing, tell: Tell, again: Callable[[int], Rulebook]) -> None:
        """last: the last commit; tell: takes what came of each step; again: rulebook of a generation."""
        self._pipeline, self._reader, self._last, self._tell, self._again = pipeline, reader, last, tell, again
        self._rest: dict[
            str, tuple[Sequence[Document], Sequence[str]]
        ] = {}  # rows read of an entry, behind where we were to stop
        self.rows = 0
        self.generation = 0  # that a swap on the way has brought; 0: none did

    def obey(self, entry: Control) -> None:
        """Feed everything up to where the entry took effect, then do what it says."""
        for stream, position in entry.at.items():
            if stream in self._pipeline.streams:
                self._feed(stream, entry_of(position), place(position))
        match entry:
            case Idle(stream=stream, partition=partition):
                if stream in self._pipeline.streams:
                    self._tell(self._pipeline.idle(stream, partition))
            case Wall(watermark_us=watermark_us):
                self._tell(self._pipeline.wall(watermark_us))
            case Swap(generation=generation):
                self._tell(self._pipeline.swap(self._again(generation), generation))
                self.generation = generation
            case Returned(stream=stream, partition=partition):
                if stream in self._pipeline.streams:
                    self._bring_back(stream, partition)

    def _bring_back(self, stream: str, partition: str) -> None:
        """Feed the stream up to the row that brings the partition back, now: fed after rows of other streams it would take
        a later watermark as its own. Before it there may be rows that went to dead letter."""
        last = self._last.highs[stream]
        while not self._speaks(stream, partition):
            documents, positions = self._rest.pop(stream, _NOTHING)
            if not positions:
                rows = self._reader.read_to(stream, last)
                if rows is None:
                    return  # trimmed meanwhile
                documents, positions = rows.documents, rows.positions
            self._push(stream, documents[:1], positions[:1])
            self._rest[stream] = documents[1:], positions[1:]

    def _speaks(self, stream: str, partition: str) -> bool:
        known = (stream, partition) in self._pipeline.activity()
        return known and not self._pipeline.is_idle(stream, partition)

    def finish(self) -> None:
        """Feed everything up to the last commit."""
        for stream, high in self._last.highs.items():
            if stream in self._pipeline.streams:
                self._feed(stream, high, place(whole(high)))
                self._reader.cursors[stream], self._reader.seen[stream] = high, self._last.seen[stream]

    def _feed(self, stream: str, last_entry: str, until: tuple[int, int, int]) -> None:
        """Rows of the stream up to a place, the entry of which is `last_entry`."""
        documents, positions = self._rest.pop(stream, _NOTHING)
        while True:
            cut = next((i for i, position in enumerate(positions) if place(position) > until), len(positions))
            self._push(stream, documents[:cut], positions[:cut])
            if cut < len(positions):
                self._rest[stream] = documents[cut:], positions[cut:]
                return
            if place(self._reader.cursors[stream]) >= place(last_entry):
                return
            rows = self._reader.read_to(stream, last_entry)
            if rows is None:
                return  # trimmed meanwhile: the gap is found when it goes live
            documents, positions = rows.documents, rows.positions

    def _push(self, stream: str, documents: Sequence[Document], positions: Sequence[str]) -> None:
        for start in range(0, len(documents), SLICE):
            some = positions[start : start + SLICE]
            self._tell(self._pipeline.push(stream, documents[start : start + SLICE], some, Arrivals(some)))
            self.rows += len(some)
