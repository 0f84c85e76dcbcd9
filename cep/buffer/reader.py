"""Reading streams of events: several at once, raw, whole entries, the next read asked for while the last one is worked on.

An entry is one document, many lines, or plain field-value pairs; each row gets a position. Cuts fall between entries. Group
positions are never used: the cursor is ours and is committed together with what came of the rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from itertools import chain
from typing import Any

from redis.exceptions import ResponseError

from cep.buffer.gaps import STREAM_MEND, first_entry, first_seen
from cep.buffer.link import Link
from cep.buffer.position import START
from cep.errors import ConfigError
from cep.event import Document, Walked
from cep.match.openrows import LARGEST_DOCUMENT

MOST_ENTRIES = 1000  # more is slower: the replies leave the cache (measured: bench/redis_throughput.py)
FIRST_ENTRIES = 16  # until the size of entries is known: they may be a mebibyte each
AIM_BYTES = 192 << 10  # a reply that fits the socket's buffer is written while we work on the last one
SAMPLED = 8  # every so many-th document is measured to know about how large entries are
_LINES = [f"/{n}" for n in range(1024)]


@dataclass(slots=True)
class Rows:
    """What was read of one stream, whole entries.

    documents  lines of a packed entry have their line feed still (see `without_end`)
    last     id of the last entry: the cursor from here on
    entries  how many
    at_end   whether nothing was left behind them
    """

    stream: str
    documents: Sequence[Document]
    positions: Sequence[str]
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
    """Rows of raw entries, and about how many bytes their documents have.

    shape   entries: [[id, [field, value, ...]], ...], not empty
    cost    about 0.1 us per entry of one document, 0.06 us per line of a packed one
    """
    documents: list[Document] = []
    positions: list[str] = []
    try:
        for entry_id, (name, value) in entries:
            if name != b"json":  # by far the most common
                raise ValueError
            documents.append(value)
            positions.append(entry_id.decode())
    except (ValueError, TypeError):  # an entry of another shape: it and those behind it
        if not positions and (found := _packed(stream, entries, at_end=at_end)) is not None:
            return found
        for entry_id, words in entries[len(positions) :]:
            _add(entry_id.decode(), words or (), documents, positions)
    size = SAMPLED * sum(map(_size, documents[::SAMPLED]))
    return Rows(stream, documents, positions, entries[-1][0].decode(), len(entries), at_end), size


def _packed(stream: str, entries: list[Any], *, at_end: bool) -> tuple[Rows, int] | None:
    """Rows of entries that are all packed, which need not be listed; None: some are of another shape, or empty or too large."""
    if any(words is None or len(words) != 2 or words[0] != b"lines" for _, words in entries):
        return None
    values = [words[1] for _, words in entries]
    counts = [_count_lines(value) for value in values]
    longest = max(map(len, values))
    if not all(counts) or longest > LARGEST_DOCUMENT:
        return None
    ids = [entry_id.decode() for entry_id, _ in entries]
    lines = Walked(lambda: chain.from_iterable(map(BytesIO, values)), sum(counts), longest=longest)
    positions = Walked(
        lambda: chain.from_iterable(map(_line_positions, ids, counts)),
        len(lines),
        ends=(f"{ids[0]}/0", f"{ids[-1]}/{counts[-1] - 1}"),
    )
    return Rows(stream, lines, positions, ids[-1], len(entries), at_end), sum(map(len, values))


def _count_lines(value: bytes) -> int:
    """How many lines there are; `bytes.count` takes three times as long."""
    return len(value) - len(value.replace(b"\n", b"")) + (value[-1:] not in (b"\n", b""))


def _add(entry_id: str, words: Sequence[bytes], documents: list[Document], positions: list[str]) -> None:
    """Append the rows of one entry."""
    if len(words) == 2:
        name, value = words
        if name == b"lines":
            lines = _lines(value)
            documents += lines
            positions += _line_positions(entry_id, len(lines))
            return
        if name == b"json" or value[:1] == b"{":
            documents.append(value)
            positions.append(entry_id)
            return
    text = [word.decode("utf-8", "replace") for word in words]
    documents.append(dict(zip(text[::2], text[1::2])))
    positions.append(entry_id)


def _size(document: Document) -> int:
    return len(document) if isinstance(document, bytes) else sum(map(len, document.values()))


def _lines(value: bytes) -> list[bytes]:
    """The lines of a packed entry, with their ends: so they are cut in a third of the time. Those of an entry that is larger
    than any should be come without, or a line of the largest size allowed would be too large by its end."""
    if len(value) <= LARGEST_DOCUMENT:
        return BytesIO(value).readlines()
    lines = value.split(b"\n")
    if not lines[-1]:
        lines.pop()
    return lines


def without_end(document: Document, position: str) -> Document:
    """A document as it was sent: the line of a packed entry without its line feed."""
    return document.removesuffix(b"\n") if isinstance(document, bytes) and "/" in position else document


def _line_positions(entry_id: str, lines: int) -> list[str]:
    if lines > len(_LINES):
        _LINES.extend(f"/{n}" for n in range(len(_LINES), lines))
    return [entry_id + line for line in _LINES[:lines]]
