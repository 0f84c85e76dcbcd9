"""What disorder costs: W3 over events in order and over the same events up to two seconds late, side by side in one process.

python bench/disorder.py lines dicts arrow [--count 300000] [--rounds 8]

Both are fed slice by slice in turn, and of each slice the least time of all rounds counts, so that a busy machine weighs on both
alike. Prints nanoseconds of processor time an event, and the speed of late events over that of events in order.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from io import BytesIO
from typing import Any

import orjson
import pyarrow
from once import BATCH, rulebook_of, spec_of
from workload import Workload
from workloads import WORKLOADS

from cep.library import ARROW_ROWS
from cep.match.pipeline import Pipeline
from cep.run.collector import collector_kept_out
from cep.sources.file import read_stream

SLICES = 40
Push = Callable[[Pipeline], int]  # gives the number of alerts


def pushes(source: str, lines: list[bytes]) -> list[Push]:
    """One call of the pipeline each."""
    if source == "lines":
        some = read_stream(BytesIO(b"\n".join(lines) + b"\n"), text=True)
        return [_push("push", one.lines, range(one.positions[0], 10**9)) for one in some]
    events = list(map(orjson.loads, lines))
    if source == "dicts":
        starts = range(0, len(events), BATCH)
        return [_push("push", events[start : start + BATCH], range(start + 1, start + 1 + BATCH)) for start in starts]
    batches = pyarrow.Table.from_pylist(events).combine_chunks().to_batches(max_chunksize=ARROW_ROWS)
    return [_push("push_arrow", batch, 1 + n * ARROW_ROWS) for n, batch in enumerate(batches)]


def _push(how: str, documents: Any, positions: Any) -> Push:
    return lambda pipeline: len(getattr(pipeline, how)("event", documents, positions).alerts)


def measured(source: str, workloads: Sequence[Workload], count: int, rounds: int) -> list[float]:
    """Seconds of each."""
    work = [pushes(source, workload.lines(count)) for workload in workloads]
    slices = min(SLICES, *map(len, work))
    least = [[float("inf")] * slices for _ in work]
    for _ in range(rounds):
        rows: Any = "dict" if source == "dicts" else "struct"
        pipelines = [Pipeline(rulebook_of(workload), {"event": spec_of(workload)}, rows=rows) for workload in workloads]
        alerts = [0] * len(work)
        for n in range(slices):
            for side, (pipeline, calls) in enumerate(zip(pipelines, work)):
                started = time.process_time()
                for call in calls[n * len(calls) // slices : (n + 1) * len(calls) // slices]:
                    alerts[side] += call(pipeline)
                least[side][n] = min(least[side][n], time.process_time() - started)
        told = {alerts[side] + len(pipeline.finish().alerts) for side, pipeline in enumerate(pipelines)}
        if len(told) > 1:
            raise SystemExit(f"the same events in another order bring other alerts: {sorted(told)}")
    return list(map(sum, least))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sources", nargs="+", choices=["lines", "dicts", "arrow"])
    parser.add_argument("--count", type=int, default=300_000)
    parser.add_argument("--rounds", type=int, default=8)
    args = parser.parse_args()
    for source in args.sources:
        with collector_kept_out():
            in_order, late = measured(source, [WORKLOADS["W3"], WORKLOADS["W3-2s"]], args.count, args.rounds)
        each = 1e9 / args.count
        print(f"{source:6} in order {in_order * each:5.0f} ns, late {late * each:5.0f} ns: {in_order / late:.2f}", flush=True)


if __name__ == "__main__":
    main()
