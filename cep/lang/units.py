"""Units of durations and sizes as other languages and people write them."""

from __future__ import annotations

_WRITTEN = {
    "us": "usec microsecond microseconds µs μs",
    "ms": "msec msecs millis millisecond milliseconds",
    "s": "sec secs second seconds",
    "m": "min mins minute minutes",
    "h": "hr hrs hour hours",
    "d": "day days",
    "w": "week weeks",
    "KB": "kb k kilobytes",
    "MB": "mb megabytes",
    "GB": "gb g gigabytes",
    "TB": "tb terabytes",
    "B": "byte bytes",
}
_UNITS = {word: unit for unit, words in _WRITTEN.items() for word in words.split()}


def unit_of(word: str) -> str | None:
    """The unit that the word means, also where it is one."""
    return _UNITS.get(word.lower(), word if word in _WRITTEN else None)
