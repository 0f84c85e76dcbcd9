"""The second process of a service: delivery and HTTP on one event loop, apart from the matcher's interpreter lock."""

from __future__ import annotations

import asyncio
import logging
import signal
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
from redis.exceptions import RedisError

from cep.buffer import keys
from cep.buffer.commit import Standing
from cep.buffer.ingest import AsyncAppender
from cep.buffer.link import connect, connect_async
from cep.buffer.position import place
from cep.buffer.server import check_server
from cep.config import Config
from cep.deliver.check import unresolved
from cep.deliver.dispatcher import Dispatcher
from cep.errors import ConfigError
from cep.loader.config import read_config, waiting_for_restart
from cep.loader.scan import scan
from cep.run.generations import decode_generation
from cep.sources.http import check_listen, make_app, serving

LOOK_EVERY_S = 0.5
ANSWER_WITHIN_S = 2.0
DISK_EVERY_S = 2.0
DRIFT_AFTER_S = 2.5  # an edit takes a moment to be checked and swapped in
KEEP_OUTBOX_MS = 7 * 24 * 3600 * 1000
TRIM_EVERY_S = 60.0
FREE_WITHIN_S = 15.0  # an address whose owner is ending
TAKEN_OVER = "E0939"
log = logging.getLogger(__name__)


class Health:
    """Why the service is not ready, looked up twice a second; what HTTP tells is the last answer."""

    def __init__(self, config: Config, rules: Sequence[str] | None, url: str, cell: str = "main") -> None:
        self._config, self._paths, self._cell = config, rules, cell
        self._redis = connect_async(url)
        self._reasons: tuple[str, ...] = ("starting",)
        self._looked_s = time.monotonic()
        self._disk = ""
        self._disk_s = 0.0
        self._drift_s: float | None = None
        self._counts: dict[str, int] = {}
        self.config_fault = ""  # why cep.yml counts for nothing now
        self.owner = ""  # the service whose worker has the cell, as far as is known

    def ready(self) -> tuple[str, ...]:
        return (*self._reasons, self.config_fault) if self.config_fault else self._reasons

    def counts(self) -> dict[str, int]:
        """What became of the events so far."""
        return self._counts

    def alive(self) -> tuple[str, ...]:
        silent_s = time.monotonic() - self._looked_s
        return (f"the event loop has been stuck for {silent_s:.0f} s",) if silent_s > 5 else ()

    async def watch(self) -> None:
        """Look for ever."""
        try:
            while True:
                try:
                    self._reasons = tuple(await asyncio.wait_for(self._look(), ANSWER_WITHIN_S))
                except TimeoutError:
                    self._reasons = (f"Redis has not answered for {ANSWER_WITHIN_S:g} s",)
                except RedisError as error:
                    self._reasons = (f"Redis does not answer: {error}",)
                self._looked_s = time.monotonic()
                await asyncio.sleep(LOOK_EVERY_S)
        finally:
            await self._redis.aclose()

    async def _look(self) -> list[str]:
        pipe: Any = self._redis.pipeline(transaction=False)
        pipe.time()
        pipe.hmget(keys.cell(self._cell, "owner"), "until_ms", "service")
        pipe.hget(keys.cell(self._cell, "commit"), "state")
        pipe.xrevrange(keys.generations(), count=1)
        (seconds, micros), (until_ms, service), state, newest = await pipe.execute()
        if service is not None:
            self.owner = service.decode()
        reasons = []
        if int(until_ms or 0) < seconds * 1000 + micros // 1000:
            reasons.append("no worker is at work")
        if state is None or not newest:
            return [*reasons, "no rules have been started yet"]
        standing = msgspec.msgpack.decode(state, type=Standing)
        self._counts = standing.counts
        generation = decode_generation(newest[0][1])
        if standing.generation != generation.number:
            reasons.append(f"generation {generation.number} of the rules is not running yet ({standing.generation} is)")
        reasons += generation.problems
        if await self._drifted(generation.disk_hash):
            reasons.append("the rules on disk are not the rules that run")
        return reasons

    async def _drifted(self, running: str) -> bool:
        """Whether the disk has said something else for longer than a reload takes."""
        now = time.monotonic()
        if now - self._disk_s >= DISK_EVERY_S:
            self._disk_s = now
            paths = self._config.rules if self._paths is None else self._paths
            self._disk = (await asyncio.to_thread(scan, paths, self._config)).hash
        if self._disk == running:
            self._drift_s = None
        elif self._drift_s is None:
            self._drift_s = now
        return self._drift_s is not None and now - self._drift_s > DRIFT_AFTER_S


class Faces:
    """What the second process does. service: its name; another one's worker may have the cell, then it delivers."""

    def __init__(self, config: Config, config_path: Path | None, rules: Sequence[str] | None, url: str, service: str) -> None:
        self._config, self._config_path, self._url, self._service = config, config_path, url, service
        self._at_start = config
        self._waiting: list[str] = []  # keys of cep.yml that take effect at the next start
        self._health = Health(config, rules, url)
        self._dispatcher = self._make_dispatcher()  # now, so that a channel that cannot work ends the process at once
        self._tell_unresolved()

    async def run(self) -> None:
        """Deliver, and listen if the configuration says where, until SIGTERM or SIGINT.

        raises  ConfigError: a channel or an address that cannot be
        """
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        async with AsyncExitStack() as stack:
            tasks = [asyncio.create_task(self._health.watch())]
            if self._config.listen is not None:
                await self._listen(stack, stop)
            tasks += [asyncio.create_task(work) for work in (self._follow_config(), self._trim_outbox())]
            try:
                await self._deliver(stop)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    async def _listen(self, stack: AsyncExitStack, stop: asyncio.Event) -> None:
        """Listen; where the service we stand by for has the address, once it is our turn.

        raises  ConfigError: the address is taken by somebody else
        """
        facts = await asyncio.to_thread(lambda: check_server(connect(self._url)))
        client = connect_async(self._url)
        stack.push_async_callback(client.aclose)
        listen = check_listen(self._config)
        appender = AsyncAppender(client, durability=facts.durability)
        health = self._health
        give_up_s: float | None = None
        while not stop.is_set():
            app = make_app(
                appender, self._config, token=listen.token, alive=health.alive, ready=health.ready, counts=health.counts
            )
            try:
                port = await stack.enter_async_context(serving(app, listen))
            except ConfigError as error:
                if give_up_s is None and await self._owned_by_another(stop):
                    log.warning(
                        "the service at work has %s:%d too; this one listens when it takes over", listen.host, listen.port
                    )
                    while self._health.owner != self._service and not stop.is_set():
                        await _either(stop, LOOK_EVERY_S / 5)
                    give_up_s = time.monotonic() + FREE_WITHIN_S  # the other may still be ending
                if give_up_s is None or time.monotonic() > give_up_s:
                    raise error
                await _either(stop, LOOK_EVERY_S)
                continue
            log.info("HTTP on http://%s:%d (POST /v1/events, GET /readyz)", listen.host, port)
            return

    async def _owned_by_another(self, stop: asyncio.Event) -> bool:
        """Whether another service is at work; known once a worker has the cell."""
        while not self._health.owner and not stop.is_set():
            await _either(stop, LOOK_EVERY_S / 5)
        return self._health.owner != self._service

    # -- delivery, while the cell is ours

    def _make_dispatcher(self) -> Dispatcher:
        config = self._config
        return Dispatcher(self._url, ["main"], config.channels, default_to=config.default_to, base=config.base)

    async def _deliver(self, stop: asyncio.Event) -> None:
        """One dispatcher at a time for a cell: the one beside its worker."""
        while not stop.is_set():
            if self._health.owner != self._service:
                await _either(stop, LOOK_EVERY_S / 5)
                continue
            self._dispatcher = self._make_dispatcher()
            lost = asyncio.Event()
            watching = asyncio.create_task(self._until_lost(stop, lost))
            try:
                await self._dispatcher.run(lost)
            except ConfigError as error:
                if error.code != TAKEN_OVER:
                    raise
                log.warning("%s; standing by", error)
                await _either(stop, LOOK_EVERY_S * 2)
            finally:
                watching.cancel()

    async def _until_lost(self, stop: asyncio.Event, lost: asyncio.Event) -> None:
        while not stop.is_set() and self._health.owner == self._service:
            await _either(stop, LOOK_EVERY_S / 5)
        lost.set()

    async def _follow_config(self) -> None:
        """Heed cep.yml as it is now; one that cannot be read changes nothing, and is told until it is mended."""
        path, health = self._config_path, self._health
        content: bytes | None = None  # so the first look heeds what was written after this process had read it
        while path is not None:
            await asyncio.sleep(LOOK_EVERY_S)
            fault = ""
            try:
                newer = await asyncio.to_thread(path.read_bytes)
                if newer == content:
                    continue
                content = newer
                await self._heed(read_config(path))
            except ConfigError as error:
                fault = f"{path} cannot be used, what was read before goes on: {error.code} {error}"
            except OSError as error:
                content, fault = None, f"{path} cannot be read, what was read before goes on: {error.strerror}"
            if fault and fault != health.config_fault:
                log.warning("%s", fault)
            elif health.config_fault and not fault:
                log.info("%s is in use again", path)
            health.config_fault = fault

    async def _heed(self, read: Config) -> None:
        """Deliver to the channels that are named now, and say what waits for a restart."""
        waiting = waiting_for_restart(self._at_start, read)
        if waiting and waiting != self._waiting:
            names = ", ".join(f"`{name}`" for name in waiting)
            log.warning("W0951: %s of cep.yml changed; that takes effect when the service is started again", names)
        self._waiting = waiting
        if (read.channels, read.default_to) != (self._config.channels, self._config.default_to):
            if self._health.owner == self._service:
                await self._dispatcher.update_channels(read.channels, read.default_to)
            self._config = replace(self._config, channels=read.channels, default_to=read.default_to)
            log.info("channels: %s", ", ".join(read.channels) or "stdout")
            self._tell_unresolved()

    def _tell_unresolved(self) -> None:
        """Say now what would else be found with the first alert."""
        for what in unresolved(self._config.channels.values(), self._config.base):
            log.warning("%s", what)

    async def _trim_outbox(self) -> None:
        """Let alerts go that every channel has taken, after a week."""
        client: Any = connect_async(self._url)
        try:
            while True:
                await asyncio.sleep(TRIM_EVERY_S)
                oldest = f"{int(time.time() * 1000) - KEEP_OUTBOX_MS}-0"
                try:
                    for cell, taken in self._dispatcher.positions().items():
                        await client.execute_command(
                            "XTRIM", keys.cell(cell, "outbox"), "MINID", "~", min(oldest, taken, key=place)
                        )
                except RedisError as error:
                    log.debug("the outbox is not trimmed now: %s", error)
        finally:
            await client.aclose()


async def _either(stop: asyncio.Event, seconds: float) -> None:
    """Wait for so long, or until it is time to stop."""
    with suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)
