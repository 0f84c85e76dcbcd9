"""Rounds of one workload from one input: the loop by hand, cepheid and the peers in turn, each ratio taken inside a round.

Seconds are those of the processor or of the clock, whichever are fewer: kind to an engine that keeps two cores busy (its wall
time counts) and to one that is interrupted (its processor time counts).
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from engines.catalogue import Peer, Task
from engines.live import Live, PeerError
from workloads import WORKLOADS

HERE = Path(__file__).parent
DATA = HERE / "data"
FLAGS: dict[str, list[str]] = {"json": [], "memory": ["--memory"], "arrow": ["--arrow"]}
Run = dict[str, Any]  # counts, cpu_s, wall_s, base_kb, peak_kb
Row = dict[str, Any]  # of results.json


@dataclass(frozen=True)
class Plan:
    """What is run: `rounds` of each, over so many events at most, a peer's run ended at `limit_s`."""

    events: int
    rounds: int
    limit_s: float


def file_of(workload: str, all_events: int, events: int) -> Path:
    """The events of a workload, made when first asked for; fewer are the first of the whole file."""
    made = WORKLOADS[workload]
    whole = DATA / f"{made.data}-{all_events}.jsonl"
    if not whole.exists():
        DATA.mkdir(exist_ok=True)
        whole.write_bytes(b"\n".join(made.lines(all_events)) + b"\n")
    if events >= all_events:
        return whole
    part = DATA / f"{made.data}-{all_events}-first-{events}.jsonl"
    if not part.exists():
        with whole.open("rb") as lines:
            part.write_bytes(b"".join(islice(lines, events)))
    return part


def constants_of(workload: str) -> str:
    rows = WORKLOADS[workload].constants
    if not rows:
        return "-"
    path = DATA / f"{workload}.tsv"
    path.write_text("".join("\t".join(map(str, row)) + "\n" for row in rows))
    return str(path)


def ours(workload: str, engine: str, events: Path, source: str) -> Run:
    """A run of cepheid, or of the loop by hand, in a process of its own.

    raises  SystemExit: it failed
    """
    command = [sys.executable, str(HERE / "once.py"), workload, engine, str(events), *FLAGS[source]]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}\n{done.stderr}{done.stdout}")
    result: Run = json.loads(done.stdout.splitlines()[-1])
    return result


def seconds(run: Run) -> float:
    return float(min(run["cpu_s"], run["wall_s"]))


def compare(workload: str, source: str, peers: list[Peer], plan: Plan, *, cepheid: bool) -> list[Row]:
    """A row for each engine; `cepheid` says whether ours is among them.

    raises  SystemExit: our counts are not those of the loop by hand
    """
    most = min(plan.events, WORKLOADS[workload].most)
    sizes = {peer.name: min(most, peer.most.get(workload, most)) for peer in peers}
    runs: dict[str, list[Run]] = {}
    hands: dict[int, list[Run]] = {}
    failed: dict[str, str] = {}
    with ExitStack() as stack:
        live: dict[str, Live] = {}
        for peer in peers:
            events = file_of(workload, plan.events, sizes[peer.name])
            task = Task(workload, source, events, constants_of(workload))
            try:
                live[peer.name] = stack.enter_context(Live(peer.command(task), plan.limit_s))
            except PeerError as error:
                failed[peer.name] = str(error)
        for n in range(plan.rounds):
            for size in sorted({most, *sizes.values()} if cepheid else set(sizes.values())):
                hands.setdefault(size, []).append(ours(workload, "hand", file_of(workload, plan.events, size), source))
            names = (["cepheid"] if cepheid else []) + list(live)
            for name in names[n % len(names) :] + names[: n % len(names)] if names else []:  # each goes first in its turn
                try:
                    if name == "cepheid":
                        run = ours(workload, name, file_of(workload, plan.events, most), source)
                    else:
                        run = live[name].measure()
                except PeerError as error:
                    failed[name] = str(error)
                    live.pop(name).__exit__()
                else:
                    runs.setdefault(name, []).append(run)
    rows = []
    if cepheid:
        rows.append(_row(workload, source, "cepheid", most, hands[most], runs["cepheid"], ""))
        if not rows[0]["equal"]:
            raise SystemExit(f"{workload}: counts differ: {rows[0]['by_hand_counts']} by hand, {rows[0]['counts']} by cepheid")
    for peer in peers:
        size = sizes[peer.name]
        if peer.name in failed:
            rows.append(_named(workload, source, peer.name, size) | {"left_out": failed[peer.name]})
        else:
            rows.append(_row(workload, source, peer.name, size, hands[size], runs[peer.name], peer.differs.get(workload, "")))
    return rows


def _named(workload: str, source: str, engine: str, events: int) -> Row:
    return {"workload": workload, "input": source, "engine": engine, "events": events}


def _row(workload: str, source: str, engine: str, events: int, hands: list[Run], runs: list[Run], why: str) -> Row:
    ratios = [seconds(hand) / seconds(run) for hand, run in zip(hands, runs)]
    counts, by_hand = runs[0]["counts"], hands[0]["counts"]
    equal = all(run["counts"] == hand["counts"] for hand, run in zip(hands, runs))
    return _named(workload, source, engine, events) | {
        "rounds": len(runs),
        "events_per_s": round(events / statistics.median(map(seconds, runs))),
        "by_hand_events_per_s": round(events / statistics.median(map(seconds, hands))),
        "ratio": rounded(statistics.median(ratios)),
        "ratio_min": rounded(min(ratios)),
        "ratio_max": rounded(max(ratios)),
        "peak_mb": round(statistics.median(run["peak_kb"] for run in runs) / 1024),
        "by_hand_peak_mb": round(statistics.median(hand["peak_kb"] for hand in hands) / 1024),
        "counts": counts,
        "by_hand_counts": by_hand,
        "equal": equal,
    } | ({} if equal else {"why": why or "not explained"})  # fmt: skip


def rounded(ratio: float) -> float:
    """Three digits that say something: 1.23, 0.0123."""
    return float(f"{ratio:.3g}")
