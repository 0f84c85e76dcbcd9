"""A run that brings nothing says why, and names what would mend it."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

START = 1_767_225_600
RULES = """
rule guess
  by    user
  from  login where {where}
  when  count() >= 3 over 10m

rule other  mode disabled
  from  nowhere where x > 1
"""


def cep(*words: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "cep", *map(str, words)],
        cwd=cwd, capture_output=True, timeout=60, env={**os.environ, "NO_COLOR": "1"}, check=False,
    )  # fmt: skip
    result = subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())
    assert "Traceback" not in result.stderr and "internal error" not in result.stderr, result.stderr
    return result


def event(second: int, **fields: Any) -> dict[str, Any]:
    return {"ts": START + second, "type": "login", "user": "ana", "outcome": "failure", **fields}


def run(
    folder: Path, where: str, events: list[Any] | bytes, *more: str, name: str = "events.jsonl", config: str = ""
) -> subprocess.CompletedProcess[str]:
    (folder / "rules").mkdir(exist_ok=True)
    (folder / "rules" / "guess.cep").write_text(RULES.replace("{where}", where))
    (folder / name).write_bytes(events if isinstance(events, bytes) else "\n".join(map(json.dumps, events)).encode())
    if config:
        (folder / "cep.yml").write_text(config)
    return cep("run", "--events", name, *more, cwd=folder)


def last(done: subprocess.CompletedProcess[str]) -> str:
    return done.stderr.splitlines()[-1]


GOOD = [event(n) for n in range(6)]


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("outcome == failure", 'field `failure` was null in all 6 `login` events; it is a value of `outcome`: text stands in '),
        ('outcom == "failure"', "field `outcom` was null in all 6 `login` events; did you mean `outcome`?"),
        ("deep.inside > 3", "field `deep.inside` was null in all 6 `login` events; the events have ts, type, user, outcome"),
    ],
)  # fmt: skip
def test_a_field_that_no_event_has_is_named(tmp_path: Path, where: str, said: str) -> None:
    done = run(tmp_path, where, GOOD)
    assert f"rule guess: {said}" in done.stderr
    assert "rule other" not in done.stderr and done.returncode == 0


def test_a_type_that_no_event_has_is_named(tmp_path: Path) -> None:
    done = run(tmp_path, 'outcome == "failure"', [{**one, "type": "logon"} for one in GOOD])
    assert "rule guess: no event of type `login` among 6 events (types: logon); did you mean `logon`?" in done.stderr


def test_a_long_file_is_looked_at_in_its_first_events_only(tmp_path: Path) -> None:
    done = run(tmp_path, 'outcom == "failure"', [event(n) for n in range(6_000)])
    assert "field `outcom` was null in each of the first 2,000 `login` events" in done.stderr


def test_rules_that_told_something_and_steps_that_are_forbidden_get_no_hint(tmp_path: Path) -> None:
    told = run(tmp_path, 'outcome == "failure"', GOOD)
    assert "rule guess" not in told.stderr and told.stdout
    (tmp_path / "rules" / "guess.cep").write_text(
        "rule quiet\n  by user\n  match a -> !b\n"
        '  where a: login where outcome == "never"\n        b: logout where x\n  within 5m\n'
    )
    done = cep("run", "--events", "events.jsonl", cwd=tmp_path)
    assert "rule quiet" not in done.stderr


def test_late_events_name_the_lateness_they_would_have_needed(tmp_path: Path) -> None:
    events = [event(900), event(0), event(899, user="b"), event(100)]
    done = run(tmp_path, "user is not null", events, config="streams: {event: {lateness: 5s}}\n")
    assert last(done) == "Next: events of `event` come up to 15m late: `lateness: 15m` of the stream in cep.yml"
    again = run(tmp_path, "user is not null", events, config="streams: {event: {lateness: 15m}}\n")
    assert "late" not in again.stderr


NOT_LINES = {
    "a list": (json.dumps(GOOD).encode(), "jq -c '.[]'"),
    "a list over several lines": (json.dumps(GOOD, indent=2).encode(), "jq -c '.[]'"),
    "a pretty object": (json.dumps(GOOD[0], indent=2).encode(), "one event spans several lines"),
    "UTF-16": ("\n".join(map(json.dumps, GOOD)).encode("utf-16"), "UTF-16"),
    "gzip without its name": (gzip.compress(json.dumps(GOOD[0]).encode()), "a name that ends in .gz"),
    "CSV": (b"ts,type,user\n1767225600,login,ana\n", "looks like CSV"),
}


@pytest.mark.parametrize("kind", NOT_LINES)
def test_input_of_another_form_is_recognised(tmp_path: Path, kind: str) -> None:
    content, said = NOT_LINES[kind]
    done = run(tmp_path, "user is not null", content)
    assert said in last(done)
    assert done.returncode == 1


def test_events_without_a_time_show_what_may_be_one(tmp_path: Path) -> None:
    events = [{"type": "login", "user": "ana", "ts": START, "created_at": START}]
    done = run(tmp_path, "user is not null", events, config="streams: {event: {time: ts_ms}}\n")
    assert "`ts`, `created_at`, cep.yml says `ts_ms`: write `time: ts`" in last(done)
    assert done.returncode == 1


def test_seconds_read_as_milliseconds_are_warned_of(tmp_path: Path) -> None:
    done = run(tmp_path, "user is not null", GOOD, config="streams: {event: {time: {field: ts, unit: ms}}}\n")
    assert "warning: all times of `event` fall before 1980: is `unit: ms` of the stream right?" in done.stderr
    right = run(tmp_path, "user is not null", GOOD, config="streams: {event: {time: {field: ts, unit: s}}}\n")
    assert "1980" not in right.stderr


def test_one_event_that_is_fed_is_enough_for_success(tmp_path: Path) -> None:
    assert run(tmp_path, "user is not null", [*GOOD[:1], 7]).returncode == 0
    assert run(tmp_path, "user is not null", b"").returncode == 0


@pytest.mark.parametrize("target", [".", "none/rejected.jsonl"])
def test_rejects_that_cannot_be_written_are_a_message(tmp_path: Path, target: str) -> None:
    done = run(tmp_path, "user is not null", GOOD, "--rejects", target)
    assert done.returncode == 3 and f"cannot write {target}" in done.stderr and "E0918" in done.stderr


def test_one_event_without_a_time_does_not_make_that_of_the_others_not_found(tmp_path: Path) -> None:
    done = run(tmp_path, "user is not null", [*GOOD, {"type": "login", "user": "u"}])
    assert "E0606 1" in done.stderr and "was not found" not in done.stderr
