"""Reading and writing moments: epoch numbers and ISO 8601 text to int microseconds UTC, and back to text."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from cep.config import TimeUnit

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
UNTIL_US = 4_102_444_800_000_000  # 2100-01-01: a time from here on, or before the epoch, is absurd
_US_PER = {"s": 1_000_000, "ms": 1_000, "us": 1}
_NUMBER = re.compile(r"-?[0-9]{1,30}(\.[0-9]{1,30})?")
LONGEST_TEXT = 64


def unit_of(name: str, declared: TimeUnit = "auto") -> TimeUnit:
    """The unit of an epoch number in the field of that name: as declared, else by its ending, else by its size."""
    if declared != "auto":
        return declared
    ending = name.rpartition("_")[2]
    return ending if "_" in name and ending in ("s", "ms", "us", "ns") else "auto"  # type: ignore[return-value]  # narrowed by the test


def unit_by_size(number: float) -> TimeUnit:
    """Seconds until the year 5138, milliseconds, microseconds or nanoseconds: today's values are three digits apart."""
    size = abs(number)
    if size < 1e11:
        return "s"
    if size < 1e14:
        return "ms"
    return "us" if size < 1e17 else "ns"


def microseconds(value: object, unit: TimeUnit = "auto") -> int | None:
    """A moment as int microseconds; fractions are kept to the microsecond. None when it cannot be read."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return _from_number(value, unit)
    if isinstance(value, str) and len(value) <= LONGEST_TEXT:
        if _NUMBER.fullmatch(value):
            return _from_number(float(value) if "." in value else int(value), unit)
        return _from_iso(value)
    return None


def _from_number(number: int | float, unit: TimeUnit) -> int | None:
    if number != number or number in (float("inf"), float("-inf")):
        return None
    if unit == "auto":
        unit = unit_by_size(number)
    if unit == "ns":
        return int(number // 1000)
    if isinstance(number, int):
        return number * _US_PER[unit]
    return round(number * _US_PER[unit]) if abs(number) < 1e290 else None


def _from_iso(text: str) -> int | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    try:
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        since = moment - EPOCH
        return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
    except OverflowError:
        return None


def iso_text(time_us: int) -> str | None:
    """ISO 8601 with Z: milliseconds, or microseconds if there are any. None outside the years 1 to 9999."""
    try:
        moment = EPOCH + timedelta(microseconds=time_us)
    except OverflowError:
        return None
    text = moment.strftime("%Y-%m-%dT%H:%M:%S").rjust(19, "0")
    below_second_us = moment.microsecond
    if below_second_us % 1000:
        return f"{text}.{below_second_us:06d}Z"
    return f"{text}.{below_second_us // 1000:03d}Z"
