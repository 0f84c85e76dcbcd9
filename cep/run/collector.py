"""The garbage collector, kept out of the hot loop.

State holds no cycles (a test proves that a pass finds nothing), so the collector's passes over millions of live tuples find
nothing and cost a factor of two to three (measured: docs/performance.md).
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collector_kept_out() -> Iterator[None]:
    """Inside, no collection happens by itself; what was loaded before is never looked at again."""
    was_on = gc.isenabled()
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.unfreeze()
        if was_on:
            gc.enable()
