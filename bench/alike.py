"""W6b, many sequence rules of one shape, beside both loops by hand: a history for each rule, and one history for all rules.

python bench/alike.py [--events 100000] [--rounds 5]    dicts in memory, the sides in turn in one process; the best round of each
"""

from __future__ import annotations

import argparse
import gc
import json
import time
from collections.abc import Callable

import generate
import handwritten
from once import cepheid_dicts, rulebook_of
from workloads import WORKLOADS


def best(sides: dict[str, Callable[[], int]], rounds: int) -> dict[str, float]:
    """Seconds of processor time of each side; all count the same."""
    took: dict[str, list[float]] = {name: [] for name in sides}
    counts = set()
    for _ in range(rounds):
        for name, side in sides.items():
            started = time.process_time()
            counts.add(side())
            took[name].append(time.process_time() - started)
            gc.collect()
    if len(counts) != 1:
        raise SystemExit(f"they count differently: {counts}")
    return {name: min(times) for name, times in took.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    events = [json.loads(line) for line in generate.lines(args.events)]
    gc.freeze()
    gc.disable()
    for name in ("W6b-10", "W6b-100"):
        workload = WORKLOADS[name]
        rulebook, rules = rulebook_of(workload), [(int(least), int(within)) for least, within in workload.constants]
        sides: dict[str, Callable[[], int]] = {
            "cepheid": lambda rulebook=rulebook: sum(cepheid_dicts(rulebook, events).values()),
            "a history each": lambda rules=rules: handwritten.w6b(events, rules),
            "one history": lambda rules=rules: handwritten.w6b_shared(events, rules),
        }
        seconds = best(sides, args.rounds)
        for other in ("a history each", "one history"):
            print(f"{name}: {seconds[other] / seconds['cepheid']:.2f} x the loop by hand with {other}")


if __name__ == "__main__":
    main()
