"""The queue of one channel in Redis: what waits, in which order, how often it was tried, what died. All of it in one slot.

One dispatcher at a time owns it. The latest to start takes it over, and one that was replaced is told at its next step; so after
a crash the next process goes on at once, without waiting for a lease to run out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from cep.alert import AlertRow
from cep.buffer import keys
from cep.deliver import scripts
from cep.deliver.health import Health
from cep.deliver.outcome import Outcome, Tries
from cep.deliver.parcel import Parcel, Turn
from cep.errors import ConfigError

if TYPE_CHECKING:
    from redis.asyncio import Redis

PARTS = ("owner", "cursor", "due", "pending", "tries", "dead", "sent", "health")
KEEP_DEAD_MS = 14 * 24 * 3600 * 1000
SLICE = 100  # dead letters sent back by one script: Redis serves nobody else meanwhile
Verdict = Literal["sent", "again", "dead"]


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An alert that was given up: `at_us` wall time, `error` of its last attempt, `alert` as JSON."""

    id: str
    at_us: int
    attempts: int
    error: str
    alert: bytes


class ChannelQueue:
    """raises  redis-py's errors as they are: the caller decides whether to wait for Redis"""

    def __init__(self, redis: Redis, channel: str, owner: str) -> None:
        self.channel = channel
        self._redis = redis
        self._owner = owner
        self._keys = [keys.channel(channel, part) for part in PARTS]
        self._lanes = keys.channel(channel, "lane:")
        self._dead = keys.channel(channel, "dead")
        self._enqueue = redis.register_script(scripts.ENQUEUE)
        self._claim = redis.register_script(scripts.CLAIM)
        self._record = redis.register_script(scripts.RECORD)
        self._redrive = redis.register_script(scripts.REDRIVE)

    async def take_over(self) -> Health:
        """Own the queue from now on. Gives what was known of the receiver."""
        await self._redis.set(keys.channel(self.channel, "owner"), self._owner)
        return await self.health()

    async def cursor(self, cell: str) -> str | None:
        """Up to which outbox entry of the cell this channel has taken what is its own; None: it never did."""
        raw: Any = await self._redis.hget(keys.channel(self.channel, "cursor"), cell)
        return raw.decode() if raw else None

    async def start_at(self, cell: str, entry: str) -> None:
        """Set the cursor of a channel that has none."""
        await self._redis.hsetnx(keys.channel(self.channel, "cursor"), cell, entry)

    async def forget_cursors(self) -> None:
        """The channel is no longer configured: when it returns it starts where delivery is then."""
        await self._redis.delete(keys.channel(self.channel, "cursor"))

    async def enqueue(self, cell: str, up_to: str, parcels: Iterable[Parcel], due_us: int) -> int:
        """Put parcels into their lanes and move the cell's cursor, in one step. Gives how many were new."""
        words: list[str | bytes | int] = [cell, up_to, due_us]
        for parcel in parcels:
            words += [parcel.entry, parcel.id, parcel.lane, parcel.raw]
        return int(await self._run(self._enqueue, *words))

    async def claim(self, now_us: int, lanes: int, burst: int, busy: Iterable[str]) -> tuple[list[Turn], int | None]:
        """The heads of up to so many lanes that are due and not busy; and when the next lane will be due."""
        next_due, *found = await self._run(self._claim, now_us, lanes, burst, *busy)
        turns = [self._turn(lane.decode(), rows) for lane, *rows in found]
        return turns, int(float(next_due)) if next_due else None

    def _turn(self, lane: str, rows: Sequence[Any]) -> Turn:
        parcels = []
        for name, raw, tries in rows:
            alert = msgspec.json.decode(raw, type=AlertRow).alert() if raw else LOST
            known = msgspec.json.decode(tries, type=Tries) if tries else Tries()
            parcels.append(Parcel(name.decode(), alert, raw, channel=self.channel, lane=lane, tries=known))
        return Turn(lane, parcels)

    async def record(
        self, turn: Turn, outcome: Outcome, verdict: Verdict, now_us: int, *, due_us: int, next_us: int, health: Health
    ) -> None:
        """Write what became of the turn's parcels, all alike; their `tries` are those after the attempt.

        due_us   when they are tried again; next_us: when what stands behind them may go
        """
        oldest = f"{max(now_us // 1000 - KEEP_DEAD_MS, 0)}-0"
        known = msgspec.json.encode(health)
        words: list[str | bytes | int] = [turn.lane, now_us, next_us, known, oldest, outcome.said, verdict, health.number]
        for parcel in turn.parcels:
            words += [parcel.id, due_us, msgspec.json.encode(parcel.tries), parcel.tries.attempts]
        await self._run(self._record, *words)

    async def bury(self, entry: str, document: bytes, reason: str, now_us: int) -> None:
        """Keep an outbox entry that is no alert, for people to look at; it cannot be sent again."""
        fields: dict[Any, Any] = {"id": f"entry:{entry}", "lane": "", "at": now_us, "attempts": 0, "error": reason}
        await self._redis.xadd(self._dead, fields | {"alert": "", "document": document})

    async def waiting(self) -> int:
        return int(await self._redis.hlen(keys.channel(self.channel, "pending")))

    async def keep(self, health: Health) -> None:
        """Write down what is known of the receiver, besides what `record` writes."""
        known: dict[Any, Any] = {"health": msgspec.json.encode(health), "number": health.number}
        await self._redis.hset(keys.channel(self.channel, "health"), mapping=known)

    async def health(self) -> Health:
        raw = await self._redis.hget(keys.channel(self.channel, "health"), "health")
        return msgspec.json.decode(raw, type=Health) if raw else Health()

    async def dead_letters(self, count: int = 100) -> list[DeadLetter]:
        """The newest dead letters, newest first."""
        rows: Any = await self._redis.xrevrange(self._dead, count=count)
        return [_letter(row) for _, row in rows]

    async def dead_count(self) -> int:
        return int(await self._redis.xlen(self._dead))

    async def redrive(self, ids: Iterable[str] | None, now_us: int) -> int:
        """Put dead letters back at the ends of their lanes, under the same ids, their schedules begun afresh.

        ids    `webhook-id`s; None: all
        gives  how many were put back
        """
        wanted = None if ids is None else set(ids)
        back, start = 0, "-"
        end: Any = await self._redis.xrevrange(self._dead, count=1)
        while end:  # up to what was there at the start: what dies again meanwhile stays dead
            rows: Any = await self._redis.xrange(self._dead, min=start, max=end[0][0], count=SLICE)
            if not rows:
                break
            chosen = [entry for entry, row in rows if wanted is None or row[b"id"].decode() in wanted]
            if chosen:
                back += int(await self._redrive(keys=self._keys, args=["", self._lanes, now_us, *chosen]))
            start = "(" + rows[-1][0].decode()
        return back

    async def _run(self, script: Any, *words: Any) -> Any:
        answer = await script(keys=self._keys, args=[self._owner, self._lanes, *words])
        if answer == -1:
            raise ConfigError(
                f"another process delivers to channel {self.channel} now",
                "run one `cep run` per set of cells and channels",
                "E0939",
            )
        return answer


def _letter(row: dict[bytes, bytes]) -> DeadLetter:
    alert = row[b"alert"] or row.get(b"document", b"")
    return DeadLetter(row[b"id"].decode(), int(row[b"at"]), int(row[b"attempts"]), row[b"error"].decode(), alert)


# Stands where the queue names an alert that Redis no longer holds (somebody deleted it): it cannot be sent, but is accounted for.
LOST = AlertRow(
    id="", rule="", version="", generation=0, severity="", title="", key=None, time_us=0, first_us=None, last_us=None, fields={},
    evidence=(), events=0,
).alert()  # fmt: skip
