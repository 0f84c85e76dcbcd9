"""Appending events so that a retried call never counts twice: where "exactly once" begins.

A producer names itself and numbers what it sends; one script in the stream's slot appends only what is newer. `Appender` is for
threads (`cep send`, sources), `AsyncAppender` for event loops (HTTP); both run the same script with the same words.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import redis
from redis import exceptions
from redis.exceptions import NoScriptError

from cep.buffer.keys import producer as producer_key
from cep.buffer.link import RedisGone, means_not_now
from cep.buffer.script import Script
from cep.errors import CepError, ConfigError, EventError

if TYPE_CHECKING:
    from redis.asyncio import Redis as AsyncRedis

MAX_ENTRY_BYTES = 1 << 20  # of a packed entry; a single larger document has an entry to itself
MAX_CALL = 20_000  # documents to a script call: Redis serves nobody else meanwhile
KEEP_PRODUCER_MS = 7 * 24 * 3600 * 1000  # a producer silent for longer is forgotten
FULL_AT = 0.8  # of maxmemory: what is left is for commits, which must always find room
LOOK_EVERY_S = 0.2
SYNC_TIMEOUT_MS = 5000
_APPEND = Script("append")


class Backpressure(CepError):
    """Redis is nearly full: nothing was appended; come again later."""

    def __init__(self, used_bytes: int, limit_bytes: int) -> None:
        self.used_bytes, self.limit_bytes = used_bytes, limit_bytes
        found = f"uses {used_bytes >> 20} of {limit_bytes >> 20} MiB" if limit_bytes else "is out of memory"
        super().__init__(f"Redis {found}: new events wait until there is room; raise maxmemory or lower `retain`")


@dataclass(frozen=True, slots=True)
class Appended:
    """What became of a call.

    appended, duplicates  documents; duplicates had been appended by an earlier call
    last_id               of the last entry appended; "" if none was
    durability            "appended": in Redis' memory, and on its disk within a second or as it is configured; "synced": on disk
    """

    appended: int
    duplicates: int
    last_id: str
    durability: str


class Appender:
    """Appends through a redis-py client; for threads.

    durability  what the server promises for every append (ServerFacts.durability)
    sync        wait until each call is on disk (Redis 7.2 or newer); where the server cannot tell, it stays "appended"
    """

    def __init__(self, client: redis.Redis, *, durability: str = "appended", sync: bool = False) -> None:
        self._client, self._durability, self._sync = client, durability, sync
        self._gauge = _Gauge()

    def append(
        self,
        stream_key: str,
        docs: Sequence[bytes],
        *,
        producer: str | None = None,
        sequence: int | Sequence[int] = 0,
        packed: bool | None = None,
    ) -> Appended:
        """Append the documents, in order, if they are new.

        producer  who sends; None: nothing is remembered, every call appends
        sequence  one number: of this call, which is appended whole or, if not larger than the producer's last, not at all.
                  A list: one number per document, ascending (Kafka offsets); those not larger than the last are left out
        packed    many documents to an entry (None: when there are several); never if a document holds a line feed
        raises    Backpressure; RedisGone (whether it was appended is unknown: call again with the same numbers);
                  ConfigError (the key holds something else); EventError (numbers that cannot be)
        """
        total = _Total(self._durability)
        with _said_plainly():
            if self._gauge.stale():
                self._gauge.read(self._client.info("memory"))
            self._gauge.check()
            for call in _calls(stream_key, docs, producer, sequence, packed):
                for text in (False, True):
                    pipe: Any = self._client.pipeline(transaction=False)
                    for command in call.commands(text=text, sync=self._sync and not total.synced):
                        pipe.execute_command(*command)
                    if total.add(pipe.execute(raise_on_error=False)):
                        break
        return total.answer()

    def last(self, stream_key: str, producer: str) -> int | None:
        """The last sequence appended for the producer: where a source goes on after a restart."""
        with _said_plainly():
            value = self._client.get(producer_key(stream_key, producer))
        return None if value is None else int(value)


class AsyncAppender:
    """Appender for an event loop; the same words, the same promises."""

    def __init__(self, client: AsyncRedis, *, durability: str = "appended", sync: bool = False) -> None:
        self._client, self._durability, self._sync = client, durability, sync
        self._gauge = _Gauge()

    async def append(
        self,
        stream_key: str,
        docs: Sequence[bytes],
        *,
        producer: str | None = None,
        sequence: int | Sequence[int] = 0,
        packed: bool | None = None,
    ) -> Appended:
        """See Appender.append."""
        total = _Total(self._durability)
        with _said_plainly():
            if self._gauge.stale():
                self._gauge.read(await self._client.info("memory"))
            self._gauge.check()
            for call in _calls(stream_key, docs, producer, sequence, packed):
                for text in (False, True):
                    pipe: Any = self._client.pipeline(transaction=False)
                    for command in call.commands(text=text, sync=self._sync and not total.synced):
                        pipe.execute_command(*command)
                    if total.add(await pipe.execute(raise_on_error=False)):
                        break
        return total.answer()

    async def last(self, stream_key: str, producer: str) -> int | None:
        """See Appender.last."""
        with _said_plainly():
            value = await self._client.get(producer_key(stream_key, producer))
        return None if value is None else int(value)


@dataclass(frozen=True, slots=True)
class _Call:
    """One run of the script."""

    keys: list[str]
    words: list[Any]

    def commands(self, *, text: bool, sync: bool) -> list[tuple[Any, ...]]:
        """The script (by its text when the server did not know its hash), and the wait for the disk on the same connection."""
        script = ("EVAL", _APPEND.text) if text else ("EVALSHA", _APPEND.sha)
        run = (*script, len(self.keys), *self.keys, *self.words)
        return [run, ("WAITAOF", 1, 0, SYNC_TIMEOUT_MS)] if sync else [run]


class _Total:
    """The answers of the calls, added up."""

    def __init__(self, durability: str) -> None:
        self.appended = self.duplicates = 0
        self.last_id = ""
        self.synced = durability == "synced"
        self._unsynced = 0

    def add(self, replies: list[Any]) -> bool:
        """False: the server wants the script's text."""
        reply = replies[0]
        if isinstance(reply, NoScriptError):
            return False
        if isinstance(reply, Exception):
            raise reply
        self.appended += reply[0]
        self.duplicates += reply[1]
        self.last_id = reply[2].decode() or self.last_id
        if len(replies) < 2 or isinstance(replies[1], Exception) or not replies[1][0]:
            self._unsynced += 1
        return True

    def answer(self) -> Appended:
        synced = self.synced or not self._unsynced
        return Appended(self.appended, self.duplicates, self.last_id, "synced" if synced else "appended")


def _calls(
    stream_key: str, docs: Sequence[bytes], producer: str | None, sequence: int | Sequence[int], packed: bool | None
) -> list[_Call]:
    """The script's words. A call under one number must stay one run, or its second half would look like a repetition."""
    numbers = [sequence] if isinstance(sequence, int) else list(sequence)
    if producer is not None:
        if not isinstance(sequence, int) and len(numbers) != len(docs):
            raise EventError(f"{len(docs)} documents came with {len(numbers)} sequence numbers; send one number, or one for each")
        if any(number < 0 for number in numbers) or any(b <= a for a, b in pairwise(numbers)):
            raise EventError("sequence numbers must be whole, not negative, and ascending")
    if packed is None:
        packed = len(docs) > 1
    packed = packed and not any(b"\n" in doc for doc in docs)
    keys = [stream_key, stream_key if producer is None else producer_key(stream_key, producer)]
    whole = producer is not None and isinstance(sequence, int)
    step = max(len(docs), 1) if whole else MAX_CALL
    calls = []
    for start in range(0, len(docs), step):
        part = docs[start : start + step]
        of_part = [] if producer is None else numbers if whole else numbers[start : start + step]
        words = [KEEP_PRODUCER_MS, int(packed), MAX_ENTRY_BYTES, len(of_part), *of_part, *part]
        calls.append(_Call(keys, words))
    return calls


class _Gauge:
    """How full Redis is, looked at five times a second at most."""

    def __init__(self) -> None:
        self._used = self._limit = 0
        self._looked_s = -LOOK_EVERY_S

    def stale(self) -> bool:
        return time.monotonic() - self._looked_s >= LOOK_EVERY_S

    def read(self, info: dict[str, Any]) -> None:
        self._used, self._limit = int(info["used_memory"]), int(info.get("maxmemory", 0))
        self._looked_s = time.monotonic()

    def check(self) -> None:
        if self._limit and self._used > FULL_AT * self._limit:
            raise Backpressure(self._used, self._limit)


@contextmanager
def _said_plainly() -> Iterator[None]:
    """redis-py's errors as ours."""
    try:
        yield
    except exceptions.OutOfMemoryError:
        raise Backpressure(0, 0) from None
    except (exceptions.ConnectionError, exceptions.TimeoutError) as error:
        raise RedisGone(str(error)) from None
    except exceptions.ResponseError as error:
        if means_not_now(error):
            raise RedisGone(str(error)) from None
        raise ConfigError(
            f"cannot append: {error}", "give the stream another `key:` in cep.yml, or remove what is there", "E0910"
        ) from None
