"""The example receiver, as its own process: what it prints of what is sent to it."""

from __future__ import annotations

import asyncio
import importlib.util
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import aiohttp
import pytest

from cep.clock import SystemClock
from cep.deliver.sign import signed_headers, signing_keys
from tests.deliver.bench import SECRET, Bench, alert

RECEIVER = Path(__file__).parents[2] / "examples" / "receiver.py"


@contextmanager
def receiver(*options: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    command = [sys.executable, str(RECEIVER), "--port", "0", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            first = process.stdout.readline()
            assert first.startswith("listening on http://")
            yield first.split()[-1], process
        finally:
            process.kill()


def line_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def post(url: str, headers: dict[str, str], body: bytes) -> int:
    async def send() -> int:
        async with aiohttp.ClientSession() as session, session.post(url, data=body, headers=headers) as answer:
            return answer.status

    return asyncio.run(send())


def test_it_prints_a_line_with_signature_ok_for_a_delivered_alert(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_HOOK_SECRET", SECRET)

    async def deliver(url: str) -> None:
        channel = bench.webhook(url, secret="${env:TEST_HOOK_SECRET}")
        bench.clock.advance_us(SystemClock().now_us() - bench.clock.now_us())  # it checks the time
        async with bench.running(channel) as dispatcher:
            bench.append(alert(1))
            assert await dispatcher.drain() == 0

    with receiver("--secret", SECRET) as (url, process):
        asyncio.run(deliver(url))
        line = line_of(process)
        for part in ("HIGH", "door_forced", '"door-1"', "signature ok", "webhook-id=a1:opened"):
            assert part in line
        bench.redis.flushall()
        asyncio.run(deliver(url))
        assert line_of(process).rstrip().endswith("(again)")


def test_it_refuses_what_is_not_signed_with_its_key_and_bodies_that_are_no_alert() -> None:
    keys = signing_keys(SECRET, "here")
    now = int(time.time())
    with receiver("--secret", SECRET) as (url, process):
        assert post(url, signed_headers((b"another key",), "m1", now, b"{}"), b"{}") == 401
        assert "no signature fits" in line_of(process)
        assert post(url, signed_headers(keys, "m2", now - 301, b"{}"), b"{}") == 401
        assert "five minutes" in line_of(process)
        assert post(url, signed_headers(keys, "m3", now, b"[1]"), b"[1]") == 400
        assert "no alert" in line_of(process)


def test_it_says_what_is_wrong_with_a_secret_and_ends() -> None:
    done = subprocess.run([sys.executable, str(RECEIVER), "--secret", "whsec_!!!"], capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert "--secret is not a Standard Webhooks key" in done.stderr
    assert "!!!" not in done.stderr


def test_a_line_is_written_in_one_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []
    spec = importlib.util.spec_from_file_location("receiver_example", RECEIVER)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(sys.stdout, "write", lambda text: written.append(text))
    module.say("one alert")
    monkeypatch.undo()
    assert [text for text in written if text] == ["one alert\n"]
