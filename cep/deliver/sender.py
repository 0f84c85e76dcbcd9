"""The loop of one channel: takes what is due from its queue, a few at a time, and runs each through the stages of an attempt."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from functools import partial

from cep.clock import Clock
from cep.config import ChannelSpec
from cep.deliver.outcome import Kind, Outcome
from cep.deliver.parcel import Receiver, Turn
from cep.deliver.patience import Patience, end_tasks
from cep.deliver.queue import ChannelQueue
from cep.deliver.stages import ATTEMPT, Post

POLL_S = 2.0  # how long at most until the queue is looked at again: others may redrive, and wall clocks are set
GRACE_S = 8.0  # how long attempts in flight may go on after the end was asked for


class Sender:
    """Owns the receiver it is given, and closes it."""

    def __init__(self, spec: ChannelSpec, receiver: Receiver, queue: ChannelQueue, clock: Clock, dice: random.Random) -> None:
        self.spec, self.receiver, self.queue = spec, receiver, queue
        self._clock, self._dice = clock, dice
        self._patience = Patience(clock)
        self._wake = asyncio.Event()
        self._flying: dict[str, asyncio.Task[None]] = {}  # by lane
        self._using: Counter[int] = Counter()  # attempts in flight of each receiver, by identity
        self._asked = self._rested = 0  # calls to `rest`, and how many of them were answered
        self._changed = asyncio.Event()
        self._ended = False

    async def start(self) -> None:
        """Take the queue over."""
        self.health = await self._patience.insist(self.queue.take_over)
        self._aim()

    def wake(self) -> None:
        """Look at the queue now: something was put in, or the clock was moved."""
        self._wake.set()

    async def replace(self, spec: ChannelSpec, receiver: Receiver) -> None:
        """Send by another configuration from now on; attempts in flight end by theirs."""
        old, self.spec, self.receiver = self.receiver, spec, receiver
        self._aim()
        if not self._using[id(old)]:
            await old.close()
        self.wake()

    def forgive(self) -> None:
        """What was learnt of the receiver no longer holds."""
        self.health.target = ""
        self._aim()
        self.wake()

    async def rest(self) -> None:
        """Return when nothing that may be sent now is unsent or in flight."""
        self._asked += 1
        mine = self._asked
        self.wake()
        while self._rested < mine and not self._ended:
            self._changed.clear()
            await self._changed.wait()

    async def run(self, stop: asyncio.Event) -> None:
        """Send until `stop` is set (wake it then), end what is in flight, close.

        raises  ConfigError E0939: another process has taken the queue over
        """
        try:
            while not stop.is_set():
                self._wake.clear()
                asked = self._asked
                due_us = await self._start_due()
                if not self._flying:
                    self._rested = asked
                    self._changed.set()
                await self._wait(due_us)
            if self._flying:
                await asyncio.wait(self._flying.values(), timeout=GRACE_S)
        finally:
            await end_tasks(self._flying.values())
            await self.receiver.close()
            self._ended = True
            self._changed.set()

    async def _start_due(self) -> int | None:
        """Begin the attempts there is room for. Gives when to look again at the latest; None: when woken."""
        now_us = self._clock.now_us()
        room = self.health.room(now_us, len(self._flying), self.spec.concurrency)
        claim = partial(self.queue.claim, now_us, room, self.receiver.burst, tuple(self._flying))
        turns, due_us = await self._patience.insist(claim)
        room = self.health.room(now_us, len(self._flying), self.spec.concurrency)  # an answer that came meanwhile may forbid it
        for turn in turns[:room]:
            self.health.started(now_us)
            self._flying[turn.lane] = asyncio.create_task(self._attempt(turn))
        opens_us = self.health.opens_us(now_us)
        times = [at for at in (due_us, opens_us) if at is not None]
        return min(times) if times else None

    async def _wait(self, due_us: int | None) -> None:
        """Until woken, or due. A fault of an attempt (not of its receiver) ends the channel."""
        wait_s = POLL_S if due_us is None else min(POLL_S, max(0.0, (due_us - self._clock.now_us()) / 1e6))
        try:
            await asyncio.wait_for(self._wake.wait(), wait_s)
        except TimeoutError:
            pass
        for lane in [lane for lane, task in self._flying.items() if task.done()]:
            self._flying.pop(lane).result()

    async def _attempt(self, turn: Turn) -> None:
        receiver = self.receiver
        post = Post(self.spec, receiver, self.queue, self.health, self._clock, self._dice, self._patience)
        self._using[id(receiver)] += 1
        try:
            self._decide_early(turn)
            for stage in ATTEMPT:
                await stage(turn, post)
        finally:
            self._using[id(receiver)] -= 1
            if receiver is not self.receiver and not self._using[id(receiver)]:
                await receiver.close()
            self.wake()

    def _decide_early(self, turn: Turn) -> None:
        """What needs no attempt: a channel that is disabled, an alert that Redis no longer holds."""
        whole = next((at for at, parcel in enumerate(turn.parcels) if not parcel.raw), len(turn.parcels))
        turn.parcels = turn.parcels[: max(whole, 1)]
        if whole == 0:
            turn.outcome = Outcome(Kind.LOST, "Redis no longer holds this alert")
        elif self.health.disabled:
            turn.outcome = Outcome(Kind.GONE, self.health.disabled)

    def _aim(self) -> None:
        """What is known of one receiver says nothing of another."""
        self.health.aim(self.spec.url or self.spec.path or "")
