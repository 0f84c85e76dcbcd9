"""A close comparison on a noisy machine: cepheid and the loops by hand over one file, slice by slice in turns.

python bench/slices.py W7 W1 [--events 500000] [--rounds 5]
python bench/slices.py W6a-10 W6a-1000 W6a-10000 --no-hand

All named workloads go side by side, each in a thread of which only one runs at a time: when one has done a slice (what cepheid
reads at once, some 6,000 lines), it is the next one's turn. What slows down the machine for longer than some milliseconds slows
down all of them, so the ratio of a round moves by a hundredth or two where a comparison of whole runs swings by half.

Prints of each workload the speed of cepheid over that of the loop by hand (median, lowest and highest of the rounds), nanoseconds
of processor time an event in the quickest round, and what cepheid takes behind the first two slices, in which thousands of rules
are compiled and first met.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from statistics import median
from threading import Semaphore, Thread
from time import process_time
from typing import Any

import orjson
from once import by_rule, rulebook_of, spec_of
from pairs import file_of
from workload import Workload
from workloads import WORKLOADS

from cep.alert import Alert
from cep.plan.plan import Rulebook
from cep.run.bounded import run_bounded
from cep.run.collector import collector_kept_out

SLICE = 6_000
BEGINNING = 2  # slices
Pause = Callable[..., None]
Work = Callable[[Pause], list[int]]


def by_cepheid(workload: Workload, rulebook: Rulebook, path: Path, pause: Pause) -> list[int]:
    counts: Counter[str] = Counter()

    def tell(alert: Alert) -> None:
        counts[alert.rule] += 1

    def reject(rejected: Any) -> None:
        raise SystemExit(f"rejected: {rejected}")

    run_bounded(rulebook, {"event": spec_of(workload)}, [("event", path)], tell, reject, progress=pause)
    return by_rule(workload, rulebook, counts)


def by_hand(workload: Workload, path: Path, pause: Pause) -> list[int]:
    def decoded() -> Iterator[dict[str, Any]]:
        loads = orjson.loads
        with path.open("rb") as lines:
            while True:
                line = b""
                for _, line in zip(range(SLICE), lines):
                    yield loads(line)
                pause()
                if not line:
                    return

    return list(workload.by_hand(decoded()))


class Runner:
    """Work that stops after each slice until it is its turn again.

    taken  seconds of each slice        found  its counts, when it is done
    """

    def __init__(self, work: Work) -> None:
        self.taken: list[float] = []
        self.found: list[int] | None = None
        self._go, self._stopped = Semaphore(0), Semaphore(0)
        self._fault: BaseException | None = None
        Thread(target=self._run, args=(work,), daemon=True).start()

    def _run(self, work: Work) -> None:
        self._go.acquire()
        try:
            self.found = work(self._pause)
        except BaseException as fault:  # goes on in the main thread
            self._fault = fault
        self._stopped.release()

    def _pause(self, *_: Any) -> None:
        self._stopped.release()
        self._go.acquire()

    def step(self) -> None:
        started = process_time()
        self._go.release()
        self._stopped.acquire()
        self.taken.append(process_time() - started)
        if self._fault is not None:
            raise self._fault


def one_round(works: list[Work]) -> list[Runner]:
    """All of them, slice by slice, each time another one first."""
    runners = [Runner(work) for work in works]
    turn = 0
    while any(runner.found is None for runner in runners):
        turn += 1
        for n in range(len(runners)):
            runner = runners[(turn + n) % len(runners)]
            if runner.found is None:
                runner.step()
    return runners


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workloads", nargs="+", choices=sorted(WORKLOADS))
    parser.add_argument("--events", type=int, default=500_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--no-hand", action="store_true", help="cepheid alone, beside the first of the workloads")
    args = parser.parse_args()
    works: list[Work] = []
    for name in args.workloads:
        workload, path = WORKLOADS[name], file_of(name, args.events, args.events)
        works.append(partial(by_cepheid, workload, rulebook_of(workload), path))
        if not args.no_hand:
            works.append(partial(by_hand, workload, path))
    with collector_kept_out():
        rounds = [one_round(works) for _ in range(args.rounds)]
    each, step = 1e9 / args.events, 1 if args.no_hand else 2
    for n, name in enumerate(args.workloads):
        mine = [runners[n * step] for runners in rounds]
        other = [runners[0 if args.no_hand else n * step + 1] for runners in rounds]
        if not args.no_hand and any(one.found != two.found for one, two in zip(mine, other)):
            raise SystemExit(f"{name}: the loop by hand finds other alerts")
        quick = min(sum(one.taken) for one in mine) * each
        beside = "to the first" if args.no_hand else "to the loop by hand"
        print(f"{name:10} {beside}: {_ratios(mine, other, 0)}; {quick:5.0f} ns an event;", end=" ")
        print(f"behind the beginning {_ratios(mine, other, BEGINNING)}", flush=True)


def _ratios(mine: list[Runner], other: list[Runner], first: int) -> str:
    """Median, lowest and highest of the speed of these over the others'."""
    ratios = sorted(sum(two.taken[first:]) / sum(one.taken[first:]) for one, two in zip(mine, other))
    return f"{median(ratios):.3f} ({ratios[0]:.2f} to {ratios[-1]:.2f})"


if __name__ == "__main__":
    main()
