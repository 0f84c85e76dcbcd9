"""One workload, one engine, one run in a process of its own; prints one JSON line.

python bench/once.py W3 cepheid bench/data/events.jsonl        from JSON lines
python bench/once.py W3 hand bench/data/events.jsonl --memory  events already dicts in memory
python bench/once.py W3 cepheid bench/data/events.jsonl --arrow  events already a pyarrow table (the loop by hand: dicts)
"""

from __future__ import annotations

import argparse
import gc
import json
import resource
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import orjson
from workloads import WORKLOADS, Workload

from cep.config import StreamSpec
from cep.event import Alert
from cep.lang.read import read_rules
from cep.library import ARROW_ROWS
from cep.match.pipeline import Pipeline
from cep.plan.plan import Rulebook
from cep.plan.rulebook import build_rulebook
from cep.run.bounded import run_bounded
from cep.run.collector import collector_kept_out

BATCH = 1024
SPEC = StreamSpec(time="ts", unit="ms")


def rulebook_of(workload: Workload) -> Rulebook:
    tree, faults = read_rules(f"{workload.name}.cep", workload.rules.encode())
    rulebook, more = build_rulebook([tree])
    errors = [fault for fault in (*faults, *more) if fault.level == "error"]
    if errors:
        raise SystemExit(f"{errors[0].span.line}: {errors[0].message}")
    return rulebook


def cepheid_lines(rulebook: Rulebook, path: Path) -> Counter[str]:
    counts: Counter[str] = Counter()

    def tell(alert: Alert) -> None:
        counts[alert.rule] += 1

    def reject(rejected: Any) -> None:
        raise SystemExit(f"rejected: {rejected}")

    run_bounded(rulebook, {"event": SPEC}, [("event", path)], tell, reject)
    return counts


def cepheid_dicts(rulebook: Rulebook, events: list[dict[str, Any]]) -> Counter[str]:
    counts: Counter[str] = Counter()
    pipeline = Pipeline(rulebook, {"event": SPEC}, rows="dict")
    with collector_kept_out(collect=False):
        for start in range(0, len(events), BATCH):
            outcome = pipeline.push("event", events[start : start + BATCH], range(start + 1, start + 1 + BATCH))
            if outcome.dead or outcome.late:
                raise SystemExit(f"rejected: {(*outcome.dead, *outcome.late)[0]}")
            counts.update(opened(outcome.alerts))
        counts.update(opened(pipeline.finish().alerts))
    return counts


def cepheid_arrow(rulebook: Rulebook, table: Any) -> Counter[str]:
    counts: Counter[str] = Counter()
    pipeline = Pipeline(rulebook, {"event": SPEC})
    with collector_kept_out(collect=False):
        first = 1
        for batch in table.to_batches(max_chunksize=ARROW_ROWS):
            counts.update(opened(pipeline.push_arrow("event", batch, first).alerts))
            first += batch.num_rows
        counts.update(opened(pipeline.finish().alerts))
    return counts


def opened(alerts: Iterable[Alert]) -> Iterator[str]:
    return (alert.rule for alert in alerts if alert.transition == "opened")


def decoded(path: Path) -> Iterator[dict[str, Any]]:
    loads = orjson.loads
    with path.open("rb") as lines:
        for line in lines:
            yield loads(line)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workload", choices=WORKLOADS)
    parser.add_argument("engine", choices=["cepheid", "hand"])
    parser.add_argument("events", type=Path)
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--arrow", action="store_true")
    args = parser.parse_args()
    workload = WORKLOADS[args.workload]
    rulebook = rulebook_of(workload) if args.engine == "cepheid" else None
    in_memory = list(decoded(args.events)) if args.memory or args.arrow else []
    table = None
    if args.arrow and rulebook is not None:
        import pyarrow

        table, in_memory = pyarrow.Table.from_pylist(in_memory).combine_chunks(), []
    gc.collect()
    base_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    wall, cpu = time.perf_counter(), time.process_time()
    if rulebook is not None:
        if table is not None:
            found = cepheid_arrow(rulebook, table)
        else:
            found = cepheid_dicts(rulebook, in_memory) if args.memory else cepheid_lines(rulebook, args.events)
        counts = [found[plan.id] for plan in rulebook.plans] if workload.name == "W7" else [sum(found.values())]
    else:
        counts = list(workload.by_hand(in_memory or decoded(args.events)))
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    peak_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({"counts": counts, "cpu_s": cpu, "wall_s": wall, "base_kb": base_kb, "peak_kb": peak_kb}))


if __name__ == "__main__":
    main()
