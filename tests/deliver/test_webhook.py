"""One POST: what goes out, what is read of the answer, what is said of failures."""

from __future__ import annotations

import asyncio
import logging
import shutil
import ssl
import subprocess
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from standardwebhooks import Webhook

from cep.buffer import keys
from cep.clock import SystemClock
from cep.config import ChannelSpec
from cep.deliver.outcome import Kind, Outcome
from cep.deliver.parcel import Parcel
from cep.deliver.secrets import Secrets
from cep.deliver.webhook import KEPT_BYTES, READ_BYTES, WebhookReceiver
from cep.errors import ConfigError
from tests.deliver.bench import SECRET, Answer, Bench, Request, Scripted, alert

OPENSSL = [found] if (found := shutil.which("openssl")) else []


async def attempt(spec: ChannelSpec, base: Path = Path()) -> Outcome:
    receiver = WebhookReceiver(spec, Secrets(base), SystemClock())
    parcel = Parcel("a1:opened", alert(1), b"")
    parcel.body = receiver.render(parcel.alert)
    try:
        receiver.sign(parcel)
        return await receiver.send([parcel])
    finally:
        await receiver.close()


def outcome_of(answer: Answer, **changes: Any) -> tuple[Outcome, list[Request]]:
    async def scenario() -> tuple[Outcome, list[Request]]:
        async with Scripted([answer]).listening() as soc:
            return await attempt(ChannelSpec("soc", "webhook", url=soc.url, **changes)), soc.requests

    return asyncio.run(scenario())


def test_a_public_library_verifies_what_arrives_during_rotation_with_either_key(monkeypatch: pytest.MonkeyPatch) -> None:
    other = "whsec_" + "QUFB" * 8
    monkeypatch.setenv("HOOK_SECRET", f"{SECRET} {other}")
    outcome, (request,) = outcome_of(200, secret="${env:HOOK_SECRET}")
    assert outcome.kind is Kind.OK
    for key in (SECRET, other):
        assert Webhook(key).verify(request.body, request.headers)["type"] == "alert.opened"
    assert abs(int(request.headers["webhook-timestamp"]) - time.time()) < 60


def test_headers_of_the_channel_go_out_with_their_references_resolved(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK_TOKEN", "t0ken")
    _, (request,) = outcome_of(200, headers=(("Authorization", "Bearer ${env:HOOK_TOKEN}"), ("User-Agent", "mine")))
    assert request.headers["authorization"] == "Bearer t0ken"
    assert request.headers["user-agent"] == "mine"
    assert request.headers["accept-encoding"] == "identity", "what is said of a failure must be readable"
    assert "webhook-signature" not in request.headers


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_refusals_and_not_followed(status: int) -> None:
    outcome, requests = outcome_of((status, {"location": "/elsewhere"}))
    assert (outcome.kind, outcome.status, len(requests)) == (Kind.REFUSED, status, 1)


def test_a_failure_is_said_with_status_and_the_head_of_the_answer() -> None:
    outcome, _ = outcome_of(web.Response(status=500, text="first\nsecond\x1b[2J" + "x" * 100_000))
    assert outcome.said.startswith("500 Internal Server Error: first second [2Jxx")
    assert len(outcome.said) < KEPT_BYTES + 50
    assert outcome.said.isprintable()


def test_a_success_is_a_success_whatever_its_body() -> None:
    assert outcome_of(web.Response(status=200, body=b"\xff" * (READ_BYTES * 20)))[0].kind is Kind.OK
    gzipped = web.Response(status=200, body=b"not gzip", headers={"content-encoding": "gzip"})
    assert outcome_of(gzipped)[0].kind is Kind.OK


def test_an_endless_answer_is_cut_and_the_status_counts() -> None:
    async def scenario() -> None:
        sent = 0

        async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal sent
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100000000\r\n\r\n")
            try:
                while True:
                    writer.write(b"x" * 8192)
                    sent += 8192
                    await writer.drain()
            except ConnectionError:
                writer.close()

        server = await asyncio.start_server(drip, "127.0.0.1", 0)
        async with server:
            url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
            outcome = await attempt(ChannelSpec("soc", "webhook", url=url, timeout_s=10))
        assert outcome.kind is Kind.OK
        assert sent < 50_000_000

    asyncio.run(scenario())


def test_a_success_that_never_ends_its_body_is_still_delivered() -> None:
    async def scenario() -> None:
        async def stall(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc")
            await writer.drain()
            await reader.read()
            writer.close()

        assert (await against(stall, timeout_s=0.3)).kind is Kind.OK

    asyncio.run(scenario())


Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def against(handler: Handler, **changes: Any) -> Outcome:
    server = await asyncio.start_server(handler, "127.0.0.1", 0)
    try:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        return await attempt(ChannelSpec("soc", "webhook", url=url, **changes))
    finally:
        server.close()


@pytest.mark.parametrize(
    "garbage",
    [
        b"",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"x: " + b"y" * 1_000_000,
        b"\x15\x03\x01\x00\x02\x02",
    ],
    ids=["silence", "ssh", "no status", "huge header", "tls"],
)
def test_what_is_no_http_is_a_failure_that_may_pass(garbage: bytes) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(garbage)
        writer.close()

    outcome = asyncio.run(against(answer))
    assert outcome.kind is Kind.RETRY
    assert outcome.said


def test_nobody_listening_is_a_failure_that_may_pass() -> None:
    outcome = asyncio.run(attempt(ChannelSpec("soc", "webhook", url="http://127.0.0.1:1/")))
    assert outcome.kind is Kind.RETRY
    assert "127.0.0.1" in outcome.said


@pytest.mark.parametrize("value", ["a\r\nevil: 1", "a\x00b"])
def test_a_secret_cannot_smuggle_a_header(value: str, tmp_path: Path) -> None:
    (tmp_path / "token").write_text(value)
    spec = ChannelSpec("soc", "webhook", url="http://127.0.0.1:1/", headers=(("x-a", "${file:token}"),))
    with pytest.raises(ConfigError) as fault:
        asyncio.run(attempt(spec, tmp_path))
    assert fault.value.code == "E0938"
    assert "evil" not in str(fault.value)


@pytest.mark.parametrize("url", ["ftp://x.test/", "http://u:p@127.0.0.1/", "http://", "no url", "http://[::1/"])
def test_a_url_that_a_reference_gives_is_judged_when_used(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK_URL", url)
    with pytest.raises(ConfigError) as fault:
        asyncio.run(attempt(ChannelSpec("soc", "webhook", url="${env:HOOK_URL}")))
    assert fault.value.code == "E0934"
    assert url not in str(fault.value)


@pytest.mark.parametrize("openssl", OPENSSL)
def test_tls_needs_a_certificate_we_trust(openssl: str, tmp_path: Path) -> None:
    words = f"{openssl} req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 -subj /CN=localhost"
    subprocess.run(
        [*words.split(), "-addext", "subjectAltName=IP:127.0.0.1"],
        cwd=tmp_path,
        check=True,
        capture_output=True,
    )

    async def scenario() -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
            await writer.drain()
            writer.close()

        server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
        url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        spec = ChannelSpec("soc", "webhook", url=url)
        outcome = await attempt(spec)
        assert outcome.kind is Kind.RETRY
        assert "certificate" in outcome.said.lower()
        trusting = ChannelSpec("soc", "webhook", url=url, ca=str(tmp_path / "cert.pem"))
        assert (await attempt(trusting)).kind is Kind.OK
        for wrong in ("absent.pem", "key.pem"):
            with pytest.raises(ConfigError, match="ca file") as fault:
                await attempt(ChannelSpec("soc", "webhook", url=url, ca=str(tmp_path / wrong)))
            assert fault.value.code == "E0942"
        server.close()

    asyncio.run(scenario())


def test_no_secret_is_found_in_logs_queue_or_dead_letters(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    canaries = [f"canary{n}-{'z' * 12}" for n in range(3)]
    (bench.folder / "url").write_text(canaries[0])
    (bench.folder / "header").write_text(canaries[1])
    (bench.folder / "secret").write_text("whsec_" + "Y2FuYXJ5" * 4)

    def echo(request: Request) -> web.Response:
        words = " ".join([request.path, *request.headers.values(), "Y2FuYXJ5" * 4])
        return web.Response(status=500, text=f"cannot serve {words}", reason=f"No {canaries[1]}")

    async def scenario() -> None:
        soc = Scripted(decide=echo)
        async with soc.listening():
            channel = bench.webhook(
                soc.url + "/${file:url}",
                secret="${file:secret}",
                headers=(("x-key", "${file:header}"),),
                schedule_s=(0, 1),
            )
            async with bench.running(channel) as dispatcher:
                bench.append(alert(1), alert(2))
                await dispatcher.drain()
                bench.after(dispatcher, 2)
                assert await dispatcher.drain() == 0
                assert len(await dispatcher.dead_letters("soc")) == 2
                (bench.folder / "secret").unlink()
                bench.append(alert(3))
                await dispatcher.drain()
        assert any(canaries[0] in request.path for request in soc.requests), "the receiver does get it"

    with caplog.at_level(logging.DEBUG):
        asyncio.run(scenario())
    everything = caplog.text + str(
        [bench.redis.xrange(keys.channel("soc", "dead")), bench.redis.hgetall(keys.channel("soc", "health"))]
    )
    everything += str(bench.redis.hgetall(keys.channel("soc", "tries")))
    assert "[secret]" in everything
    for hidden in (*canaries, "Y2FuYXJ5" * 4):
        assert hidden not in everything


def test_a_secret_that_is_missing_delays_and_loses_nothing(bench: Bench) -> None:
    async def scenario() -> None:
        async with Scripted().listening() as soc:
            channel = bench.webhook(soc.url, secret="${file:secret}")
            async with bench.running(channel) as dispatcher:
                bench.append(alert(1))
                assert await dispatcher.drain() == 1
                assert (await dispatcher.status())["soc"].misconfigured.startswith("secret: ")  # the log names the channel
                assert soc.requests == []
                (bench.folder / "secret").write_text(SECRET)
                bench.after(dispatcher, 6)
                assert await dispatcher.drain() == 0
                assert (await dispatcher.status())["soc"].misconfigured == ""
                assert soc.ids == ["a1:opened"]

    asyncio.run(scenario())


def test_a_late_retry_passes_a_receiver_that_allows_five_minutes(bench: Bench) -> None:
    async def scenario() -> None:
        (bench.folder / "secret").write_text(SECRET)

        def check(request: Request) -> int:
            sent = int(request.headers["webhook-timestamp"])
            return 200 if abs(bench.clock.now_us() // 1_000_000 - sent) < 300 and len(soc.requests) > 1 else 500

        soc = Scripted(decide=check)
        async with soc.listening(), bench.running(bench.webhook(soc.url, secret="${file:secret}")) as dispatcher:
            bench.append(alert(1))
            assert await dispatcher.drain() == 1
            bench.after(dispatcher, 10 * 3600)
            assert await dispatcher.drain() == 0
            assert set(soc.ids) == {"a1:opened"}

    asyncio.run(scenario())
