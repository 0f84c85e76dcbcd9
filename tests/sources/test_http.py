"""Ingest over HTTP, against the real application and a real Redis."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import redis
from aiohttp import ClientResponse, ClientTimeout
from aiohttp.test_utils import TestClient, TestServer

from cep.buffer import keys
from cep.buffer.ingest import AsyncAppender
from cep.buffer.link import connect_async
from cep.config import Config, StreamSpec
from cep.errors import ConfigError
from cep.sources import http
from cep.sources.http import check_listen, make_app

ND = {"Content-Type": "application/x-ndjson"}
CLOUD = {"specversion": "1.0", "id": "A-1", "source": "/shop", "type": "order"}
ONE = Config()
TWO = Config(streams={"orders": StreamSpec(name="orders"), "logins": StreamSpec(name="logins", key="shop:{logins}")})


def documents(server: redis.Redis, key: str = keys.events("event")) -> list[bytes]:
    """Every line in a stream, whatever fields its entries have, packed or not."""
    return [line for _, fields in server.xrange(key) for value in fields.values() for line in value.split(b"\n")]


def with_client(url: str, use: Callable[[TestClient[Any, Any]], Awaitable[None]], config: Config = ONE, **options: Any) -> None:
    async def run() -> None:
        connection = connect_async(url)
        try:
            async with TestClient(TestServer(make_app(AsyncAppender(connection), config, **options))) as client:
                await use(client)
        finally:
            await connection.aclose()

    asyncio.run(run())


async def told(response: ClientResponse) -> tuple[int, dict[str, Any]]:
    return response.status, await response.json()


def test_lines_are_in_the_buffer_when_202_is_said(redis_url: str, server: redis.Redis) -> None:
    async def use(client: TestClient[Any, Any]) -> None:
        response = await client.post("/v1/events", data=b'{"n":1}\n{"n":2}\n', headers=ND)
        assert await told(response) == (202, {"accepted": 2, "durable": "appended"})
        assert documents(server) == [b'{"n":1}', b'{"n":2}']

    with_client(redis_url, use)


@pytest.mark.parametrize(
    ("content_type", "body", "count"),
    [
        ("application/json", b'{"n":1}', 1),
        ("application/json; charset=utf-8", b'[{"n":1},{"n":2}]', 2),
        ("application/cloudevents+json", json.dumps(CLOUD).encode(), 1),
        ("application/cloudevents-batch+json", json.dumps([CLOUD, CLOUD]).encode(), 2),
        ("application/x-ndjson", b"", 0),
    ],
)
def test_each_form_is_taken(redis_url: str, server: redis.Redis, content_type: str, body: bytes, count: int) -> None:
    async def use(client: TestClient[Any, Any]) -> None:
        response = await client.post("/v1/events", data=body, headers={"Content-Type": content_type})
        assert await told(response) == (202, {"accepted": count, "durable": "appended"})
        assert len(documents(server)) == count

    with_client(redis_url, use)


def test_a_binary_cloud_event_is_one_event_with_its_envelope(redis_url: str, server: redis.Redis) -> None:
    async def use(client: TestClient[Any, Any]) -> None:
        headers = {f"ce-{name}": value for name, value in CLOUD.items()} | {"Content-Type": "application/json"}
        assert (await client.post("/v1/events", data=b'{"total":5}', headers=headers)).status == 202
        [document] = documents(server)
        assert json.loads(document) == {**CLOUD, "datacontenttype": "application/json", "data": {"total": 5}}

    with_client(redis_url, use)


def test_a_packed_body_is_unpacked(redis_url: str, server: redis.Redis) -> None:
    async def use(client: TestClient[Any, Any]) -> None:
        headers = {**ND, "Content-Encoding": "gzip"}
        assert (await client.post("/v1/events", data=gzip.compress(b'{"n":1}\n{"n":2}'), headers=headers)).status == 202
        assert len(documents(server)) == 2

    with_client(redis_url, use)


def test_faulty_events_are_told_and_kept_and_the_good_ones_are_in(redis_url: str, server: redis.Redis) -> None:
    async def use(client: TestClient[Any, Any]) -> None:
        status, answer = await told(await client.post("/v1/events", data=b'{"n":1}\n[5]\n{"n":3}', headers=ND))
        assert status == 400
        assert answer["accepted"] == 2
        assert answer["rejected"] == 1
        assert answer["faults"] == [{"index": 1, "reason": "an event is a JSON object"}]
        assert documents(server) == [b'{"n":1}', b"[5]", b'{"n":3}']

    with_client(redis_url, use)


def test_a_request_sent_again_with_its_sequence_counts_once(redis_url: str, server: redis.Redis) -> None:
    async def use(client: TestClient[Any, Any]) -> None:
        headers = {**ND, "Cep-Producer": "till-7", "Cep-Sequence": "41"}
        first = await told(await client.post("/v1/events", data=b'{"n":1}\n{"n":2}', headers=headers))
        again = await told(await client.post("/v1/events", data=b'{"n":1}\n{"n":2}', headers=headers))
        assert first == (202, {"accepted": 2, "durable": "appended"})
        assert again == (202, {"accepted": 2, "durable": "appended", "duplicates": 2})
        await client.post("/v1/events", data=b'{"n":3}', headers={**headers, "Cep-Sequence": "42"})
        assert documents(server) == [b'{"n":1}', b'{"n":2}', b'{"n":3}']

    with_client(redis_url, use)


@pytest.mark.parametrize(
    "headers",
    [
        {"Cep-Producer": "a"},
        {"Cep-Sequence": "1"},
        {"Cep-Producer": "a", "Cep-Sequence": "-1"},
        {"Cep-Producer": "a" * 201, "Cep-Sequence": "1"},
    ],
)
def test_half_a_producer_is_refused(redis_url: str, server: redis.Redis, headers: dict[str, str]) -> None:
    async def use(client: TestClient[Any, Any]) -> None:
        status, answer = await told(await client.post("/v1/events", data=b'{"n":1}', headers={**ND, **headers}))
        assert status == 400
        assert answer["help"]
        assert documents(server) == []

    with_client(redis_url, use)


def test_a_stream_goes_to_its_own_key_and_an_unknown_one_is_told(redis_url: str, server: redis.Redis) -> None:
    async def use(client: TestClient[Any, Any]) -> None:
        assert (await client.post("/v1/events/logins", data=b'{"n":1}', headers=ND)).status == 202
        assert documents(server, "shop:{logins}") == [b'{"n":1}']
        status, answer = await told(await client.post("/v1/events/logns", data=b'{"n":1}', headers=ND))
        assert (status, answer["help"]) == (404, "did you mean `logins`?")
        status, answer = await told(await client.post("/v1/events", data=b'{"n":1}', headers=ND))
        assert (status, answer["help"]) == (404, "name one (/v1/events/NAME, `cep send --stream NAME`): orders, logins")

    with_client(redis_url, use, TWO)


def test_without_the_token_nothing_gets_in(redis_url: str, server: redis.Redis) -> None:
    async def use(client: TestClient[Any, Any]) -> None:
        for given in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic right"}, {"Authorization": "Bearer réght"}):
            response = await client.post("/v1/events", data=b'{"n":1}', headers={**ND, **given})
            assert response.status == 401
            assert response.headers["WWW-Authenticate"] == "Bearer"
        assert documents(server) == []
        response = await client.post("/v1/events", data=b'{"n":1}', headers={**ND, "Authorization": "bearer right"})
        assert response.status == 202
        assert (await client.get("/livez")).status == 200

    with_client(redis_url, use, token="right")


def test_a_body_too_large_is_refused_whether_or_not_its_length_is_told(redis_url: str, server: redis.Redis) -> None:
    async def pieces() -> Any:
        for _ in range(30):
            yield b"x" * 100

    async def use(client: TestClient[Any, Any]) -> None:
        told_length = await client.post("/v1/events", data=b"x" * 3000, headers=ND)
        untold = await client.post("/v1/events", data=pieces(), headers=ND)
        unpacked = await client.post("/v1/events", data=gzip.compress(b"x" * 3000), headers={**ND, "Content-Encoding": "gzip"})
        for response in (told_length, untold, unpacked):
            status, answer = await told(response)
            assert (status, answer["help"]) == (413, "send fewer events per request")
        assert documents(server) == []

    with_client(redis_url, use, max_body_bytes=2000)


def test_a_content_type_that_is_not_understood_is_told_how_to_mend(redis_url: str, server: redis.Redis) -> None:
    async def use(client: TestClient[Any, Any]) -> None:
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        status, answer = await told(await client.post("/v1/events", data=b'{"n":1}', headers=headers))
        assert status == 415
        assert "application/x-ndjson" in answer["help"]

    with_client(redis_url, use)


def test_a_damaged_packed_body_and_a_broken_array_are_400(
    redis_url: str, server: redis.Redis, caplog: pytest.LogCaptureFixture
) -> None:
    async def use(client: TestClient[Any, Any]) -> None:
        response = await client.post("/v1/events", data=b"nonsense", headers={**ND, "Content-Encoding": "gzip"})
        assert response.status == 400
        status, answer = await told(
            await client.post("/v1/events", json=None, data=b"[{", headers={"Content-Type": "application/json"})
        )
        assert status == 400
        assert "no JSON array" in answer["error"]

    with_client(redis_url, use)


def test_a_full_redis_is_429_and_says_when_to_come_again(redis_url: str, server: redis.Redis) -> None:
    async def use(client: TestClient[Any, Any]) -> None:
        server.config_set("maxmemory", str(server.info("memory")["used_memory"] + 1000))
        response = await client.post("/v1/events", data=b'{"n":1}', headers=ND)
        assert response.status == 429
        assert int(response.headers["Retry-After"]) >= 1
        assert documents(server) == []

    with_client(redis_url, use)


def test_requests_that_come_at_once_share_entries_and_keep_their_order(redis_url: str, server: redis.Redis) -> None:
    async def use(client: TestClient[Any, Any]) -> None:
        responses = await asyncio.gather(*(client.post("/v1/events", data=b'{"n":%d}' % n, headers=ND) for n in range(200)))
        assert {response.status for response in responses} == {202}
        assert [await response.json() for response in responses[:3]] == [{"accepted": 1, "durable": "appended"}] * 3
        assert sorted(documents(server)) == sorted(b'{"n":%d}' % n for n in range(200))
        assert server.xlen(keys.events("event")) < 200

    with_client(redis_url, use)


def test_requests_that_share_an_append_share_its_fault(redis_url: str, server: redis.Redis) -> None:
    async def use(client: TestClient[Any, Any]) -> None:
        server.set(keys.events("event"), "not a stream")
        posts = (client.post("/v1/events", data=b'{"n":1}', headers=ND, timeout=ClientTimeout(total=20)) for _ in range(20))
        answers = [await told(response) for response in await asyncio.gather(*posts)]
        assert {status for status, _ in answers} == {500}
        assert all(answer["error"] for _, answer in answers)
        server.delete(keys.events("event"))
        assert (await client.post("/v1/events", data=b'{"n":1}', headers=ND)).status == 202

    with_client(redis_url, use)


def test_more_than_may_wait_is_429(redis_url: str, server: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "MAX_WAITING_BYTES", 100)

    async def use(client: TestClient[Any, Any]) -> None:
        server.execute_command("CLIENT", "PAUSE", 300, "ALL")
        posts = [client.post("/v1/events", data=b'{"n":"' + b"x" * 40 + b'"}', headers=ND) for _ in range(10)]
        statuses = [response.status for response in await asyncio.gather(*posts)]
        assert statuses.count(202) == 2
        assert statuses.count(429) == 8
        assert (await client.post("/v1/events", data=b'{"n":1}', headers=ND)).status == 202

    with_client(redis_url, use)


def test_a_redis_that_is_not_there_is_503(tmp_path: Path) -> None:
    async def use(client: TestClient[Any, Any]) -> None:
        response = await client.post("/v1/events", data=b'{"n":1}', headers=ND)
        assert response.status == 503
        assert "Retry-After" in response.headers

    with_client(f"unix://{tmp_path}/nothing", use)


def test_health_says_its_reasons(redis_url: str) -> None:
    reasons = ["no generation is loaded"]
    counts: dict[str, int] = {}

    async def use(client: TestClient[Any, Any]) -> None:
        assert await told(await client.get("/livez")) == (200, {"ok": True})
        assert await told(await client.get("/readyz")) == (503, {"ok": False, "reasons": reasons})
        reasons.clear()
        assert await told(await client.get("/readyz")) == (200, {"ok": True})
        counts["seen"] = 3
        assert await told(await client.get("/readyz")) == (200, {"ok": True, "events": {"seen": 3}})

    with_client(redis_url, use, ready=lambda: reasons, counts=lambda: counts)


def test_what_is_not_there_is_answered_in_json_too(redis_url: str) -> None:
    async def use(client: TestClient[Any, Any]) -> None:
        assert await told(await client.get("/nothing")) == (404, {"error": "Not Found"})
        response = await client.get("/v1/events")
        assert (response.status, response.headers["Allow"]) == (405, "POST")

    with_client(redis_url, use)


def test_listening_beyond_loopback_needs_a_token(monkeypatch: pytest.MonkeyPatch) -> None:
    for address in ("0.0.0.0:80", "[::]:80", "example.org:80", "10.0.0.1:80"):
        with pytest.raises(ConfigError, match="anyone could send") as caught:
            check_listen(Config(listen=address))
        assert caught.value.code == "E0960"
    for address in ("127.0.0.1:80", "[::1]:80", "localhost:80", "127.9.9.9:80"):
        assert check_listen(Config(listen=address)).token is None
    monkeypatch.setenv("CEP_TEST_TOKEN", "right")
    listen = check_listen(Config(listen="0.0.0.0:80", ingest_token="${env:CEP_TEST_TOKEN}"))
    assert (listen.host, listen.port, listen.token) == ("0.0.0.0", 80, "right")
    monkeypatch.setenv("CEP_TEST_TOKEN", "")
    with pytest.raises(ConfigError, match="anyone could send"):
        check_listen(Config(listen="0.0.0.0:80", ingest_token="${env:CEP_TEST_TOKEN}"))
    monkeypatch.delenv("CEP_TEST_TOKEN")
    with pytest.raises(ConfigError, match="CEP_TEST_TOKEN is not set"):
        check_listen(Config(listen="0.0.0.0:80", ingest_token="${env:CEP_TEST_TOKEN}"))
