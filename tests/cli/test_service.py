"""A service as its operator meets it: started, fed, watched, its rules edited under it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cep.run.live import free_port, service

TRIES_S = 30.0
pytestmark = pytest.mark.xdist_group("service")  # one service for the module, not one per worker


def cep(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "NO_COLOR": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "cep", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        env=environment,
        check=False,
    )
    assert "Traceback" not in done.stderr
    return done


def eventually(what: Callable[[], bool]) -> None:
    """Wait for another process to get there."""
    deadline = time.monotonic() + TRIES_S
    while not what():
        assert time.monotonic() < deadline, "it never came true"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    folder = tmp_path_factory.mktemp("service") / "rules-of-mine"
    assert cep(folder.parent, "init", folder.name).returncode == 0
    listen = f"127.0.0.1:{free_port(0)}"
    config = folder / "cep.yml"
    text = config.read_text().replace("127.0.0.1:8088", listen).replace("lateness: 5s", "lateness: 0s")
    config.write_text(text.replace("out: {stdout: true}", "out: {file: alerts.jsonl}"))
    with service(config, listen, {"CEP_LOG": "warning"}):
        yield folder, listen


def rules(folder: Path) -> dict[str, Any]:
    rows = [json.loads(line) for line in cep(folder, "rules", "--output", "json").stdout.splitlines()]
    return {row["rule"]: row for row in rows}


def told(folder: Path) -> list[dict[str, Any]]:
    file = folder / "alerts.jsonl"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def test_events_sent_become_alerts_and_a_second_sending_adds_nothing(running: tuple[Path, str]) -> None:
    folder, _ = running
    said = []
    for words in ([], [], ["--producer", "p1"], ["--producer", "p1"]):
        if words:
            (folder / "more.jsonl").write_text((folder / "events.sample.jsonl").read_text().splitlines()[0] + "\n")
        done = cep(folder, "send", "more.jsonl" if words else "events.sample.jsonl", *words)
        assert done.returncode == 0, done.stderr
        said.append(done.stderr.splitlines()[0])
    assert said == [
        "609 events sent",
        "0 new events, 609 were there already (the same file)",
        "1 event sent",
        "warning: 0 new events, 1 was there already "
        "(the same producer and line numbers; a different file needs another --producer)",
    ]
    eventually(lambda: len(told(folder)) == 1)
    (alert,) = told(folder)
    assert (alert["rule"], alert["key"], alert["generation"]) == ("brute_force", "mara", 1)


def test_rules_say_what_runs_and_edits_are_picked_up(running: tuple[Path, str]) -> None:
    folder, _ = running
    assert rules(folder)["brute_force"]["state"] == "running"
    before = rules(folder)["brute_force"]["version"]
    file = folder / "rules" / "brute_force.cep"
    good = file.read_text()
    file.write_text(good.replace("fail{5,}", "fail{4,}"))
    eventually(lambda: rules(folder)["brute_force"]["state"] == "running" and rules(folder)["brute_force"]["version"] != before)


def test_a_broken_file_keeps_its_last_good_version_and_health_says_so(running: tuple[Path, str]) -> None:
    folder, listen = running
    file = folder / "rules" / "brute_force.cep"
    good = file.read_text()
    file.write_text(good.replace("within", "wihtin"))
    url = f"http://{listen}/readyz"

    def reasons() -> list[str]:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return []
        except urllib.error.HTTPError as answer:
            found: list[str] = json.loads(answer.read())["reasons"]
            return found

    eventually(lambda: any("brute_force.cep" in reason for reason in reasons()))
    listed = cep(folder, "rules")
    assert listed.returncode == 1 and "brute_force" in listed.stdout
    assert "not on disk" not in listed.stderr
    assert "brute_force: rules/brute_force.cep:" in listed.stderr
    file.write_text(good)
    eventually(lambda: reasons() == [])
    assert rules(folder)["brute_force"]["state"] == "running"


def test_rules_named_on_the_command_line_are_served(tmp_path: Path) -> None:
    assert cep(tmp_path, "init", "mine").returncode == 0
    folder, listen = tmp_path / "mine", f"127.0.0.1:{free_port(0)}"
    config = folder / "cep.yml"
    config.write_text(config.read_text().replace("127.0.0.1:8088", listen).replace("rules: rules", "rules: nowhere"))
    with service(config, listen, {"CEP_LOG": "warning"}, [str(folder / "rules")]):
        assert cep(folder, "rules", "rules", "--output", "json").stdout.count('"running"') == 1


def test_an_address_without_a_scheme_is_told_how_to_be_written(running: tuple[Path, str]) -> None:
    folder, listen = running
    done = cep(folder, "send", "events.sample.jsonl", "--to", listen)
    assert done.returncode == 3 and f"write --to http://{listen}" in done.stderr


def test_bad_requests_are_answered_with_their_reasons(running: tuple[Path, str]) -> None:
    _, listen = running
    request = urllib.request.Request(
        f"http://{listen}/v1/events", data=b'{"ts": 1, "type": \n', headers={"Content-Type": "application/x-ndjson"}
    )
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=5)
    answer = json.loads(refused.value.read())
    assert refused.value.code == 400 and answer["rejected"] == 1 and answer["faults"][0]["reason"]
