"""A real worker process on a real server, and what it left behind."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import msgspec
import redis

from cep.buffer.commit import Standing
from cep.buffer.link import connect
from tests.buffer.waiting import eventually

STREAM = "cep:{telemetry}:events"
CONFIG = """
streams:
  telemetry: {time: ts_ms, type: kind, lateness: 2s, partition: gateway, idle: 1h}
"""
RULES = """
rule fast  severity high
  by    truck
  from  speed where kmh > 95
  emit  truck, kmh

rule speeding
  by    truck
  from  speed where kmh > 80
  when  count() >= 4 over 1m
  emit  truck, n = count(), top = max(kmh)

rule refuel_then_alarm
  by     truck
  match  fuel{2,} -> alarm
  where  fuel:  fuel
         alarm: alarm where litres is null
  within 2m
  emit   truck, n = count(fuel)

rule truck_silent
  by      truck
  absent  speed for 3s
  emit    truck, kmh

rule silent_in_alarm
  by     truck
  match  silent -> alarm
  where  silent: rule truck_silent where kmh > 10
         alarm:  alarm
  within 20s
  resolve when fuel
  emit   truck, silent.kmh

rule alarm_unseen
  by     truck
  match  alarm -> !seen
  where  alarm: alarm
         seen:  speed where kmh < 20
  within 20s
  emit   truck
"""


def entries(count: int, seed: int = 1) -> list[tuple[str, dict[str, str]]]:
    """Entries with ids of their own: three gateways, some disorder, some late rows, some nonsense, some many to an entry."""
    dice = random.Random(seed)
    start = 1_767_225_600_000
    found: list[tuple[str, dict[str, str]]] = []
    now = start
    while len(found) < count:
        now += dice.choice((20, 50, 80))
        lines = [_line(now, dice) for _ in range(dice.choice((1, 1, 1, 1, 6)))]
        fields = {"json": lines[0]} if len(lines) == 1 else {"lines": "\n".join(lines)}
        found.append((f"{now}-{len(found)}", fields))
    return found


def _line(now: int, dice: random.Random) -> str:
    if dice.random() < 0.01:
        return dice.choice(("nonsense", '{"kind": "speed"', '{"kind": "speed", "ts_ms": "soon", "truck": "T1"}', "[]"))
    behind = dice.choice((0, 0, 100, 900, 1900, 5000 if dice.random() < 0.2 else 0))
    kind = dice.choice(("speed", "speed", "speed", "fuel", "alarm"))
    event: dict[str, Any] = {
        "ts_ms": now - behind,
        "kind": kind,
        "truck": f"T{dice.randrange(12)}",
        "gateway": f"g{dice.randrange(3)}",
    }
    if kind == "speed":
        event["kmh"] = round(dice.uniform(0, 100), 1)
    return msgspec.json.encode(event).decode()


@dataclass
class Left:
    """What a run left: the fields of every entry, in order."""

    outbox: list[dict[bytes, bytes]]
    late: list[dict[bytes, bytes]]
    dead: list[dict[bytes, bytes]]

    @property
    def ids(self) -> list[bytes]:
        return [fields[b"id"] for fields in self.outbox]


@dataclass
class Service:
    """Files, a server, and worker processes over them."""

    folder: Path
    url: str
    client: redis.Redis = field(init=False)
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.client = connect(self.url)
        self.client.flushall()
        (self.folder / "rules").mkdir(parents=True, exist_ok=True)
        self.write("cep.yml", CONFIG)
        self.write("rules/all.cep", RULES)

    def write(self, path: str, text: str) -> None:
        target = self.folder / path
        target.with_suffix(".new").write_text(text)
        target.with_suffix(".new").replace(target)

    def append(self, some: list[tuple[str, dict[str, str]]], stream: str = STREAM) -> None:
        pipe: Any = self.client.pipeline(transaction=False)
        for entry_id, fields in some:
            pipe.xadd(stream, fields, id=entry_id)
        pipe.execute()

    def start(self, failpoint: str = "", *, watch: bool = False) -> subprocess.Popen[str]:
        words = [sys.executable, "-m", "cep.run.process", "worker", "--redis", self.url, "--config", str(self.folder / "cep.yml")]
        environment = {**os.environ, "CEP_FAILPOINT": failpoint}
        worker = subprocess.Popen(words + ([] if watch else ["--no-watch"]), env=environment, stderr=self._log(), text=True)
        self.started.append(worker)
        return worker

    def end(self) -> None:
        """Leave no worker behind, whatever failed."""
        for worker in self.started:
            if worker.poll() is None:
                worker.kill()
                worker.wait()
        self.client.close()

    def _log(self) -> IO[str]:
        return (self.folder / "worker.log").open("a")

    @property
    def log(self) -> str:
        return (self.folder / "worker.log").read_text()

    @contextmanager
    def running(self, failpoint: str = "", *, watch: bool = False) -> Iterator[subprocess.Popen[str]]:
        worker = self.start(failpoint, watch=watch)
        try:
            yield worker
        finally:
            if worker.poll() is None:
                worker.send_signal(signal.SIGCONT)
                worker.terminate()
                assert worker.wait(15) == 0, self.log

    def owner(self) -> bytes | None:
        return self.client.hget("cep:{cell.main}:owner", "name")

    def standing(self) -> Standing | None:
        state = self.client.hget("cep:{cell.main}:commit", "state")
        return None if state is None else msgspec.msgpack.decode(state, type=Standing)

    def caught_up(self, stream: str = STREAM, name: str = "telemetry") -> bool:
        """Whether the last commit covers all that is in the stream."""
        standing, last = self.standing(), self.client.xrevrange(stream, count=1)
        return standing is not None and bool(last) and standing.highs[name] == last[0][0].decode()

    def run_to_end(self) -> None:
        """A worker that does what is left, saves, and ends."""
        before = self.owner()
        with self.running() as worker:
            eventually(lambda: (self.caught_up() and self.owner() != before) or worker.poll() is not None)
        assert worker.returncode == 0, self.log

    def left(self) -> Left:
        def fields(what: str) -> list[dict[bytes, bytes]]:
            return [entry for _, entry in self.client.xrange(f"cep:{{cell.main}}:{what}")]

        return Left(fields("outbox"), fields("late"), fields("dead"))
