"""A service of our own for a short while, fed with made-up events as they happen: demos and examples."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from cep.errors import ConfigError
from cep.sources.send import HttpSender, Parcel, Sent

READY_WITHIN_S = 20.0
STOP_WITHIN_S = 12.0


def free_port(wanted: int) -> int:
    """The wanted port on loopback if nobody has it, else any free one."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            bound: int = probe.getsockname()[1]
            return bound
    raise ConfigError("no port is free on 127.0.0.1", "stop a server and try again", "E0965")


@contextmanager
def service(
    config: Path, listen: str, environment: Mapping[str, str], rules: Sequence[str] = ()
) -> Iterator[subprocess.Popen[bytes]]:
    """`cep run` with this configuration as a process, ready to take events; stopped at the end.

    raises  ConfigError: it ended, or was not ready in time
    """
    command = [sys.executable, "-m", "cep", "run", "--config", str(config), *rules]
    process = subprocess.Popen(command, env={**os.environ, **environment})
    try:
        _wait_until_ready(process, f"http://{listen}/readyz")
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(STOP_WITHIN_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_until_ready(process: subprocess.Popen[bytes], url: str) -> None:
    deadline = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise ConfigError("the service ended before it was ready", "its message is above", "E0967")
        try:
            with urllib.request.urlopen(url, timeout=1):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    raise ConfigError(f"the service was not ready within {READY_WITHIN_S:.0f} s", "try again on a machine less busy", "E0967")


def feed(
    events: Iterator[tuple[int, Mapping[str, Any]]],
    listen: str,
    stream: str,
    *,
    speed: float,
    seconds: float,
    head_start_ms: int = 0,
) -> Sent:
    """Send events as they fall due, `speed` times as fast as they say, for so many seconds of wall time.

    events         (milliseconds since the start, event), in time order
    head_start_ms  what lies before this is sent at once
    """
    return asyncio.run(_feed(events, listen, stream, speed, seconds, head_start_ms))


async def _feed(
    events: Iterator[tuple[int, Mapping[str, Any]]], listen: str, stream: str, speed: float, seconds: float, head_start_ms: int
) -> Sent:
    sent = Sent()
    position = 0
    event = next(events, None)
    async with HttpSender(f"http://{listen}", stream=stream) as sender:
        started = time.monotonic()
        while event is not None and (elapsed := time.monotonic() - started) < seconds:
            parcel = Parcel()
            while event is not None and event[0] <= head_start_ms + elapsed * 1000 * speed:
                position += 1
                parcel.docs.append(msgspec.json.encode(event[1]))
                parcel.positions.append(position)
                event = next(events, None)
            if parcel.docs:
                await sender.send(parcel, sent)
            await asyncio.sleep(0.1)
    return sent
