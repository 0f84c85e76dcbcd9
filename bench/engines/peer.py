"""The serving side of a Python peer: a process that says "ready", then makes a pass for each line of standard input.

Runs in the peers' own environment; prints what bench/once.py prints, a JSON line a pass.
"""

from __future__ import annotations

import gc
import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Event = dict[str, Any]
AT_LEAST_S = 0.3  # of processor time measured: a pass that takes less is made again and again, and the mean told


def events(path: Path) -> list[Event]:
    import orjson

    with path.open("rb") as lines:
        return [orjson.loads(line) for line in lines]


def rules(path: str) -> list[list[str]]:
    """Constants of W6a and W6b, a rule a row; none for "-"."""
    return [] if path == "-" else [line.split("\t") for line in Path(path).read_text().splitlines()]


def peak_memory_kb() -> int:
    """Of this process alone: what `getrusage` says begins with the peak of the process that started it."""
    status = Path("/proc/self/status")
    if status.exists():
        return next(int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def measured(once: Callable[[], list[int]]) -> dict[str, Any]:
    """The counts of a pass, and the mean time of as many as take `AT_LEAST_S`."""
    gc.collect()
    base_kb = peak_memory_kb()
    passes, wall, cpu = 0, time.perf_counter(), time.process_time()
    while not passes or time.process_time() - cpu < AT_LEAST_S:
        counts = once()
        passes += 1
    cpu, wall = (time.process_time() - cpu) / passes, (time.perf_counter() - wall) / passes
    peak_kb = peak_memory_kb()
    return {"counts": counts, "cpu_s": cpu, "wall_s": wall, "base_kb": base_kb, "peak_kb": peak_kb}


def serve(once: Callable[[], list[int]]) -> None:
    once()  # a pass to warm up, as the engines on the JVM have
    print("ready", flush=True)
    for _ in sys.stdin:
        print(json.dumps(measured(once)), flush=True)
