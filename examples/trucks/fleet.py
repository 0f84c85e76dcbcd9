"""A made-up fleet: twelve trucks on the road, one that speeds, one that brakes hard now and then, one that falls silent."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from typing import Any

TRUCKS = [f"T{n:02d}" for n in range(1, 13)]
DRIVERS = ("ana", "ben", "cleo", "dan", "eva", "finn", "gina", "hugo", "ida", "jan", "kim", "leo")
SPEEDING, BRAKING, SILENT = "T03", "T07", "T11"
STEP_MS = 5_000  # each truck reports every five seconds


def readings(start_ms: int, seed: int = 1) -> Iterator[tuple[int, dict[str, Any]]]:
    """(milliseconds since the start, reading), in time order, without end."""
    dice = random.Random(seed)
    step = 0
    while True:
        for number, truck in enumerate(TRUCKS):
            at_ms = step * STEP_MS + number * (STEP_MS // len(TRUCKS))
            if truck == SILENT and at_ms > 60_000:
                continue
            yield (
                at_ms,
                {
                    "ts_ms": start_ms + at_ms,
                    "gateway": "g1",
                    "truck_id": truck,
                    "driver": DRIVERS[number],
                    "speed_kmh": round(_speed(truck, at_ms, dice), 1),
                    "lat": round(48.0 + number / 10 + at_ms / 9e6, 5),
                    "lon": round(11.0 + math.sin(at_ms / 2e5) / 10, 5),
                },
            )
        step += 1


def _speed(truck: str, at_ms: int, dice: random.Random) -> float:
    cruising = 72 + dice.uniform(-6, 6)
    if truck == SPEEDING and at_ms > 40_000:
        return cruising + 24
    if truck == BRAKING and at_ms % 240_000 // STEP_MS == 30:
        return dice.uniform(5, 12)
    return cruising
