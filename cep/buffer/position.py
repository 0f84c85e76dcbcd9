"""Positions in a stream: an entry's id ("1718000000000-0"), or a line of a packed entry ("1718000000000-0/3").

As text they are what alerts and errors show; they compare only as numbers, (milliseconds, counter, line).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import overload

from cep.event import EventId

START = "0-0"  # before every entry
Place = tuple[int, int, int]
_PAST_ALL_LINES = 1 << 62


def place(position: EventId) -> Place:
    """A position as numbers that compare; the line of an unpacked entry is 0."""
    entry, _, line = str(position).partition("/")
    milliseconds, _, counter = entry.partition("-")
    return int(milliseconds), int(counter or 0), _PAST_ALL_LINES if line == "*" else int(line or 0)


def entry_of(position: EventId) -> str:
    """The id of the entry that the position lies in."""
    return str(position).partition("/")[0]


def whole(entry: str) -> str:
    """A position behind all lines of the entry."""
    return f"{entry}/*"


def before(entry: str) -> str:
    """The largest id smaller than this entry's: a cursor from which it is the first one read."""
    milliseconds, counter, _ = place(entry)
    if counter:
        return f"{milliseconds}-{counter - 1}"
    return f"{milliseconds - 1}-{(1 << 64) - 1}" if milliseconds else START


class Arrivals(Sequence[int]):
    """When each row was appended, microseconds, read out of its position only when asked: few rows ever are."""

    __slots__ = ("_positions",)

    def __init__(self, positions: Sequence[EventId]) -> None:
        self._positions = positions

    def __len__(self) -> int:
        return len(self._positions)

    @overload
    def __getitem__(self, index: int) -> int: ...
    @overload
    def __getitem__(self, index: slice) -> Arrivals: ...
    def __getitem__(self, index: int | slice) -> int | Arrivals:
        if isinstance(index, slice):
            return Arrivals(self._positions[index])
        return int(str(self._positions[index]).partition("-")[0]) * 1000
