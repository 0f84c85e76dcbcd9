"""A close comparison on a noisy machine: cepheid and the loop by hand over one file, slice by slice.

python bench/slices.py W7 W1 [--events 500000] [--rounds 10]

Both run over the whole file again and again, in turns and in one process. Of each slice (what cepheid reads at once, some 6,000
lines; as many for the loop) the least time of all rounds counts: another's work on the same processor rarely hits the same slice
each time. Prints nanoseconds of processor time an event, and the speed of cepheid over that of the loop; then what cepheid takes
behind the first two slices, in which thousands of rules are compiled and first met.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from time import process_time
from typing import Any

import orjson
from once import by_rule, rulebook_of, spec_of
from pairs import file_of
from workload import Workload
from workloads import WORKLOADS

from cep.event import Alert
from cep.plan.plan import Rulebook
from cep.run.bounded import run_bounded
from cep.run.collector import collector_kept_out

SLICE = 6_000
BEGINNING = 2  # slices
Stamp = Callable[..., None]


def by_cepheid(workload: Workload, rulebook: Rulebook, path: Path, stamp: Stamp) -> list[int]:
    counts: Counter[str] = Counter()

    def tell(alert: Alert) -> None:
        counts[alert.rule] += 1

    def reject(rejected: Any) -> None:
        raise SystemExit(f"rejected: {rejected}")

    run_bounded(rulebook, {"event": spec_of(workload)}, [("event", path)], tell, reject, progress=stamp)
    return by_rule(workload, rulebook, counts)


def by_hand(workload: Workload, path: Path, stamp: Stamp) -> list[int]:
    def decoded() -> Iterator[dict[str, Any]]:
        loads = orjson.loads
        with path.open("rb") as lines:
            while True:
                line = b""
                for _, line in zip(range(SLICE), lines):
                    yield loads(line)
                stamp()
                if not line:
                    return

    return list(workload.by_hand(decoded()))


def least_of(run: Callable[[Stamp], list[int]], least: list[float]) -> list[int]:
    """Run, and note what took less than before."""
    stamps: list[float] = []
    started = process_time()
    counts = run(lambda *_: stamps.append(process_time()))
    stamps.append(process_time())
    taken = [end - begin for begin, end in zip([started, *stamps], stamps)]
    least[:] = map(min, least, taken) if least else taken
    return counts


def compared(workload: Workload, path: Path, rounds: int) -> tuple[list[float], list[float]]:
    """Seconds of cepheid, and of the loop, for each slice."""
    mine: list[float] = []
    loop: list[float] = []
    rulebook = rulebook_of(workload)
    for _ in range(rounds):
        told = least_of(lambda stamp: by_cepheid(workload, rulebook, path, stamp), mine)
        if told != least_of(lambda stamp: by_hand(workload, path, stamp), loop):
            raise SystemExit(f"{workload.name}: the loop by hand finds other alerts")
    return mine, loop


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workloads", nargs="+", choices=sorted(WORKLOADS))
    parser.add_argument("--events", type=int, default=500_000)
    parser.add_argument("--rounds", type=int, default=10)
    args = parser.parse_args()
    for name in args.workloads:
        workload = WORKLOADS[name]
        with collector_kept_out():
            mine, loop = compared(workload, file_of(name, args.events, args.events), args.rounds)
        each, later = 1e9 / args.events, sum(mine[BEGINNING:]) * len(mine) / max(len(mine) - BEGINNING, 1)
        print(
            f"{name}: {sum(mine) * each:5.0f} ns an event, by hand {sum(loop) * each:5.0f}: {sum(loop) / sum(mine):.2f};"
            f" behind the beginning {later * each:5.0f} ns", flush=True,
        )  # fmt: skip


if __name__ == "__main__":
    main()
