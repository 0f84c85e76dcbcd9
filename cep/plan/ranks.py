"""Values by rank: percentiles and the median.

Of n values in order, from 0, percentile p stands at p / 100 * (n - 1); between two of them it lies in proportion (SQL's
PERCENTILE_CONT). The result is rounded once, and a float if one of the values is, so neither the order in which values came
nor what has left again shows in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache

Number = int | float


@lru_cache(maxsize=256)
def share(percent: int | float) -> tuple[int, int]:
    """percent / 100 as the fraction that its digits say: 99.9 is 999 / 1000."""
    exact = Fraction(str(percent)) / 100
    return exact.numerator, exact.denominator


def between(low: Number, high: Number, part: int, whole: int) -> float | None:
    """low + (high - low) * part / whole, rounded once; None beyond what a float holds."""
    a, b = low.as_integer_ratio()
    c, d = high.as_integer_ratio()
    try:
        return (a * d * (whole - part) + c * b * part) / (b * d * whole)
    except OverflowError:
        return None


def ranked(low: Number, high: Number, part: int, whole: int, floats: bool) -> Number | None:
    """The value at a rank between two values."""
    if part:
        return between(low, high, part, whole)
    try:
        return float(low) if floats else int(low)  # of equal values, 1 and 1.0, any may stand here
    except OverflowError:
        return None


def percentile_of(values: list[Number], percent: int | float) -> Number | None:
    """The percentile of values, which are put in order by it. cost: O(n log n), O(n) if few came since the last time"""
    if not values:
        return None
    values.sort()
    return percentile_in_order(values, percent)


def percentile_in_order(values: Sequence[Number], percent: int | float) -> Number | None:
    numerator, denominator = share(percent)
    rank, part = divmod(numerator * (len(values) - 1), denominator)
    floats = any(value.__class__ is float for value in values)
    return ranked(values[rank], values[rank + 1] if part else values[rank], part, denominator, floats)
