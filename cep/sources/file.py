"""Bounded input: a JSON-lines file (plain or .gz) or standard input, as batches of raw lines with their line numbers.

Decoding is not done here. The end of the input is the end of time for it: there is no tailing.
"""

from __future__ import annotations

import gzip
import sys
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BufferedReader, FileIO
from pathlib import Path
from typing import Any, BinaryIO, cast

from cep.errors import ConfigError
from cep.texts import LentText, LineBuffer, LineText

BATCH_LINES = 1024
CHUNK_BYTES = 64 * 1024  # some 500 lines: they, and what is made of them, stay in the cache
TEXT_BYTES = 768 * 1024  # as text, of which one line at a time is made into something
MAX_LINE_BYTES = 1024 * 1024
HEAD_BYTES = 1024  # of a line that is too long, this much is kept for the dead letter
NO_END = sys.maxsize
GZIP_MARK = b"\x1f\x8b"
BOM = b"\xef\xbb\xbf"

Progress = Callable[[int, int | None], None]  # bytes read so far, bytes in all (None: unknown); of .gz the packed bytes


@dataclass(frozen=True, slots=True)
class Rejected:
    """A line that cannot be an event, for the dead letter: its position, why, and the first bytes of it."""

    position: int
    reason: str
    head: bytes


@dataclass(slots=True)
class Lines:
    """Raw lines in file order, without line ends, none blank.

    shape   positions: int[lines], line numbers from 1; blank lines are left out but counted

    Asked for as `text`, the lines stand in a `LineText` instead, blank ones among them, and `positions` goes on beyond the
    last.
    """

    lines: Sequence[bytes]
    positions: Sequence[int]
    rejected: list[Rejected] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.lines)


def read_file(
    path: Path | str, *, batch_lines: int = BATCH_LINES, progress: Progress | None = None, text: bool = False
) -> Iterator[Lines]:
    """All lines of a file in batches of at most `batch_lines`; `-` is standard input, `.gz` is unpacked on the way.

    text    give lines as the text they stand in, for whoever walks over them once: half the cost. A text may be lent: it is
            there until the next batch is asked for
    raises  ConfigError: no such file, not readable, no .gz or a damaged one (after the batches before the damage)
    """
    if str(path) == "-":
        yield from read_stream(sys.stdin.buffer, batch_lines=batch_lines, progress=progress, text=text)
        return
    path = Path(path)
    with _readable(path), path.open("rb", buffering=0) as raw:
        total = path.stat().st_size
        if path.suffix == ".gz":
            if raw.read(2) != GZIP_MARK and total:
                raise ConfigError(f"{path} is not packed with gzip", "drop the .gz of its name", "E0951")
            raw.seek(0)
            stream = cast(BinaryIO, gzip.GzipFile(fileobj=raw))
            told = None if progress is None else lambda _read, _total: progress(raw.tell(), total)
        else:
            stream = raw
            told = None if progress is None else lambda read, _total: progress(read, total)
        yield from read_stream(stream, batch_lines=batch_lines, progress=told, text=text)


def read_stream(
    stream: BinaryIO, *, batch_lines: int = BATCH_LINES, progress: Progress | None = None, text: bool = False
) -> Iterator[Lines]:
    """As `read_file`, from an open binary stream. A batch never waits for more input than has arrived.

    cost    O(bytes); memory at most one chunk and one line of the maximum length
    """
    splitter = _Splitter(text=text)
    if text:
        yield from _texts(stream, splitter, batch_lines, progress)
        return
    # read1 gives what a pipe holds now, read would wait for a whole chunk
    read = getattr(stream, "read1", stream.read)
    while True:
        chunk = read(CHUNK_BYTES)
        found = splitter.split(chunk) if chunk else splitter.end()
        if progress is not None:
            progress(splitter.bytes_read, None)
        yield from _batches(found, batch_lines)
        if not chunk:
            return


def _texts(stream: BinaryIO, splitter: _Splitter, batch_lines: int, progress: Progress | None) -> Iterator[Lines]:
    """Read into one buffer and lend what stands in it, or copies of it where it holds little or a line needs a closer look."""
    buffer = LineBuffer(TEXT_BYTES)
    readinto = getattr(stream, "readinto1", None) or cast(Any, stream).readinto
    # a stream that is unpacked makes what it gives first, as much as was asked for
    most = TEXT_BYTES if isinstance(stream, FileIO | BufferedReader) else CHUNK_BYTES
    while True:
        plain = splitter.plain and len(splitter.tail) <= TEXT_BYTES // 2
        left = splitter.tail if plain else b""
        read = buffer.fill(readinto, left, most)
        lent = buffer.lent() if plain and buffer.filled <= MAX_LINE_BYTES else None
        if lent is not None:
            found = splitter.lent(*lent, read)
        else:
            found = splitter.split(buffer.copied(len(left))) if read else splitter.end()
        if progress is not None:
            progress(splitter.bytes_read, None)
        if isinstance(found.lines, LineText):
            yield found
            splitter.count(found)
            if isinstance(found.lines, LentText):
                found.lines.give_back()
        else:
            yield from _batches(found, batch_lines)
        if not read:
            return


class _Splitter:
    """Cuts chunks into lines; what stands after the last line end waits for the next chunk."""

    def __init__(self, *, text: bool) -> None:
        self.bytes_read = 0
        self._as_text = text
        self.tail = b""
        self._next = 1  # number of the line that the tail begins
        self._cutting = False  # inside a line that is too long: its head is in the tail, the rest is dropped

    @property
    def plain(self) -> bool:
        """Whether what is read next goes on in a line that is not too long."""
        return self.bytes_read > 0 and not self._cutting

    def lent(self, lines: LineText, left: bytes, read: int) -> Lines:
        """Take note of a read whose lines were cut off elsewhere, what was left of the one before among them."""
        self.bytes_read += read
        self.tail = left
        return Lines(lines, range(self._next, NO_END))

    def split(self, chunk: bytes) -> Lines:
        if self.bytes_read == 0:
            chunk_without_bom = chunk.removeprefix(BOM)
            self.bytes_read = len(chunk)
            chunk = chunk_without_bom
        else:
            self.bytes_read += len(chunk)
        rejected: list[Rejected] = []
        if self._cutting:
            _dropped, newline, chunk = chunk.partition(b"\n")
            if not newline:
                return Lines([], ())
            rejected.append(self._cut())
        text = self.tail + chunk
        if self._as_text and len(text) <= MAX_LINE_BYTES:
            end = text.rfind(b"\n") + 1
            self.tail = text[end:]
            return Lines(LineText(text[:end]) if end else [], range(self._next, NO_END), rejected)
        lines = text.split(b"\n")
        self.tail = lines.pop()
        first, self._next = self._next, self._next + len(lines)
        # only the first line of a chunk can be longer than a chunk
        if lines and len(lines[0]) > MAX_LINE_BYTES:
            rejected.append(_too_long(first, lines.pop(0)))
            first += 1
        if len(self.tail) > MAX_LINE_BYTES:
            self.tail, self._cutting = self.tail[:HEAD_BYTES], True
        return _clean(lines, first, b"\r" in text, rejected)

    def count(self, given: Lines) -> None:
        """Go on after lines given as text; who has walked over them has counted them meanwhile."""
        self._next += len(given.lines)

    def end(self) -> Lines:
        """The last line, if the input does not end with a line end."""
        if self._cutting:
            return Lines([], (), [self._cut()])
        line, self.tail = self.tail, b""
        return _clean([line], self._next, line.endswith(b"\r"), []) if line else Lines([], ())

    def _cut(self) -> Rejected:
        rejected = _too_long(self._next, self.tail)
        self.tail, self._cutting, self._next = b"", False, self._next + 1
        return rejected


def _too_long(position: int, line: bytes) -> Rejected:
    return Rejected(position, f"the line is longer than {MAX_LINE_BYTES:,} bytes", line[:HEAD_BYTES])


def _clean(lines: list[bytes], first: int, carriage_returns: bool, rejected: list[Rejected]) -> Lines:
    """Drop `\\r` at line ends and blank lines; the positions of what stays."""
    if carriage_returns:
        lines = [line.removesuffix(b"\r") for line in lines]
    positions: Sequence[int] = range(first, first + len(lines))
    # Blank lines sort before all JSON: one comparison a line, in C, says that there are none.
    if lines and min(lines)[:1] <= b" ":
        kept = [(position, line) for position, line in zip(positions, lines) if line and not line.isspace()]
        positions, lines = [position for position, _ in kept], [line for _, line in kept]
    return Lines(lines, positions, rejected)


def _batches(found: Lines, batch_lines: int) -> Iterator[Lines]:
    rejected = found.rejected
    for start in range(0, len(found.lines), batch_lines):
        end = start + batch_lines
        yield Lines(found.lines[start:end], found.positions[start:end], rejected)
        rejected = []
    if rejected:
        yield Lines([], (), rejected)


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Say what is wrong with the file in words for its owner. Only faults of reading: what the consumer raises passes."""
    try:
        yield
    except FileNotFoundError as error:
        raise ConfigError(f"there is no file {path}", "check the path; `-` reads standard input", "E0950") from error
    except IsADirectoryError as error:
        raise ConfigError(f"{path} is a folder", "name a file of JSON lines (.jsonl, .ndjson, .gz)", "E0950") from error
    except PermissionError as error:
        raise ConfigError(f"{path} may not be read", "give the user of this process the right to read it", "E0950") from error
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise ConfigError(
            f"{path} is damaged or cut short: {error}", "see where with gzip -t, and copy it anew", "E0951"
        ) from error
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}", "check the disk or the mount", "E0950") from error
