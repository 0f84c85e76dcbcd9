"""Reading streams of events: several at once, raw, whole entries, the next read asked for while the last one is worked on.

An entry is one document, many lines, or plain field-value pairs; each row gets a position. Cuts fall between entries. Group
positions are never used: the cursor is ours and is committed together with what came of the rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from redis.exceptions import ResponseError

from cep.buffer.gaps import STREAM_MEND, first_entry, first_seen
from cep.buffer.link import Link
from cep.buffer.position import START
from cep.errors import ConfigError
from cep.event import Document

MOST_ENTRIES = 1000  # more is slower: the replies leave the cache (measured: bench/redis_throughput.py)
FIRST_ENTRIES = 16  # until the size of entries is known: they may be a mebibyte each
AIM_BYTES = 192 << 10  # a reply that fits the socket's buffer is written while we work on the last one
_LINES = [f"/{n}" for n in range(1024)]


@dataclass(slots=True)
class Rows:
    """What was read of one stream, whole entries.

    last     id of the last entry: the cursor from here on
    entries  how many
    at_end   whether nothing was left behind them
    """

    stream: str
    documents: list[Document]
    positions: list[str]
    last: str
    entries: int
    at_end: bool


class Reader:
    """Reads the streams of a cell from its cursors.

    cursors  stream -> id of the last entry read
    seen     stream -> how many entries had ever been appended up to the cursor (what tells a gap)
    """

    def __init__(self, link: Link, inputs: dict[str, str], cursors: dict[str, str], seen: dict[str, int]) -> None:
        self._link = link
        self._inputs = inputs  # name -> key
        self._names = {key.encode(): name for name, key in inputs.items()}
        self.cursors = {name: cursors.get(name, START) for name in inputs}
        self.seen = {name: seen.get(name, 0) for name in inputs}
        self._count = FIRST_ENTRIES
        self._asked = 0  # entries asked for by the read under way; 0: none is

    def request(self, block_ms: int) -> None:
        """Ask for what comes after the cursors, waiting on the server for at most so long if there is nothing yet."""
        cursors = [self.cursors[name] for name in self._inputs]
        self._asked = 0
        self._link.send(
            "XREAD", "COUNT", self._count, "BLOCK", max(block_ms, 1), "STREAMS", *self._inputs.values(), *cursors
        )  # fmt: skip
        self._asked = self._count

    @property
    def requested(self) -> bool:
        return self._asked > 0 and self._link.unanswered > 0

    def receive(self) -> list[Rows]:
        """The answer to the request; streams without news are left out.

        raises  RedisGone: the cursors are as they were, ask again
        """
        asked, self._asked = self._asked, 0
        try:
            reply = self._link.receive()
        except ResponseError as error:
            raise ConfigError(f"cannot read {', '.join(self._inputs.values())}: {error}", STREAM_MEND, "E0910") from None
        found: list[Rows] = []
        size = 0
        for key, entries in reply or ():
            rows, size_of_rows = unpack(self._names[key], entries, at_end=len(entries) < asked)
            self._move(rows)
            found.append(rows)
            size = max(size, size_of_rows // len(entries))
        if size:
            self._count = max(1, min(MOST_ENTRIES, AIM_BYTES // size))
        return found

    def read_to(self, stream: str, last: str) -> Rows | None:
        """The next rows of one stream up to an entry (included); None: there are none any more. Used to read again."""
        key, cursor = self._inputs[stream], self.cursors[stream]
        entries = self._link.call("XRANGE", key, f"({cursor}", last, "COUNT", self._count)
        if not entries:
            return None
        rows, size = unpack(stream, entries, at_end=False)
        self._count = max(1, min(MOST_ENTRIES, AIM_BYTES // max(size // len(entries), 1)))
        self._move(rows)
        return rows

    def oldest(self, stream: str) -> str:
        """Id of the oldest entry still in the stream; "" when there is none."""
        return first_entry(self._link, self._inputs[stream])

    def count_from_here(self) -> None:
        """Streams read for the first time: what has gone from them already is no gap."""
        for stream, key in self._inputs.items():
            self.seen[stream] = first_seen(self._link, key)

    def _move(self, rows: Rows) -> None:
        self.cursors[rows.stream] = rows.last
        self.seen[rows.stream] += rows.entries


def unpack(stream: str, entries: list[Any], *, at_end: bool) -> tuple[Rows, int]:
    """Rows of raw entries, and the bytes of their documents.

    shape   entries: [[id, [field, value, ...]], ...], not empty
    """
    last = entries[-1][0].decode()
    values = [fields[1] for _, fields in entries if len(fields) == 2 and fields[0] == b"json"]
    if len(values) == len(entries):  # by far the most common: a third of the time of the loop below
        ids = [entry_id.decode() for entry_id, _ in entries]
        return Rows(stream, values, ids, last, len(entries), at_end), sum(map(len, values))
    documents: list[Document] = []
    positions: list[str] = []
    size = 0
    for entry_id, fields in entries:
        if len(fields) == 2:
            name, value = fields
            if name == b"json" or (name != b"lines" and value[:1] == b"{"):
                documents.append(value)
                positions.append(entry_id.decode())
                size += len(value)
                continue
            if name == b"lines":
                lines = value.split(b"\n")
                if not lines[-1]:
                    lines.pop()
                documents += lines
                positions += _line_positions(entry_id.decode(), len(lines))
                size += len(value)
                continue
        words = [word.decode("utf-8", "replace") for word in fields or ()]
        documents.append(dict(zip(words[::2], words[1::2])))
        positions.append(entry_id.decode())
        size += sum(map(len, words))
    return Rows(stream, documents, positions, last, len(entries), at_end), size


def _line_positions(entry_id: str, lines: int) -> list[str]:
    if lines <= len(_LINES):
        return [entry_id + line for line in _LINES[:lines]]
    return [f"{entry_id}/{n}" for n in range(lines)]
