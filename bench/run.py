"""All workloads, cepheid against the hand-written loop, in pairs: median ratio of CPU time over the rounds.

    make bench                            2,000,000 events, 5 rounds
    python bench/run.py --events 300000 --rounds 3 --only W3,W7

Each run is a process of its own; counts must be equal. Writes bench/results.json.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
IN_MEMORY = ("W1", "W2", "W3", "W4", "W5")


INPUTS = {"JSON lines": [], "dicts in memory": ["--memory"], "Arrow": ["--arrow"]}


def measure(workload: str, engine: str, events: Path, source: str) -> dict[str, Any]:
    command = [sys.executable, str(HERE / "once.py"), workload, engine, str(events), *INPUTS[source]]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}\n{done.stderr}{done.stdout}")
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def compare(workload: str, events: Path, count: int, rounds: int, source: str) -> dict[str, Any]:
    """Both engines in turn, `rounds` times; the order within a pair alternates, so that drift favours nobody."""
    pairs = []
    for n in range(rounds):
        first, second = ("cepheid", "hand") if n % 2 else ("hand", "cepheid")
        pair = {first: measure(workload, first, events, source)}
        pair[second] = measure(workload, second, events, source)
        if pair["hand"]["counts"] != pair["cepheid"]["counts"]:
            raise SystemExit(
                f"{workload}: counts differ: {pair['hand']['counts']} by hand, {pair['cepheid']['counts']} by cepheid"
            )
        pairs.append(pair)
    ratios = sorted(pair["hand"]["cpu_s"] / pair["cepheid"]["cpu_s"] for pair in pairs)
    return {
        "workload": workload,
        "input": source,
        "events": count,
        "alerts": pairs[0]["hand"]["counts"],
        "cepheid_events_per_cpu_s": round(count / statistics.median(pair["cepheid"]["cpu_s"] for pair in pairs)),
        "hand_events_per_cpu_s": round(count / statistics.median(pair["hand"]["cpu_s"] for pair in pairs)),
        "ratio": round(statistics.median(ratios), 2),
        "ratio_min": round(ratios[0], 2),
        "ratio_max": round(ratios[-1], 2),
        "cepheid_peak_mb": round(statistics.median(pair["cepheid"]["peak_kb"] for pair in pairs) / 1024),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=2_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", help="comma-separated workloads")
    parser.add_argument("--out", type=Path, default=HERE / "results.json")
    args = parser.parse_args()
    path = HERE / "data" / f"events-{args.events}.jsonl"
    if not path.exists():
        subprocess.run([sys.executable, str(HERE / "generate.py"), str(args.events), str(path)], check=True)
    names = args.only.split(",") if args.only else ["W1", "W2", "W3", "W4", "W5", "W7", "W6a-10", "W6a-1000", "W6b-10"]
    todo = [(name, "JSON lines") for name in names]
    todo += [(name, source) for source in ("dicts in memory", "Arrow") for name in names if name in IN_MEMORY]
    rows = []
    print(f"{'workload':10} {'input':16} {'cepheid':>10} {'by hand':>10} {'ratio':>6}  (min..max)   events per CPU second")
    for name, source in todo:
        row = compare(name, path, args.events, args.rounds, source)
        rows.append(row)
        print(
            f"{name:10} {row['input']:16} {row['cepheid_events_per_cpu_s']:>10,} {row['hand_events_per_cpu_s']:>10,} "
            f"{row['ratio']:>6.2f}  ({row['ratio_min']:.2f}..{row['ratio_max']:.2f})",
            flush=True,
        )
    machine = {"python": platform.python_version(), "machine": platform.machine(), "system": platform.system()}
    args.out.write_text(json.dumps({"rounds": args.rounds, "machine": machine, "results": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
