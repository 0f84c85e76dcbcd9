"""kill -9 in the middle of delivery, and Redis going away: nothing lost, ids unchanged, little sent twice."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections import Counter
from pathlib import Path

import msgspec
import pytest

from cep.buffer.embedded import EmbeddedServer
from cep.deliver.patience import end_tasks
from tests.deliver.bench import SECOND_US, Bench, Scripted, alert

PROCESS = """
import asyncio, sys
from cep.config import ChannelSpec
from cep.deliver.dispatcher import Dispatcher

url, hook, path = sys.argv[1:]
channels = {"soc": ChannelSpec("soc", "webhook", url=hook), "log": ChannelSpec("log", "file", path=path)}
asyncio.run(Dispatcher(url, ["main"], channels, default_to=["soc", "log"]).run(asyncio.Event()))
"""


async def start(bench: Bench, hook: str, path: Path) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(sys.executable, "-c", PROCESS, bench.url, hook, str(path))


async def kill(process: asyncio.subprocess.Process) -> None:
    process.send_signal(signal.SIGKILL)
    assert await process.wait() == -signal.SIGKILL


def test_killed_again_and_again_it_delivers_everything_under_the_same_ids(bench: Bench) -> None:
    count, kills = 1000, 6
    path = bench.folder / "alerts.jsonl"

    async def scenario() -> Scripted:
        async with Scripted().listening() as soc:
            bench.append(*(alert(n, key=n % 50) for n in range(count)))
            for number in range(1, kills + 1):
                process = await start(bench, soc.url, path)
                await soc.arrived(number * 130)
                await kill(process)
            process = await start(bench, soc.url, path)
            async with asyncio.timeout(60):
                while len(set(soc.ids)) < count:
                    await soc.arrived(len(soc.requests) + 1)
            await kill(process)
            return soc

    soc = asyncio.run(scenario())
    times = Counter(soc.ids)
    assert times.keys() == {f"a{n}:opened" for n in range(count)}
    assert len(soc.requests) - count <= kills * 4, "only what was in flight comes twice"
    by_id = {request.id: request.data for request in soc.requests}
    assert all(by_id[f"{data['id']}:opened"] == data for data in (request.data for request in soc.requests))
    lines = [msgspec.json.decode(line)["id"] for line in path.read_bytes().splitlines()]
    assert lines == list(dict.fromkeys(lines)), "no line twice"
    assert lines == [f"a{n}" for n in range(len(lines))], "in order"


def test_killed_while_the_receiver_thinks_it_asks_again_under_the_same_id(bench: Bench) -> None:
    async def scenario() -> None:
        soc = Scripted(["hang"] * 4)
        async with soc.listening():
            bench.append(*(alert(n) for n in range(6)))
            process = await start(bench, soc.url, bench.folder / "log")
            await soc.arrived(4)
            await kill(process)
            process = await start(bench, soc.url, bench.folder / "log")
            await soc.arrived(10)
            assert sorted(soc.ids[:4]) == [f"a{n}:opened" for n in range(4)]
            assert sorted(soc.ids[4:]) == [f"a{n}:opened" for n in range(6)]
            await kill(process)

    asyncio.run(scenario())


def test_a_retry_that_waits_survives_the_process(bench: Bench) -> None:
    async def scenario() -> None:
        soc = Scripted([500, 500])
        async with soc.listening():
            bench.append(alert(1))
            for _ in range(2):
                async with bench.running(bench.webhook(soc.url)) as dispatcher:
                    assert await dispatcher.drain() == 1
                    bench.after(dispatcher, 40)
            async with bench.running(bench.webhook(soc.url)) as dispatcher:
                assert await dispatcher.drain() == 0
            assert soc.ids == ["a1:opened"] * 3

    asyncio.run(scenario())


def test_an_end_that_was_asked_for_lets_attempts_finish(bench: Bench) -> None:
    async def scenario() -> None:
        soc = Scripted(["hang"])
        async with soc.listening():
            dispatcher, stop = bench.dispatcher(bench.webhook(soc.url)), asyncio.Event()
            running = asyncio.create_task(dispatcher.run(stop))
            bench.append(alert(1))
            await soc.arrived(1)
            stop.set()
            dispatcher.wake()
            soc.release()
            async with asyncio.timeout(10):
                await running
            async with bench.running(bench.webhook(soc.url)) as again:
                assert await again.drain() == 0
            assert soc.ids == ["a1:opened"]

    asyncio.run(scenario())


def test_tasks_end_although_one_swallows_its_first_cancellations() -> None:
    async def scenario() -> None:
        swallowed = 0
        running = asyncio.Event()

        async def stubborn() -> None:
            nonlocal swallowed
            while swallowed < 3:
                try:
                    running.set()
                    await asyncio.Event().wait()
                except asyncio.CancelledError:
                    swallowed += 1

        async def broken() -> None:
            raise OSError("its fault is its own")

        tasks = [asyncio.create_task(stubborn()), asyncio.create_task(broken())]
        await running.wait()
        async with asyncio.timeout(10):
            await end_tasks(tasks)
        assert swallowed == 3
        assert all(task.done() for task in tasks)

    asyncio.run(scenario())


@pytest.fixture
def own_server(tmp_path: Path) -> EmbeddedServer:
    return EmbeddedServer(tmp_path / "data", fsync="always")


def test_redis_killed_and_back_delivery_goes_on(own_server: EmbeddedServer, tmp_path: Path) -> None:
    own_server.start()
    bench = Bench(own_server.url, tmp_path)

    async def scenario() -> None:
        soc = Scripted(["hang"])
        async with soc.listening(), bench.running(bench.webhook(soc.url)) as dispatcher:
            bench.append(alert(1), alert(2), alert(3))
            await soc.arrived(3)
            assert own_server.pid is not None
            os.kill(own_server.pid, signal.SIGKILL)
            await asyncio.to_thread(own_server.stop)
            soc.release()  # delivered while there is nowhere to write it down
            await asyncio.to_thread(own_server.start)
            bench.append(alert(4))
            await soc.arrived(4)
            assert await dispatcher.drain() == 0
            assert Counter(soc.ids) == {f"a{n}:opened": 1 for n in range(1, 5)}
            assert bench.clock.now_us() % SECOND_US == 0, "time did not move: nothing waited for a retry"

    try:
        asyncio.run(scenario())
    finally:
        own_server.stop()
