"""What the way through Redis costs beside the rules, part by part, in one process and without a server.

    python bench/redis_parts.py W3 [--events 200000] [--rounds 4]

The same lines go through the same rules in several ways, batch by batch in turns, so that noise meets all of them:

    text       as the lines of a file                               1
    numbered   unpacked from raw entries of a hundred lines, but numbered like lines of a file
    packed     as a worker takes them: each row named by entry and line, times held against their arrival
    single     the same, one line an entry

Prints processor time of each over that of the text (median of the rounds). What `bench/redis_throughput.py` measures on top of it
is commits, checkpoints and the server.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from statistics import median
from time import process_time
from typing import Any

from once import SPEC, rulebook_of
from pairs import file_of
from workloads import WORKLOADS

from cep.buffer.position import Arrivals
from cep.buffer.reader import unpack
from cep.match.pipeline import Pipeline
from cep.run.collector import collector_kept_out
from cep.texts import LineText

BATCH, PACK = 1500, 100  # lines: what a worker reads at once, packed by the hundred
START_MS = 1_767_225_600_000
Step = Callable[[Pipeline, int], int]  # (pipeline, number of the batch) -> alerts


def ways_of(lines: list[bytes]) -> dict[str, Step]:
    parts = [lines[start : start + BATCH] for start in range(0, len(lines), BATCH)]
    texts = [b"".join(part) for part in parts]

    def entries(part: list[bytes], first: int, size: int) -> list[Any]:
        name = b"json" if size == 1 else b"lines"
        return [
            [b"%d-0" % (START_MS + first + n), [name, b"".join(part[n : n + size]).removesuffix(b"\n")]]
            for n in range(0, len(part), size)
        ]

    packed = [entries(part, n * BATCH, PACK) for n, part in enumerate(parts)]
    single = [entries(part, n * BATCH, 1) for n, part in enumerate(parts)]

    def as_text(pipeline: Pipeline, n: int) -> int:
        return len(pipeline.push("event", LineText(texts[n]), _numbers(n)).alerts)

    def numbered(pipeline: Pipeline, n: int) -> int:
        return len(pipeline.push("event", unpack("event", packed[n], at_end=False)[0].documents, _numbers(n)).alerts)

    def through(some: list[list[Any]]) -> Step:
        def step(pipeline: Pipeline, n: int) -> int:
            rows = unpack("event", some[n], at_end=False)[0]
            return len(pipeline.push("event", rows.documents, rows.positions, Arrivals(rows.positions)).alerts)

        return step

    return {"text": as_text, "numbered": numbered, "packed": through(packed), "single": through(single)}


def _numbers(batch: int) -> range:
    return range(batch * BATCH + 1, (batch + 1) * BATCH + 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workloads", nargs="+", choices=("W1", "W2", "W3", "W4", "W5", "W7"))
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=4)
    args = parser.parse_args()
    lines = file_of("W7", args.events, args.events).read_bytes().splitlines(keepends=True)
    ways = ways_of(lines)
    for name in args.workloads:
        rulebook = rulebook_of(WORKLOADS[name])
        found: dict[str, list[float]] = {way: [] for way in ways}
        with collector_kept_out():
            for _ in range(args.rounds):
                pipelines = {way: Pipeline(rulebook, {"event": SPEC}) for way in ways}
                taken, alerts = dict.fromkeys(ways, 0.0), dict.fromkeys(ways, 0)
                for n in range(-(-len(lines) // BATCH)):
                    for way, step in ways.items():
                        started = process_time()
                        alerts[way] += step(pipelines[way], n)
                        taken[way] += process_time() - started
                if len(set(alerts.values())) > 1:
                    raise SystemExit(f"{name}: the ways tell different numbers of alerts: {alerts}")
                for way in ways:
                    found[way].append(taken[way] / taken["text"])
        print(name, "  ".join(f"{way} {median(ratios):.2f}" for way, ratios in found.items()), flush=True)


if __name__ == "__main__":
    main()
