"""The time of an event: which field holds it, in which unit, and how a whole batch of them becomes microseconds at once.

A stream keeps to one way of writing times, so the way of the first event is taken for granted: msgspec then refuses
whatever is not written so (by kind and range, at no cost), and such events are looked at one by one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import msgspec

from cep.config import StreamSpec, TimeUnit
from cep.timestamps import UNTIL_US, microseconds, unit_by_size, unit_of

NAMES = ("ts", "time", "timestamp", "@timestamp", "ts_ms", "time_ms", "event_time")  # tried in this order
Fault = tuple[str, str]  # code, reason
_PER_US = {"s": 1_000_000, "ms": 1_000, "us": 1}
_FROM = {"s": 0, "ms": 10**11, "us": 10**14, "ns": 10**17}


@dataclass(frozen=True, slots=True)
class Candidate:
    path: tuple[str, ...]
    unit: TimeUnit

    @property
    def place(self) -> str:
        return "$." + ".".join(self.path)


@dataclass(frozen=True, slots=True)
class Way:
    """How times are written: in which candidate field; as which kind of value, in the range [lowest, highest); code that
    makes microseconds of the value `{}` (empty: they are read one by one); the microseconds of 1, if it is whole."""

    candidate: int
    kind: type[int] | type[float] | type[str]
    code: str = ""
    lowest: int = 0
    highest: int = 0
    scale: int = 0

    @property
    def accepts(self) -> Any:
        """The kind msgspec is to accept."""
        return Annotated[self.kind, msgspec.Meta(ge=self.lowest, lt=self.highest)] if self.code else self.kind


def candidates_of(spec: StreamSpec) -> tuple[Candidate, ...]:
    names = NAMES if spec.time is None else (spec.time,)
    return tuple(Candidate(tuple(name.split(".")), unit_of(name, spec.unit)) for name in names)


def read_time(value: Any, at: Candidate) -> int | Fault:
    """The time in microseconds, or what is wrong with it. The value is not null."""
    time_us = microseconds(value, at.unit)
    if time_us is None:
        shown = str(value)[:40]
        return "E0603", f"{at.place}: {shown!r} is neither an epoch number nor ISO 8601 text"
    if not 0 <= time_us < UNTIL_US:
        unit = "" if not isinstance(value, int | float) else f" (read as {_unit(value, at)})"
        return "E0604", f"{at.place}: {str(value)[:40]}{unit} is before 1970 or after 2099"
    return time_us


def _unit(value: float, at: Candidate) -> str:
    return unit_by_size(value) if at.unit == "auto" else at.unit


def way_of(value: int | float | str, candidates: tuple[Candidate, ...], number: int) -> Way:
    """The way in which this value, a good time of candidate `number`, is written."""
    if isinstance(value, str):
        return Way(number, str)
    at = candidates[number]
    unit = _unit(value, at)
    lowest = _FROM[unit] if at.unit == "auto" else 0
    kind = int if isinstance(value, int) else float
    if unit == "ns":
        return Way(number, int, "{} // 1000", lowest, UNTIL_US * 1000) if kind is int else Way(number, float)
    per = _PER_US[unit]
    code = "{}" if per == 1 else f"{{}} * {per}"
    return Way(number, kind, code if kind is int else f"round({code})", lowest, UNTIL_US // per, per if kind is int else 0)
