"""Arrow batches on their way to the rules: what `cep.match.frames` reads of them is put in order and fed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import repeat
from typing import Any

import msgspec

from cep.event import Walked
from cep.match.arrivals import late_row
from cep.match.frames import FrameReader, whole_rows
from cep.match.held import Group
from cep.match.intake import Intake
from cep.match.order import NEVER, Arrived
from cep.match.outcome import Outcome
from cep.plan.codegen import Rows
from cep.plan.plan import Rulebook

_encode = msgspec.json.Encoder().encode


class ColumnIntake:
    """Takes record batches of the streams of one cell, for one rule set."""

    def __init__(self, rulebook: Rulebook, intake: Intake, rows: Rows) -> None:
        self._rulebook = rulebook
        self._intake = intake
        self._order, self._counts = intake.order, intake.counts
        self._rows = rows
        self._frame_readers: dict[str, FrameReader] = {}  # made when columns come

    def push(self, stream: str, batch: Any, first_position: int) -> Outcome:
        """Take a `pyarrow.RecordBatch`: only rows that some rule could want become objects. Positions count from the first.

        cost  about 20 ns per row and column judged, and what `push` costs per row wanted
        """
        if not batch.num_rows:
            return Outcome()
        frame = self._frames(stream).read(batch, self._order.own_watermark(stream))
        if frame is None:
            return self._push_rows(stream, batch, first_position)
        outcome = Outcome()
        keep = frame.keep.tolist()
        times_us = frame.times_us[frame.keep].tolist()
        ids = [first_position + row for row in keep]
        if keep:
            # A held row is decoded again when rules change, which needs it whole.
            documents = Walked(partial(self._whole, stream, batch, keep), len(keep))
            if self._order.straight_from(stream) is None and self._order.collects(stream):
                held = list(zip(map(float, times_us), repeat(self._order.judged_by(stream)[2]), frame.rows, ids, frame.types))
                group = Group(ids[0], {}, NEVER, documents, ids, len(ids))
                latest_us = int(frame.times_us.max())
                outcome.alerts += self._intake.feed(self._order.collected(stream, held, group, ids[-1], latest_us))
            else:
                new = Arrived(frame.rows, times_us, ids, frame.types, None, None, documents, ids, ids[0], ids[-1])
                outcome.alerts += self._intake.feed(self._order.add(stream, new)[0])
        for (row, behind_us), document in zip(
            frame.late, self._frames(stream).documents(batch, [row for row, _ in frame.late]) if frame.late else ()
        ):
            outcome.late.append(late_row(stream, first_position + row, behind_us, document))
        rest = batch.num_rows - len(keep)
        outcome.alerts += self._intake.feed(self._order.seen(stream, rest, int(frame.times_us.max())))
        self._counts["seen"] += batch.num_rows
        self._counts["fed"] += rest - len(frame.late)
        self._counts["late"] += len(frame.late)
        return outcome

    def _whole(self, stream: str, batch: Any, keep: Sequence[int]) -> Iterator[Any]:
        """Documents of some rows, as they are decoded here."""
        documents = self._frames(stream).documents(batch, keep)
        return iter(documents if self._rows == "dict" else map(_encode, documents))

    def _push_rows(self, stream: str, batch: Any, first_position: int) -> Outcome:
        documents: list[Any] = whole_rows(batch)
        if self._rows == "struct":
            documents = [_encode(document) for document in documents]
        return self._intake.push(stream, documents, range(first_position, first_position + batch.num_rows))

    def _frames(self, stream: str) -> FrameReader:
        if stream not in self._frame_readers:
            book = self._rulebook
            plans = [plan for plan in book.plans if plan.enabled]
            reader = FrameReader(plans, book.projection, self._intake.streams[stream], book.tables, rows=self._rows)
            self._frame_readers[stream] = reader
        return self._frame_readers[stream]
