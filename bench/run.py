"""All workloads side by side: cepheid, the loop by hand, and every engine that can be had here. Writes bench/results.json, and
from it the tables and the picture of docs/performance.md.

    make bench                                          500,000 events, 5 rounds
    python bench/run.py --events 100000 --rounds 1 --only W3,W7 --engines cepheid,esper --out /tmp/results.json

Engines that need Java or a package are made ready on demand; one that cannot be had is left out, and the results say why. Counts
of cepheid must be those of the loop by hand, or the run ends; where a peer's differ, the results say so and why.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import report
from engines.catalogue import NOT_HAD, PEERS, Peer
from pairs import FLAGS, Plan, Row, compare
from workloads import WORKLOADS

HERE = Path(__file__).parent
OUT = HERE / "results.json"
ARROW = ("W1", "W2", "W3", "W4", "W5", "W7")


def todo(only: list[str]) -> list[tuple[str, str]]:
    """(workload, input), all inputs of the simple ones."""
    return [(name, source) for source in FLAGS for name in only if source != "arrow" or name in ARROW]


def ready(wanted: list[Peer]) -> tuple[list[Peer], dict[str, str]]:
    """Those that can be had here, and why the others cannot."""
    had, left_out = [], {}
    for peer in wanted:
        print(f"{peer.label} {peer.version}: making it ready", flush=True)
        reason = peer.ready()
        if reason is None:
            had.append(peer)
        else:
            left_out[peer.name] = reason
            print(f"{peer.label} is left out: {reason}", flush=True)
    return had, left_out


def machine() -> dict[str, Any]:
    java = shutil.which("java")
    told = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr if java else ""
    return {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "system": platform.system(),
        "cores": os.cpu_count(),
        "java": told.partition('"')[2].partition('"')[0] or None,
        "month": time.strftime("%Y-%m"),
    }


def engines(left_out: dict[str, str]) -> dict[str, dict[str, str]]:
    said: dict[str, dict[str, str]] = {}
    for name, peer in PEERS.items():
        said[name] = {"label": peer.label, "version": peer.version, "how": peer.how}
        if name in left_out:
            said[name]["left_out"] = left_out[name]
    for name, reason in NOT_HAD.items():
        said[name] = {"label": name, "left_out": reason}
    return said


def show(row: Row) -> None:
    head = f"{row['workload']:10} {row['input']:7} {row['engine']:11} {row['events']:>9,}"
    if "left_out" in row:
        print(f"{head}  {row['left_out']}", flush=True)
        return
    counts = "" if row["equal"] else f"  counts differ: {row['counts']}, by hand {row['by_hand_counts']}"
    span = f"({row['ratio_min']:g}..{row['ratio_max']:g})"
    print(f"{head} {row['events_per_s']:>12,} {row['ratio']:>8g} {span:18} {row['peak_mb']:>6,} MB{counts}", flush=True)


def merged(out: Path, rows: list[Row]) -> list[Row]:
    """New rows take the place of the old ones of the same workload, input and engine; the rest stays."""
    old = (
        [row for row in json.loads(out.read_text())["results"] if "engine" in row] if out.exists() else []
    )  # not of another form
    named = {(row["workload"], row["input"], row["engine"]): row for row in (*old, *rows)}
    order = {key: n for n, key in enumerate([(name, source) for source in FLAGS for name in WORKLOADS])}
    known = ["cepheid", *PEERS]
    kept = [row for row in named.values() if (row["workload"], row["input"]) in order and row["engine"] in known]
    return sorted(kept, key=lambda row: (order[row["workload"], row["input"]], known.index(row["engine"])))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=500_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--limit", type=float, default=60, metavar="SECONDS", help="a peer's start or pass that takes longer is given up"
    )
    parser.add_argument("--only", help="comma-separated workloads; other rows of the results stay as they are")
    parser.add_argument(
        "--engines", help="comma-separated: cepheid (and the loop by hand) and peers; other rows stay as they are"
    )
    parser.add_argument("--inputs", default=",".join(FLAGS), help="comma-separated: json, memory, arrow")
    parser.add_argument("--out", type=Path, default=OUT)
    args = parser.parse_args()
    names = args.engines.split(",") if args.engines else ["cepheid", *PEERS]
    unknown = [name for name in names if name != "cepheid" and name not in PEERS]
    only = args.only.split(",") if args.only else list(WORKLOADS)
    unknown += [name for name in only if name not in WORKLOADS]
    if unknown:
        parser.error(f"unknown: {', '.join(unknown)}; engines are cepheid, {', '.join(PEERS)}; workloads {', '.join(WORKLOADS)}")
    had, left_out = ready([PEERS[name] for name in names if name in PEERS])
    plan = Plan(args.events, args.rounds, args.limit)
    started = time.monotonic()
    rows: list[Row] = []
    for workload, source in todo(only):
        if source not in args.inputs.split(","):
            continue
        peers = [peer for peer in had if workload in peer.runs.get(source, ())]
        if peers or "cepheid" in names:
            some = compare(workload, source, peers, plan, cepheid="cepheid" in names)
            for row in some:
                show(row)
            rows += some
            # After each, so that a run that is broken off has told something.
            said = {"machine": machine(), "engines": engines(left_out), "results": merged(args.out, rows)}
            args.out.write_text(json.dumps(said, indent=1) + "\n")
    print(f"{args.out}, after {(time.monotonic() - started) / 60:.1f} minutes")
    if args.out == OUT:
        report.write()


if __name__ == "__main__":
    main()
