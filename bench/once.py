"""One workload, one engine, one run in a process of its own; prints one JSON line.

python bench/once.py W3 cepheid bench/data/events.jsonl        from JSON lines
python bench/once.py W3 hand bench/data/events.jsonl --memory  events already dicts in memory
python bench/once.py W3 cepheid bench/data/events.jsonl --arrow  events already a pyarrow table (the loop by hand: dicts)

A run that takes less than 0.3 s of processor time is made again and again, each with a fresh state, and the mean is told.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import orjson
from engines.peer import measured
from workload import Workload
from workloads import WORKLOADS

from cep.alert import Alert
from cep.config import StreamSpec
from cep.lang.read import read_rules
from cep.library import ARROW_ROWS
from cep.match.outcome import Outcome
from cep.match.pipeline import Pipeline
from cep.plan.plan import Rulebook
from cep.plan.rulebook import build_rulebook
from cep.run.bounded import run_bounded
from cep.run.collector import collector_kept_out

BATCH = 1024
SPEC = StreamSpec(time="ts", unit="ms")


def spec_of(workload: Workload) -> StreamSpec:
    return StreamSpec(time="ts", unit="ms", lateness_us=workload.lateness_ms * 1000)


def rulebook_of(workload: Workload) -> Rulebook:
    read = [
        read_rules(f"{workload.name}-{n}.cep", text.encode()) for n, text in enumerate((workload.rules, *workload.more_rules))
    ]
    rulebook, more = build_rulebook([tree for tree, _ in read])
    errors = [fault for faults in (*(faults for _, faults in read), more) for fault in faults if fault.level == "error"]
    if errors:
        raise SystemExit(f"{errors[0].span.line}: {errors[0].message}")
    return rulebook


def cepheid_lines(rulebook: Rulebook, path: Path, spec: StreamSpec = SPEC) -> Counter[str]:
    counts: Counter[str] = Counter()

    def tell(alert: Alert) -> None:
        counts[alert.rule] += 1

    def reject(rejected: Any) -> None:
        raise SystemExit(f"rejected: {rejected}")

    run_bounded(rulebook, {"event": spec}, [("event", path)], tell, reject)
    return counts


def cepheid_dicts(rulebook: Rulebook, events: list[dict[str, Any]], spec: StreamSpec = SPEC) -> Counter[str]:
    counts: Counter[str] = Counter()
    pipeline = Pipeline(rulebook, {"event": spec}, rows="dict")
    for start in range(0, len(events), BATCH):
        some: list[Any] = events[start : start + BATCH]
        counts.update(opened(pipeline.push("event", some, range(start + 1, start + 1 + BATCH))))
    counts.update(opened(pipeline.finish()))
    return counts


def cepheid_arrow(rulebook: Rulebook, table: Any, spec: StreamSpec = SPEC) -> Counter[str]:
    counts: Counter[str] = Counter()
    pipeline = Pipeline(rulebook, {"event": spec})
    first = 1
    for batch in table.to_batches(max_chunksize=ARROW_ROWS):
        counts.update(opened(pipeline.push_arrow("event", batch, first)))
        first += batch.num_rows
    counts.update(opened(pipeline.finish()))
    return counts


def opened(outcome: Outcome) -> Iterator[str]:
    for rejected in (*outcome.late, *outcome.dead):
        raise SystemExit(f"rejected: {rejected}")
    return (alert.rule for alert in outcome.alerts if alert.transition == "opened")


def decoded(path: Path) -> Iterator[dict[str, Any]]:
    loads = orjson.loads
    with path.open("rb") as lines:
        for line in lines:
            yield loads(line)


def by_rule(workload: Workload, rulebook: Rulebook, found: Counter[str]) -> list[int]:
    return [found[plan.id] for plan in rulebook.plans] if workload.by_rule else [sum(found.values())]


def by_hand(workload: Workload, path: Path, in_memory: Iterable[dict[str, Any]]) -> dict[str, Any]:
    return measured(lambda: list(workload.by_hand(in_memory or decoded(path))))


def cepheid(workload: Workload, path: Path, in_memory: list[dict[str, Any]], source: str) -> dict[str, Any]:
    rulebook, spec = rulebook_of(workload), spec_of(workload)
    if source == "json":
        return measured(lambda: by_rule(workload, rulebook, cepheid_lines(rulebook, path, spec)))
    if source == "memory":
        with collector_kept_out():  # as `cep` does in runs of its own
            return measured(lambda: by_rule(workload, rulebook, cepheid_dicts(rulebook, in_memory, spec)))
    import pyarrow

    table = pyarrow.Table.from_pylist(in_memory).combine_chunks()
    in_memory.clear()
    with collector_kept_out():
        return measured(lambda: by_rule(workload, rulebook, cepheid_arrow(rulebook, table, spec)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workload", choices=WORKLOADS)
    parser.add_argument("engine", choices=["cepheid", "hand"])
    parser.add_argument("events", type=Path)
    parser.add_argument("--memory", dest="source", action="store_const", const="memory", default="json")
    parser.add_argument("--arrow", dest="source", action="store_const", const="arrow")
    args = parser.parse_args()
    workload = WORKLOADS[args.workload]
    in_memory = [] if args.source == "json" else list(decoded(args.events))
    if args.engine == "hand":
        result = by_hand(workload, args.events, in_memory)
    else:
        result = cepheid(workload, args.events, in_memory, args.source)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
