"""Which channels there are: routing to them, changes while running, owners, what is refused at the start."""

from __future__ import annotations

import asyncio
import io
import logging

import pytest

from cep.buffer import keys
from cep.config import ChannelSpec
from cep.deliver.sinks import StdoutSink
from cep.errors import ConfigError
from tests.deliver.bench import Bench, Scripted, alert


def test_alerts_go_where_they_say_else_to_the_default_else_to_stdout(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        printed = io.StringIO()
        async with Scripted().listening() as soc, Scripted().listening() as duty:
            channels = [bench.webhook(soc.url), bench.webhook(duty.url, "duty")]
            options = {"default_to": ["duty"], "stdout": lambda: StdoutSink(stream=printed)}
            async with bench.running(*channels, **options) as dispatcher:
                bench.append(
                    alert(1, to=("soc",)),
                    alert(2),
                    alert(3, to=("nobody",)),
                    alert(4, to=("soc", "duty", "soc")),
                    alert(5, to=("stdout",)),
                    alert(6, to=("soc", "nobody")),
                    alert(7, to=("nobody",)),
                )
                await dispatcher.drain()
            assert sorted(soc.ids) == ["a1:opened", "a4:opened", "a6:opened"]
            assert sorted(duty.ids) == ["a2:opened", "a3:opened", "a4:opened", "a6:opened", "a7:opened"]
            assert "Door forced 5" in printed.getvalue()
            bench.append(alert(8))
            async with bench.running(stdout=lambda: StdoutSink(stream=printed)) as dispatcher:
                await dispatcher.drain()
            assert "Door forced 8" in printed.getvalue()

    with caplog.at_level(logging.WARNING, "cep.deliver"):
        asyncio.run(scenario())
    assert sum("no channel nobody" in line for line in caplog.messages) == 1


def test_a_disabled_channel_stays_disabled_after_a_restart_until_its_url_changes(bench: Bench) -> None:
    async def scenario() -> None:
        soc = Scripted([410])
        async with soc.listening():
            bench.append(alert(1))
            async with bench.running(bench.webhook(soc.url)) as dispatcher:
                await dispatcher.drain()
            bench.append(alert(2))
            async with bench.running(bench.webhook(soc.url)) as dispatcher:
                assert await dispatcher.drain() == 0
                assert soc.ids == ["a1:opened"]
                await dispatcher.update_channels({"soc": bench.webhook(soc.url + "/new")}, ["soc"])
                bench.append(alert(3))
                assert await dispatcher.drain() == 0
                assert soc.ids == ["a1:opened", "a3:opened"]

    asyncio.run(scenario())


def test_channels_change_while_running(bench: Bench) -> None:
    async def scenario() -> None:
        async with (
            Scripted().listening() as soc,
            Scripted().listening() as duty,
            bench.running(bench.webhook(soc.url)) as dispatcher,
        ):
            bench.append(alert(1), alert(2, to=("duty",)))
            await dispatcher.drain()
            assert sorted(soc.ids) == ["a1:opened", "a2:opened"], "duty does not exist yet"
            await dispatcher.update_channels({"duty": bench.webhook(duty.url, "duty")}, ["duty"])
            bench.append(alert(3), alert(4, to=("soc",)))
            await dispatcher.drain()
            assert sorted(duty.ids) == ["a3:opened", "a4:opened"], "what was routed before stays where it went"
            await dispatcher.update_channels({"soc": bench.webhook(soc.url)}, ["soc"])
            bench.append(alert(5))
            await dispatcher.drain()
            assert soc.ids[2:] == ["a5:opened"], "a channel that returns starts where delivery is"
            with pytest.raises(ConfigError, match="no channel nowhere"):
                await dispatcher.update_channels({}, ["nowhere"])

    asyncio.run(scenario())


def test_a_channel_that_was_away_over_a_restart_starts_where_delivery_is(bench: Bench) -> None:
    async def scenario() -> None:
        async with Scripted().listening() as soc, Scripted().listening() as duty:
            for channels in ([bench.webhook(soc.url)], [bench.webhook(duty.url, "duty")], [bench.webhook(soc.url)]):
                bench.append(alert(len(soc.requests) + len(duty.requests), to=("soc",)))
                async with bench.running(*channels) as dispatcher:
                    await dispatcher.drain()
            assert soc.ids == ["a0:opened", "a2:opened"]
            assert duty.ids == ["a1:opened"]

    asyncio.run(scenario())


def test_a_new_url_is_used_from_the_next_attempt(bench: Bench) -> None:
    async def scenario() -> None:
        async with (
            Scripted([503]).listening() as old,
            Scripted().listening() as new,
            bench.running(bench.webhook(old.url)) as dispatcher,
        ):
            bench.append(alert(1))
            assert await dispatcher.drain() == 1
            await dispatcher.update_channels({"soc": bench.webhook(new.url)}, ["soc"])
            bench.after(dispatcher, 6)
            assert await dispatcher.drain() == 0
            assert (old.ids, new.ids) == (["a1:opened"], ["a1:opened"])

    asyncio.run(scenario())


def test_a_second_dispatcher_takes_over_and_the_first_says_so(bench: Bench) -> None:
    async def scenario() -> None:
        async with Scripted().listening() as soc:
            first = bench.dispatcher(bench.webhook(soc.url))
            running = asyncio.create_task(first.run(asyncio.Event()))
            bench.append(alert(1))
            await first.drain()
            async with bench.running(bench.webhook(soc.url)) as second:
                bench.append(alert(2))
                with pytest.raises(ConfigError, match="another process delivers to channel") as fault:
                    await running
                assert fault.value.code == "E0939"
                await second.drain()
            assert sorted(set(soc.ids)) == ["a1:opened", "a2:opened"]

    asyncio.run(scenario())


def test_delivery_goes_on_when_redis_was_emptied(bench: Bench) -> None:
    async def scenario() -> None:
        async with Scripted().listening() as soc, bench.running(bench.webhook(soc.url)) as dispatcher:
            bench.append(alert(1))
            await dispatcher.drain()
            bench.redis.flushall()
            bench.append(alert(2))
            await soc.arrived(2)
            await dispatcher.drain()
            assert soc.ids == ["a1:opened", "a2:opened"]

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("spec", "code"),
    [
        (ChannelSpec("c", "webhook", url="https://x.test/", secret="whsec_abc"), "E0930"),
        (ChannelSpec("c", "webhook", url="https://x.test/", secret="${vault:x}"), "E0932"),
        (ChannelSpec("c", "webhook", url="https://x.test/", headers=(("Authorization", "Bearer 12345"),)), "E0930"),
        (ChannelSpec("c", "webhook", url="https://x.test/", headers=(("X-Api-Key", "12345"),)), "E0930"),
        (ChannelSpec("c", "webhook", url="https://x.test/", headers=(("Webhook-Id", "1"),)), "E0938"),
        (ChannelSpec("c", "webhook", url="https://x.test/", headers=(("X-A", "1\r\nX-B: 2"),)), "E0938"),
        (ChannelSpec("c", "webhook", url="https://ana:pw@x.test/"), "E0934"),
        (ChannelSpec("c", "webhook", url="ftp://x.test/"), "E0934"),
        (ChannelSpec("c", "webhook", url="https:///path"), "E0934"),
        (ChannelSpec("c", "webhook", url="https://x.test:99999/"), "E0934"),
        (ChannelSpec("c", "webhook", url="https://x.test/", allow=("10.0.0.0/99",)), "E0935"),
        (ChannelSpec("c", "webhook", url="https://x.test/", schedule_s=()), "E0937"),
        (ChannelSpec("c", "webhook"), "E0937"),
        (ChannelSpec("c", "file"), "E0937"),
    ],
)
def test_a_channel_that_cannot_work_is_refused_at_the_start(bench: Bench, spec: ChannelSpec, code: str) -> None:
    with pytest.raises(ConfigError) as fault:
        bench.dispatcher(spec)
    assert fault.value.code == code
    assert fault.value.help
    for hidden in ("whsec_abc", "12345", "pw@"):
        assert hidden not in str(fault.value)


def test_a_default_channel_must_exist(bench: Bench) -> None:
    with pytest.raises(ConfigError, match="no channel soc") as fault:
        bench.dispatcher(default_to=["soc"])
    assert fault.value.code == "E0936"


def test_a_redrive_of_an_unknown_channel_names_those_there_are(bench: Bench) -> None:
    async def scenario() -> None:
        async with Scripted().listening() as soc, bench.running(bench.webhook(soc.url)) as dispatcher:
            await dispatcher.drain()
            with pytest.raises(ConfigError, match="soc, stdout") as fault:
                await dispatcher.redrive("sock")
            assert fault.value.code == "E0944"

    asyncio.run(scenario())


def test_a_key_that_something_else_uses_ends_delivery_with_a_message(bench: Bench) -> None:
    bench.redis.set(keys.channel("stdout", "due"), "mine")
    bench.append(alert(1))
    with pytest.raises(ConfigError, match="Redis refuses what delivery asks: WRONGTYPE") as fault:
        asyncio.run(bench.dispatcher().run(asyncio.Event()))
    assert fault.value.code == "E0940"
