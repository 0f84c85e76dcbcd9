"""Percentiles of a window: two heaps that meet at the rank asked for.

    values in order   1 2 3 | 4 5 6 7       `low` holds those up to the rank, its greatest on top; `high` the others
                          ^ rank

A value that leaves is only noted; it is taken out of its heap when it comes to the top, or when half a heap is such. Equal
values stand for each other, so it does not matter which of them goes.

cost  O(log n) per value come and gone, amortised; O(1) to read
"""

from __future__ import annotations

from collections import Counter
from heapq import heapify, heappop, heappush

from cep.plan.ranks import Number, ranked, share

SMALL = 64  # noted values that are not worth taking out


class Percentile:
    """The percentile of the values that are in. Those of `low` are held with their sign turned: a heap has its least on top."""

    __slots__ = ("_floats", "_gone_high", "_gone_low", "_high", "_in_high", "_in_low", "_low", "_share")

    def __init__(self, percent: int | float) -> None:
        self._share = share(percent)
        self._low: list[Number] = []
        self._high: list[Number] = []
        self._gone_low: Counter[Number] = Counter()  # by the value as it stands in the heap
        self._gone_high: Counter[Number] = Counter()
        self._in_low = 0  # without those that are gone
        self._in_high = 0
        self._floats = 0

    def add(self, value: Number | None) -> None:
        if value is None:
            return
        self._floats += value.__class__ is float
        if self._in_low and value <= -self._low[0]:
            heappush(self._low, -value)
            self._in_low += 1
        else:
            heappush(self._high, value)
            self._in_high += 1
        self._balance()

    def drop(self, value: Number | None) -> None:
        if value is None:
            return
        self._floats -= value.__class__ is float
        if value <= -self._low[0]:
            self._gone_low[-value] += 1
            self._in_low -= 1
        else:
            self._gone_high[value] += 1
            self._in_high -= 1
        _clear_top(self._low, self._gone_low)
        _clear_top(self._high, self._gone_high)
        self._balance()

    def read(self) -> Number | None:
        if not self._in_low:
            return None
        numerator, denominator = self._share
        part = numerator * (self._in_low + self._in_high - 1) % denominator
        low = -self._low[0]
        return ranked(low, self._high[0] if part else low, part, denominator, self._floats > 0)

    def _balance(self) -> None:
        """Bring the rank to the top of `low`: as many values are there as the rank says, from 1."""
        count = self._in_low + self._in_high
        numerator, denominator = self._share
        wanted = numerator * (count - 1) // denominator + 1 if count else 0
        while self._in_low < wanted:
            heappush(self._low, -heappop(self._high))
            _clear_top(self._high, self._gone_high)
            self._in_low, self._in_high = self._in_low + 1, self._in_high - 1
        while self._in_low > wanted:
            heappush(self._high, -heappop(self._low))
            _clear_top(self._low, self._gone_low)
            self._in_low, self._in_high = self._in_low - 1, self._in_high + 1
        for heap, live, gone in ((self._low, self._in_low, self._gone_low), (self._high, self._in_high, self._gone_high)):
            if len(heap) > 2 * live + SMALL:
                _sweep(heap, gone)


def _clear_top(heap: list[Number], gone: Counter[Number]) -> None:
    while gone and heap and heap[0] in gone:
        _forget(heappop(heap), gone)


def _forget(value: Number, gone: Counter[Number]) -> None:
    if gone[value] == 1:
        del gone[value]
    else:
        gone[value] -= 1


def _sweep(heap: list[Number], gone: Counter[Number]) -> None:
    kept = []
    for value in heap:
        if value in gone:
            _forget(value, gone)
        else:
            kept.append(value)
    heap[:] = kept
    heapify(heap)
