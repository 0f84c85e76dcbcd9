"""Folders without rules, tables without a file, names that say something else, and output that nobody reads."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cep.cli import check, run
from cep.cli import test as test_command
from cep.errors import ConfigError

RULE = "rule a\n  from b where x > 1\n\ntest a\n  at 0s  b {x: 0}\n  expect nothing\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rules").mkdir()
    (tmp_path / "events.jsonl").write_text('{"ts": 1767225600, "type": "b", "x": 2}\n')
    return tmp_path


def told(done: Result) -> ConfigError:
    assert isinstance(done.exception, ConfigError), done.exception
    return done.exception


@pytest.mark.parametrize("content", [None, "", "# to be written\n"])
def test_a_folder_without_a_rule_is_no_success(folder: Path, content: str | None) -> None:
    if content is not None:
        (folder / "rules" / "a.cep").write_text(content)
    for command, words in (
        (check.command, ["rules"]),
        (run.command, ["--events", "events.jsonl"]),
        (test_command.command, ["rules"]),
    ):
        done = CliRunner().invoke(command, words)
        assert told(done).message == "there are no rules in rules"


def test_no_test_of_a_rule_that_is_not_there_passes(folder: Path) -> None:
    (folder / "rules" / "a.cep").write_text(RULE)
    assert told(CliRunner().invoke(test_command.command, ["rules", "--rule", "aa"])).help == "there are: a"


def test_a_missing_table_is_told_once_where_cep_yml_names_it(folder: Path) -> None:
    (folder / "cep.yml").write_text("tables:\n  hosts: {file: nope.csv, key: id}\n")
    (folder / "rules" / "a.cep").write_text("rule a\n  from b where x in table hosts\n")
    done = CliRunner().invoke(check.command, ["rules"], standalone_mode=False)
    assert done.return_value == 3
    assert "cep.yml:2:17" in done.output and "E0208" not in done.output and "E0958" in done.output


def test_one_fault_does_not_make_its_tests_nameless(folder: Path) -> None:
    (folder / "rules" / "a.cep").write_text(RULE.replace("x > 1", "x >"))
    (folder / "rules" / "more.cep").write_text('test a "another"\n  at 0s  b {x: 0}\n  expect nothing\n')
    done = CliRunner().invoke(check.command, ["rules"], standalone_mode=False)
    assert done.return_value == 2 and "E0501" not in done.output
    (folder / "rules" / "a.cep").write_text(RULE.replace("test a", "test aa"))
    assert "E0501" in CliRunner().invoke(check.command, ["rules"], standalone_mode=False).output


def test_an_unexpected_alert_names_its_events(folder: Path) -> None:
    (folder / "rules" / "a.cep").write_text(
        "rule a\n  from b\n  when count() >= 2 over 1h\n\ntest a\n"
        "  at 0s  b {x: 0}\n  at 2h  b {x: 1}\n  at 2h1m  b {x: 2}\n  expect nothing\n"
    )
    done = CliRunner().invoke(test_command.command, ["rules"], standalone_mode=False)
    assert done.return_value == 1
    assert ", made of events 2, 3" in done.output and 'event 3: b {"x":2}' in done.output


def test_plain_text_that_is_called_gz_is_told(folder: Path) -> None:
    (folder / "rules" / "a.cep").write_text(RULE)
    Path("events.jsonl").rename("events.jsonl.gz")
    fault = told(CliRunner().invoke(run.command, ["--events", "events.jsonl.gz"]))
    assert "is not packed with gzip" in fault.message and fault.help == "drop the .gz of its name"


def test_a_reader_that_goes_away_is_no_failure(folder: Path) -> None:
    (folder / "rules" / "a.cep").write_text(RULE)
    Path("events.jsonl").write_text("".join(f'{{"ts": {1767225600 + n}, "type": "b", "x": 2}}\n' for n in range(20_000)))
    command = [sys.executable, "-m", "cep", "run", "--events", "events.jsonl", "--quiet"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=dict(os.environ)) as process:
        assert process.stdout and process.stderr
        assert process.stdout.readline()
        process.stdout.close()
        said = process.stderr.read().decode()
        assert process.wait(60) == 0 and said == ""
