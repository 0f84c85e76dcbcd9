"""Where the time of a workload goes, part by part, from JSON lines.

    python bench/parts.py W7 [W6a-1000 ...] [--events 300000] [--rounds 4]

Five go over one file in turns, slice by slice (`bench/slices.py`), so that noise meets all of them:

    cepheid    the whole                         untold     the same, but what is found becomes no alert
    decoding   rules that read the same fields and find nothing
    by hand    the loop by hand                  loads      its lines and orjson, and nothing done with the events

Prints nanoseconds of processor time an event of the quickest round, and each as a share of cepheid's (median of the rounds).
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import median

from once import rulebook_of, spec_of
from pairs import file_of
from slices import Pause, Work, by_cepheid, by_hand, one_round
from workload import Counts, Event, Workload
from workloads import WORKLOADS

from cep.match.pipeline import Pipeline
from cep.plan.plan import Rulebook
from cep.run.collector import collector_kept_out
from cep.sources.file import read_file

FINDS_NOTHING = """
rule z1
  from  sensor where speed > 1000000
rule z2
  from  purchase where amount > 100000000 and country == "zz"
rule z3
  from  login_failed where user == "zz"
rule z4
  from  login_ok where user == "zz"
"""


def untold(workload: Workload, rulebook: Rulebook, path: Path, pause: Pause) -> list[int]:
    pipeline = Pipeline(rulebook, {"event": spec_of(workload)})
    pipeline.engine._tell = lambda found: []  # type: ignore[method-assign]
    for lines in read_file(path, progress=pause, text=True):
        pipeline.push("event", lines.lines, lines.positions)
    pipeline.finish()
    return []


def loads(workload: Workload, path: Path, pause: Pause) -> list[int]:
    def nothing(events: Iterable[Event]) -> Counts:
        for _ in events:
            pass
        return ()

    return by_hand(replace(workload, by_hand=nothing), path, pause)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workloads", nargs="+", choices=sorted(WORKLOADS))
    parser.add_argument("--events", type=int, default=300_000)
    parser.add_argument("--rounds", type=int, default=4)
    args = parser.parse_args()
    for name in args.workloads:
        workload, path = WORKLOADS[name], file_of(name, args.events, args.events)
        reading = replace(workload, rules=FINDS_NOTHING, more_rules=(), by_rule=True)
        rulebook = rulebook_of(workload)
        works: dict[str, Work] = {
            "cepheid": partial(by_cepheid, workload, rulebook, path),
            "untold": partial(untold, workload, rulebook, path),
            "decoding": partial(by_cepheid, reading, rulebook_of(reading), path),
            "by hand": partial(by_hand, workload, path),
            "loads": partial(loads, workload, path),
        }
        with collector_kept_out():
            rounds = [[sum(one.taken) for one in one_round(list(works.values()))] for _ in range(args.rounds)]
        for n, part in enumerate(works):
            share = median(taken[n] / taken[0] for taken in rounds)
            print(f"{name:10} {part:10} {min(taken[n] for taken in rounds) * 1e9 / args.events:6.0f} ns  {share:.2f}", flush=True)


if __name__ == "__main__":
    main()
