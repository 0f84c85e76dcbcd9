"""The command as a user meets it: a process of its own, its output, its exit code. Never a traceback."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

RULE = """
rule fast  severity high
  "{truck} is fast"
  by    truck
  from  telemetry where speed > 90
  when  count() >= 3 over 10m
  emit  truck, readings = count(), top = max(speed)

test fast "three fast readings"
  at 0s  telemetry {truck: "T1", speed: 95} x3 every 1m
  expect 1 alert at 2m with readings == 3
"""


def cep(*words: str | Path, cwd: Path, stdin: bytes = b"", **environment: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "cep", *map(str, words)],
        cwd=cwd, input=stdin, capture_output=True, timeout=60, env={**os.environ, "NO_COLOR": "1", **environment}, check=False,
    )  # fmt: skip
    result = subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())
    assert "Traceback" not in result.stderr + result.stdout, result.stderr
    return result


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "fast.cep").write_text(RULE)
    return tmp_path


def event(minute: int, **fields: Any) -> str:
    return json.dumps({"ts": 1_767_225_600 + 60 * minute, "type": "telemetry", "truck": "T1", "speed": 95, **fields})


def alerts(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_run_over_a_file_prints_each_alert_and_ends(folder: Path) -> None:
    (folder / "events.jsonl").write_text("\n".join(event(n) for n in range(4)))
    done = cep("run", "rules", "--events", "events.jsonl", "--output", "json", cwd=folder)
    assert done.returncode == 0
    (alert,) = alerts(done)
    for name in ("id", "rule", "generation", "key", "severity", "time", "first", "last", "fields", "evidence"):
        assert name in alert
    assert (alert["rule"], alert["key"], alert["severity"]) == ("fast", "T1", "high")
    assert (alert["first"], alert["time"]) == ("2026-01-01T00:00:00.000Z", "2026-01-01T00:02:00.000Z")
    assert alert["fields"] == {"truck": "T1", "readings": 3, "top": 95}
    assert alert["evidence"] == [1, 2, 3]
    assert "4 events" in done.stderr and "events/s" in done.stderr and "Next: cep" in done.stderr.splitlines()[-1]


def test_standard_input_and_gzip_are_read_too(folder: Path) -> None:
    lines = "\n".join(event(n) for n in range(3)).encode()
    (folder / "events.jsonl.gz").write_bytes(gzip.compress(lines))
    packed = cep("run", "--events", "events.jsonl.gz", "--output", "json", cwd=folder)
    piped = cep("run", "--events", "-", "--output", "json", cwd=folder, stdin=lines)
    assert packed.stdout == piped.stdout and len(alerts(piped)) == 1


def test_a_configuration_names_time_and_type(folder: Path) -> None:
    (folder / "cep.yml").write_text("streams: {event: {time: ts_ms, type: telemetry}}\n")
    rows = [{"ts_ms": 1_767_225_600_000 + n, "truck": "T1", "speed": 95} for n in range(3)]
    (folder / "e.jsonl").write_text("\n".join(map(json.dumps, rows)))
    done = cep("run", "--config", "cep.yml", "--events", "e.jsonl", "--output", "json", cwd=folder)
    assert [alert["time"] for alert in alerts(done)] == ["2026-01-01T00:00:00.002Z"]


BAD = {
    "malformed": ('{"ts": 1767225600, "type": "telem', "E0600"),
    "not an object": ("[1, 2]", "E0601"),
    "no time": ('{"type": "telemetry", "truck": "T1", "speed": 95}', "E0606"),
    "absurd time": ('{"ts": 99999999999, "type": "telemetry", "truck": "T1", "speed": 95}', "E0604"),
    "unreadable time": ('{"ts": "yesterday", "type": "telemetry", "truck": "T1", "speed": 95}', "E0603"),
    "wrong type": ('{"ts": 1767225600, "type": "telemetry", "truck": "T1", "speed": "fast"}', "E0605"),
    "too large": ('{"ts": 1767225600, "type": "telemetry", "pad": "' + "x" * 1_100_000 + '"}', "E0602"),
    "bad UTF-8": (b'{"ts": 1767225600, "type": "telemetry", "truck": "\xff\xfe", "speed": 95}', "E0600"),
    "NaN": ('{"ts": 1767225600, "type": "telemetry", "truck": "T1", "speed": NaN}', "E0600"),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_event_costs_itself_alone(folder: Path, kind: str) -> None:
    bad, _ = BAD[kind]
    raw = bad if isinstance(bad, bytes) else bad.encode()
    lines = [event(0).encode(), raw, event(1).encode(), event(2).encode()]
    (folder / "events.jsonl").write_bytes(b"\n".join(lines))
    done = cep("run", "--events", "events.jsonl", "--output", "json", "--rejects", "bad.jsonl", cwd=folder)
    assert done.returncode == 0
    assert [alert["evidence"] for alert in alerts(done)] == [[1, 3, 4]]
    (rejected,) = [json.loads(line) for line in (folder / "bad.jsonl").read_text().splitlines()]
    assert rejected["position"] == 2 and rejected["reason"]
    assert rejected["code"] in done.stderr and "1 bad" in done.stderr
    page = cep("explain", rejected["code"], cwd=folder)
    assert page.returncode == 0 and rejected["code"] in page.stdout


def test_a_deep_document_is_no_event_and_no_crash(folder: Path) -> None:
    deep = '{"ts": 1767225600, "type": "telemetry", "truck": "T1", "speed": 1, "x": ' + "[" * 100_000 + "]" * 100_000 + "}"
    (folder / "events.jsonl").write_text("\n".join([deep, *(event(n) for n in range(3))]))
    done = cep("run", "--events", "events.jsonl", "--output", "json", cwd=folder)
    assert done.returncode == 0 and len(alerts(done)) == 1


def test_late_events_are_counted_and_kept(folder: Path) -> None:
    (folder / "events.jsonl").write_text("\n".join([event(5), event(0), event(6), event(7)]))
    done = cep("run", "--events", "events.jsonl", "--output", "json", "--rejects", "late.jsonl", cwd=folder)
    (late,) = [json.loads(line) for line in (folder / "late.jsonl").read_text().splitlines()]
    assert (late["position"], late["code"]) == (2, "E0690") and "300 s behind" in late["reason"]
    assert [alert["evidence"] for alert in alerts(done)] == [[1, 3, 4]]
    assert "1 late" in done.stderr


def test_a_run_says_what_a_full_budget_let_go_though_no_alert_tells_it(tmp_path: Path) -> None:
    rule = "rule waits\n  by k\n  match a -> b\n  where a: a\n        b: b\n  within 1h\n  budget 2 runs\n"
    (tmp_path / "waits.cep").write_text(rule)
    events = "".join(f'{{"ts": {1_700_000_000 + n}, "type": "a", "k": {n}}}\n' for n in range(7))
    (tmp_path / "events.jsonl").write_text(events)
    done = cep("run", "waits.cep", "--events", "events.jsonl", cwd=tmp_path)
    assert "waits: its budget was full, 5 evicted so far" in done.stderr


def test_a_broken_rule_stops_the_run_with_its_diagnostics(folder: Path) -> None:
    (folder / "rules" / "fast.cep").write_text(RULE.replace("speed > 90", 'speed > "90"').replace("max(speed)", "max(sped"))
    (folder / "events.jsonl").write_text(event(0))
    done = cep("run", "--events", "events.jsonl", cwd=folder)
    assert done.returncode == 2 and done.stdout == ""
    assert "rules/fast.cep:" in done.stderr and "error[E" in done.stderr and "^" in done.stderr


def test_check_finds_all_faults_at_once_and_says_where(folder: Path) -> None:
    (folder / "rules" / "two.cep").write_text(
        'rule one\n  from a where x > 5 and x == "five"\n\nrule two\n  match p -> q\n  where p: a\n        r: b\n  within 5m\n'
    )
    done = cep("check", cwd=folder)
    assert done.returncode == 2
    assert "two.cep:2:" in done.stderr and "two.cep:5:" in done.stderr
    found = json.loads(cep("check", "--output", "json", cwd=folder).stdout)
    assert {row["code"] for row in found} and all(row["line"] and row["col"] and row["message"] for row in found)


@pytest.mark.parametrize("output", ["sarif", "github", "junit"])
def test_check_speaks_to_machines(folder: Path, output: str) -> None:
    (folder / "rules" / "bad.cep").write_text("rule x\n  from a wehre b > 1\n")
    done = cep("check", "--output", output, cwd=folder)
    assert done.returncode == 2 and "bad.cep" in done.stdout


def test_check_and_test_pass_on_good_rules(folder: Path) -> None:
    assert cep("check", cwd=folder).returncode == 0
    done = cep("test", cwd=folder)
    assert done.returncode == 0 and "1 passed, 0 failed" in done.stdout


def test_a_failed_test_shows_only_what_differs(folder: Path) -> None:
    (folder / "rules" / "fast.cep").write_text(RULE.replace("readings == 3", "readings == 4"))
    done = cep("test", cwd=folder)
    assert done.returncode == 1
    assert "readings is 3 (expected == 4)" in done.stdout and "top is" not in done.stdout
    assert "fast.cep:9" in done.stdout  # where the test stands
    rows = [json.loads(line) for line in cep("test", "--output", "json", cwd=folder).stdout.splitlines()]
    assert [row["passed"] for row in rows] == [False]
    assert "<failure" in cep("test", "--output", "junit", cwd=folder).stdout


def test_fmt_turns_text_into_yaml_and_back(folder: Path) -> None:
    assert cep("fmt", "rules", cwd=folder).returncode == 0
    text = (folder / "rules" / "fast.cep").read_text()
    (folder / "fast.yml").write_text(cep("fmt", "rules/fast.cep", "--to", "yaml", cwd=folder).stdout)
    assert cep("fmt", "fast.yml", "--to", "text", cwd=folder).stdout == text
    assert cep("fmt", "rules", "--check", cwd=folder).returncode == 0
    assert cep("test", "fast.yml", cwd=folder).returncode == 0


def test_schema_is_json_schema(folder: Path) -> None:
    schema = json.loads(cep("schema", cwd=folder).stdout)
    assert "$schema" in schema


def test_the_first_five_minutes(tmp_path: Path) -> None:
    made = cep("init", "my-rules", cwd=tmp_path)
    assert made.returncode == 0 and "Next: cd my-rules && cep test" in made.stderr
    home = tmp_path / "my-rules"
    assert cep("check", "--strict", cwd=home).returncode == 0
    assert cep("test", cwd=home).returncode == 0
    done = cep("run", "--events", "events.sample.jsonl", "--output", "json", cwd=home)
    assert [alert["key"] for alert in alerts(done)] == ["mara"]
    assert cep("init", "my-rules", cwd=tmp_path).returncode == 3  # nothing is overwritten


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("run", "--events", "nowhere.jsonl"), "nowhere.jsonl"),
        (("run", "nowhere", "--events", "-"), "nowhere"),
        (("run", "--config", "nowhere.yml", "--events", "-"), "nowhere.yml"),
        (("run", "--events", "other=events.jsonl"), "other"),
        (("explain", "E9999"), "E9999"),
        (("chekc",), "cep check"),
        (("check", "--fixx"), "--fix"),
        (("fmt", "nowhere"), "nowhere"),
        (("send", "nowhere.jsonl"), "--to"),
    ],
)
def test_a_wrong_command_says_what_to_do(folder: Path, words: tuple[str, ...], said: str) -> None:
    done = cep(*words, cwd=folder)
    assert done.returncode == 3
    assert said in done.stderr


def test_a_closed_pipe_ends_the_run_quietly(folder: Path) -> None:
    (folder / "events.jsonl").write_text("\n".join(event(n, truck=f"T{n}") for n in range(2000)))
    (folder / "rules" / "fast.cep").write_text("rule all\n  from telemetry where speed > 1\n")
    command = f"{sys.executable} -m cep run --events events.jsonl --output json | head -n 1"
    done = subprocess.run(command, shell=True, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert json.loads(done.stdout)["rule"] == "all" and "Traceback" not in done.stderr


def test_the_list_of_rules_cuts_no_name_short_where_there_is_no_terminal(folder: Path) -> None:
    name = "logins_that_failed_five_times_and_then_worked_from_an_address_never_seen_before_in_thirty_days_of_this_user"
    (folder / "rules" / "long.cep").write_text(f"rule {name}\n  from telemetry where speed > 500\n  mode shadow\n")
    done = cep("rules", "rules", cwd=folder)
    (line,) = [line for line in done.stdout.splitlines() if line.startswith(name)]
    assert line.split()[-3:] == ["on", "disk", "rules/long.cep"]
