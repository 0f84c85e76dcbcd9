"""The garbage collector, kept out of the hot loop.

State holds no cycles (a test proves that a pass finds nothing), so the collector's passes over millions of live tuples find
nothing and cost a factor of two to three (measured: docs/performance.md).
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collector_kept_out(*, collect: bool = True) -> Iterator[None]:
    """Inside, no collection happens by itself; what was loaded before is never looked at again.

    collect  first, so that what is garbage by now does not stay as long: a short run is better off without (some 20 ms)
    """
    was_on = gc.isenabled()
    if collect:
        gc.collect()
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.unfreeze()
        if was_on:
            gc.enable()
