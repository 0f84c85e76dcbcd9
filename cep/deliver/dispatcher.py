"""The delivery process: reads the cells' outboxes into the channels' queues, and runs one sender for each channel.

What is in flight at a crash is sent again by the next process, under the same `webhook-id`: at least once at the receiver.
Nothing else is repeated, and nothing is lost: a cursor moves past an alert in the same step that puts it into a queue.
"""

from __future__ import annotations

import asyncio
import logging
import random
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cep.buffer import keys
from cep.buffer.link import connect_async
from cep.clock import Clock, SystemClock
from cep.config import ChannelSpec
from cep.deliver.check import check_channel
from cep.deliver.outbox import START, Chunk, OutboxReader, place
from cep.deliver.outcome import SECOND_US
from cep.deliver.parcel import Parcel, Receiver
from cep.deliver.patience import Patience, end_tasks
from cep.deliver.queue import ChannelQueue, DeadLetter
from cep.deliver.secrets import Secrets
from cep.deliver.sender import GRACE_S, Sender
from cep.deliver.sinks import FileSink, StdoutSink
from cep.deliver.stages import INTAKE, Desk
from cep.deliver.webhook import WebhookReceiver
from cep.errors import ConfigError

if TYPE_CHECKING:
    from redis.asyncio import Redis

log = logging.getLogger("cep.deliver")
STDOUT = "stdout"  # the channel that is always there


@dataclass(frozen=True, slots=True)
class ChannelStatus:
    """waiting: alerts queued or being retried; dead: dead letters; breaker: open or closed; the others are reasons, or empty."""

    waiting: int
    dead: int
    breaker: str
    disabled: str
    misconfigured: str


class Dispatcher:
    """Delivers the alerts of some cells to some channels.

    redis       URL, or what makes a client (RESP2, bytes); the dispatcher closes it
    default_to  channels of alerts that name none, or one there is not; empty: standard output
    base        folder from which relative paths start
    dice        for the jitter of retries
    raises      ConfigError: a channel that cannot work
    """

    def __init__(
        self,
        redis: str | Callable[[], Redis],
        cells: Sequence[str],
        channels: Mapping[str, ChannelSpec],
        *,
        default_to: Sequence[str] = (),
        clock: Clock | None = None,
        base: Path = Path(),
        dice: random.Random | None = None,
        stdout: Callable[[], Receiver] = StdoutSink,
    ) -> None:
        self._connect = partial(connect_async, redis) if isinstance(redis, str) else redis
        self._cells = tuple(cells)
        self._specs = _checked(channels, default_to)
        self._default_to = tuple(default_to) or (STDOUT,)
        self._clock = clock or SystemClock()
        self._dice = dice or random.Random()
        self._secrets = Secrets(base)
        self._base = base
        self._stdout = stdout
        self._owner = uuid.uuid4().hex
        self._patience = Patience(self._clock)
        self._senders: dict[str, Sender] = {}
        self._readers: list[OutboxReader] = []
        self._tasks: dict[str, asyncio.Task[None]] = {}  # by channel
        self._stops: dict[str, asyncio.Event] = {}
        self._swap = asyncio.Lock()  # a chunk is routed by one set of channels
        self._up = asyncio.Event()
        self._tasks_changed = asyncio.Event()

    async def run(self, stop: asyncio.Event) -> None:
        """Deliver until `stop` is set; then what is in flight may end, for some seconds.

        raises  ConfigError E0939: another process has taken over
        """
        self._redis = self._connect()
        readers: list[asyncio.Task[None]] = []
        try:
            await self._start()
            readers = [asyncio.create_task(reader.run(self._take)) for reader in self._readers]
            self._up.set()
            await self._until(stop, readers)
        finally:
            self._up.set()
            await end_tasks(readers)
            for reader in self._readers:
                reader.end()
            await self._stop_senders()
            await self._redis.aclose()

    def wake(self) -> None:
        """Look at all queues now: the clock was moved."""
        for sender in self._senders.values():
            sender.wake()

    async def drain(self) -> int:
        """Return when the outboxes are read to their ends and all that may be sent now is sent. Only while `run` runs.

        gives  how many alerts wait still: for a retry, or for their receiver to come back
        """
        await self._up.wait()
        for reader in self._readers:
            await reader.reach_end()
        senders = list(self._senders.values())
        await asyncio.gather(*(sender.rest() for sender in senders))
        return sum([await self._patience.insist(sender.queue.waiting) for sender in senders])

    async def update_channels(self, channels: Mapping[str, ChannelSpec], default_to: Sequence[str] = ()) -> None:
        """Deliver to these channels from the next alert on. A channel that stays keeps its queue; one that leaves keeps it in
        Redis, and goes on if it returns.

        raises  ConfigError, and changes nothing
        """
        specs = _checked(channels, default_to)
        await self._up.wait()
        async with self._swap:
            before, self._specs = self._specs, specs
            self._default_to = tuple(default_to) or (STDOUT,)
            for name in before.keys() - specs.keys():
                await self._leave(name)
            for name, spec in specs.items():
                if name not in before:
                    await self._join(name, {reader.cell: reader.position for reader in self._readers})
                elif spec != before[name]:
                    await self._senders[name].replace(spec, self._receiver(spec))

    async def redrive(self, channel: str, ids: Iterable[str] | None = None) -> int:
        """Send dead letters again, under the same `webhook-id`; None: all of them. Gives how many."""
        sender = self._sender(channel)
        count = await sender.queue.redrive(ids, self._clock.now_us())
        sender.wake()
        return count

    async def enable(self, channel: str) -> None:
        """Forget that a channel was disabled, misconfigured or its breaker open: somebody has mended it."""
        sender = self._sender(channel)
        sender.forgive()
        await self._patience.insist(partial(sender.queue.keep, sender.health))

    async def dead_letters(self, channel: str, count: int = 100) -> list[DeadLetter]:
        """The newest dead letters of a channel, newest first."""
        return await self._sender(channel).queue.dead_letters(count)

    async def status(self) -> dict[str, ChannelStatus]:
        """How each channel stands."""
        result = {}
        for name, sender in self._senders.items():
            waiting, dead = await sender.queue.waiting(), await sender.queue.dead_count()
            health = sender.health
            result[name] = ChannelStatus(waiting, dead, health.breaker, health.disabled, health.misconfigured)
        return result

    def positions(self) -> dict[str, str]:
        """Up to which outbox entry each cell was taken: what lies before may be trimmed."""
        return {reader.cell: reader.position for reader in self._readers}

    # -- coming and going

    async def _start(self) -> None:
        names: Any = await self._patience.insist(partial(self._redis.smembers, keys.channels()))
        gone = {name.decode() for name in names} - self._specs.keys()
        floors = await self._floors([*gone, *self._specs])
        self._readers = [OutboxReader(self._redis, cell, floors[cell], Patience(self._clock)) for cell in self._cells]
        for name in self._specs:
            await self._join(name, floors)
        for name in gone:
            await self._forget(name)

    async def _floors(self, channels: Sequence[str]) -> dict[str, str]:
        """Where to read each cell from: up to there every channel has taken its own."""
        queues = [ChannelQueue(self._redis, name, self._owner) for name in channels]
        floors = {}
        for cell in self._cells:
            found = [await self._patience.insist(partial(queue.cursor, cell)) for queue in queues]
            floors[cell] = min((cursor for cursor in found if cursor is not None), key=place, default=START)
        return floors

    async def _join(self, name: str, floors: Mapping[str, str]) -> None:
        spec = self._specs[name]
        queue = ChannelQueue(self._redis, name, self._owner)
        sender = Sender(spec, self._receiver(spec), queue, self._clock, self._dice)
        await sender.start()
        for cell, floor in floors.items():
            await self._patience.insist(partial(queue.start_at, cell, floor))
        await self._patience.insist(partial(self._redis.sadd, keys.channels(), name))
        self._senders[name] = sender
        self._stops[name] = asyncio.Event()
        self._tasks[name] = asyncio.create_task(sender.run(self._stops[name]))
        self._tasks_changed.set()

    async def _leave(self, name: str) -> None:
        self._stops.pop(name).set()
        self._senders.pop(name).wake()
        await self._tasks.pop(name)
        self._tasks_changed.set()
        await self._forget(name)

    async def _forget(self, name: str) -> None:
        await self._patience.insist(ChannelQueue(self._redis, name, self._owner).forget_cursors)
        await self._patience.insist(partial(self._redis.srem, keys.channels(), name))

    async def _until(self, stop: asyncio.Event, readers: list[asyncio.Task[None]]) -> None:
        """Until `stop` is set; a task that ends before is a fault, and raised."""
        stopping = asyncio.create_task(stop.wait())
        try:
            while not stopping.done():
                self._tasks_changed.clear()
                changed = asyncio.create_task(self._tasks_changed.wait())
                watched = {stopping, changed, *readers, *self._tasks.values()}
                await asyncio.wait(watched, return_when=asyncio.FIRST_COMPLETED)
                changed.cancel()
                for task in (*readers, *self._tasks.values()):
                    if task.done():
                        task.result()
        finally:
            stopping.cancel()

    async def _stop_senders(self) -> None:
        for stop in self._stops.values():
            stop.set()
        self.wake()
        if self._tasks:
            await asyncio.wait(self._tasks.values(), timeout=GRACE_S + 1)  # longer only while Redis is away
        await end_tasks(self._tasks.values())

    # -- the way of an alert

    async def _take(self, chunk: Chunk) -> None:
        """Route a chunk of an outbox into the channels' queues."""
        async with self._swap:
            receivers = {name: sender.receiver for name, sender in self._senders.items()}
            updates = frozenset(name for name, sender in self._senders.items() if sender.spec.updates)
            desk = Desk(receivers, self._default_to, updates)
            parcels = chunk.parcels
            for stage in INTAKE:
                parcels = stage(parcels, desk)
            await self._bury(chunk)
            await asyncio.gather(*(self._enqueue(name, chunk, parcels) for name in self._senders))

    async def _enqueue(self, name: str, chunk: Chunk, parcels: list[Parcel]) -> None:
        sender = self._senders[name]
        own = [parcel for parcel in parcels if parcel.channel == name]
        due_us = self._clock.now_us() + round(sender.spec.schedule_s[0] * SECOND_US)
        if await self._patience.insist(partial(sender.queue.enqueue, chunk.cell, chunk.up_to, own, due_us)):
            sender.wake()

    async def _bury(self, chunk: Chunk) -> None:
        queue = self._senders[self._default_to[0]].queue
        for row in chunk.unreadable:
            log.error("%s", row.reason)
            await self._patience.insist(partial(queue.bury, row.entry, row.document, row.reason, self._clock.now_us()))

    def _receiver(self, spec: ChannelSpec) -> Receiver:
        match spec.kind:
            case "stdout":
                return self._stdout()
            case "file":
                return FileSink(spec, self._base)
            case "webhook":
                return WebhookReceiver(spec, self._secrets, self._clock)

    def _sender(self, channel: str) -> Sender:
        if channel not in self._senders:
            raise ConfigError(f"there is no channel {channel}", f"the channels are {', '.join(sorted(self._senders))}", "E0944")
        return self._senders[channel]


def _checked(channels: Mapping[str, ChannelSpec], default_to: Sequence[str]) -> dict[str, ChannelSpec]:
    """The channels, and standard output if none of them is called so."""
    specs = {STDOUT: ChannelSpec(STDOUT, "stdout"), **channels}
    for spec in specs.values():
        check_channel(spec)
    for name in default_to:
        if name not in specs:
            raise ConfigError(f"default_to: there is no channel {name}", f"the channels are {', '.join(sorted(specs))}", "E0936")
    return specs
