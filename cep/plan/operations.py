"""What generated code calls: the operations of the language on values that may be null (None), each of them total.

Numbers are ints of any size and finite floats; a result that is NaN or infinite is null (these two alone are not 0 when taken
from themselves, which is asked faster than `isfinite`). Bools are not numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import isfinite
from typing import Any

from cep.timestamps import iso_text

Number = int | float
SECOND_US = 1_000_000


def add(a: Any, b: Any) -> Any:
    if a is None or b is None:
        return None
    try:
        result = a + b
        return result if result - result == 0 else None
    except OverflowError:  # an int beyond all floats, beside a float
        return None


def subtract(a: Any, b: Any) -> Any:
    if a is None or b is None:
        return None
    try:
        result = a - b
        return result if result - result == 0 else None
    except OverflowError:
        return None


def multiply(a: Any, b: Any) -> Any:
    if a is None or b is None:
        return None
    try:
        result = a * b
        return result if result - result == 0 else None
    except OverflowError:
        return None


def divide(a: Any, b: Any) -> Any:
    if a is None or b is None or b == 0:
        return None
    try:
        result = a / b
        return result if result - result == 0 else None
    except OverflowError:
        return None


def remainder(a: Any, b: Any) -> Any:
    """The remainder has the sign of the divisor."""
    if a is None or b is None or b == 0:
        return None
    try:
        result = a % b
        return result if result - result == 0 else None
    except OverflowError:
        return None


ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": add,
    "-": subtract,
    "*": multiply,
    "/": divide,
    "%": remainder,
}


def whole(number: Any) -> Any:
    """A time or duration in whole microseconds (half to even)."""
    return round(number) if number.__class__ is float else number


# -- values whose type nothing tells


def same(a: Any, b: Any) -> bool:
    """Equality by type and value of two values that are not null: 1 == 1.0, 1 != "1", true != 1."""
    return (a.__class__ is bool) is (b.__class__ is bool) and bool(a == b)


def hashable(value: Any) -> Any:
    """A scalar as a part of a key or a member of a set: a bool is marked, 1.0 is 1. None for null, lists and objects."""
    kind = value.__class__
    if kind is str or kind is int:
        return value
    if kind is float:
        return int(value) if value.is_integer() else value
    return ("bool", value) if kind is bool else None


def plain(part: Any) -> Any:
    """The value of a part of a key: the mark of a bool taken off."""
    return part[1] if part.__class__ is tuple else part


def as_number(value: Any) -> Any:
    """An item of a list or a cell of a table where a number is meant: anything else is null."""
    kind = value.__class__
    return value if kind is int or (kind is float and isfinite(value)) else None


def as_text(value: Any) -> Any:
    return value if value.__class__ is str else None


def as_bool(value: Any) -> Any:
    return value if value.__class__ is bool else None


def as_list(value: Any) -> Any:
    return value if isinstance(value, list | tuple) else None


def item(values: Any, index: int) -> Any:
    """`list[index]`; null when there is none."""
    return values[index] if values is not None and -len(values) <= index < len(values) else None


def cell(table: Mapping[Any, Mapping[str, Any]], key: Any, column: str) -> Any:
    """`(lookup table[key]).column`; the key is hashable."""
    row = None if key is None else table.get(key)
    return None if row is None else row.get(column)


# -- what alerts say


def time_text(time_us: Any) -> Any:
    return None if time_us is None else iso_text(time_us)


def seconds(span_us: Any) -> Any:
    """A duration in seconds: an int if whole."""
    if span_us is None:
        return None
    if span_us % SECOND_US == 0:
        return span_us // SECOND_US
    return divide(span_us, SECOND_US)


def each_time_text(times_us: Any) -> Any:
    return None if times_us is None else [time_text(one) for one in times_us]


def each_seconds(spans_us: Any) -> Any:
    return None if spans_us is None else [seconds(one) for one in spans_us]


def say(value: Any) -> str:
    """A value in the words of a title."""
    if value is None:
        return "null"
    if value.__class__ is bool:
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return ", ".join(map(say, value))
    return str(value)


def say_seconds(value: Any) -> str:
    return "null" if value is None else f"{value}s"
