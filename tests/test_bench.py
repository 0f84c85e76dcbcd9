"""What the benchmark writes: tables and pictures from results alone, and what becomes of a peer that fails."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "bench"))

import chart
import check
import curves
import once
import pairs
import report
import run
from engines import setup
from engines.catalogue import PEERS
from engines.live import Live, PeerError
from engines.peer import measured
from workloads import WORKLOADS


def row(workload: str, engine: str, ratio: float = 1.0, *, equal: bool = True, source: str = "json") -> dict[str, Any]:
    made = {
        "workload": workload, "input": source, "engine": engine, "events": 1000, "rounds": 5, "events_per_s": 2_000_000,
        "by_hand_events_per_s": 1_000_000, "ratio": ratio, "ratio_min": ratio / 2, "ratio_max": ratio * 2, "peak_mb": 70,
        "by_hand_peak_mb": 40, "counts": [7], "by_hand_counts": [7 if equal else 8], "equal": equal,
    }  # fmt: skip
    return made if equal else {**made, "why": "it counts otherwise"}


@pytest.fixture
def results() -> dict[str, Any]:
    slow = {
        "workload": "W4",
        "input": "json",
        "engine": "flink-sql",
        "events": 1000,
        "left_out": "over the limit of 60 s for a pass",
    }
    return {
        "machine": {"machine": "x86_64", "cores": 2, "python": "3.11", "java": "17", "month": "2026-11", "system": "Linux"},
        "engines": run.engines({"siddhi": "mvn is not installed"}),
        "results": [row("W1", "cepheid", 1.5), row("W1", "flink-sql", 0.25, equal=False), row("W4", "cepheid", 1.2), slow],
    }


# -- tables


def test_a_table_has_a_star_where_counts_differ_and_says_who_was_over_the_limit(results: dict[str, Any]) -> None:
    lines = report.ratio_table(results, "json").splitlines()
    assert lines[0].endswith("| Flink SQL |")
    assert lines[2] == "| W1 | 1.00 | 2.00 | **1.5** | 0.75, 3 | 0.25 * |"
    assert lines[3].endswith("| over the limit |")


def test_differences_are_told_with_their_reason(results: dict[str, Any]) -> None:
    told = report.difference_table(results)
    assert "| W1, Flink SQL | 1,000 | 7 | 8 | it counts otherwise |" in told
    assert "over the limit of 60 s for a pass" in told


def test_an_engine_that_could_not_be_had_is_named_with_the_reason(results: dict[str, Any]) -> None:
    told = report.engine_table(results)
    assert f"| Siddhi | {PEERS['siddhi'].version} | left out: mvn is not installed |" in told
    assert "| pycer |" in told


def test_only_what_stands_between_marks_is_replaced() -> None:
    text = "before\n<!-- bench:a -->\nold\n<!-- /bench -->\nafter\n<!-- bench:b -->\nstays\n<!-- /bench -->\n"
    made = report.filled(text, {"a": "new"})
    assert made == text.replace("old", "new")
    assert report.filled(made, {"a": "new"}) == made


def test_a_mark_without_an_end_is_told() -> None:
    with pytest.raises(SystemExit, match="has no <!-- /bench -->"):
        report.filled("<!-- bench:a -->\n", {"a": "new"})


def test_the_page_and_its_pictures_are_those_of_the_recorded_results() -> None:
    page = report.DOCS.read_text()
    made = report.sections()
    assert {"json", "memory", "arrow", "engines", "differences", "curve-keys"} <= made.keys()
    assert sorted(made) == sorted(re.findall(r"<!-- bench:([\w-]+) -->", page))  # each in one place
    assert report.filled(page, made) == page
    for name, picture in report.pictures().items():
        assert (report.PICTURES / name).read_text() == picture


def test_rows_over_fewer_events_are_told_of_every_engine() -> None:
    rows = [row("W1", "cepheid"), row("W6b", "cepheid") | {"events": 10}, row("W6b", "esper") | {"events": 10}]
    told = report.fewer_line({"results": rows, "engines": {"esper": {"label": "Esper"}}})
    assert "cepheid: W6b 10; Esper: W6b 10" in told


def test_rows_of_a_part_take_the_place_of_the_old_ones_and_the_rest_stays(tmp_path: Path) -> None:
    out = tmp_path / "results.json"
    out.write_text(
        json.dumps(
            {
                "results": [
                    row("W3", "esper", 0.5, source="memory"),
                    row("W1", "cepheid", 1.5),
                    row("W9", "cepheid"),
                    {"workload": "W1"},
                ]
            }
        )
    )
    kept = run.merged(out, [row("W1", "cepheid", 1.6)])
    assert [(one["workload"], one["engine"], one["ratio"]) for one in kept] == [("W1", "cepheid", 1.6), ("W3", "esper", 0.5)]


def test_the_comparison_says_by_how_much_a_ratio_changed() -> None:
    text, changed = check.line(row("W1", "cepheid", 1.2), row("W1", "cepheid", 1.5))
    assert changed == pytest.approx(0.8)
    assert text.split()[3] == "1.5"
    assert text.endswith("-20%")
    assert check.line(row("W1", "cepheid"), None)[1] is None


# -- pictures


def test_a_ratio_of_one_lies_on_the_line_of_the_loop_by_hand() -> None:
    picture = chart.ratios([("From JSON lines", [("W1", [chart.Dot("cepheid", 1.0), chart.Dot("esper", 0.01)])])], {})
    root = ElementTree.fromstring(picture)
    line = next(one for one in root.iter() if one.get("class") == "one")
    ours = [one for one in root.iter() if one.tag.endswith("circle") and one.get("class") == "cepheid"][-1]
    theirs = [one for one in root.iter() if one.tag.endswith("circle") and one.get("class") == "esper"][-1]
    assert float(ours.get("cx", 0)) == float(line.get("x1", 1))
    assert float(theirs.get("cx", 0)) < float(ours.get("cx", 0))
    assert "prefers-color-scheme:dark" in picture


def test_every_engine_has_a_colour() -> None:
    assert {"cepheid", *PEERS} == chart.COLOURS.keys()


def test_a_curve_goes_up_where_cost_does() -> None:
    picture = chart.curves([[chart.Curve("Keys", "us", [(1, 2.0), (10, 1.0), (100, 4.0)], ["1", "10", "100"])]])
    heights = [float(one.get("cy", 0)) for one in ElementTree.fromstring(picture).iter() if one.tag.endswith("circle")]
    assert heights[2] < heights[0] < heights[1]  # y grows downwards


# -- runs


def test_a_peer_makes_a_pass_for_each_line_it_is_given() -> None:
    program = "import sys\nprint('warm'); print('ready', flush=True)\nfor _ in sys.stdin: print('{\"counts\": [3]}', flush=True)"
    with Live([sys.executable, "-c", program], limit_s=60) as peer:
        assert peer.measure() == {"counts": [3]}
        assert peer.measure() == {"counts": [3]}


def test_a_peer_that_ends_is_told_with_its_reason() -> None:
    with pytest.raises(PeerError, match="ValueError: no such workload"):
        Live([sys.executable, "-c", "raise ValueError('no such workload')"], limit_s=60).__enter__()


def test_a_peer_that_takes_longer_than_the_limit_is_given_up() -> None:
    program = "import sys\nprint('ready', flush=True)\nsys.stdin.readline()\nsys.stdin.readline()"
    with (
        Live([sys.executable, "-c", program], limit_s=1) as peer,
        pytest.raises(PeerError, match="over the limit of 1 s for a pass"),
    ):
        peer.measure()


def test_without_java_an_engine_is_left_out_and_the_reason_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    setup.java_ready.cache_clear()
    had, left_out = run.ready([PEERS["esper"]])
    setup.java_ready.cache_clear()
    assert (had, left_out) == ([], {"esper": "java is not installed"})


def test_seconds_are_the_fewer_of_processor_and_clock() -> None:
    assert pairs.seconds({"cpu_s": 4.0, "wall_s": 2.0}) == pairs.seconds({"cpu_s": 2.0, "wall_s": 3.0}) == 2.0


def test_a_short_pass_is_made_again_and_the_mean_told() -> None:
    passes: list[int] = []

    def once() -> list[int]:
        passes.append(sum(range(100_000)))
        return [len(passes)]

    told = measured(once)
    assert told["counts"] == [len(passes)] != [1]
    assert told["cpu_s"] * len(passes) >= 0.3
    assert 0 < told["base_kb"] <= told["peak_kb"]


@pytest.mark.parametrize(("name", "place"), [("rules", 1), ("keys", 1), ("window", -1), ("disorder", 1), ("loop", 1)])
def test_a_point_of_each_curve_alerts(name: str, place: int, tmp_path: Path) -> None:
    assert len(curves.CURVES) == 5
    point = curves.CURVES[name].points[place]
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"\n".join(point.lines(20_000)))
    rulebook = once.rulebook_of(point.workload)
    assert sum(once.cepheid_lines(rulebook, path, once.spec_of(point.workload)).values()) > 0


def test_peers_run_workloads_that_there_are() -> None:
    for peer in PEERS.values():
        for source, names in peer.runs.items():
            assert source in pairs.FLAGS
            assert set(names) <= WORKLOADS.keys()
        assert (peer.most.keys() | peer.differs.keys()) <= {name for names in peer.runs.values() for name in names}
