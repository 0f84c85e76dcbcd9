"""The benchmark's rules count exactly what the hand-written loops count, from JSON lines and from memory."""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "bench"))

import generate
import handwritten
import once
from workloads import WORKLOADS

COUNT = 80_000  # 80 s: longer than the minute that W5 waits


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Events of each kind, by the first word of the name of their file."""
    folder = tmp_path_factory.mktemp("events")
    made: dict[str, Path] = {}
    for workload in WORKLOADS.values():
        if workload.data not in made:
            made[workload.data] = folder / f"{workload.data}.jsonl"
            made[workload.data].write_bytes(b"\n".join(workload.lines(COUNT)))
    return made


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


@pytest.mark.parametrize("name", WORKLOADS)
def test_counts_from_json_lines_are_those_of_the_hand_written_loop(name: str, files: dict[str, Path]) -> None:
    workload = WORKLOADS[name]
    rulebook = once.rulebook_of(workload)
    found = once.cepheid_lines(rulebook, files[workload.data], once.spec_of(workload))
    expected = workload.by_hand(read(files[workload.data]))
    assert tuple(once.by_rule(workload, rulebook, found)) == expected
    assert sum(expected) > 0


@pytest.mark.parametrize("name", [name for name in WORKLOADS if not name.endswith("10000")])
def test_counts_from_memory_are_those_of_the_hand_written_loop(name: str, files: dict[str, Path]) -> None:
    workload = WORKLOADS[name]
    rulebook = once.rulebook_of(workload)
    events = read(files[workload.data])
    found = once.cepheid_dicts(rulebook, events, once.spec_of(workload))
    assert tuple(once.by_rule(workload, rulebook, found)) == workload.by_hand(events)


@pytest.mark.parametrize("name", ["W1", "W3", "W3-2s", "W7", "W6b-10"])
def test_counts_from_arrow_are_those_of_the_hand_written_loop(name: str, files: dict[str, Path]) -> None:
    workload = WORKLOADS[name]
    rulebook = once.rulebook_of(workload)
    events = read(files[workload.data])
    found = once.cepheid_arrow(rulebook, pyarrow.Table.from_pylist(events), once.spec_of(workload))
    assert tuple(once.by_rule(workload, rulebook, found)) == workload.by_hand(events)


def test_the_loop_by_hand_over_late_events_counts_what_it_counts_in_order() -> None:
    late = [json.loads(line) for line in generate.lines(20_000, seed=3, disorder_ms=2000)]
    ordered = sorted(late, key=lambda event: event["ts"])
    assert list(handwritten.in_order(late, 2000)) == ordered != late
    assert handwritten.w3(handwritten.in_order(late, 2000)) == handwritten.w3(ordered) > 0


def test_the_generator_is_seeded_and_its_shares_are_those_it_names() -> None:
    lines = generate.lines(COUNT, seed=3)
    assert lines == generate.lines(COUNT, seed=3) != generate.lines(COUNT, seed=4)
    kinds = Counter(json.loads(line)["type"] for line in lines)
    for kind, share in zip(generate.TYPES, generate.SHARES):
        assert abs(kinds[kind] / COUNT - share) < 0.02


def test_disorder_moves_events_by_no_more_than_it_says() -> None:
    times = [json.loads(line)["ts"] for line in generate.lines(5000, seed=3, disorder_ms=2000)]
    latest = 0
    for time_ms in times:
        assert time_ms > latest - 2000
        latest = max(latest, time_ms)
    assert times != sorted(times)


@pytest.mark.parametrize("count", [10, 100])
def test_one_history_for_all_rules_counts_as_a_history_each(count: int, files: dict[str, Path]) -> None:
    workload = WORKLOADS[f"W6b-{count}"]
    rules = [(int(least), int(within)) for least, within in workload.constants]
    events = read(files["events"])
    assert handwritten.w6b_shared(events, rules) == handwritten.w6b(events, rules) > 0
