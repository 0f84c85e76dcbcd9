"""From the outbox to receivers: order, retries, breaker, dead letters, restarts."""

from __future__ import annotations

import asyncio

import msgspec

from cep.buffer import keys
from tests.deliver.bench import SECOND_US, Bench, Scripted, alert


def test_an_alert_is_posted_once_with_id_and_body(bench: Bench) -> None:
    async def scenario() -> None:
        async with Scripted().listening() as soc, bench.running(bench.webhook(soc.url)) as dispatcher:
            bench.append(alert(1))
            assert await dispatcher.drain() == 0
            (request,) = soc.requests
            assert request.id == "a1:opened"
            assert request.headers["content-type"] == "application/json"
            assert msgspec.json.decode(request.body)["type"] == "alert.opened"
            assert request.data["title"] == "Door forced 1"

    asyncio.run(scenario())


def test_alerts_written_before_the_start_are_delivered(bench: Bench) -> None:
    async def scenario() -> None:
        bench.append(*(alert(n) for n in range(30)))
        async with Scripted().listening() as soc, bench.running(bench.webhook(soc.url)) as dispatcher:
            await dispatcher.drain()
            assert sorted(soc.ids) == sorted(f"a{n}:opened" for n in range(30))

    asyncio.run(scenario())


def test_a_restart_sends_nothing_again(bench: Bench) -> None:
    async def scenario() -> None:
        async with Scripted().listening() as soc:
            bench.append(alert(1))
            async with bench.running(bench.webhook(soc.url)) as dispatcher:
                await dispatcher.drain()
            bench.append(alert(2))
            async with bench.running(bench.webhook(soc.url)) as dispatcher:
                await dispatcher.drain()
            assert soc.ids == ["a1:opened", "a2:opened"]

    asyncio.run(scenario())


def test_alerts_of_all_cells_are_read(bench: Bench) -> None:
    async def scenario() -> None:
        async with Scripted().listening() as soc, bench.running(bench.webhook(soc.url), cells=["x", "y"]) as dispatcher:
            bench.append(alert(1), cell="x")
            bench.append(alert(2), cell="y")
            await dispatcher.drain()
            assert sorted(soc.ids) == ["a1:opened", "a2:opened"]
            assert set(dispatcher.positions()) == {"x", "y"}

    asyncio.run(scenario())


def test_muted_alerts_go_nowhere(bench: Bench) -> None:
    async def scenario() -> None:
        async with Scripted().listening() as soc, bench.running(bench.webhook(soc.url)) as dispatcher:
            bench.append(alert(1, muted="once per key every 1h"), alert(2))
            assert await dispatcher.drain() == 0
            assert soc.ids == ["a2:opened"]

    asyncio.run(scenario())


def test_what_is_in_shadow_goes_nowhere_with_all_that_follows(bench: Bench) -> None:
    async def scenario() -> None:
        async with Scripted().listening() as soc, bench.running(bench.webhook(soc.url)) as dispatcher:
            bench.append(alert(1, shadow=True), alert(1, shadow=True, transition="resolved"), alert(2))
            assert await dispatcher.drain() == 0
            assert soc.ids == ["a2:opened"]

    asyncio.run(scenario())


def test_updates_go_where_a_channel_asks_and_each_has_an_id_of_its_own(bench: Bench) -> None:
    story = [alert(1), *(alert(1, transition="updated", updates=n) for n in (1, 2)), alert(1, transition="resolved", updates=2)]

    async def scenario(updates: bool) -> list[str]:
        async with Scripted().listening() as soc, bench.running(bench.webhook(soc.url, updates=updates)) as dispatcher:
            bench.append(*story)
            assert await dispatcher.drain() == 0
            return soc.ids

    assert asyncio.run(scenario(False)) == ["a1:opened", "a1:resolved"]
    bench.redis.flushall()
    assert asyncio.run(scenario(True)) == ["a1:opened", "a1:updated:1", "a1:updated:2", "a1:resolved"]


def test_an_entry_that_is_no_alert_becomes_a_dead_letter(bench: Bench) -> None:
    async def scenario() -> None:
        bench.redis.xadd(keys.cell("main", "outbox"), {"id": "x", "alert": "{nonsense"})
        bench.redis.xadd(keys.cell("main", "outbox"), {"other": "words"})
        deep = msgspec.json.encode(alert(2).row()).replace(b'"n":2', b'"n":' + b"[" * 50_000 + b"]" * 50_000)
        bench.redis.xadd(keys.cell("main", "outbox"), {"id": "deep", "alert": deep})
        bench.append(alert(1))
        async with Scripted().listening() as soc, bench.running(bench.webhook(soc.url)) as dispatcher:
            await dispatcher.drain()
            assert soc.ids == ["a1:opened"]
            letters = await dispatcher.dead_letters("soc")
            assert [letter.alert for letter in letters] == [deep, b"", b"{nonsense"]
            assert all("is no alert" in letter.error for letter in letters)
            assert await dispatcher.redrive("soc") == 0

    asyncio.run(scenario())


def test_a_failed_alert_is_tried_again_by_the_schedule_with_the_same_id(bench: Bench) -> None:
    async def scenario() -> None:
        soc = Scripted([503, "reset", 500])
        async with soc.listening(), bench.running(bench.webhook(soc.url)) as dispatcher:
            bench.append(alert(1))
            for waits_s, attempts in ((0, 1), (3.9, 1), (2.1, 2), (23.9, 2), (12.1, 3), (95.9, 3), (48.1, 4)):
                bench.after(dispatcher, waits_s)
                waiting = await dispatcher.drain()
                assert len(soc.requests) == attempts
                assert waiting == (attempts < 4)
            assert set(soc.ids) == {"a1:opened"}
            assert len({request.body for request in soc.requests}) == 1
            sent = [int(request.headers["webhook-timestamp"]) for request in soc.requests]
            assert sent == sorted(set(sent)), "each attempt has its own timestamp"

    asyncio.run(scenario())


def test_no_request_comes_before_the_wait_the_receiver_asked_for(bench: Bench) -> None:
    async def scenario() -> None:
        soc = Scripted([(429, {"Retry-After": "3600"})])
        async with soc.listening(), bench.running(bench.webhook(soc.url)) as dispatcher:
            bench.append(alert(1))
            await dispatcher.drain()
            bench.append(alert(2))
            bench.after(dispatcher, 3599)
            assert await dispatcher.drain() == 2
            assert soc.ids == ["a1:opened"]
            bench.after(dispatcher, 1)
            assert await dispatcher.drain() == 0
            assert sorted(soc.ids[1:]) == ["a1:opened", "a2:opened"]

    asyncio.run(scenario())


def test_a_receiver_that_says_nothing_is_given_up_and_tried_again(bench: Bench) -> None:
    async def scenario() -> None:
        soc = Scripted(["hang"])
        async with soc.listening(), bench.running(bench.webhook(soc.url, timeout_s=0.2)) as dispatcher:
            bench.append(alert(1))
            assert await dispatcher.drain() == 1
            bench.after(dispatcher, 6)
            assert await dispatcher.drain() == 0
            assert soc.ids == ["a1:opened", "a1:opened"]

    asyncio.run(scenario())


def test_an_exhausted_alert_is_a_dead_letter_and_comes_back_with_its_id(bench: Bench) -> None:
    async def scenario() -> None:
        soc = Scripted([500, 500])
        async with soc.listening(), bench.running(bench.webhook(soc.url, schedule_s=(0, 5))) as dispatcher:
            bench.append(alert(1))
            await dispatcher.drain()
            bench.after(dispatcher, 6)
            assert await dispatcher.drain() == 0
            (letter,) = await dispatcher.dead_letters("soc")
            assert (letter.id, letter.attempts, letter.at_us) == ("a1:opened", 2, bench.clock.now_us())
            assert letter.error == "500 Internal Server Error: answer 500"
            assert msgspec.json.decode(letter.alert)["title"] == "Door forced 1"
            assert await dispatcher.redrive("soc", ["another:opened"]) == 0
            assert await dispatcher.redrive("soc", ["a1:opened"]) == 1
            assert await dispatcher.drain() == 0
            assert soc.ids == ["a1:opened"] * 3
            assert await dispatcher.dead_letters("soc") == []

    asyncio.run(scenario())


def test_a_redrive_of_many_gives_each_one_more_schedule(bench: Bench) -> None:
    async def scenario() -> None:
        tried: set[str] = set()
        bad = {f"a{n}:opened" for n in range(0, 250, 2)}
        soc = Scripted(decide=lambda request: 500 if request.id in bad or request.id not in tried else 200)
        async with soc.listening(), bench.running(bench.webhook(soc.url, schedule_s=(0,), concurrency=16)) as dispatcher:
            bench.append(*(alert(n) for n in range(250)))
            while await dispatcher.drain():
                bench.after(dispatcher, 31)  # the breaker lets one through
            assert len(await dispatcher.dead_letters("soc", 1000)) == 250
            tried |= {f"a{n}:opened" for n in range(250)}
            assert await dispatcher.redrive("soc") == 250
            while await dispatcher.drain():
                bench.after(dispatcher, 31)
            assert {letter.id for letter in await dispatcher.dead_letters("soc", 1000)} == bad
            assert len(soc.requests) == 500

    asyncio.run(scenario())


def test_gone_disables_the_channel_at_once_and_what_waits_dies(bench: Bench) -> None:
    async def scenario() -> None:
        soc = Scripted([410])
        async with soc.listening(), bench.running(bench.webhook(soc.url, concurrency=1)) as dispatcher:
            bench.append(alert(1), alert(2))
            assert await dispatcher.drain() == 0
            assert soc.ids == ["a1:opened"]
            assert {letter.id for letter in await dispatcher.dead_letters("soc")} == {"a1:opened", "a2:opened"}
            assert (await dispatcher.status())["soc"].disabled.startswith("410")
            await dispatcher.enable("soc")
            await dispatcher.redrive("soc")
            assert await dispatcher.drain() == 0
            assert sorted(soc.ids[1:]) == ["a1:opened", "a2:opened"]

    asyncio.run(scenario())


def test_refusals_wait_for_people_and_mark_the_channel(bench: Bench) -> None:
    async def scenario() -> None:
        soc = Scripted([401] * 5)
        async with soc.listening(), bench.running(bench.webhook(soc.url, concurrency=1)) as dispatcher:
            bench.append(*(alert(n) for n in range(5)))
            await dispatcher.drain()
            assert (await dispatcher.status())["soc"].misconfigured.startswith("401 Unauthorized")
            bench.after(dispatcher, 470)
            await dispatcher.drain()
            assert len(soc.requests) == 5, "nothing before the slow part of the schedule"
            bench.after(dispatcher, 300)
            assert await dispatcher.drain() == 0
            assert (await dispatcher.status())["soc"].misconfigured == ""

    asyncio.run(scenario())


def test_an_open_breaker_probes_every_thirty_seconds_and_queues_the_rest(bench: Bench) -> None:
    async def scenario() -> None:
        soc = Scripted([503] * 7)
        async with soc.listening(), bench.running(bench.webhook(soc.url, concurrency=1)) as dispatcher:
            bench.append(*(alert(n) for n in range(20)))
            await dispatcher.drain()
            assert len(soc.requests) == 5
            assert (await dispatcher.status())["soc"].breaker == "open"
            for probes in (1, 2):
                bench.after(dispatcher, 29)
                await dispatcher.drain()
                assert len(soc.requests) == 4 + probes
                bench.after(dispatcher, 1)
                await dispatcher.drain()
                assert len(soc.requests) == 5 + probes
            bench.after(dispatcher, 30)
            await dispatcher.drain()
            assert (await dispatcher.status())["soc"].breaker == "closed"
            bench.after(dispatcher, 600)
            assert await dispatcher.drain() == 0
            assert set(soc.ids) == {f"a{n}:opened" for n in range(20)}
            assert await dispatcher.dead_letters("soc") == []

    asyncio.run(scenario())


def test_a_retried_key_holds_back_its_own_later_alerts_and_no_others(bench: Bench) -> None:
    async def scenario() -> None:
        soc = Scripted([500])
        async with soc.listening(), bench.running(bench.webhook(soc.url, concurrency=1)) as dispatcher:
            bench.append(alert(1, key="k"), alert(2, key="k", transition="resolved"), alert(3), alert(4))
            assert await dispatcher.drain() == 2
            assert soc.ids == ["a1:opened", "a3:opened", "a4:opened"]
            bench.after(dispatcher, 6)
            assert await dispatcher.drain() == 0
            assert soc.ids[3:] == ["a1:opened", "a2:resolved"]

    asyncio.run(scenario())


def test_a_channel_sends_at_most_four_at_once(bench: Bench) -> None:
    async def scenario() -> None:
        soc = Scripted(["hang"] * 4)
        async with soc.listening(), bench.running(bench.webhook(soc.url)) as dispatcher:
            bench.append(*(alert(n) for n in range(40)))
            await soc.arrived(4)
            soc.release()
            await dispatcher.drain()
            assert len(soc.requests) == 40
            assert soc.most_at_once == 4

    asyncio.run(scenario())


def test_a_hanging_channel_does_not_hold_up_another(bench: Bench) -> None:
    async def scenario() -> None:
        slow, quick = Scripted(decide=lambda _: "hang"), Scripted()
        async with slow.listening(), quick.listening():
            channels = bench.webhook(slow.url, "slow"), bench.webhook(quick.url, "quick")
            async with bench.running(*channels, default_to=["slow", "quick"]):
                bench.append(*(alert(n) for n in range(20)))
                await quick.arrived(20)
                assert len(slow.requests) <= 4
                slow.release()

    asyncio.run(scenario())


def test_an_alert_that_vanished_from_the_queue_is_accounted_for(bench: Bench) -> None:
    async def scenario() -> None:
        async with Scripted([503]).listening() as soc, bench.running(bench.webhook(soc.url)) as dispatcher:
            bench.append(alert(1))
            await dispatcher.drain()
            bench.redis.hdel(keys.channel("soc", "pending"), "a1:opened")
            bench.after(dispatcher, 6)
            await dispatcher.drain()
            (letter,) = await dispatcher.dead_letters("soc")
            assert letter.error == "Redis no longer holds this alert"

    asyncio.run(scenario())


def test_a_wait_asked_for_holds_although_an_attempt_on_its_way_succeeds(bench: Bench) -> None:
    async def scenario() -> None:
        soc = Scripted(["hang", (429, {"Retry-After": "60"})])
        async with soc.listening(), bench.running(bench.webhook(soc.url, concurrency=2)) as dispatcher:
            bench.append(alert(1), alert(2), alert(3))
            await soc.arrived(2)
            soc.release()
            assert await dispatcher.drain() == 2
            bench.after(dispatcher, 59)
            assert await dispatcher.drain() == 2
            assert len(soc.requests) == 2
            bench.after(dispatcher, 1)
            assert await dispatcher.drain() == 0

    asyncio.run(scenario())


def test_the_clock_is_the_only_thing_that_makes_a_retry_due(bench: Bench) -> None:
    async def scenario() -> None:
        async with Scripted([500]).listening() as soc, bench.running(bench.webhook(soc.url)) as dispatcher:
            bench.append(alert(1))
            for _ in range(5):
                assert await dispatcher.drain() == 1
            assert len(soc.requests) == 1
            due = bench.redis.zrange(keys.channel("soc", "due"), 0, -1, withscores=True)
            assert 4 * SECOND_US <= due[0][1] - bench.clock.now_us() <= 6 * SECOND_US

    asyncio.run(scenario())
