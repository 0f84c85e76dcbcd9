"""When the garbage collector may run in a service: when nothing is to be done, or when memory has grown.

The collector is off in the loop (cep.run.collector). State holds no cycles, but a library's error path may make one; such
garbage is swept when the engine is idle. Only what was made since the last pass is looked at, so a pass stays short.
"""

from __future__ import annotations

import gc
import os
from pathlib import Path

IDLE_US = 1_000_000
GROWTH = 1.5
GROWTH_BYTES = 64 << 20


class Sweeper:
    """Decides from times and sizes; `worked` says that there was something to do."""

    def __init__(self) -> None:
        self._last_work_us = 0
        self._swept = True
        self._after_last_pass = resident_bytes()

    def settle(self) -> None:
        """What is loaded now stays: no later pass looks at it."""
        gc.collect()
        gc.freeze()
        self._after_last_pass = resident_bytes()

    def worked(self, now_us: int) -> None:
        self._last_work_us, self._swept = now_us, False

    def idle(self, now_us: int) -> None:
        """Nothing was read: sweep, once, if it has been so for a while."""
        if not self._swept and now_us - self._last_work_us >= IDLE_US:
            self._sweep()

    def check_growth(self) -> None:
        """Sweep if memory has grown by half since the last pass: called now and then, it reads a file."""
        size = resident_bytes()
        if size > self._after_last_pass * GROWTH and size > self._after_last_pass + GROWTH_BYTES:
            self._sweep()

    def _sweep(self) -> None:
        gc.collect(0)
        self._swept = True
        self._after_last_pass = resident_bytes()


def resident_bytes() -> int:
    """Memory in use by the process; 0 where the system does not tell."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0
