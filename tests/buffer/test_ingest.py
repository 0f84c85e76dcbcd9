from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import redis

from cep.buffer.embedded import EmbeddedServer
from cep.buffer.ingest import Appended, Appender, AsyncAppender, Backpressure
from cep.buffer.link import RedisGone, connect, connect_async
from cep.buffer.server import check_server
from cep.errors import ConfigError, EventError

STREAM = "cep:{event}:events"


def documents(n: int, start: int = 0) -> list[bytes]:
    return [b'{"n":%d}' % i for i in range(start, start + n)]


def stored(client: redis.Redis, stream: str = STREAM) -> list[bytes]:
    return [line for _, fields in client.xrange(stream) for line in (fields.get(b"json") or fields[b"lines"]).split(b"\n")]


def test_a_call_sent_twice_counts_once(client: redis.Redis) -> None:
    appender = Appender(client)
    first = appender.append(STREAM, documents(3), producer="p", sequence=7)
    again = appender.append(STREAM, documents(3), producer="p", sequence=7)
    assert (first.appended, first.duplicates) == (3, 0)
    assert again == Appended(0, 3, "", "appended")
    assert stored(client) == documents(3)


def test_numbers_compare_as_numbers_beyond_what_a_float_can_tell_apart(client: redis.Redis) -> None:
    appender = Appender(client)
    for sequence in (9, 10, 2**62, 2**62 + 1, 2**63 + 5):
        assert appender.append(STREAM, documents(1), producer="p", sequence=sequence).appended == 1
    assert appender.append(STREAM, documents(1), producer="p", sequence=2**62 + 2).appended == 0
    assert appender.last(STREAM, "p") == 2**63 + 5


def test_documents_with_numbers_of_their_own_are_appended_from_the_first_new_one(client: redis.Redis) -> None:
    appender = Appender(client)
    appender.append(STREAM, documents(5), producer="kafka/0", sequence=[10, 11, 13, 14, 15])
    late = appender.append(STREAM, documents(4, start=3), producer="kafka/0", sequence=[14, 15, 16, 19])
    assert (late.appended, late.duplicates) == (2, 2)
    assert stored(client) == documents(7)
    assert appender.last(STREAM, "kafka/0") == 19


def test_producers_do_not_know_of_each_other(client: redis.Redis) -> None:
    appender = Appender(client)
    assert appender.append(STREAM, documents(1), producer="a", sequence=5).appended == 1
    assert appender.append(STREAM, documents(1), producer="b", sequence=5).appended == 1
    assert appender.append("other", documents(1), producer="a", sequence=5).appended == 1
    assert appender.last(STREAM, "c") is None


def test_a_forgotten_producer_goes_by_itself(client: redis.Redis) -> None:
    Appender(client).append(STREAM, documents(1), producer="p", sequence=1)
    assert 0 < client.pttl("cep:{event}:producer:p") <= 7 * 24 * 3600 * 1000


def test_without_a_producer_every_call_appends(client: redis.Redis) -> None:
    for _ in range(2):
        assert Appender(client).append(STREAM, documents(1)).appended == 1


def test_several_documents_share_an_entry_up_to_a_mebibyte(client: redis.Redis) -> None:
    big = [b'{"x":"%s"}' % (b"a" * 300_000)] * 8
    Appender(client).append(STREAM, big)
    sizes = [len(next(iter(fields.values()))) for _, fields in client.xrange(STREAM)]
    assert max(sizes) <= 1 << 20
    assert len(sizes) == 3
    assert stored(client) == big


def test_one_document_or_one_with_a_line_feed_gets_an_entry_of_its_own(client: redis.Redis) -> None:
    appender = Appender(client)
    appender.append(STREAM, [b"{}"])
    appender.append(STREAM, [b'{\n"a":1}', b"{}"])
    assert [list(fields) for _, fields in client.xrange(STREAM)] == [[b"json"]] * 3


def test_a_large_call_is_cut_without_losing_its_order(client: redis.Redis) -> None:
    many = documents(45_000)
    told = Appender(client).append(STREAM, many, producer="p", sequence=range(45_000))
    assert told.appended == 45_000
    assert stored(client) == many


def test_numbers_that_cannot_be_are_the_senders_fault(client: redis.Redis) -> None:
    for sequence in ([1], [2, 1, 3], [1, 1, 2], -1):
        with pytest.raises(EventError):
            Appender(client).append(STREAM, documents(3), producer="p", sequence=sequence)
    assert not client.exists(STREAM)


def test_a_key_that_is_no_stream_is_the_operators_fault(client: redis.Redis) -> None:
    client.set(STREAM, "x")
    with pytest.raises(ConfigError, match="not a stream") as caught:
        Appender(client).append(STREAM, documents(1))
    assert caught.value.code == "E0910"


def test_a_nearly_full_server_takes_no_more_events(client: redis.Redis) -> None:
    used = client.info("memory")["used_memory"]
    client.config_set("maxmemory", used + 8_000_000)
    try:
        appender = Appender(client)
        assert appender.append(STREAM, documents(1)).appended == 1
        client.config_set("maxmemory", int(used * 1.1))
        with pytest.raises(Backpressure, match="wait until there is room"):
            Appender(client).append(STREAM, documents(1))
        client.config_set("maxmemory", used // 2)  # the gauge is fresh and does not look: the server itself refuses
        with pytest.raises(Backpressure, match="out of memory"):
            appender.append(STREAM, documents(1))
    finally:
        client.config_set("maxmemory", 0)
    assert stored(client) == documents(1)


def test_an_event_loop_appends_with_the_same_promises(client: redis.Redis, server_url: str) -> None:
    async def twice() -> tuple[list[Appended], int | None]:
        connection = connect_async(server_url)
        appender = AsyncAppender(connection)
        calls = [appender.append(STREAM, documents(3), producer="p", sequence=1) for _ in range(5)]
        answers = list(await asyncio.gather(*calls))
        last = await appender.last(STREAM, "p")
        await connection.aclose()
        return answers, last

    answers, last = asyncio.run(twice())
    assert sum(answer.appended for answer in answers) == 3
    assert last == 1
    assert stored(client) == documents(3)


def test_synced_is_said_only_of_what_is_on_disk(folder: Path) -> None:
    with EmbeddedServer(folder, fsync="always") as server:
        client = connect(server.url)
        facts = check_server(client)
        assert facts.durability == "synced"
        assert Appender(client, durability=facts.durability).append(STREAM, documents(1)).durability == "synced"
    with EmbeddedServer(folder) as server:
        client = connect(server.url)
        assert check_server(client).durability == "appended"
        assert Appender(client).append(STREAM, documents(1)).durability == "appended"
        assert Appender(client, sync=True).append(STREAM, documents(1)).durability == "synced"  # WAITAOF


def test_a_server_that_is_gone_is_said_at_once(folder: Path) -> None:
    with EmbeddedServer(folder) as server:
        client = connect(server.url)
    with pytest.raises(RedisGone):
        Appender(client).append(STREAM, documents(1))
