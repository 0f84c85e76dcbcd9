"""Events a second through Redis: read, five rules (W1..W5), commits, outbox, checkpoints. One event an entry, and packed.

    python bench/redis_throughput.py [EVENTS]

The stream is filled first, then a worker process like that of `cep run` works it off. Measured from its first commit (when
rules are loaded) to the one that covers the last entry; beside it the same pipeline over the same lines without Redis, so that
the figures mean something on another machine.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
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
SLICE = 1000


def main(count: int) -> None:
    lines = generate.lines(count)
    alone = without_redis(lines)
    print(f"{'pipeline alone':<22} {alone:>10,.0f} events/s  1.00")
    for name, packed in (("one event an entry", False), ("100 events an entry", True)):
        rate, alerts, processor = through_redis(lines, packed=packed)
        ratio = f"{rate / alone:.2f}"
        print(f"{name:<22} {rate:>10,.0f} events/s  {ratio}  {alerts:,} alerts, {count / processor:,.0f} events per CPU second")


def without_redis(lines: list[bytes]) -> float:
    config = Config()
    pipeline = Pipeline(load_texts({"w.cep": RULES}, config).rulebook, config.streams)
    with collector_kept_out():
        started = time.perf_counter()
        for start in range(0, len(lines), SLICE):
            some = lines[start : start + SLICE]
            pipeline.push("event", some, range(start + 1, start + 1 + len(some)))
        return len(lines) / (time.perf_counter() - started)


def through_redis(lines: list[bytes], *, packed: bool) -> tuple[float, int, float]:
    """Events a second, alerts, processor seconds of the worker."""
    with tempfile.TemporaryDirectory() as name, EmbeddedServer(Path(name) / "redis") as server:
        folder = Path(name)
        (folder / "w.cep").write_text(RULES)
        (folder / "cep.yml").write_text("rules: w.cep\n")
        client: Any = connect(server.url)
        fill(client, lines, packed=packed)
        words = [sys.executable, "-m", "cep.run.process", "worker", "--no-watch", "--redis", server.url]
        worker = subprocess.Popen([*words, "--config", str(folder / "cep.yml")], env={**os.environ, "CEP_LOG": "warning"})
        last = client.xrevrange(events("event"), count=1)[0][0].decode()
        while (standing := read(client)) is None:
            time.sleep(0.001)
        started, before = time.perf_counter(), processor_seconds(worker.pid)
        while standing.highs["event"] != last:
            time.sleep(0.005)
            standing = read(client) or standing
        seconds, used = time.perf_counter() - started, processor_seconds(worker.pid) - before
        worker.terminate()
        worker.wait()
        return len(lines) / seconds, client.xlen(cell("main", "outbox")), used


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
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 500_000)
