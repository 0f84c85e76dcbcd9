"""A channel's queue on every server there is: one step or none, nothing twice, the order of lanes, who owns it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import msgspec
import pytest

from cep.buffer.link import connect, connect_async
from cep.deliver.health import Health
from cep.deliver.outcome import Kind, Outcome, Tries
from cep.deliver.parcel import Parcel, Turn
from cep.deliver.queue import KEEP_DEAD_MS, ChannelQueue
from cep.errors import ConfigError
from tests.deliver.bench import NOW_US, SECOND_US, alert

OK, NO = Outcome(Kind.OK, "200"), Outcome(Kind.RETRY, "500")
Scenario = Callable[[ChannelQueue, ChannelQueue], Awaitable[None]]


def on(url: str, scenario: Scenario) -> None:
    """Run with two views of one queue; the first owns it."""

    async def run() -> None:
        redis = connect_async(url)
        await redis.flushall()
        mine, other = ChannelQueue(redis, "soc", "me"), ChannelQueue(redis, "soc", "other")
        await mine.take_over()
        try:
            await scenario(mine, other)
        finally:
            await redis.aclose()

    asyncio.run(run())


def parcel(number: int, lane: str = "", entry: str = "") -> Parcel:
    one = alert(number)
    return Parcel(f"{one.id}:opened", one, msgspec.json.encode(one.row()), entry or f"{number}-0", "soc", lane or f"lane{number}")


async def ids(queue: ChannelQueue, now_us: int, lanes: int = 100, burst: int = 1, busy: tuple[str, ...] = ()) -> list[str]:
    turns, _ = await queue.claim(now_us, lanes, burst, busy)
    return [parcel.id for turn in turns for parcel in turn.parcels]


async def settle(
    queue: ChannelQueue, turn: Turn, outcome: Outcome, verdict: str, due_us: int = NOW_US, health: Health | None = None
) -> None:
    health = health or Health(1, "target")
    await queue.record(turn, outcome, verdict, NOW_US, due_us=due_us, next_us=NOW_US, health=health)  # type: ignore[arg-type]


def test_a_chunk_read_again_adds_nothing(any_redis: str) -> None:
    async def scenario(queue: ChannelQueue, _: ChannelQueue) -> None:
        assert await queue.cursor("main") is None
        assert await queue.enqueue("main", "3-0", [parcel(1), parcel(3)], NOW_US) == 2
        assert await queue.cursor("main") == "3-0"
        assert await queue.enqueue("main", "3-0", [parcel(1), parcel(3)], NOW_US) == 0
        assert await queue.enqueue("main", "4-0", [parcel(1), parcel(3), parcel(4)], NOW_US) == 1
        assert await queue.enqueue("main", "2-0", [], NOW_US) == 0
        assert await queue.cursor("main") == "4-0", "a cursor does not go back"
        assert await queue.waiting() == 3

    on(any_redis, scenario)


def test_what_was_sent_does_not_come_back_when_its_chunk_is_read_again(any_redis: str) -> None:
    async def scenario(queue: ChannelQueue, _: ChannelQueue) -> None:
        await queue.enqueue("main", "1-0", [parcel(1)], NOW_US)
        ((turn,), _) = await queue.claim(NOW_US, 4, 1, ())
        await settle(queue, turn, OK, "sent")
        assert await queue.enqueue("main", "1-0", [parcel(1)], NOW_US) == 0
        assert await queue.waiting() == 0

    on(any_redis, scenario)


def test_entry_ids_are_compared_as_numbers(any_redis: str) -> None:
    async def scenario(queue: ChannelQueue, _: ChannelQueue) -> None:
        big = 2**63
        order = ["9-0", "10-0", "10-9", "10-10", f"10-{big}", f"10-{big + 1}", "1718000000000-0"]
        for number, entry in enumerate(order):
            assert await queue.enqueue("main", entry, [parcel(number, entry=entry)], NOW_US) == 1, entry
            assert await queue.cursor("main") == entry
        for number, entry in enumerate(order[:-1], 100):
            assert await queue.enqueue("main", entry, [parcel(number, entry=entry)], NOW_US) == 0, entry

    on(any_redis, scenario)


def test_lanes_come_in_the_order_of_the_outbox_and_one_head_each(any_redis: str) -> None:
    async def scenario(queue: ChannelQueue, _: ChannelQueue) -> None:
        lanes = ["z", "a", "m", "z", "b", "a"]
        await queue.enqueue("main", "6-0", [parcel(n, lane) for n, lane in enumerate(lanes)], NOW_US)
        assert await ids(queue, NOW_US) == ["a0:opened", "a1:opened", "a2:opened", "a4:opened"]
        assert await ids(queue, NOW_US, lanes=2) == ["a0:opened", "a1:opened"]
        assert await ids(queue, NOW_US, lanes=1, busy=("z", "m")) == ["a1:opened"]
        assert await ids(queue, NOW_US, lanes=0) == []
        assert await ids(queue, NOW_US - SECOND_US) == [], "not due yet"
        assert await ids(queue, NOW_US, burst=10) == [
            "a0:opened",
            "a3:opened",
            "a1:opened",
            "a5:opened",
            "a2:opened",
            "a4:opened",
        ]

    on(any_redis, scenario)


def test_a_retried_head_keeps_its_lane_closed_and_its_tries(any_redis: str) -> None:
    async def scenario(queue: ChannelQueue, _: ChannelQueue) -> None:
        await queue.enqueue("main", "2-0", [parcel(1, "x"), parcel(2, "x")], NOW_US)
        ((turn,), _) = await queue.claim(NOW_US, 4, 1, ())
        turn.parcels[0].tries = Tries(1, 1, NOW_US, "500")
        later = NOW_US + 5 * SECOND_US
        await settle(queue, turn, NO, "again", later)
        assert await queue.claim(NOW_US, 4, 1, ()) == ([], later)
        ((again,), _) = await queue.claim(later, 4, 1, ())
        assert again.parcels[0].id == "a1:opened"
        assert again.parcels[0].tries == Tries(1, 1, NOW_US, "500")
        await settle(queue, again, OK, "sent")
        assert await ids(queue, NOW_US) == ["a2:opened"]

    on(any_redis, scenario)


def test_a_record_sent_again_because_its_answer_was_lost_changes_nothing(any_redis: str) -> None:
    async def scenario(queue: ChannelQueue, _: ChannelQueue) -> None:
        await queue.enqueue("main", "3-0", [parcel(1, "x"), parcel(2, "x"), parcel(3, "x")], NOW_US)
        for verdict, outcome in (("sent", OK), ("dead", NO)):
            ((turn,), _) = await queue.claim(NOW_US, 4, 1, ())
            await settle(queue, turn, outcome, verdict)
            await settle(queue, turn, outcome, verdict)
        assert await ids(queue, NOW_US, burst=9) == ["a3:opened"]
        assert await queue.waiting() == 1
        assert await queue.dead_count() == 1

    on(any_redis, scenario)


def test_dead_letters_older_than_two_weeks_go(any_redis: str) -> None:
    async def scenario(queue: ChannelQueue, _: ChannelQueue) -> None:
        redis = connect(any_redis)
        old = {"id": "old", "lane": "x", "at": 1, "attempts": 1, "error": "e", "alert": "{}"}
        for number in range(300):  # trimming is by whole nodes of the stream
            redis.xadd("cep:{channel.soc}:dead", old, id=f"{NOW_US // 1000 - KEEP_DEAD_MS - 1000 + number}-0")  # type: ignore[arg-type]
        redis.close()
        await queue.enqueue("main", "1-0", [parcel(1)], NOW_US)
        ((turn,), _) = await queue.claim(NOW_US, 4, 1, ())
        await settle(queue, turn, NO, "dead")
        letters = await queue.dead_letters(1000)
        assert letters[0].id == "a1:opened"
        assert len(letters) <= 101

    on(any_redis, scenario)


def test_a_redrive_puts_a_letter_back_once(any_redis: str) -> None:
    async def scenario(queue: ChannelQueue, other: ChannelQueue) -> None:
        await queue.enqueue("main", "2-0", [parcel(1, "x"), parcel(2, "x")], NOW_US)
        ((turn,), _) = await queue.claim(NOW_US, 4, 1, ())
        turn.parcels[0].tries = Tries(11, 10, NOW_US, "500")
        await settle(queue, turn, NO, "dead")
        assert await other.redrive(["nobody"], NOW_US) == 0
        assert await other.redrive(None, NOW_US) == 1, "anybody may redrive"
        assert await other.redrive(None, NOW_US) == 0
        ((turn,), _) = await queue.claim(NOW_US, 4, 9, ())
        assert [parcel.id for parcel in turn.parcels] == ["a2:opened", "a1:opened"]
        assert turn.parcels[1].tries == Tries(), "its schedule begins afresh"
        assert turn.parcels[1].raw == parcel(1).raw

    on(any_redis, scenario)


def test_who_was_replaced_can_do_nothing_more(any_redis: str) -> None:
    async def scenario(queue: ChannelQueue, other: ChannelQueue) -> None:
        await queue.enqueue("main", "1-0", [parcel(1)], NOW_US)
        ((turn,), _) = await queue.claim(NOW_US, 4, 1, ())
        await other.take_over()
        for step in (
            lambda: queue.enqueue("main", "2-0", [parcel(2)], NOW_US),
            lambda: queue.claim(NOW_US, 4, 1, ()),
            lambda: settle(queue, turn, OK, "sent"),
        ):
            with pytest.raises(ConfigError, match="another process delivers"):
                await step()
        assert await ids(other, NOW_US) == ["a1:opened"], "and what it had in flight is there at once"
        assert await other.cursor("main") == "1-0"

    on(any_redis, scenario)


def test_health_is_kept_with_the_record(any_redis: str) -> None:
    async def scenario(queue: ChannelQueue, other: ChannelQueue) -> None:
        await queue.enqueue("main", "1-0", [parcel(1)], NOW_US)
        ((turn,), _) = await queue.claim(NOW_US, 4, 1, ())
        await settle(queue, turn, NO, "again")
        assert (await other.take_over()).target == "target"

    on(any_redis, scenario)


def test_of_two_records_under_way_at_once_the_newer_health_stays(any_redis: str) -> None:
    async def scenario(queue: ChannelQueue, other: ChannelQueue) -> None:
        await queue.enqueue("main", "2-0", [parcel(1), parcel(2)], NOW_US)
        (first, second), _ = await queue.claim(NOW_US, 4, 1, ())
        await settle(queue, first, OK, "sent", health=Health(10, hold_us=99))
        await settle(queue, second, OK, "sent", health=Health(9))
        assert (await other.health()).hold_us == 99
        await queue.keep(Health(11))
        assert (await other.health()).hold_us == 0

    on(any_redis, scenario)


def test_delivered_alerts_leave_when_memory_is_full(any_redis: str) -> None:
    async def scenario(queue: ChannelQueue, _: ChannelQueue) -> None:
        redis = connect(any_redis)
        await queue.enqueue("main", "1-0", [parcel(1)], NOW_US)
        ((turn,), _) = await queue.claim(NOW_US, 4, 1, ())
        redis.config_set("maxmemory", 1)
        try:
            await settle(queue, turn, OK, "sent")
        finally:
            redis.config_set("maxmemory", 0)
            redis.close()
        assert await queue.waiting() == 0

    on(any_redis, scenario)
