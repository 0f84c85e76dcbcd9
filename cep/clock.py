"""The only readers of the wall clock. Everything else is handed a clock, so tests move time themselves."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    def now_us(self) -> int:
        """Wall time, microseconds since the epoch, UTC."""
        ...

    def elapsed_us(self) -> int:
        """A time that only goes forward, microseconds from an arbitrary start: for durations."""
        ...


class SystemClock:
    """The machine's clock."""

    def now_us(self) -> int:
        return time.time_ns() // 1000

    def elapsed_us(self) -> int:
        return time.monotonic_ns() // 1000


class ManualClock:
    """A clock that moves only when it is told to."""

    def __init__(self, now_us: int = 0) -> None:
        self._now_us = now_us

    def now_us(self) -> int:
        return self._now_us

    def elapsed_us(self) -> int:
        return self._now_us

    def advance_us(self, by_us: int) -> None:
        if by_us < 0:
            raise ValueError("a clock does not go back")
        self._now_us += by_us
