"""A short cut of `make bench` beside the recorded ratios: a report, not a gate, since machines are noisy.

    make bench-check                                      100,000 events, 3 rounds, cepheid alone (about 3 minutes)
    python bench/check.py --engines cepheid,esper --only W3,W7

Ratios to the loop by hand are what compares between machines; a change below a tenth says nothing. Counts of cepheid must still
be those of the loop by hand.
"""

from __future__ import annotations

import argparse
import statistics

import report
import run
from engines.catalogue import PEERS
from pairs import FLAGS, Plan, Row, compare
from workloads import WORKLOADS

LEFT_OUT = ("W6a-10000", "W6b-100")  # long ones


def recorded() -> dict[tuple[str, str, str], Row]:
    results = report.read("results.json")
    if results is None or "engines" not in results:
        raise SystemExit("there is no bench/results.json to compare with: make bench writes it")
    return {(row["workload"], row["input"], row["engine"]): row for row in results["results"] if "ratio" in row}


def line(row: Row, old: Row | None) -> tuple[str, float | None]:
    """The line of the table, and now / recorded."""
    head = f"{row['workload']:10} {row['input']:7} {row['engine']:11}"
    if "left_out" in row:
        return f"{head} {row['left_out']}", None
    now = f"{row['ratio']:8g} ({row['ratio_min']:g}..{row['ratio_max']:g})"
    if old is None:
        return f"{head} {'-':>9} {now}", None
    changed = row["ratio"] / old["ratio"]
    counts = "" if row["equal"] == old["equal"] else "  counts " + ("agree now" if row["equal"] else "differ now")
    return f"{head} {old['ratio']:9g} {now:26} {changed - 1:+8.0%}{counts}", changed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--limit", type=float, default=60, metavar="SECONDS")
    parser.add_argument("--only", help="comma-separated workloads")
    parser.add_argument("--engines", default="cepheid", help="comma-separated: cepheid and peers")
    args = parser.parse_args()
    only = args.only.split(",") if args.only else [name for name in WORKLOADS if name not in LEFT_OUT]
    names = args.engines.split(",")
    if unknown := [name for name in (*only, *names) if name not in WORKLOADS and name not in PEERS and name != "cepheid"]:
        parser.error(f"unknown: {', '.join(unknown)}")
    old = recorded()
    had, _ = run.ready([PEERS[name] for name in names if name in PEERS])
    plan = Plan(args.events, args.rounds, args.limit)
    changes = []
    print(f"{'workload':10} {'input':7} {'engine':11} {'recorded':>9} {'now (lowest..highest)':26} {'changed':>8}")
    for workload, source in run.todo(only):
        peers = [peer for peer in had if workload in peer.runs.get(source, ())]
        if not peers and "cepheid" not in names:
            continue
        for row in compare(workload, source, peers, plan, cepheid="cepheid" in names):
            text, changed = line(row, old.get((workload, source, row["engine"])))
            print(text, flush=True)
            if row["engine"] == "cepheid" and changed is not None:
                changes.append(changed)
    if changes:
        said = f"{len(changes)} ratios of cepheid: {min(changes) - 1:+.0%} to {max(changes) - 1:+.0%}"
        print(f"{said}, median {statistics.median(changes) - 1:+.0%}. Inputs: {', '.join(FLAGS)}.")


if __name__ == "__main__":
    main()
