"""`cep plan` as a user meets it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.test_command_line import RULE, cep, event

OTHER = "rule slow\n  from telemetry where speed < 5\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "fast.cep").write_text(RULE)
    (tmp_path / "rules" / "slow.cep").write_text(OTHER)
    (tmp_path / "events.jsonl").write_text("\n".join(event(n, speed=95 if n < 4 else 3) for n in range(10)))
    return tmp_path


def test_a_table_says_matcher_reason_bound_and_cost(folder: Path) -> None:
    done = cep("plan", "rules", cwd=folder)
    assert done.returncode == 0
    head, fast, slow = done.stdout.splitlines()[:3]
    for word in ("rule", "matcher", "woken by", "conditions", "keeps per key", "for at most"):
        assert word in head
    assert fast.split()[:3] == ["fast", "counter", "telemetry"] and "any number of events" in fast and "10m" in fast
    assert slow.split()[:3] == ["slow", "filter", "telemetry"] and "nothing" in slow
    assert "no state): slow" in done.stdout
    assert done.stderr.splitlines()[-1] == "Next: cep plan --events FILE.jsonl, to measure the cost"


def test_json_says_the_same_as_one_line_a_rule(folder: Path) -> None:
    rows = [json.loads(line) for line in cep("plan", "rules", "--output", "json", cwd=folder).stdout.splitlines()]
    assert [row["rule"] for row in rows] == ["fast", "slow"]
    fast = rows[0]
    assert (fast["matcher"], fast["bound"]["entries_per_key"], fast["bound"]["lives_seconds"]) == ("counter", None, 600)
    assert (fast["cost"]["event_types"], fast["cost"]["conditions"], fast["cost"]["of_runs"]) == (["telemetry"], 1, 1)
    assert fast["why"] and fast["bound"]["words"] and "measured" not in fast


def test_with_events_the_cost_is_measured(folder: Path) -> None:
    done = cep("plan", "rules", "--events", "events.jsonl", "--output", "json", cwd=folder)
    fast, slow = (json.loads(line)["measured"] for line in done.stdout.splitlines())
    assert (fast["events"], fast["rows"], fast["share"], fast["alerts"], fast["peak_keys"]) == (10, 4, 0.4, 1, 1)
    assert (slow["rows"], slow["share"], slow["alerts"], slow["peak_keys"], slow["peak_state_bytes"]) == (6, 0.6, 6, 0, 0)
    assert fast["us_per_row"] > 0 and fast["peak_state_bytes"] > 0
    table = cep("plan", "rules", "--events", "events.jsonl", cwd=folder)
    assert "40.0 %" in table.stdout and "peak keys" in table.stdout
    assert "10 events fed" in table.stderr and table.stderr.splitlines()[-1].startswith("Next: cep graph")


def test_a_rule_that_is_named_is_told_in_full(folder: Path) -> None:
    done = cep("plan", "rules", "fast", cwd=folder)
    assert "rule fast: window, severity high" in done.stdout and "  bound  per truck" in done.stdout
    assert "  runs   as counter: " in done.stdout and "slow" not in done.stdout


def test_what_leads_to_a_rule_is_said_of_rules_that_an_index_finds(folder: Path) -> None:
    texts = "".join(f'rule t{n}\n  from start where line contains "tool{n}"\n' for n in range(8))
    (folder / "rules" / "texts.cep").write_text(texts)
    assert '  found  where line holds "tool3"\n' in cep("plan", "rules", "t3", cwd=folder).stdout
    rows = [json.loads(line) for line in cep("plan", "rules", "--output", "json", cwd=folder).stdout.splitlines()]
    found_by = {row["rule"]: row["cost"]["found_by"] for row in rows}
    assert found_by["t3"] == ['line holds "tool3"'] and found_by["slow"] == []


def test_events_of_which_none_can_be_fed_lead_on_to_the_run(folder: Path) -> None:
    (folder / "events.jsonl").write_text('{"type": "telemetry"}\n')
    done = cep("plan", "rules", "--events", "events.jsonl", cwd=folder)
    assert done.returncode == 0 and "none of them fed" in done.stderr
    assert "cep run" in done.stderr.splitlines()[-1]


def test_faults_are_told_and_the_sound_rules_planned(folder: Path) -> None:
    (folder / "rules" / "slow.cep").write_text("rule slow\n  from telemetry where speeed < \n")
    done = cep("plan", "rules", cwd=folder)
    assert done.returncode == 2 and "slow.cep:2" in done.stderr and "fast" in done.stdout
    missing = cep("plan", "rules", "--events", "nofile.jsonl", cwd=folder)
    assert missing.returncode == 3 and "E0950" in missing.stderr


def test_rules_that_differ_in_constants_alone_are_matched_together(folder: Path) -> None:
    shape = """
rule s{0}
  by truck
  match fast{{{0},}} -> stop
  where fast: telemetry where speed > 90
        stop: telemetry where speed < 1
  within {0}m
"""
    (folder / "rules" / "alike.cep").write_text("".join(shape.format(n) for n in (2, 3, 4)))
    done = cep("plan", "rules", cwd=folder)
    assert "matched together with 2 others that differ in constants alone): s2, s3, s4" in done.stdout
    assert "matched together with 2 others" in cep("plan", "rules", "s3", cwd=folder).stdout
    rows = [json.loads(line) for line in cep("plan", "rules", "--output", "json", cwd=folder).stdout.splitlines()]
    told = {row["rule"]: row["matched_with"] for row in rows}
    assert told == {"fast": [], "slow": [], "s2": ["s3", "s4"], "s3": ["s2", "s4"], "s4": ["s2", "s3"]}
