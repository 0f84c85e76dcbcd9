"""Events a second through Redis: read, rules, commits, outbox, checkpoints. One event an entry, and packed.

    python bench/redis_throughput.py [EVENTS] [W1..W5 | W1 | W3 ...]

The stream is filled first, then a worker process like that of `cep run` works it off. Measured from its first commit (when
rules are loaded) to the one that covers the last entry: wall time, and processor time of the worker and of the server, which
share the machine with whatever else runs. Beside it the same pipeline over the same lines without Redis, so that the figures
mean something on another machine. With one cheap rule what is left is the way through Redis.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import generate
import msgspec
import workloads

from cep.buffer.commit import Standing
from cep.buffer.embedded import EmbeddedServer
from cep.buffer.ingest import Appender
from cep.buffer.keys import cell, events
from cep.buffer.link import connect
from cep.config import Config
from cep.loader.files import load_texts
from cep.match.pipeline import Pipeline
from cep.run.collector import collector_kept_out

RULES = workloads.W1 + workloads.W2 + workloads.W3 + workloads.W4 + workloads.W5
SETS = {"W1..W5": RULES, "W1": workloads.W1, "W3": workloads.W3}
SLICE = 1000


@dataclass(frozen=True)
class Run:
    """Seconds by the clock, and of a processor: of the worker, and of the server."""

    wall: float
    worker: float
    server: float
    alerts: int


def main(count: int, names: list[str]) -> None:
    lines = generate.lines(count)
    for name in names:
        rules = SETS[name]
        alone = without_redis(lines, rules)
        print(f"{name}, {count:,} events; pipeline alone {count / alone:,.0f} events/s")
        for shape, packed in (("one event an entry", False), ("100 events an entry", True)):
            run = through_redis(lines, rules, packed=packed)
            print(
                f"  {shape:<20} {count / run.wall:>9,.0f} events/s ({alone / run.wall:.2f} of the pipeline alone)"
                f"  per CPU second of the worker {count / run.worker:>9,.0f} ({alone / run.worker:.2f})"
                f"  server busy {run.server / run.wall:.0%}  {run.alerts:,} alerts"
            )


def without_redis(lines: list[bytes], rules: str) -> float:
    """Seconds, of the processor."""
    config = Config()
    pipeline = Pipeline(load_texts({"w.cep": rules}, config).rulebook, config.streams)
    with collector_kept_out():
        started = time.process_time()
        for start in range(0, len(lines), SLICE):
            some = lines[start : start + SLICE]
            pipeline.push("event", some, range(start + 1, start + 1 + len(some)))
        return time.process_time() - started


def through_redis(lines: list[bytes], rules: str, *, packed: bool) -> Run:
    with tempfile.TemporaryDirectory() as name, EmbeddedServer(Path(name) / "redis") as server:
        folder = Path(name)
        (folder / "w.cep").write_text(rules)
        (folder / "cep.yml").write_text("rules: w.cep\n")
        client: Any = connect(server.url)
        fill(client, lines, packed=packed)
        words = [sys.executable, "-m", "cep.run.process", "worker", "--no-watch", "--redis", server.url]
        worker = subprocess.Popen([*words, "--config", str(folder / "cep.yml")], env={**os.environ, "CEP_LOG": "warning"})
        last = client.xrevrange(events("event"), count=1)[0][0].decode()
        while (standing := read(client)) is None:
            time.sleep(0.001)
        assert server.pid is not None
        started, worked, served = time.perf_counter(), processor_seconds(worker.pid), processor_seconds(server.pid)
        while standing.highs["event"] != last:
            time.sleep(0.005)
            standing = read(client) or standing
        wall = time.perf_counter() - started
        worked, served = processor_seconds(worker.pid) - worked, processor_seconds(server.pid) - served
        worker.terminate()
        worker.wait()
        return Run(wall, worked, served, client.xlen(cell("main", "outbox")))


def fill(client: Any, lines: list[bytes], *, packed: bool) -> None:
    appender = Appender(client)
    for start in range(0, len(lines), 100 if packed else SLICE):
        if packed:
            appender.append(events("event"), lines[start : start + 100])
        else:
            appender.append(events("event"), lines[start : start + SLICE], packed=False)


def read(client: Any) -> Standing | None:
    state = client.hget(cell("main", "commit"), "state")
    return msgspec.msgpack.decode(state, type=Standing) if state else None


def processor_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 500_000, sys.argv[2:] or list(SETS))
