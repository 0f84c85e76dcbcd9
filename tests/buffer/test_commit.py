from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
import redis

from cep.alert import Alert, AlertRow
from cep.buffer.commit import MOST_ENTRIES, Commits, Entries, Rejection, Standing, read_standing
from cep.buffer.control import Idle, Swap, Wall, read_control
from cep.buffer.gaps import Gap
from cep.buffer.lease import Fenced, Lease, Rewound, is_dead, who_am_i
from cep.buffer.link import Link, RedisGone
from cep.buffer.script import Script
from cep.errors import ConfigError

OUTBOX = "cep:{cell.main}:outbox"


def alert(n: int | str) -> Alert:
    return AlertRow(
        id=f"a_{n}", rule="r", version="v", generation=1, severity="high", title="t", key="k", time_us=1, first_us=1,
        last_us=1, fields={"n": 2**70}, evidence=("1-0",), events=1,
    ).alert()  # fmt: skip


def standing(n: int = 0) -> Standing:
    return Standing({"event": f"{n}-0"}, {"event": n}, n, 1, 0)


def commits(link: Link, lose_answer: Callable[[], bool] = lambda: False) -> Commits:
    lease = Lease("main")
    assert lease.take(link) is None
    return Commits(link, "main", lease, number=0, lose_answer=lose_answer)


def outbox(client: redis.Redis) -> list[str]:
    ids = [fields[b"id"].decode() for _, fields in client.xrange(OUTBOX)]
    assert all(one.endswith(":opened") for one in ids)  # the transition is a part of it: a receiver takes each once
    return [one.removesuffix(":opened") for one in ids]


def test_alerts_rejections_control_and_position_are_written_together(client: redis.Redis, link: Link) -> None:
    writer = commits(link)
    late = Rejection("event", "5-0/2", "E0690", "late by 2 s", b'{"n":1}')
    dead = Rejection("event", "6-0", "E0601", "no JSON", {"a": "ä"})
    moves = [Idle({"event": "7-0"}, "event", "p1"), Wall({"event": "7-0"}, 99), Swap({"event": "7-0"}, 2)]
    gap = Gap(stream="event", kind="trimmed", after="1-0", missed=3)
    writer.submit(Entries([alert(1), alert(2)], [late], [dead], moves, [gap]), standing(7))
    writer.settle()
    assert [msgspec.json.decode(f[b"alert"], type=AlertRow).alert() for _, f in client.xrange(OUTBOX)] == [alert(1), alert(2)]
    ((_, told),) = client.xrange("cep:{cell.main}:late")
    assert told == {
        b"id": b"late:event:5-0/2", b"stream": b"event", b"position": b"5-0/2", b"code": b"E0690", b"reason": b"late by 2 s",
        b"bytes": b"7", b"doc": b'{"n":1}',
    }  # fmt: skip
    ((_, told),) = client.xrange("cep:{cell.main}:dead")
    assert told[b"doc"].decode() == '{"a":"ä"}'
    assert read_control(link, "cep:{cell.main}:control", 0) == moves
    assert read_control(link, "cep:{cell.main}:control", 1) == []
    ((_, told),) = client.xrange("cep:{cell.main}:gaps")
    assert msgspec.json.decode(told[b"gap"], type=Gap) == gap
    assert read_standing(link, "main") == (1, standing(7))


def test_a_commit_whose_answer_was_lost_is_not_done_twice(client: redis.Redis, link: Link) -> None:
    client.script_load(Script("commit").text)  # or the first answer would be that the server does not know it
    lost = iter([False, True, True, False, False])
    writer = commits(link, lambda: next(lost))
    moves = [Wall({}, 5)]
    writer.submit(Entries([alert(1)]), standing(1))
    writer.submit(Entries([alert(2)], control=list(moves)), standing(2))
    for _ in range(2):
        with pytest.raises(RedisGone):
            writer.settle()
        assert outbox(client) == ["a_1", "a_2"]
        assert writer.unanswered == 1
    writer.settle()
    assert outbox(client) == ["a_1", "a_2"]
    assert read_control(link, "cep:{cell.main}:control", 0) == moves
    assert read_standing(link, "main") == (2, standing(2))


def test_commits_are_sent_before_earlier_ones_are_answered(client: redis.Redis, link: Link) -> None:
    writer = commits(link)
    for n in range(5):
        writer.submit(Entries([alert(n)]), standing(n))
        writer.flush()
        writer.settle(leave=1)
    assert writer.unanswered == 1
    client.script_flush()
    writer.submit(Entries([alert(5)]), standing(5))
    writer.submit(Entries([alert(6)]), standing(6))
    writer.settle()
    assert outbox(client) == [f"a_{n}" for n in range(7)]


def test_alerts_met_again_are_refused_until_two_checkpoints_later(client: redis.Redis, link: Link) -> None:
    writer = commits(link)
    writer.submit(Entries([alert(1)]), standing())
    writer.submit(Entries([alert(2)]), standing(), b"manifest 1")
    writer.submit(Entries([alert(1), alert(2), alert(3)]), standing())
    writer.settle()
    assert outbox(client) == ["a_1", "a_2", "a_3"]
    assert (writer.appended, writer.refused) == (3, 2)
    writer.submit(Entries([]), standing(), b"manifest 2")
    writer.submit(Entries([alert(3)]), standing())
    writer.settle()
    assert outbox(client) == ["a_1", "a_2", "a_3"]
    for n in (3, 4):
        writer.submit(Entries([]), standing(), b"manifest %d" % n)
    writer.settle()
    assert client.get("cep:{cell.main}:manifest") == b"manifest 4"
    assert client.exists("cep:{cell.main}:ids:0", "cep:{cell.main}:ids:1") == 0


def test_very_many_alerts_are_several_scripts_and_only_the_last_moves_the_position(client: redis.Redis, link: Link) -> None:
    writer = commits(link)
    writer.submit(Entries([]), standing(1))
    many = [alert(n) for n in range(2 * MOST_ENTRIES + 10)]
    writer.submit(Entries(many, control=[Wall({}, 1)]), standing(2))
    assert writer.unanswered == 4
    writer.settle()
    assert outbox(client) == [f"a_{n}" for n in range(2 * MOST_ENTRIES + 10)]
    assert read_standing(link, "main") == (4, standing(2))
    assert len(read_control(link, "cep:{cell.main}:control", 1)) == 1


def test_positions_of_an_unfinished_step_are_not_seen(client: redis.Redis, link: Link) -> None:
    writer = commits(link)
    writer.submit(Entries([]), standing(1))
    writer.settle()
    writer.submit(Entries([alert(n) for n in range(MOST_ENTRIES + 1)]), standing(2))
    writer._pending.pop()  # the process dies between the two scripts
    writer.settle()
    assert len(outbox(client)) == MOST_ENTRIES
    assert read_standing(link, "main") == (2, standing(1))


def test_a_worker_that_lost_the_cell_writes_nothing(client: redis.Redis, server_url: str, link: Link) -> None:
    old = commits(link)
    client.hset("cep:{cell.main}:owner", "until_ms", 0)  # its lease ran out while it was stopped
    other = Link(server_url)
    new = commits(other)
    new.submit(Entries([alert("new")]), standing(1))
    new.settle()
    old.submit(Entries([alert("old")]), standing(9))
    with pytest.raises(Fenced):
        old.settle()
    with pytest.raises(Fenced):
        old._lease.renew(link, 0)
    assert outbox(client) == ["a_new"]
    other.close()


def test_a_server_that_went_back_is_noticed(client: redis.Redis, link: Link) -> None:
    writer = commits(link)
    for n in (1, 2):
        writer.submit(Entries([alert(n)]), standing(n))
    writer.settle()
    client.hset("cep:{cell.main}:commit", "number", 1)
    writer.submit(Entries([alert(3)]), standing(3))
    with pytest.raises(Rewound, match="commit 1 where 2"):
        writer.settle()
    with pytest.raises(Rewound):
        writer._lease.renew(link, 3)
    client.flushall()
    with pytest.raises(Rewound):
        writer._lease.renew(link, 3)
    assert not client.exists(OUTBOX)


def test_a_key_spoiled_by_others_stops_everything_before_anything_is_written(client: redis.Redis, link: Link) -> None:
    writer = commits(link)
    client.set("cep:{cell.main}:control", "x")
    writer.submit(Entries([alert(1)]), standing(1))
    with pytest.raises(ConfigError, match="holds a string") as caught:
        writer.settle()
    assert caught.value.code == "E0911"
    assert client.keys("*outbox*") == []


def test_commits_find_room_where_events_do_not(client: redis.Redis, link: Link) -> None:
    writer = commits(link)
    client.config_set("maxmemory", 1)
    try:
        writer.submit(Entries([alert(1)]), standing(1))
        writer.settle()
    finally:
        client.config_set("maxmemory", 0)
    assert outbox(client) == ["a_1"]


def test_a_cell_has_one_owner_until_it_gives_up_or_its_lease_is_over(client: redis.Redis, link: Link) -> None:
    first, second = Lease("main"), Lease("main")
    assert first.take(link) is None
    held = second.take(link)
    assert held is not None and held.name == first.name and 0 < held.left_ms <= 60_000
    first.renew(link, 0)
    first.give_up(link, 0)
    assert second.take(link) is None


def test_the_cell_of_a_dead_process_is_taken_at_once(client: redis.Redis, link: Link, server_url: str) -> None:
    script = (
        "import sys; from cep.buffer.lease import Lease; from cep.buffer.link import Link;"
        "print(Lease('main').take(Link(sys.argv[1])))"
    )
    subprocess.run([sys.executable, "-c", script, server_url], check=True, capture_output=True)
    assert int(client.hget("cep:{cell.main}:owner", "until_ms") or 0) > 0
    assert Lease("main").take(link) is None


@pytest.mark.parametrize("who", ["", "nonsense", "other-boot 1 2 3"])
def test_a_process_elsewhere_is_never_called_dead(who: str) -> None:
    assert not is_dead(who)
    assert not is_dead(who_am_i())


def test_a_process_that_took_over_a_number_is_not_the_old_one() -> None:
    words: list[Any] = who_am_i().split()
    assert is_dead(" ".join([*words[:3], "1"]))
