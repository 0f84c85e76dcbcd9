"""What `cep send` does: everything arrives once and in order, however often it must be said again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import redis
from aiohttp import web
from redis.asyncio import Redis as AsyncRedis

from cep.buffer import keys
from cep.buffer.ingest import AsyncAppender
from cep.buffer.link import connect_async
from cep.config import Config
from cep.errors import ConfigError
from cep.sources.file import Lines, read_file
from cep.sources.http import Listen, make_app, serving
from cep.sources.send import PARCEL_LINES, Busy, HttpSender, Parcel, RedisSender, Sent, parcels, producer_of, send_all

LOOPBACK = Listen("127.0.0.1", 0, None)


async def at_once(_seconds: float) -> None:
    """A pause that takes no time."""


def documents(server: redis.Redis) -> list[bytes]:
    return [line for _, fields in server.xrange(keys.events("event")) for value in fields.values() for line in value.split(b"\n")]


def numbered(path: Path, count: int) -> list[bytes]:
    lines = [b'{"n":%d}' % n for n in range(count)]
    path.write_bytes(b"\n".join(lines) + b"\n")
    return lines


def with_redis(url: str, use: Callable[[AsyncRedis], Awaitable[Sent]]) -> Sent:
    async def run() -> Sent:
        connection = connect_async(url)
        try:
            return await use(connection)
        finally:
            await connection.aclose()

    return asyncio.run(run())


def test_a_file_arrives_over_http_whole_and_in_order(redis_url: str, server: redis.Redis, tmp_path: Path) -> None:
    lines = numbered(tmp_path / "a.jsonl", 2500)
    told: list[int] = []

    async def use(connection: AsyncRedis) -> Sent:
        async with (
            serving(make_app(AsyncAppender(connection), Config(), token="t"), LOOPBACK) as port,
            HttpSender(f"http://127.0.0.1:{port}", token="t") as sender,
        ):
            return await send_all(read_file(tmp_path / "a.jsonl"), sender, told=lambda sent: told.append(sent.accepted))

    sent = with_redis(redis_url, use)
    assert (sent.accepted, sent.rejected, sent.retries) == (2500, 0, 0)
    assert told == [1000, 2000, 2500]
    assert documents(server) == lines


def test_faulty_lines_are_told_by_their_line_and_stop_nothing(redis_url: str, server: redis.Redis, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(b'{"n":1}\n\n{"n":\n{"n":3}\n' + b"x" * 1_100_000 + b'\n{"n":6}')

    async def use(connection: AsyncRedis) -> Sent:
        async with (
            serving(make_app(AsyncAppender(connection), Config()), LOOPBACK) as port,
            HttpSender(f"http://127.0.0.1:{port}/") as sender,
        ):
            return await send_all(read_file(tmp_path / "a.jsonl"), sender)

    sent = with_redis(redis_url, use)
    assert (sent.accepted, sent.rejected) == (3, 2)
    assert sorted(line for line, _ in sent.faults) == [3, 5]


def test_a_lost_answer_is_asked_for_again_and_counts_once(redis_url: str, server: redis.Redis, tmp_path: Path) -> None:
    lines = numbered(tmp_path / "a.jsonl", 2500)
    asked = 0

    @web.middleware
    async def lose_every_first_answer(
        request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        nonlocal asked
        asked += 1
        response = await handler(request)
        if asked % 2:
            assert request.transport is not None
            request.transport.abort()
        return response

    async def use(connection: AsyncRedis) -> Sent:
        app = make_app(AsyncAppender(connection), Config())
        app.middlewares.append(lose_every_first_answer)
        async with serving(app, LOOPBACK) as port, HttpSender(f"http://127.0.0.1:{port}") as sender:
            return await send_all(read_file(tmp_path / "a.jsonl"), sender, sleep=at_once)

    sent = with_redis(redis_url, use)
    assert (sent.accepted, sent.known, sent.retries) == (2500, 0, 3)
    assert documents(server) == lines


def test_back_pressure_is_waited_out(redis_url: str, server: redis.Redis, tmp_path: Path) -> None:
    lines = numbered(tmp_path / "a.jsonl", 10)
    server.config_set("maxmemory", str(server.info("memory")["used_memory"] + 1000))
    pauses: list[float] = []

    async def make_room(seconds: float) -> None:
        pauses.append(seconds)
        server.config_set("maxmemory", "0")
        await asyncio.sleep(0)

    async def use(connection: AsyncRedis) -> Sent:
        async with (
            serving(make_app(AsyncAppender(connection), Config()), LOOPBACK) as port,
            HttpSender(f"http://127.0.0.1:{port}") as sender,
        ):
            return await send_all(read_file(tmp_path / "a.jsonl"), sender, patience_s=1e9, sleep=make_room)

    assert with_redis(redis_url, use).accepted == 10
    assert pauses
    assert set(pauses) == {1.0}  # what Retry-After said
    assert documents(server) == lines


def test_a_wrong_token_and_a_wrong_address_are_told(redis_url: str, server: redis.Redis, tmp_path: Path) -> None:
    numbered(tmp_path / "a.jsonl", 1)

    async def with_token(connection: AsyncRedis) -> Sent:
        async with (
            serving(make_app(AsyncAppender(connection), Config(), token="right"), LOOPBACK) as port,
            HttpSender(f"http://127.0.0.1:{port}", token="wrong") as sender,
        ):
            return await send_all(read_file(tmp_path / "a.jsonl"), sender)

    with pytest.raises(ConfigError, match="answers 401: the token is missing or wrong; send `Authorization"):
        with_redis(redis_url, with_token)

    async def nowhere(_connection: AsyncRedis) -> Sent:
        async with HttpSender("http://127.0.0.1:1") as sender:
            return await send_all(read_file(tmp_path / "a.jsonl"), sender, patience_s=1, sleep=at_once)

    with pytest.raises(
        ConfigError, match=r"no event was sent in .* nobody answers at http://127.0.0.1:1; is `cep run` running\?; send it again"
    ):
        with_redis(redis_url, nowhere)
    assert documents(server) == []


def test_a_file_sent_again_under_its_name_goes_on_where_it_stopped(redis_url: str, server: redis.Redis, tmp_path: Path) -> None:
    lines = numbered(tmp_path / "a.jsonl", 2500)

    class Breaks(RedisSender):
        async def send(self, parcel: Parcel, sent: Sent) -> None:
            if parcel.sequence > 2000:
                raise Busy("the cable is out")
            await super().send(parcel, sent)

    async def broken(connection: AsyncRedis) -> Sent:
        sender = Breaks(AsyncAppender(connection), keys.events("event"), producer="import")
        return await send_all(read_file(tmp_path / "a.jsonl"), sender, patience_s=1, sleep=at_once)

    async def whole(connection: AsyncRedis) -> Sent:
        sender = RedisSender(AsyncAppender(connection), keys.events("event"), producer="import")
        return await send_all(read_file(tmp_path / "a.jsonl", batch_lines=7), sender)

    with pytest.raises(ConfigError, match="the cable is out"):
        with_redis(redis_url, broken)
    assert documents(server) == lines[:2000]
    sent = with_redis(redis_url, whole)
    assert (sent.accepted, sent.known) == (500, 2000)
    assert documents(server) == lines


def test_what_was_there_already_is_told_apart_from_what_is_new(redis_url: str, server: redis.Redis, tmp_path: Path) -> None:
    lines = numbered(tmp_path / "a.jsonl", 30)

    async def use(connection: AsyncRedis) -> Sent:
        app = make_app(AsyncAppender(connection), Config())
        name = producer_of(str(tmp_path / "a.jsonl"))
        async with serving(app, LOOPBACK) as port, HttpSender(f"http://127.0.0.1:{port}", producer=name) as sender:
            return await send_all(read_file(tmp_path / "a.jsonl"), sender)

    first, second = with_redis(redis_url, use), with_redis(redis_url, use)
    assert (first.accepted, first.known) == (30, 0)
    assert (second.accepted, second.known) == (0, 30)
    assert documents(server) == lines


def test_a_file_is_known_by_its_content_and_standard_input_by_nothing(tmp_path: Path) -> None:
    for name, text in (("a", "1"), ("same", "1"), ("other", "2")):
        (tmp_path / name).write_text(text)
    a, same, other = (producer_of(str(tmp_path / name)) for name in ("a", "same", "other"))
    assert a == same != other
    assert producer_of("-") != producer_of("-")


def test_waiting_is_told_at_once_and_once_for_each_parcel(tmp_path: Path) -> None:
    numbered(tmp_path / "a.jsonl", 1)
    told: list[str] = []

    async def nowhere() -> Sent:
        async with HttpSender("http://127.0.0.1:1") as sender:
            return await send_all(read_file(tmp_path / "a.jsonl"), sender, patience_s=3, sleep=at_once, waiting=told.append)

    with pytest.raises(ConfigError):
        asyncio.run(nowhere())
    assert told == ["nobody answers at http://127.0.0.1:1; is `cep run` running? trying again for 3 s"]


def test_parcels_end_at_the_same_lines_however_the_input_is_cut() -> None:
    def cut(size: int) -> list[Lines]:
        return [
            Lines([b"{}"] * len(numbers), numbers)
            for first in range(1, 3001, size)
            if (numbers := [n for n in range(first, min(first + size, 3001)) if n % 7])
        ]

    expected = [parcel.positions for parcel in parcels(cut(3000), Sent())]
    assert len(expected) == 3000 // PARCEL_LINES
    for size in (1, 10, 999, 1024):
        assert [parcel.positions for parcel in parcels(cut(size), Sent())] == expected
