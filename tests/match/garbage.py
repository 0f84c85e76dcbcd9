"""What only the collector can free."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def garbage_of(prepare: Callable[[], T], work: Callable[[T], object]) -> int:
    """How many objects a piece of work leaves that only the collector can free, apart from what preparing it leaves: the least
    of three times, since threads of the test run leave some of their own now and then."""
    found = []
    for _ in range(3):
        ready = prepare()
        gc.collect()
        gc.disable()
        try:
            work(ready)
            found.append(gc.collect())
        finally:
            gc.enable()
    return min(found)
