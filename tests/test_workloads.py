"""The benchmark's rules count exactly what the hand-written loops count, from JSON lines and from memory."""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "bench"))

import generate
import once
from workloads import WORKLOADS

COUNT = 80_000  # 80 s: longer than the minute that W5 waits


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("events") / "events.jsonl"
    path.write_bytes(b"\n".join(generate.lines(COUNT, seed=11)))
    return path


@pytest.fixture(scope="module")
def events(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_bytes().splitlines()]


NAMES = [name for name in WORKLOADS if not name.endswith("10000")]


def counted(found: Counter[str], name: str, rules: list[str]) -> tuple[int, ...]:
    return tuple(found[rule] for rule in rules) if name == "W7" else (sum(found.values()),)


@pytest.mark.parametrize("name", NAMES)
def test_counts_from_json_lines_are_those_of_the_hand_written_loop(name: str, file: Path, events: list[dict[str, Any]]) -> None:
    rulebook = once.rulebook_of(WORKLOADS[name])
    found = once.cepheid_lines(rulebook, file)
    expected = WORKLOADS[name].by_hand(events)
    assert counted(found, name, [plan.id for plan in rulebook.plans]) == expected
    assert sum(expected) > 0


@pytest.mark.parametrize("name", NAMES)
def test_counts_from_memory_are_those_of_the_hand_written_loop(name: str, events: list[dict[str, Any]]) -> None:
    rulebook = once.rulebook_of(WORKLOADS[name])
    found = once.cepheid_dicts(rulebook, events)
    assert counted(found, name, [plan.id for plan in rulebook.plans]) == WORKLOADS[name].by_hand(events)


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
