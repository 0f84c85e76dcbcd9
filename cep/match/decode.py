"""Documents to rows: only the fields that some rule reads, checked, with the time, type and id of each event.

A good event of the usual shape is decoded by msgspec straight into a struct whose field types are the checks. What that
refuses (and nothing else) is decoded once more with open types and judged field by field: it is either good after all (a time
written otherwise, an event type not met before, a field that only other event types use so) or bad, with its reason. So one
bad row costs one row, and what was refused wrongly widens the struct for the next batch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, MutableSequence, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from cep.config import StreamSpec
from cep.event import Document, Reads, Walked
from cep.match.fastrows import FastRows, Shape
from cep.match.fieldcheck import Judge, Layout, Projection
from cep.match.openrows import LARGEST_DOCUMENT, OpenRows
from cep.match.prefilter import Prefilter, Skimmed
from cep.texts import LineText

Bad = tuple[int, str, str]  # index of the document, code, reason
BLANK = ""  # the code of a line with nothing on it: it is left out, but it is no fault
MOST_SHAPES = 64  # structs made for one stream and rule set: a stream that keeps changing its ways gets no further one
# TypeError: the document is no bytes, but plain field-value pairs
_REFUSED = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, TypeError)


@dataclass(slots=True)
class Decoded:
    """The good rows, column by column, and what was bad.

    ids         declared id of each, None where it has none; None: the stream declares no id field
    partitions  of each, "" where it names none; None: not declared
    orders      of each, as values that can be compared with one another; None: not declared
    """

    rows: list[Any] = field(default_factory=list)
    times_us: MutableSequence[int] = field(default_factory=list)
    types: MutableSequence[str] = field(default_factory=list)
    ids: list[int | str | None] | None = None
    partitions: list[str] | None = None
    orders: list[Any] | None = None
    bad: list[Bad] = field(default_factory=list)

    def drop(self, row: int) -> None:
        """Take out a row that turned out not to be wanted."""
        for one in (self.times_us, self.types, self.ids, self.partitions, self.orders, self.rows):
            if one is not None:  # the rows last: columns may still have to be read off them
                del one[row]


class Decoder:
    """Decodes the documents of one stream for one rule set."""

    def __init__(self, projection: Projection, spec: StreamSpec) -> None:
        self._projection = projection
        self._layout = Layout(spec)
        self._open = OpenRows(projection, self._layout, spec.fields)
        self._judge = Judge(projection, self._layout, self._open.read)
        self._shape = Shape(projection, self._layout, self._open.read)
        self._fast: FastRows | None = None
        self._prefilter = Prefilter(projection, self._layout, spec)
        self._shapes = 0

    def decode(self, documents: Sequence[Document]) -> Decoded:
        """All documents, in order: rows of the good ones, reasons of the bad ones.

        cost  about 0.3 us per event of 130 bytes and six fields, nearly all of it in msgspec; 3 us for one that is looked at
        """
        layout = self._layout
        out = Decoded(
            ids=[] if layout.id else None,
            partitions=[] if layout.partition else None,
            orders=[] if layout.order else None,
        )
        rest = iter(_bounded(documents))
        index, refused = 0, True
        while True:
            if self._fast is not None:
                taken, refused = self._take(self._fast, rest, index, out)
                index += taken
            else:
                refused = next(rest, None) is not None
            if not refused:
                break
            if isinstance(documents, LineText) and not documents[index].strip():
                out.bad.append((index, BLANK, ""))
            else:
                self._look_at(documents[index], index, out)
            index += 1
            if self._fast is None:
                self._take_shape()
        if isinstance(documents, LineText):
            documents.counted(index)
        self._shape.settle(index)
        if self._shape.stale:
            self._take_shape()
        return out

    def straight(self, documents: Sequence[Document]) -> tuple[Callable[[], Iterator[Any]], Reads] | None:
        """What gives rows one by one, as they are asked for, and how their times and types are read; it raises at the first
        document that is not of the usual shape. None: there is more to know of an event than what can be read so."""
        fast = self._fast
        if fast is None or fast.reads is None or fast.ids or fast.partitions or fast.orders:
            return None
        return lambda: map(fast.decode, _bounded(documents)), fast.reads

    def skim(self, text: LineText) -> Skimmed | None:
        """Which lines some rule could want; None: any may be."""
        return self._prefilter.skim(text, self._shape.way)

    def _take(self, fast: FastRows, rest: Iterator[Document], first: int, out: Decoded) -> tuple[int, bool]:
        """Decode until a document is refused (it is then consumed) or none is left; how many were accepted, and whether one
        was refused."""
        rows: list[Any] = []
        refused = False
        try:
            rows.extend(map(fast.decode, rest))
        except _REFUSED:
            refused = True
        taken = len(rows)  # before any is dropped again
        if not taken:
            return 0, refused
        times_us, types = fast.columns(rows)
        if first or refused:
            out.rows += rows
            out.times_us += times_us
            out.types += types
        else:  # all there is, of one shape
            out.rows, out.times_us, out.types = rows, times_us, types
        for into, column in ((out.ids, fast.ids), (out.partitions, fast.partitions), (out.orders, fast.orders)):
            if into is not None and column is not None:
                into += column(rows)
        if fast.checks or fast.checks_times:
            self._drop(fast.faults(rows, times_us, types), taken, first, out)
        return taken, refused

    @staticmethod
    def _drop(faults: dict[int, tuple[str, str]], taken: int, first: int, out: Decoded) -> None:
        start = len(out.rows) - taken
        out.bad += [(first + n, code, reason) for n, (code, reason) in sorted(faults.items())]
        for n in sorted(faults, reverse=True):
            out.drop(start + n)

    def _look_at(self, document: Document, index: int, out: Decoded) -> None:
        """Decode one document with open types and judge it field by field."""
        row, broken, fault = self._open.row(document)
        checked = fault or self._judge.judge(row, broken)
        if isinstance(checked, tuple):
            out.bad.append((index, *checked))
            return
        out.rows.append(row)
        out.times_us.append(checked.time_us)
        out.types.append(checked.type)
        if out.ids is not None:
            out.ids.append(checked.id)
        if out.partitions is not None:
            out.partitions.append(checked.partition)
        if out.orders is not None:
            out.orders.append(checked.order)
        if isinstance(document, bytes):
            self._shape.learn(row, checked)

    def _take_shape(self) -> None:
        """Make a struct of what was learned."""
        if self._shape.way is not None and self._shapes < MOST_SHAPES:
            self._shape.stale = False
            self._shapes += 1
            self._fast = FastRows(self._projection, self._layout, self._shape, self._shape.way, self._open.read)


def _bounded(documents: Sequence[Document]) -> Sequence[Document]:
    """The documents, an empty one (which is refused) in place of any that is too large."""
    if isinstance(documents, LineText) and documents.size <= LARGEST_DOCUMENT:
        return documents
    if isinstance(documents, Walked) and documents.longest <= LARGEST_DOCUMENT:
        return documents
    if max(map(len, documents), default=0) <= LARGEST_DOCUMENT:
        return documents
    return [document if len(document) <= LARGEST_DOCUMENT else b"" for document in documents]
