"""Lines that no rule can want, found by their bytes, so that they are never decoded.

A line whose type is read by a rule holds that type's name in quotes, or a backslash. Any other line brings nothing but its time,
and that is read where the stream's lines have it (`cep.match.lineshape`). Whatever is not plain is decoded as usual.

    {"ts": 1700000000000, "type": "page", ...}      no rule reads "page": the time is taken, the rest is not looked at
    {"ts": 1700000000001, "type": "alarm", ...}     decoded
    {"type": "page", "ts": 1700000000002}           not of the learned shape: decoded

source  Palkar et al. 2018 (Sparser): filter before you parse. Our raw filters may keep too much, never too little.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from msgspec.json import encode

from cep.config import StreamSpec
from cep.match.fieldcheck import Layout, Projection
from cep.match.lineshape import Lines, LineShape, learn_shape
from cep.match.openrows import LARGEST_DOCUMENT
from cep.match.order import NEVER
from cep.match.search import places
from cep.match.timefield import Way
from cep.texts import LineText

MOST_NAMES = 6  # event types looked for, each in a pass over the text
LEAST_BYTES = 128 * 1024  # of a text: with less the columns cost more than they save
LOOKED_AT = 16 * 1024  # bytes of a text from which is guessed how many lines are wanted
MOST_WANTED = 0.15  # of the lines: one of them costs as much as five that are not
PAUSE = 16  # texts that are decoded without a look after one that did not pay


@dataclass(slots=True)
class Skimmed:
    """The lines of a text, of which some are to be decoded.

    text, start  what they stand in, and where the first begins
    wanted       int64, ascending: numbers of the lines, from 0, to be decoded
    scale        microseconds of one, in the times of the lines
    time         the name of the time's field, in quotes
    numpy        the module, which is loaded where it is needed
    """

    text: bytes
    start: int
    lines: Lines
    wanted: Any
    scale: int
    time: bytes
    numpy: Any

    def __len__(self) -> int:
        return len(self.lines.starts)

    def documents(self) -> LineText:
        """The lines to be decoded."""
        starts, ends = self.lines.starts[self.wanted] + self.start, self.lines.ends[self.wanted] + self.start
        text = self.text
        return LineText(b"".join([text[start : end + 1] for start, end in zip(starts.tolist(), ends.tolist())]))

    def judge(
        self, good: list[int], times_us: Sequence[int], watermark_us: int, lateness_us: int
    ) -> tuple[int, int, dict[int, int]]:
        """How many lines are events, the largest of their times, and line -> how far behind its partition's watermark it is.

        good, times_us  lines that turned out to be events when they were decoded, and their times
        watermark_us    of the partition, before the first line
        """
        numpy = self.numpy
        all_us = self.lines.times * self.scale
        all_us[self.wanted] = NEVER
        all_us[good] = list(times_us)
        before_us = numpy.empty_like(all_us)
        before_us[0] = watermark_us
        numpy.maximum(numpy.maximum.accumulate(all_us[:-1]) - lateness_us, watermark_us, out=before_us[1:])
        late = ((all_us < before_us) & (all_us > NEVER)).nonzero()[0]
        behind = dict(zip(late.tolist(), (before_us[late] - all_us[late]).tolist()))
        return len(all_us) - len(self.wanted) + len(good), int(all_us.max()), behind

    def runs_from(self, start_us: int, documents: LineText) -> bool:
        """Whether the lines are all as learned and none goes back in time, the first not behind that one; so is what decoding
        makes of `documents`, whose lines name no time but that at their beginning."""
        times, text = self.lines.times, documents.text
        ordered = self.lines.shaped.all() and times[0] * self.scale >= start_us and (times[1:] >= times[:-1]).all()
        return bool(ordered) and text.count(self.time) == len(self.wanted) and b"\\" not in text

    def time_us(self, line: int) -> int:
        return int(self.lines.times[line]) * self.scale

    def after(self, count: int) -> Skimmed:
        """The lines behind the first so many."""
        lines, wanted = self.lines, self.wanted
        left = Lines(lines.starts[count:], lines.ends[count:], lines.shaped[count:], lines.times[count:])
        return replace(self, lines=left, wanted=wanted[wanted >= count] - count)

    def document(self, line: int) -> bytes:
        return self.text[self.start + int(self.lines.starts[line]) : self.start + int(self.lines.ends[line])]


class Prefilter:
    """Of the texts of one stream, for one rule set. It applies where all that an unwanted event can do is to let time go on."""

    def __init__(self, projection: Projection, layout: Layout, spec: StreamSpec) -> None:
        self._names = tuple(b'"%b"' % name.encode("utf-8", "surrogatepass") for name in projection)
        self._time = encode(spec.time or layout.times[0].place[2:])
        self._possible = (
            layout.type is not None
            and layout.type_otherwise not in projection  # else an event without a type would be wanted
            and spec.partition is None
            and len(layout.times[0].path) == 1
            and len(self._names) <= MOST_NAMES
        )
        self._shape: LineShape | None = None
        self._scratch: Any = None
        self._pause = 0

    def skim(self, text: LineText, way: Way | None) -> Skimmed | None:
        """Which lines are to be decoded; None: all of them.

        way  how times are written
        """
        if not self._possible or way is None or not way.scale or way.candidate:
            return None
        if not LEAST_BYTES <= text.size <= LARGEST_DOCUMENT:
            return None
        if self._pause:
            self._pause -= 1
            return None
        skimmed = self._skim(text.text, text.start, way)
        if skimmed is None:
            self._pause, self._shape = PAUSE, None
        return skimmed

    def _skim(self, text: bytes, start: int, way: Way) -> Skimmed | None:
        end = start + LOOKED_AT
        lines = text.count(b"\n", start, end)
        if sum(text.count(name, start, end) for name in self._names) > MOST_WANTED * lines:
            return None
        shape = self._shape = self._shape or learn_shape(text, start, self._time)
        if shape is None:
            return None
        import numpy  # heavy: only who skips lines needs it

        if self._scratch is None or len(self._scratch) < len(text) - start:
            self._scratch = numpy.empty(len(text) - start, bool)
        found = shape.read(text, start, way, numpy, self._scratch)
        wanted = ~found.shaped
        found_at = [place for name in self._names for place in places(text, start, name)]
        wanted[numpy.searchsorted(found.ends, numpy.array(found_at, numpy.int64))] = True
        if text.find(b"\\", start) >= 0:
            escapes = numpy.flatnonzero(numpy.frombuffer(text, numpy.uint8, offset=start) == ord("\\"))
            wanted[numpy.searchsorted(found.ends, escapes)] = True
        numbers = numpy.flatnonzero(wanted)
        if len(numbers) > MOST_WANTED * len(wanted):
            return None
        return Skimmed(text, start, found, numbers, way.scale, self._time, numpy)
