"""How the lines of a stream begin and end, learned from one of them, and the times of all lines of a text that begin and end so.

    {"ts": 1700000000000,                 the time comes first, a whole number of so many digits
    ...}                                  and a line ends where its object does

source  eight digits at once: Langdale and Lemire 2019 (simdjson), there in one register, here in a column of them
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from cep.match.timefield import Way

LEAST_DIGITS, MOST_DIGITS = 9, 16  # seconds to microseconds
WORD = 8  # bytes
WHICH = 0x0001020304050607  # times a word of which only the lowest bit of a byte is set: that byte's number comes to the top
NEWLINE, COMMA, BRACE = b"\n,}"
ZEROS, HIGH, TO_HIGH = 0x3030303030303030, 0x8080808080808080, 0x7676767676767676
# (which digits, times what, and by how many bits they move): pairs of digits, then of pairs, then of fours
STEPS = ((0x0F0F0F0F0F0F0F0F, 2561, 8), (0x00FF00FF00FF00FF, 6553601, 16), (0x0000FFFF0000FFFF, 42949672960001, 32))


@dataclass(slots=True)
class Lines:
    """Lines of a text and what their bytes tell, as NumPy columns.

    shape   starts, ends: int64[lines], `ends` where the line end stands, or the text ends
            shaped: bool[lines], begins and ends as learned        times: int64[lines], as written; of lines so shaped
    """

    starts: Any
    ends: Any
    shaped: Any
    times: Any


@dataclass(frozen=True, slots=True)
class LineShape:
    """Lines begin with these bytes, then so many digits of the time, then a comma; and they end with a brace."""

    begin: bytes
    digits: int

    def read(self, text: bytes, start: int, way: Way, numpy: Any, scratch: Any) -> Lines:
        """The lines from there on.

        scratch  bool array, at least as long: a new one each time would cost more than what is done in it
        cost     about 0.1 us per line, half of it in finding the line ends
        """
        letters = numpy.frombuffer(text, numpy.uint8, offset=start)
        ends = _places(numpy.equal(letters, NEWLINE, out=scratch[: len(letters)]), numpy)
        if letters[-1] != NEWLINE:
            ends = numpy.append(ends, len(letters))
        starts = numpy.empty_like(ends)
        starts[0] = 0
        starts[1:] = ends[:-1] + 1
        times = numpy.zeros(len(starts), numpy.int64)
        shaped = letters[ends - 1] == BRACE
        size = len(self.begin) + self.digits + 1
        # A line that is shorter than that has its end where something else is expected.
        whole = int(numpy.searchsorted(starts, len(letters) - size, side="right"))
        shaped[whole:] = False
        if whole:
            heads = numpy.ndarray((len(letters) - size + 1,), f"V{size}", text, start, (1,))[starts[:whole]]
            times[:whole] = self._times(heads, shaped[:whole], numpy)
            shaped &= (times >= way.lowest) & (times < way.highest)
        return Lines(starts, ends, shaped, times)

    def _times(self, heads: Any, shaped: Any, numpy: Any) -> Any:
        """The numbers behind the beginning; lines that do not begin so are struck out of `shaped`."""
        size, behind, word = len(self.begin), len(self.begin) + self.digits, numpy.uint64

        def words(place: int) -> Any:
            return numpy.ndarray(heads.shape, "<u8", heads, place, heads.strides)

        shaped &= numpy.ndarray(heads.shape, numpy.uint8, heads, behind, heads.strides) == COMMA
        for place in (*range(0, size - WORD, WORD), max(size - WORD, 0)):
            part = self.begin[place : place + WORD]
            mask = word((1 << 8 * len(part)) - 1)
            shaped &= (words(place) & mask) == word(int.from_bytes(part, "little"))
        low = words(behind - WORD) ^ word(ZEROS)
        high = words(behind - 2 * WORD) ^ word(ZEROS)
        high &= word(((1 << 64) - 1) ^ ((1 << 8 * (2 * WORD - self.digits)) - 1))  # the bytes before the first digit
        if (high == high[0]).all():
            high = high[:1]  # of lines that follow on one another the first digits are mostly the same
        shaped &= _are_digits(low, word) & _are_digits(high, word)
        shaped &= (high >> word(8 * (2 * WORD - self.digits)) & word(0xFF)) != 0  # a number does not begin with 0
        return (_number(high, word) * word(10**WORD) + _number(low, word)).astype(numpy.int64)


def _places(marks: Any, numpy: Any) -> Any:
    """As `numpy.flatnonzero`, of a bool array with few that are true: eight are looked at at a time."""
    most = len(marks) // WORD * WORD
    words = marks[:most].view("<u8")
    some = numpy.flatnonzero(words != 0)
    found = words[some]
    if (found & (found - numpy.uint64(1))).any():  # two within eight bytes
        return numpy.flatnonzero(marks)
    place = (found * numpy.uint64(WHICH) >> numpy.uint64(8 * WORD - 8)).astype(some.dtype)
    return numpy.append(some * WORD + place, numpy.flatnonzero(marks[most:]) + most)


def _are_digits(word: Any, of: Any) -> Any:
    """Whether eight bytes, less "0" each, are 0 to 9."""
    return ((word + of(TO_HIGH)) | word) & of(HIGH) == 0


def _number(word: Any, of: Any) -> Any:
    """Eight digits, the first in the lowest byte, as a number."""
    for which, times, bits in STEPS:
        word = (word & of(which)) * of(times) >> of(bits)
    return word


def learn_shape(text: bytes, start: int, time: bytes) -> LineShape | None:
    """The shape of the first line from there on, if its first field is the time (its name in quotes) and a whole number."""
    found = re.compile(rb"(\{[ \t]*" + re.escape(time) + rb"[ \t]*:[ \t]*)([1-9][0-9]*),").match(text, start)
    if found is None or not LEAST_DIGITS <= len(found[2]) <= MOST_DIGITS or len(found[1]) + len(found[2]) < 2 * WORD:
        return None
    return LineShape(found[1], len(found[2]))
