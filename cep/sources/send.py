"""Sending events: lines of JSON to a running engine by HTTP, or straight into its Redis, each counted once.

Every parcel carries the producer's name and a sequence number that only grows; a parcel sent again after a lost answer is
dropped by the other side. The sequence is the number of the parcel's last line, and parcels always end at the same lines,
so a file sent again under the same producer name goes on where it stopped. Without a name of one's own, a file's producer is
made from its content: the same file is known again, another one is not.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
import uuid
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

import aiohttp
import msgspec

from cep.buffer.ingest import AsyncAppender, Backpressure
from cep.buffer.link import RedisGone
from cep.errors import ConfigError
from cep.sources.file import Lines

PARCEL_LINES = 1000
PARCEL_BYTES = 4 * 1024 * 1024
FIRST_WAIT_S, LONGEST_WAIT_S = 0.2, 10.0
REQUEST_TIMEOUT_S = 30.0
FAULTS_KEPT = 100

GO_ON = "send it again when it answers: what is in already counts once"

Sleep = Callable[[float], Awaitable[None]]


@dataclass(slots=True)
class Parcel:
    """Documents sent at once. positions: their line numbers; sequence: the last of these, the parcel's place in the order."""

    docs: list[bytes] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)
    bytes: int = 0

    @property
    def sequence(self) -> int:
        return self.positions[-1]


@dataclass(slots=True)
class Sent:
    """What came of it.

    accepted  events that are new to the other side; known: events it had already, under this producer and sequence
    faults    (line number, reason), the first hundred; rejected: how many in all
    """

    accepted: int = 0
    known: int = 0
    rejected: int = 0
    retries: int = 0
    faults: list[tuple[int, str]] = field(default_factory=list)

    def reject(self, position: int, reason: str) -> None:
        self.rejected += 1
        if len(self.faults) < FAULTS_KEPT:
            self.faults.append((position, reason))


class Busy(Exception):
    """The other side cannot take the parcel now: not there, overloaded, answer lost. Send it again after the wait.

    arrived  whether it may have been taken all the same
    """

    def __init__(self, reason: str, wait_s: float | None = None, *, arrived: bool = False) -> None:
        super().__init__(reason)
        self.wait_s, self.arrived = wait_s, arrived


class Sender(Protocol):
    async def send(self, parcel: Parcel, sent: Sent) -> None:
        """Hand over one parcel and note the outcome. raises Busy (try again), ConfigError (never will)."""
        ...


def producer_of(path: str) -> str:
    """The name under which a file is sent if it was given none: of its content, so that a second sending adds nothing.

    What can be read only once (standard input, a pipe) has a name that nothing else will have.
    raises  ConfigError: the file cannot be read
    """
    if path == "-" or not Path(path).is_file():
        return uuid.uuid4().hex  # a file that is not there is told by whoever reads it
    try:
        with Path(path).open("rb") as file:
            return f"file-{hashlib.file_digest(file, 'sha256').hexdigest()[:32]}"
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}", "check the path and the rights", "E0950") from error


def parcels(batches: Iterable[Lines], sent: Sent) -> Iterator[Parcel]:
    """Lines regrouped so that a parcel always ends at the same lines, however the input came in."""
    parcel = Parcel()
    for batch in batches:
        for rejected in batch.rejected:
            sent.reject(rejected.position, rejected.reason)
        for position, line in zip(batch.positions, batch.lines):
            new_group = bool(parcel.docs) and (position - 1) // PARCEL_LINES != (parcel.positions[-1] - 1) // PARCEL_LINES
            if new_group or (parcel.docs and parcel.bytes + len(line) > PARCEL_BYTES):
                yield parcel
                parcel = Parcel()
            parcel.docs.append(line)
            parcel.positions.append(position)
            parcel.bytes += len(line) + 1
    if parcel.docs:
        yield parcel


async def send_all(
    batches: Iterable[Lines],
    sender: Sender,
    *,
    patience_s: float = 60.0,
    sleep: Sleep = asyncio.sleep,
    told: Callable[[Sent], None] | None = None,
    waiting: Callable[[str], None] | None = None,
    mend: str = GO_ON,
) -> Sent:
    """Send everything, one parcel after the other; each is tried again until it is taken.

    patience_s  how long one parcel may wait for the other side before it is given up
    waiting     called when a parcel has to wait, once for each: with the reason, and for how long it will be tried
    mend        what to do when patience has ended
    raises      ConfigError: refused for good, or out of patience; the message says how many events are in
    """
    sent = Sent()
    for parcel in parcels(batches, sent):
        await _send_one(parcel, sender, sent, patience_s, sleep, waiting, mend)
        if told is not None:
            told(sent)
    return sent


async def _send_one(
    parcel: Parcel,
    sender: Sender,
    sent: Sent,
    patience_s: float,
    sleep: Sleep,
    waiting: Callable[[str], None] | None,
    mend: str,
) -> None:
    wait_s, waited_s, arrived, told = FIRST_WAIT_S, 0.0, False, False
    known = sent.known
    while True:
        try:
            await sender.send(parcel, sent)
            if arrived:  # it was this very call that brought what is known by now
                sent.accepted, sent.known = sent.accepted + sent.known - known, known
            return
        except Busy as busy:
            arrived = arrived or busy.arrived
            if waited_s >= patience_s:
                count = sent.accepted + sent.known
                what = f"no event was sent in {waited_s:.0f} s" if not count else f"stopped after {count:,} events"
                raise ConfigError(f"{what}: {busy}", mend, "E0966") from busy
            if waiting is not None and not told:
                waiting(f"{busy}{'' if str(busy).endswith('?') else ';'} trying again for {patience_s:.0f} s")
                told = True
            pause_s = busy.wait_s if busy.wait_s is not None else wait_s * random.uniform(0.5, 1.0)
            await sleep(pause_s)
            sent.retries += 1
            waited_s += pause_s
            wait_s = min(2 * wait_s, LONGEST_WAIT_S)


class HttpSender:
    """Posts parcels to the ingest of a running engine. An asynchronous context: it holds the connection."""

    def __init__(self, url: str, *, stream: str | None = None, token: str | None = None, producer: str | None = None) -> None:
        """url: `http://host:8088`, or with the whole path. producer: a name of one's own to go on after a break."""
        path = "/v1/events" + (f"/{stream}" if stream else "")
        self.url = url if "/v1/" in url else url.rstrip("/") + path
        self._origin = "/".join(self.url.split("/", 3)[:3])
        self._headers = {"Content-Type": "application/x-ndjson", "Cep-Producer": producer or uuid.uuid4().hex}
        if token:
            self._headers["Authorization"] = f"Bearer {token}"
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=REQUEST_TIMEOUT_S))
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._session is not None:
            await self._session.close()

    async def send(self, parcel: Parcel, sent: Sent) -> None:
        if self._session is None:
            raise ConfigError("the sender is not open", "use it in `async with`", "E0966")
        headers = {**self._headers, "Cep-Sequence": str(parcel.sequence)}
        try:
            async with self._session.post(self.url, data=b"\n".join(parcel.docs), headers=headers) as response:
                status, wait = response.status, response.headers.get("Retry-After", "")
                answer = _answer(await response.read())
        except (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError) as error:
            raise ConfigError(f"{self.url} is no URL", "write http://host:8088", "E0966") from error
        except aiohttp.ClientConnectorError as error:
            raise Busy(f"nobody answers at {self._origin}; is `cep run` running?") from error
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Busy(f"{self._origin}: {error or 'no answer in time'}", arrived=True) from error
        if status in (429, 408) or status >= 500:
            seconds = float(wait) if wait.isascii() and wait.isdigit() else None
            raise Busy(f"{self._origin} answers {status}: {answer.error}", seconds, arrived=status >= 500)
        if status == 202 or (status == 400 and answer.rejected):
            _note(parcel, answer, sent)
            return
        raise ConfigError(f"{self.url} answers {status}: {answer.error}", answer.help, "E0966")


class _Told(msgspec.Struct):
    index: int
    reason: str


class _Answer(msgspec.Struct):
    accepted: int = 0
    rejected: int = 0
    duplicates: int = 0
    faults: list[_Told] = []
    error: str = ""
    help: str = ""


def _answer(body: bytes) -> _Answer:
    """What the other side said; nothing if it is not our engine that answers."""
    try:
        return msgspec.json.decode(body, type=_Answer)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _Answer(error=body[:200].decode("utf-8", "replace"))


def _note(parcel: Parcel, answer: _Answer, sent: Sent) -> None:
    if answer.duplicates:  # a parcel is new as a whole, or known as a whole
        sent.known += answer.accepted
    else:
        sent.accepted += answer.accepted
    for told in answer.faults:
        if 0 <= told.index < len(parcel.positions):
            sent.reject(parcel.positions[told.index], told.reason)
    sent.rejected += max(0, answer.rejected - len(answer.faults))


class RedisSender:
    """Appends parcels to a stream in Redis, without a running engine in between."""

    def __init__(self, appender: AsyncAppender, stream_key: str, *, producer: str | None = None) -> None:
        self._appender, self._stream_key = appender, stream_key
        self._producer = producer or uuid.uuid4().hex

    async def send(self, parcel: Parcel, sent: Sent) -> None:
        try:
            done = await self._appender.append(self._stream_key, parcel.docs, producer=self._producer, sequence=parcel.sequence)
        except Backpressure as error:
            raise Busy(str(error)) from error
        except RedisGone as error:
            raise Busy(f"Redis does not answer: {error}", arrived=True) from error
        sent.accepted += done.appended
        sent.known += done.duplicates
