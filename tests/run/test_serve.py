"""`cep run` as a service: a supervisor with its server, matcher and faces."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cep.buffer.embedded import EmbeddedServer
from cep.buffer.link import connect
from tests.buffer.waiting import eventually

CONFIG = """
streams:
  reading: {{time: ts_ms, idle: 1h}}
channels:
  out: {{file: alerts.jsonl}}
default_to: [out]
rules: rules
listen: 127.0.0.1:{port}
data: data
"""
RULE = """
rule hot
  from  reading where celsius > 90
  emit  celsius
"""


class Running:
    """`cep run` in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        (folder / "rules").mkdir()
        (folder / "cep.yml").write_text(CONFIG.format(port=self.port))
        self.process: subprocess.Popen[bytes] | None = None

    def rule(self, text: str) -> None:
        (self.folder / "rules" / "hot.cep").write_text(text)

    def start(self) -> None:
        words = [sys.executable, "-m", "cep", "run", "--config", str(self.folder / "cep.yml")]
        self.process = subprocess.Popen(words, cwd=self.folder, stdout=self._out("stdout"), stderr=self._out("stderr"))

    def _out(self, name: str) -> Any:
        return (self.folder / name).open("ab")

    @property
    def log(self) -> str:
        return (self.folder / "stderr").read_text()

    def ready(self) -> list[str] | None:
        """Reasons of /readyz; [] when it is ready, None when nobody answers."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=2) as answer:
                return [] if answer.status == 200 else ["?"]
        except urllib.error.HTTPError as error:
            return list(json.loads(error.read())["reasons"])
        except OSError:
            return None

    def send(self, *celsius: float) -> int:
        rows = [{"type": "reading", "ts_ms": round(time.time() * 1000), "celsius": value} for value in celsius]
        body = "\n".join(map(json.dumps, rows)).encode()
        headers = {"Content-Type": "application/x-ndjson"}
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/v1/events", body, headers)
        with urllib.request.urlopen(request, timeout=5) as answer:
            return int(answer.status)

    def told(self) -> list[float]:
        path = self.folder / "alerts.jsonl"
        text = path.read_text() if path.exists() else ""
        return [float(found) for found in re.findall(r'"celsius": ?([0-9.]+)', text)]

    def pid_of(self, role: str) -> int:
        """The newest process of that role among the supervisor's children."""
        assert self.process is not None
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
            if parent == self.process.pid and role.encode() in words:
                found.append(int(entry.name))
        return max(found, default=0)

    def stop(self) -> int:
        assert self.process is not None
        if self.process.poll() is None:
            self.process.terminate()
        return self.process.wait(15)


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    running = Running(tmp_path)
    yield running
    if running.process is not None and running.process.poll() is None:
        running.process.kill()
        running.process.wait()


def test_events_by_http_become_alerts_and_processes_that_die_come_back(running: Running) -> None:
    running.rule(RULE)
    running.start()
    eventually(lambda: running.ready() == [], within_s=30)
    assert running.send(20, 95.5) == 202
    eventually(lambda: running.told() == [95.5])
    os.kill(running.pid_of("worker"), signal.SIGKILL)
    assert running.send(91) == 202  # ingest does not hang on the matcher
    eventually(lambda: running.told() == [95.5, 91])
    os.kill(running.pid_of("faces"), signal.SIGKILL)
    eventually(lambda: running.ready() == [], within_s=30)
    assert running.send(92) == 202
    eventually(lambda: running.told() == [95.5, 91, 92])
    assert running.stop() == 0, running.log
    running.start()
    eventually(lambda: running.ready() == [], within_s=30)
    assert running.send(93) == 202
    eventually(lambda: running.told() == [95.5, 91, 92, 93])
    assert running.stop() == 0, running.log
    assert "Traceback" not in running.log


def test_the_embedded_server_comes_back_too(running: Running) -> None:
    running.rule(RULE)
    running.start()
    eventually(lambda: running.ready() == [], within_s=30)
    assert running.send(95) == 202
    eventually(lambda: running.told() == [95])
    server = json.loads((running.folder / "data" / "redis" / "server.json").read_text())
    eventually(lambda: has_reached_disk(server["socket"]))
    os.kill(server["pid"], signal.SIGKILL)
    eventually(lambda: "it runs again" in running.log)
    eventually(lambda: accepted(running, 96))
    eventually(lambda: running.told() == [95, 96])
    assert running.stop() == 0, running.log


def accepted(running: Running, celsius: float) -> bool:
    try:
        return running.send(celsius) == 202
    except OSError:  # 503 while the server is away
        return False


def has_reached_disk(socket_path: str) -> bool:
    info = connect(f"unix://{socket_path}").info("persistence")
    return not info["aof_pending_bio_fsync"] and not info["aof_buffer_length"]


def test_a_changed_rule_runs_soon_and_a_broken_one_is_said_by_readyz(running: Running) -> None:
    running.rule(RULE)
    running.start()
    eventually(lambda: running.ready() == [], within_s=30)
    running.rule(RULE.replace("90", "50"))
    eventually(lambda: running.send(60) == 202 and 60 in running.told())
    running.rule(RULE.replace("90", "ninety +"))
    eventually(lambda: any("hot.cep" in reason for reason in running.ready() or []))
    assert running.send(70) == 202
    eventually(lambda: 70 in running.told())  # the last good version runs on
    running.rule(RULE)
    eventually(lambda: running.ready() == [])
    assert running.stop() == 0, running.log
    assert "stopped; state is saved" in running.log


def test_a_configuration_that_cannot_be_read_is_told_until_it_is_mended(running: Running) -> None:
    running.rule(RULE)
    running.start()
    eventually(lambda: running.ready() == [], within_s=30)
    config = running.folder / "cep.yml"
    good = config.read_text()
    config.write_text(good.replace("channels:", "channels:\n  soc: {webhook: https://a.example/x, secret: '${env:CEP_NOT_SET}'}"))
    eventually(lambda: "E0931 channel soc: secret: " in running.log)
    config.write_text(good.replace("idle: 1h", "idle: 2h"))
    eventually(lambda: "W0951: `streams` of cep.yml changed" in running.log)
    assert running.ready() == []
    config.write_text(good.replace("streams:", "streems:"))
    eventually(lambda: any("cep.yml cannot be used" in reason and "E0953" in reason for reason in running.ready() or []))
    assert running.log.count("cep.yml cannot be used") == 1
    config.unlink()
    eventually(lambda: any("cep.yml cannot be read" in reason for reason in running.ready() or []))
    config.write_text(good)
    eventually(lambda: running.ready() == [])
    assert "cep.yml is in use again" in running.log
    assert running.stop() == 0, running.log


def test_a_second_service_stands_by_and_takes_over(running: Running, tmp_path_factory: pytest.TempPathFactory) -> None:
    with EmbeddedServer(tmp_path_factory.mktemp("shared")) as server:
        second = Running(tmp_path_factory.mktemp("second"))
        for one in (running, second):
            one.rule(RULE)
            (one.folder / "cep.yml").write_text(CONFIG.format(port=one.port) + f"redis: {server.url}\n")
            one.start()
            eventually(lambda one=one: one.ready() == [], within_s=30)
        worker = running.pid_of("worker")
        eventually(lambda: f"another `cep run` is at work on this Redis (its worker is process {worker})" in second.log)
        assert second.send(95) == 202  # either takes events
        eventually(lambda: running.told() == [95])
        assert running.stop() == 0, running.log
        assert second.send(96) == 202
        eventually(lambda: second.told() == [96])
        assert second.stop() == 0, second.log
        assert running.told() == [95]


def test_a_second_service_on_the_same_folder_waits_for_the_address_too(running: Running) -> None:
    running.rule(RULE)
    running.start()
    first = running.process
    eventually(lambda: running.ready() == [], within_s=30)
    running.start()
    eventually(lambda: "this one listens when it takes over" in running.log, within_s=30)
    eventually(lambda: "another `cep run` is at work" in running.log)
    assert first is not None and running.process is not None
    assert running.process.poll() is None
    assert running.stop() == 0, running.log
    assert running.send(95) == 202  # the first was not disturbed
    eventually(lambda: running.told() == [95])
    running.process = first
    assert running.stop() == 0, running.log


def test_an_address_that_somebody_else_has_ends_the_service(running: Running) -> None:
    running.rule(RULE)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", running.port))
        taken.listen()
        running.start()
        assert running.process is not None
        assert running.process.wait(30) == 3
    assert "E0965" in running.log and f"cannot listen on 127.0.0.1:{running.port}" in running.log


def test_rules_that_cannot_run_are_said_and_nothing_is_started(running: Running) -> None:
    running.rule("rule hot\n  from reading where celsius >\n")
    running.start()
    assert running.process is not None
    assert running.process.wait(30) == 2
    assert "hot.cep" in running.log
    assert not (running.folder / "data").exists()  # and nothing is left behind
    assert "Traceback" not in running.log


def test_a_channel_that_cannot_be_ends_the_service_with_its_fault(running: Running) -> None:
    running.rule(RULE)
    text = (running.folder / "cep.yml").read_text().replace("default_to: [out]", "default_to: [nobody]")
    (running.folder / "cep.yml").write_text(text)
    running.start()
    assert running.process is not None
    assert running.process.wait(30) == 3
    assert "nobody" in running.log
    assert "Traceback" not in running.log
