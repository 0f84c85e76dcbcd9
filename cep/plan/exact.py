"""Exact sums of ints and floats: the same answer in whatever order values come and go.

A running total is a plain list `[ints, floats, *partials]`: the sum of all ints, how many floats are in it, and the floats'
exact sum as non-overlapping partials, smallest first (at most about 40). Taking a value out again is adding its negative,
which is exact too. A value without a float in it stays an int of any size.

source  Shewchuk 1997, "Adaptive precision floating-point arithmetic", grow-expansion; `math.fsum` holds the same partials.
"""

from __future__ import annotations

import math
from fractions import Fraction

Total = list[int | float]
EXACT_INT = 1 << 53  # up to here every int is a float without loss
LARGE = 2.0**900  # beyond it a partial could overflow: such floats are added to the ints, which is exact as well


def fresh_total() -> Total:
    return [0, 0]


def add_to(total: Total, value: int | float) -> None:
    """Add a finite number. cost: O(partials), which are one or two for values of like size."""
    if isinstance(value, int):
        total[0] += value
    else:
        total[1] += 1
        _add_float(total, value)


def _add_float(total: Total, x: float) -> None:
    if not -LARGE < x < LARGE:
        total[0] += int(x)  # so large a float is a whole number
        return
    kept = 2
    for i in range(2, len(total)):
        y = total[i]
        if abs(x) < abs(y):
            x, y = y, x
        high = x + y
        low = y - (high - x)  # exact: |x| >= |y|
        if low:
            total[kept] = low
            kept += 1
        x = high
    total[kept:] = [x] if x else []


def value_of(total: Total) -> int | float | None:
    """The sum, rounded once; an int when no float is in it; None beyond what a float holds."""
    whole = total[0]
    if not total[1]:
        return whole
    if -EXACT_INT <= whole <= EXACT_INT:
        return math.fsum(total[2:] if not whole else [whole, *total[2:]])
    try:
        return float(sum(map(Fraction, total[2:]), Fraction(whole)))
    except OverflowError:
        return None
