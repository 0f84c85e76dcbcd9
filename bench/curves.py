"""How cost grows: microseconds an event and peak memory against rules, keys, window, disorder and the length of a loop.

    make bench-curves                       200,000 events a point, median of 3 (about 5 minutes)
    python bench/curves.py --events 50000 --rounds 1 --only keys --out /tmp/curves.json

Each run is a process of its own, from JSON lines. Writes bench/curves.json, and from it the tables and the picture of
docs/performance.md.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import generate
import numpy as np
import report
import workloads
from engines.peer import measured
from once import by_rule, cepheid_lines, rulebook_of, spec_of
from workload import Workload

HERE = Path(__file__).parent
DATA = HERE / "data"
OUT = HERE / "curves.json"
TWO_DAYS_MS = 2 * 24 * 3600 * 1000
AT_ONE_MS = 10  # events of the curve of keys: a million keys lie within the five minutes of W3


@dataclass(frozen=True)
class Point:
    """`x` on the axis, its name there, and the workload; `lines(n)` makes its events, of which there are at least `least`."""

    x: float
    name: str
    workload: Workload
    lines: Callable[[int], list[bytes]] = generate.lines
    data: str = "events"
    least: int = 0


@dataclass(frozen=True)
class Curve:
    title: str
    axis: str
    points: tuple[Point, ...]


def variant(name: str, rules: str, lateness_ms: int = 0) -> Workload:
    return Workload(name, "", rules, lambda events: (), lateness_ms=lateness_ms)


def one_by_one(count: int, keys: int) -> list[bytes]:
    """Logins, three in five failed, of so many users in turn."""
    random = np.random.default_rng(5)
    failed = (random.random(count) < 0.6).tolist()
    user = random.permutation(count) % keys
    return [
        b'{"ts": %d, "type": "%s", "user": "u%d"}'
        % (generate.START_MS + i // AT_ONE_MS, b"login_failed" if bad else b"login_ok", who)
        for i, (bad, who) in enumerate(zip(failed, user.tolist()))
    ]


def spread(count: int) -> list[bytes]:
    """Two days of events of a hundred users, whatever their number."""
    return generate.lines(count, users=100, step_ms=TWO_DAYS_MS // count)


RULES = Curve(
    "Rules (W6a)", "rules", tuple(Point(n, f"{n:,}", workloads.filters(n)) for n in (1, 10, 100, 1_000, 10_000))
)  # fmt: skip
KEYS = Curve(
    "Keys (W3)", "keys",
    tuple(
        Point(n, name, variant("keys", workloads.W3), partial(one_by_one, keys=n), f"keys-{n}", n)
        for n, name in ((1, "1"), (100, "100"), (10_000, "10k"), (100_000, "100k"), (1_000_000, "1M"))
    ),
)  # fmt: skip
WINDOW = Curve(
    "Window (W2)", "window",
    tuple(
        Point(minutes, name, variant(f"window-{name}", workloads.W2.replace("over 10m", f"over {name}")), spread, "two-days")
        for minutes, name in ((1, "1m"), (10, "10m"), (60, "1h"), (360, "6h"), (1440, "24h"))
    ),
)  # fmt: skip
DISORDER = Curve(
    "Disorder (W3)", "disorder",
    tuple(
        Point(
            max(ms, 50), name, variant(f"disorder-{name}", workloads.W3, ms), partial(generate.lines, disorder_ms=ms),
            f"disorder-{ms}",
        )
        for ms, name in ((0, "0"), (100, "100ms"), (1_000, "1s"), (2_000, "2s"), (5_000, "5s"), (10_000, "10s"))
    ),
)  # fmt: skip
LOOP = Curve(
    "Loop length (W3)", "at least",
    tuple(
        Point(
            n, f"{n:,}", variant(f"loop-{n}", workloads.W3.replace("{3,}", f"{{{n},}}")), partial(generate.lines, users=100),
            "hundred-users",
        )
        for n in (3, 10, 30, 100, 300, 1_000)
    ),
)  # fmt: skip
CURVES = {"rules": RULES, "keys": KEYS, "window": WINDOW, "disorder": DISORDER, "loop": LOOP}


def file_of(point: Point, events: int) -> Path:
    path = DATA / f"{point.data}-{events}.jsonl"
    if not path.exists():
        DATA.mkdir(exist_ok=True)
        path.write_bytes(b"\n".join(point.lines(events)) + b"\n")
    return path


def one(name: str, place: int, path: Path) -> dict[str, Any]:
    """A run, in this process."""
    workload = CURVES[name].points[place].workload
    rulebook, spec = rulebook_of(workload), spec_of(workload)
    return measured(lambda: by_rule(workload, rulebook, cepheid_lines(rulebook, path, spec)))


def run(name: str, place: int, events: int, rounds: int) -> dict[str, Any]:
    """A point of a curve, each run in a process of its own."""
    point = CURVES[name].points[place]
    events = max(events, point.least)
    path = file_of(point, events)
    runs = []
    for _ in range(rounds):
        command = [sys.executable, __file__, "--one", name, str(place), str(path)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"{' '.join(command)}\n{done.stderr}{done.stdout}")
        runs.append(json.loads(done.stdout.splitlines()[-1]))
    return {
        "x": point.x,
        "name": point.name,
        "events": events,
        "us_per_event": float(f"{statistics.median(run['cpu_s'] for run in runs) / events * 1e6:.3g}"),
        "peak_mb": round(statistics.median(run["peak_kb"] for run in runs) / 1024),
        "alerts": sum(runs[0]["counts"]),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", help=f"comma-separated: {', '.join(CURVES)}")
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        print(json.dumps(one(args.one[0], int(args.one[1]), Path(args.one[2]))))
        return
    wanted = args.only.split(",") if args.only else list(CURVES)
    if unknown := [name for name in wanted if name not in CURVES]:
        parser.error(f"unknown: {', '.join(unknown)}; curves are {', '.join(CURVES)}")
    made = json.loads(args.out.read_text())["curves"] if args.out.exists() else {}
    for name in wanted:
        curve = CURVES[name]
        points = []
        for place in range(len(curve.points)):
            points.append(run(name, place, args.events, args.rounds))
            said = points[-1]
            print(
                f"{name:9} {said['name']:>10} {said['us_per_event']:>8g} us {said['peak_mb']:>6,} MB {said['alerts']:>9,} alerts",
                flush=True,
            )
        made[name] = {"title": curve.title, "axis": curve.axis, "points": points}
    ordered = {name: made[name] for name in CURVES if name in made}
    args.out.write_text(json.dumps({"rounds": args.rounds, "curves": ordered}, indent=1) + "\n")
    if args.out == OUT:
        report.write()


if __name__ == "__main__":
    main()
