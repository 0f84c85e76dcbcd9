"""Functions of numbers (and of what is ordered like them). Sums and averages over events are aggregates, not functions."""

from __future__ import annotations

import math
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from cep.functions.function import Function
from cep.types import Type

MOST_DIGITS = 15  # beyond them a float holds nothing that could be rounded
ORDERED = (Type.NUMBER, Type.TEXT, Type.TIME, Type.SPAN)


def absolute(value: float) -> float:
    return abs(value)


def round_half_up(value: float, digits: float = 0) -> int | float | None:
    """Halves go away from zero, as at school; the number is taken as it is written (2.675 rounds to 2.68).

    Ints stay exact. Null when `digits` is not a whole number from -15 to 15, or the result is beyond what a float holds.
    """
    places = int(digits)
    if places != digits or abs(places) > MOST_DIGITS:
        return None
    if isinstance(value, int) and places >= 0:
        return value
    if isinstance(value, int):
        unit = int(10**-places)
        whole = (abs(value) + unit // 2) // unit * unit
        return whole if value >= 0 else -whole
    # A float of 2**53 or more is whole: nothing behind the point, and Decimal would refuse that many digits.
    if places >= 0 and abs(value) >= 2**53:
        return int(value) if places == 0 else value
    rounded = Decimal(repr(value)).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP) if abs(value) < 1e12 else None
    if rounded is None:
        scaled = round(value, places)
        return int(scaled) if places <= 0 else scaled
    return int(rounded) if places <= 0 else float(rounded)


def floor(value: float) -> int:
    return math.floor(value)


def ceil(value: float) -> int:
    return math.ceil(value)


def smallest(*values: Any) -> Any:
    return min(values)


def largest(*values: Any) -> Any:
    return max(values)


FUNCTIONS = (
    Function(
        "abs",
        (Type.ANY,),
        Type.ANY,
        absolute,
        "The number or duration without its sign.",
        (("abs(-3)", "3"), ("abs(2.5)", "2.5"), ("abs(1m - 3m) == 2m", "true")),
        generic=(Type.NUMBER, Type.SPAN),
    ),
    Function(
        "round",
        (Type.NUMBER, Type.NUMBER),
        Type.NUMBER,
        round_half_up,
        "The nearest whole number, or with so many digits behind the point; halves go away from zero.",
        (("round(2.5)", "3"), ("round(-2.5)", "-3"), ("round(2.675, 2)", "2.68"), ("round(1234, -2)", "1200")),
        optional=1,
    ),
    Function("floor", (Type.NUMBER,), Type.NUMBER, floor, "The whole number at or below.", (("floor(-2.5)", "-3"),)),
    Function("ceil", (Type.NUMBER,), Type.NUMBER, ceil, "The whole number at or above.", (("ceil(2.1)", "3"),)),
    Function(
        "min",
        (Type.ANY, Type.ANY),
        Type.ANY,
        smallest,
        "The smallest of two or more values. With one argument it is an aggregate: the smallest over events.",
        (("min(3, 1, 2)", "1"), ("min(1, null)", "null")),
        rest=Type.ANY,
        generic=ORDERED,
    ),
    Function(
        "max",
        (Type.ANY, Type.ANY),
        Type.ANY,
        largest,
        "The largest of two or more values. With one argument it is an aggregate: the largest over events.",
        (("max(3, 1.5)", "3"), ('max("a", "b")', '"b"')),
        rest=Type.ANY,
        generic=ORDERED,
    ),
)
