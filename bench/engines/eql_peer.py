"""python-eql (the engine of the Event Query Language in Python) over dicts in memory, for what it can say.

A sequence has one slot for each key and step, and every event may begin one: no fresh start after a match. Comparisons with
fields of an earlier step (W4) cannot be said, nor a count of "so many or more".
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import eql
import peer

TICKS_PER_MS = 10_000  # the engine counts time in units of 100 ns


def tally(least: int, bound_ms: int) -> str:
    fails = " ".join(["[login_failed where true]"] * least)
    return f"sequence by user with maxspan={bound_ms}ms {fails} [login_ok where true]"


def queries(workload: str, constants: list[list[str]]) -> list[str]:
    if workload.startswith("W6a"):
        return [f'{kind} where user == "{user}" and speed > {above}' for kind, user, above in constants]
    if workload.startswith("W6b"):
        return [tally(int(least), int(bound)) for least, bound in constants]
    return {
        "W1": ["sensor where speed > 95"],
        "W2": ["sequence by user with maxspan=10m " + " ".join(["[sensor where speed > 80]"] * 5)],
        "W3": [tally(3, 300_000)],
    }[workload]


def main(workload: str, path: str, constants: str) -> None:
    made = [eql.Event(event["type"], event["ts"] * TICKS_PER_MS, event) for event in peer.events(Path(path))]
    texts = queries(workload, peer.rules(constants))
    parsed = [eql.parse_query(text) for text in texts]

    def once() -> list[int]:
        found = 0

        def tell(result: Any) -> None:
            nonlocal found
            found += 1

        engine = eql.PythonEngine()
        engine.add_queries(parsed)
        engine.add_output_hook(tell)
        for event in made:
            engine.stream_event(event)
        engine.finalize()
        return [found]

    peer.serve(once)


if __name__ == "__main__":
    main(*sys.argv[1:])
