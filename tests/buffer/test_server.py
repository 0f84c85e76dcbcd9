from __future__ import annotations

import pytest
import redis

from cep.buffer.link import Link, RedisGone, connect
from cep.buffer.server import check_server
from cep.errors import ConfigError


@pytest.mark.parametrize("policy", ["allkeys-lru", "volatile-ttl"])
def test_a_policy_that_evicts_is_refused_with_its_mend(client: redis.Redis, policy: str) -> None:
    client.config_set("maxmemory-policy", policy)
    try:
        with pytest.raises(ConfigError, match=policy) as caught:
            check_server(client)
        assert caught.value.code == "E0904"
        assert "noeviction" in caught.value.help
    finally:
        client.config_set("maxmemory-policy", "noeviction")


def test_a_good_server_is_told_apart(client: redis.Redis) -> None:
    facts = check_server(client)
    assert facts.product in ("Redis", "Valkey")
    assert facts.aof and not facts.warnings
    assert facts.maxmemory_bytes == 0


def test_no_server_is_said_with_its_mend() -> None:
    with pytest.raises(ConfigError, match="cannot reach Redis") as caught:
        check_server(connect("unix:///nowhere/redis.sock"))
    assert caught.value.code == "E0902"


def test_a_url_that_is_none_is_said_with_its_mend() -> None:
    with pytest.raises(ConfigError, match="cannot read the Redis URL") as caught:
        connect("localhost:6379")
    assert caught.value.code == "E0901"


def test_answers_come_in_the_order_of_what_was_sent(link: Link) -> None:
    link.send("SET", "a", "1")
    link.send("GET", "a")
    assert link.unanswered == 2
    assert [link.receive(), link.receive()] == [b"OK", b"1"]


def test_a_closed_link_says_so_and_opens_again(link: Link) -> None:
    link.send("PING")
    link.close()
    with pytest.raises(RedisGone):
        link.receive()
    assert link.call("PING") == b"PONG"


def test_an_error_that_means_not_now_is_no_fault_of_ours(link: Link, client: redis.Redis) -> None:
    client.config_set("maxmemory", 1)
    try:
        with pytest.raises(RedisGone):
            link.call("SET", "a", "1")
    finally:
        client.config_set("maxmemory", 0)
    with pytest.raises(redis.ResponseError):
        link.call("NONSENSE")
