"""bytewax over dicts in memory, one worker: its dataflow carries the events, the matching in it is by hand: it has none."""

from __future__ import annotations

import sys
from collections import deque
from pathlib import Path
from typing import Any

import bytewax.operators as op
import peer
from bytewax.dataflow import Dataflow
from bytewax.testing import TestingSink, TestingSource, run_main

Event = dict[str, Any]
Window = deque[int]
TEN_MINUTES, FIVE_MINUTES = 600_000, 300_000
SLICE = 1024


def five(window: Window | None, event: Event) -> tuple[Window, list[int]]:
    window = deque() if window is None else window
    now = event["ts"]
    window.append(now)
    while window[0] < now - TEN_MINUTES:
        window.popleft()
    if len(window) < 5:
        return window, []
    return deque(), [now]


def three(window: Window | None, event: Event) -> tuple[Window, list[int]]:
    window = deque() if window is None else window
    now = event["ts"]
    if event["type"] == "login_failed":
        window.append(now)
    while window and window[0] < now - FIVE_MINUTES:
        window.popleft()
    if event["type"] == "login_failed" or len(window) < 3:
        return window, []
    return deque(), [now]


TESTS = {
    "W1": lambda event: event["type"] == "sensor" and event["speed"] > 95,
    "W2": lambda event: event["type"] == "sensor" and event["speed"] > 80,
    "W3": lambda event: event["type"] in ("login_failed", "login_ok"),
}
STATES = {"W2": five, "W3": three}


def main(workload: str, path: str) -> None:
    all_events = peer.events(Path(path))

    def once() -> list[int]:
        out: list[Any] = []
        flow = Dataflow("bench")
        stream = op.filter("of", op.input("in", flow, TestingSource(all_events, batch_size=SLICE)), TESTS[workload])
        if workload in STATES:
            keyed = op.key_on("by", stream, lambda event: event["user"])
            stream = op.stateful_flat_map("state", keyed, STATES[workload])
        op.output("out", stream, TestingSink(out))
        run_main(flow)
        return [len(out)]

    peer.serve(once)


if __name__ == "__main__":
    main(*sys.argv[1:])
