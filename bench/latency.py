"""From append to outbox: how long one event takes through stream, worker, match, commit and outbox, at a steady rate.

    python bench/latency.py [EVENTS_A_SECOND] [SECONDS]

Events come one by one, each an entry of its own, at lateness 0; five rules (W1..W5) run, and one that tells of every event. The
clock of an event starts before it is sent and stops when a reader of the outbox has its alert, so both ways to the server and
the two threads of this program are in it. The first second is not counted.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import generate
import msgspec
from redis_throughput import RULES, read

from cep.buffer.embedded import EmbeddedServer
from cep.buffer.keys import cell, events
from cep.buffer.link import connect

EACH = "\n".join(f"rule each_{name}\n  from {name}\n  emit n\n" for name in generate.TYPES)
WARM_UP_S = 1.0
decode = msgspec.json.Decoder(dict[str, Any]).decode


def main(rate: int, seconds: float) -> None:
    count = int(rate * (seconds + WARM_UP_S))
    with tempfile.TemporaryDirectory() as name, EmbeddedServer(Path(name) / "redis") as server:
        folder = Path(name)
        (folder / "w.cep").write_text(f"{RULES}\n{EACH}")
        (folder / "cep.yml").write_text("rules: w.cep\n")
        words = [sys.executable, "-m", "cep.run.process", "worker", "--no-watch", "--redis", server.url]
        worker = subprocess.Popen([*words, "--config", str(folder / "cep.yml")], env={**os.environ, "CEP_LOG": "warning"})
        while read(connect(server.url)) is None:
            time.sleep(0.01)
        sent, told = [0.0] * count, [0.0] * count
        reader = threading.Thread(target=collect, args=(server.url, told))
        reader.start()
        send(server.url, sent, rate)
        reader.join()
        worker.terminate()
        worker.wait()
    say(rate, after_warm_up(sent, told, rate))


def after_warm_up(sent: list[float], told: list[float], rate: int) -> list[float]:
    """Milliseconds of each event behind the warm-up, sorted."""
    skipped = int(rate * WARM_UP_S)
    return sorted(1000 * (end - start) for start, end in zip(sent[skipped:], told[skipped:]))


def send(url: str, sent: list[float], rate: int) -> None:
    client: Any = connect(url)
    documents = [decode(line) for line in generate.lines(len(sent))]
    began = time.perf_counter()
    for n, document in enumerate(documents):
        document.update(ts=int(time.time() * 1000), n=n)
        wait = began + n / rate - time.perf_counter()
        if wait > 0:
            time.sleep(wait)
        sent[n] = time.perf_counter()
        client.xadd(events("event"), {"json": msgspec.json.encode(document)})


def collect(url: str, told: list[float]) -> None:
    """When the alert about each event was read."""
    client: Any = connect(url)
    cursor, left = "0-0", len(told)
    while left:
        for _, entries in client.xread({cell("main", "outbox"): cursor}, count=1000, block=5000) or ():
            now = time.perf_counter()
            cursor = entries[-1][0]
            for _, fields in entries:
                alert = decode(fields[b"alert"])
                if alert["rule"].startswith("each_"):
                    told[alert["fields"]["n"]] = now
                    left -= 1


def say(rate: int, times_ms: list[float]) -> None:
    shares = (0.5, 0.9, 0.99, 0.999)
    found = "  ".join(f"p{100 * share:g} {times_ms[int(len(times_ms) * share)]:.2f} ms" for share in shares)
    print(f"{rate:,} events/s, {len(times_ms):,} events: {found}  most {times_ms[-1]:.2f} ms")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000, float(sys.argv[2]) if len(sys.argv) > 2 else 20.0)
