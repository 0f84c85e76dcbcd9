"""Commits: what came of a batch and how far the input was read, written in one script, or not at all.

Commits are numbered. One whose answer was lost is sent again under its number and found done; one whose number does not follow
the stored one tells that Redis has gone back. Alerts are refused by id if they were appended since the last checkpoint but
one, so a replay appends nothing twice. A step with very many alerts is several commits, of which the last moves the positions:
Redis serves nobody else while a script runs.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from redis.exceptions import NoScriptError, ResponseError

from cep.alert import Alert
from cep.buffer import control, keys
from cep.buffer.gaps import Gap
from cep.buffer.lease import LEASE_MS, Fenced, Lease, Rewound
from cep.buffer.link import Link, RedisGone
from cep.buffer.script import Script
from cep.errors import ConfigError
from cep.event import Document

MOST_ENTRIES = 2000  # alerts and rejected rows to a script run
MOST_BYTES = 4 << 20
MOST_DOC_BYTES = 1 << 20  # of a rejected document; `bytes` tells its whole size
_COMMIT = Script("commit")
_encode = msgspec.json.Encoder().encode
_KEYS = ("owner", "commit", "control", "outbox", "late", "dead", "gaps", "ids:0", "ids:1", "manifest")


class Rejection(msgspec.Struct, frozen=True):
    """A row that was not fed."""

    stream: str
    position: str
    code: str
    reason: str
    document: Document


class Standing(msgspec.Struct, frozen=True):
    """How far a cell has come.

    highs   stream -> id of the last entry taken
    seen    stream -> entries ever appended by then
    evicted rule -> how much it has let go so far, because its budget was full
    counts  what became of the cell's events since it began: `seen fed late dead`, and how many were put aside by code
    """

    highs: dict[str, str]
    seen: dict[str, int]
    watermark_us: int
    generation: int
    at_us: int  # wall time of the commit, for those who watch
    counts: dict[str, int] = {}
    evicted: dict[str, int] = {}


class Entries(msgspec.Struct):
    """What a commit appends, in order."""

    alerts: list[Alert] = []
    late: list[Rejection] = []
    dead: list[Rejection] = []
    control: list[control.Control] = []
    gaps: list[Gap] = []

    def add(self, more: Entries) -> None:
        """Append what another step brought."""
        self.alerts += more.alerts
        self.late += more.late
        self.dead += more.dead
        self.control += more.control
        self.gaps += more.gaps


def read_standing(link: Link, cell: str) -> tuple[int, Standing | None]:
    """The number of the last commit and where it stood; (0, None) for a cell that never committed."""
    number, state = link.call("HMGET", keys.cell(cell, "commit"), "number", "state")
    return (0, None) if state is None else (int(number), msgspec.msgpack.decode(state, type=Standing))


class Commits:
    """Sends commits of one cell and waits for their answers later.

    number   of the last commit submitted
    refused  alerts and rejected rows met again so far
    """

    def __init__(
        self, link: Link, cell: str, lease: Lease, *, number: int, lose_answer: Callable[[], bool] = lambda: False
    ) -> None:
        """number: of the last commit made; lose_answer: a failpoint, whether the next answer is to be thrown away."""
        self._link, self._lease = link, lease
        self._keys = [keys.cell(cell, what) for what in _KEYS]
        self.number = number
        self.appended = self.refused = 0
        self._pending: deque[list[Any]] = deque()
        self._sent = 0  # how many of the pending were sent on the connection that is open now
        self._lose_answer = lose_answer

    def submit(self, entries: Entries, standing: Standing, manifest: bytes = b"") -> None:
        """Make it one or several commits, to be sent by flush(). No IO, so nothing is lost if Redis is not there."""
        rows = [(alert.entry_id, _encode(alert.row())) for alert in entries.alerts]
        late = [_rejection_words("late", row) for row in entries.late]
        dead = [_rejection_words("dead", row) for row in entries.dead]
        last = len(rows) + len(late) + len(dead)
        for alerts, late_part, dead_part in _parts(rows, late, dead):
            last -= len(alerts) + len(late_part) + len(dead_part)
            final = last == 0
            self.number += 1
            controls = [control.encode(entry) for entry in entries.control] if final else []
            gaps = [_encode(gap) for gap in entries.gaps] if final else []
            state = b"" if not final else msgspec.msgpack.encode(standing)
            words: list[Any] = [self._lease.name, LEASE_MS, self.number, state, manifest if final else b""]
            words += [len(alerts), len(late_part), len(dead_part), len(controls), len(gaps)]
            for group in (alerts, late_part, dead_part, controls):
                for row in group:
                    words += row
            self._pending.append(words + gaps)

    def flush(self) -> None:
        """Send what was not sent yet, all of it again if the connection was lost.

        raises  RedisGone: everything is kept, call again
        """
        try:
            while self._sent < len(self._pending):
                _COMMIT.send(self._link, self._keys, self._pending[self._sent])
                self._sent += 1
        except RedisGone:
            self._sent = 0
            raise

    def settle(self, leave: int = 0) -> None:
        """Wait for answers until at most `leave` commits are without one.

        raises  RedisGone (call again); Fenced, Rewound (drop everything); ConfigError (a key of ours holds something else)
        """
        while len(self._pending) > leave:
            self.flush()
            try:
                if self._lose_answer():
                    self._link.receive()
                    self._link.close()
                reply = self._link.receive()
            except RedisGone:
                self._sent = 0
                raise
            except NoScriptError:  # those behind it failed as well: all go again once the script is there
                self._start_anew()
                continue
            except ResponseError as error:
                raise ConfigError(
                    f"Redis refuses a commit: {error}", "see whether something else uses our keys", "E0911"
                ) from None
            self._take(reply, self._pending[0][2])
            self._pending.popleft()
            self._sent -= 1

    def _start_anew(self) -> None:
        self._link.close()
        self._sent = 0
        self._link.call("SCRIPT", "LOAD", _COMMIT.text)

    @property
    def unanswered(self) -> int:
        return len(self._pending)

    def _take(self, reply: list[Any], number: int) -> None:
        match reply[0]:
            case b"ok":
                self.appended += reply[1]
                self.refused += reply[2]
            case b"fenced":
                raise Fenced(reply[1].decode())
            case b"rewound":
                raise Rewound(number - 1, int(reply[1]))
            case b"spoiled":
                key, kind = reply[1].decode(), reply[2].decode()
                raise ConfigError(f"the key {key} holds a {kind}, put there by something else", "remove it or rename it", "E0911")


def _rejection_words(kind: str, row: Rejection) -> tuple[Any, ...]:
    document = row.document if isinstance(row.document, bytes) else _encode(row.document)
    row_id = f"{kind}:{row.stream}:{row.position}"
    return row_id, row.stream, row.position, row.code, row.reason, len(document), document[:MOST_DOC_BYTES]


_Words = list[tuple[Any, ...]]


def _parts(alerts: _Words, late: _Words, dead: _Words) -> Sequence[tuple[_Words, _Words, _Words]]:
    """The same entries in the same order, cut so that no script runs long; usually one part, which may be empty."""
    parts: list[tuple[_Words, _Words, _Words]] = [([], [], [])]
    size = count = 0
    for kind, group in enumerate((alerts, late, dead)):
        for row in group:
            row_bytes = len(row[-1])
            if count and (count >= MOST_ENTRIES or size + row_bytes > MOST_BYTES):
                parts.append(([], [], []))
                size = count = 0
            parts[-1][kind].append(row)
            size += row_bytes
            count += 1
    return parts
