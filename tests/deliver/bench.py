"""What the tests of delivery share: alerts, outboxes in a real Redis, receivers with scripted answers, a clock moved by hand."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
from aiohttp import web

from cep.alert import Alert, AlertRow
from cep.buffer import keys
from cep.buffer.link import connect
from cep.clock import ManualClock
from cep.config import ChannelSpec
from cep.deliver.dispatcher import Dispatcher

NOW_US = 1_772_355_655_000_000  # 2026-03-01T09:00:55Z
SECOND_US = 1_000_000
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

Answer = int | str | tuple[int, dict[str, str]] | web.Response  # a status, "hang", "reset", a status with headers


def alert(number: int = 1, **changes: Any) -> Alert:
    fields = {
        "id": f"a{number}",
        "rule": "door_forced",
        "version": "v1",
        "generation": 1,
        "severity": "high",
        "title": f"Door forced {number}",
        "key": f"door-{number}",
        "time_us": NOW_US + number,
        "first_us": NOW_US,
        "last_us": NOW_US + number,
        "fields": {"n": number},
        "evidence": (f"17-{number}",),
        "events": 1,
    }
    return AlertRow(**(fields | changes)).alert()


@dataclass
class Request:
    headers: dict[str, str]
    body: bytes
    path: str

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def data(self) -> Any:
        return msgspec.json.decode(self.body)["data"]


@dataclass
class Scripted:
    """A receiver: answers the given statuses in turn, then 200. `decide`, if given, answers by the request instead."""

    answers: list[Answer] = field(default_factory=list)
    decide: Callable[[Request], Answer] | None = None
    requests: list[Request] = field(default_factory=list)
    url: str = ""
    most_at_once: int = 0

    def __post_init__(self) -> None:
        self._at_once = 0
        self._over = asyncio.Event()
        self._arrived = asyncio.Condition()

    @property
    def ids(self) -> list[str]:
        return [request.id for request in self.requests]

    async def arrived(self, count: int) -> None:
        """Return when so many requests have come."""
        async with asyncio.timeout(20), self._arrived:
            await self._arrived.wait_for(lambda: len(self.requests) >= count)

    def release(self) -> None:
        """Let those that hang go: they get a 200."""
        self._over.set()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        headers = {name.lower(): value for name, value in request.headers.items()}
        taken = Request(headers, await request.read(), request.path_qs)
        self.requests.append(taken)
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        async with self._arrived:
            self._arrived.notify_all()
        try:
            return await self._answer(request, taken)
        finally:
            self._at_once -= 1

    async def _answer(self, request: web.Request, taken: Request) -> web.StreamResponse:
        answer = self.decide(taken) if self.decide else self.answers.pop(0) if self.answers else 200
        if answer == "hang":
            await self._over.wait()
            answer = 200
        if answer == "reset":
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        if isinstance(answer, web.Response):
            return answer
        status, headers = answer if isinstance(answer, tuple) else (answer, {})
        assert isinstance(status, int)
        return web.Response(status=status, headers=headers, text=f"answer {status}")

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[Scripted]:
        app = web.Application(client_max_size=8 * 1024 * 1024)
        app.router.add_route("*", "/{tail:.*}", self.handle)
        runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
        try:
            yield self
        finally:
            self.release()
            await runner.cleanup()


@dataclass
class Bench:
    url: str
    folder: Path
    clock: ManualClock = field(default_factory=lambda: ManualClock(NOW_US))

    def __post_init__(self) -> None:
        self.redis = connect(self.url)

    def append(self, *alerts: Alert, cell: str = "main") -> None:
        """Put alerts into a cell's outbox, as its commit would."""
        for one in alerts:
            entry = {"id": one.entry_id, "alert": msgspec.json.encode(one.row())}
            self.redis.xadd(keys.cell(cell, "outbox"), entry)  # type: ignore[arg-type]  # dict is invariant

    def webhook(self, url: str, name: str = "soc", **changes: Any) -> ChannelSpec:
        return ChannelSpec(name, "webhook", url=url, **changes)

    def dispatcher(self, *channels: ChannelSpec, cells: Iterable[str] = ("main",), **options: Any) -> Dispatcher:
        options = {"default_to": [channels[0].name] if channels else (), "dice": random.Random(7)} | options
        named = {spec.name: spec for spec in channels}
        return Dispatcher(self.url, list(cells), named, clock=self.clock, base=self.folder, **options)

    @asynccontextmanager
    async def running(self, *channels: ChannelSpec, **options: Any) -> AsyncIterator[Dispatcher]:
        dispatcher = self.dispatcher(*channels, **options)
        stop = asyncio.Event()
        async with asyncio.timeout(60):
            task = asyncio.create_task(dispatcher.run(stop))
            try:
                yield dispatcher
            except asyncio.CancelledError:  # it took too long: say where everything stands
                for one in asyncio.all_tasks():
                    one.print_stack()
                raise
            finally:
                stop.set()
                await task

    def after(self, dispatcher: Dispatcher, seconds: float) -> None:
        """Let so much time pass."""
        self.clock.advance_us(round(seconds * SECOND_US))
        dispatcher.wake()
