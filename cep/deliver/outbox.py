"""Reads one cell's outbox from where delivery stands, for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from cep.alert import AlertRow
from cep.buffer import keys
from cep.deliver.parcel import Parcel
from cep.deliver.patience import Patience

if TYPE_CHECKING:
    from redis.asyncio import Redis

START = "0-0"
CHUNK = 500  # entries read at once
BLOCK_MS = 2000


def place(entry: str) -> tuple[int, int]:
    """An entry id as something that compares: `1718000000000-3` is after `1718000000000-2`."""
    ms, _, number = entry.partition("-")
    return int(ms), int(number)


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An entry that is no alert, and why."""

    entry: str
    document: bytes
    reason: str


@dataclass(slots=True)
class Chunk:
    cell: str
    up_to: str
    parcels: list[Parcel]
    unreadable: list[Unreadable]


class OutboxReader:
    """position: up to where everything was handed on."""

    def __init__(self, redis: Redis, cell: str, position: str, patience: Patience) -> None:
        self.cell, self.position = cell, position
        self._redis = redis
        self._key = keys.cell(cell, "outbox")
        self._patience = patience
        self._moved = asyncio.Event()
        self._ended = False

    async def run(self, hand_on: Callable[[Chunk], Awaitable[None]]) -> None:
        """Read and hand on until cancelled. The position moves when a chunk has been handed on, so a failure reads it again."""
        while True:
            rows = await self._patience.insist(self._read)
            if rows:
                await hand_on(_chunk(self.cell, rows))
                self.position = rows[-1][0].decode()
                self._moved.set()

    async def reach_end(self) -> None:
        """Return when what is in the outbox now has been handed on, or nobody reads any more."""
        last: Any = await self._patience.insist(partial(self._redis.xrevrange, self._key, count=1))
        while last and not self._ended and place(self.position) < place(last[0][0].decode()):
            self._moved.clear()
            await self._moved.wait()

    def end(self) -> None:
        """Nobody reads any more: let go of those who wait."""
        self._ended = True
        self._moved.set()

    async def _read(self) -> list[tuple[bytes, dict[bytes, bytes]]]:
        streams: Any = await self._redis.xread({self._key: self.position}, count=CHUNK, block=BLOCK_MS)
        return streams[0][1] if streams else []


def _chunk(cell: str, rows: list[tuple[bytes, dict[bytes, bytes]]]) -> Chunk:
    chunk = Chunk(cell, rows[-1][0].decode(), [], [])
    for name, fields in rows:
        entry, raw = name.decode(), fields.get(b"alert", b"")
        try:
            alert = msgspec.json.decode(raw, type=AlertRow).alert()
            webhook_id = fields[b"id"].decode("ascii")
        except (msgspec.DecodeError, KeyError, UnicodeDecodeError, RecursionError) as fault:
            reason = "it has no id" if isinstance(fault, KeyError) else str(fault)
            chunk.unreadable.append(Unreadable(entry, raw, f"outbox entry {entry} of cell {cell} is no alert: {reason}"))
        else:
            chunk.parcels.append(Parcel(webhook_id, alert, raw, entry))
    return chunk
