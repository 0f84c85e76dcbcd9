"""Lines that stand in one text and are cut apart only as somebody walks over them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from io import BytesIO
from typing import Any

LAST_LINE = 64 * 1024  # bytes at the end of a buffer in which a line end is looked for


class LineText(Sequence[bytes]):
    """Documents that are the lines of one text: each line is freed before the next is made, so a thousand of them take no more
    room in the cache than one. Blank lines are among them.

    start   where the first line begins
    Walking gives lines with their ends, an index gives one without.
    """

    __slots__ = ("_count", "_cut", "_start", "_text")

    def __init__(self, text: bytes, start: int = 0) -> None:
        self._text = text
        self._start = start
        self._count: int | None = None
        self._cut: list[bytes] = []

    @property
    def text(self) -> bytes:
        """What the lines stand in, from the first byte on, whatever `start` is."""
        return self._text

    @property
    def start(self) -> int:
        """Where in `text` the first line begins."""
        return self._start

    @property
    def size(self) -> int:
        """Bytes of all lines with their ends: none is longer."""
        return len(self._text) - self._start

    def __iter__(self) -> Iterator[bytes]:
        lines = BytesIO(self.text)
        lines.seek(self._start)
        return lines

    def __bool__(self) -> bool:
        return self.size > 0

    def __len__(self) -> int:
        if self._count is None:
            text = self.text
            self._count = text.count(b"\n", self._start) + (self.size > 0 and not text.endswith(b"\n"))
        return self._count

    def after(self, count: int) -> LineText:
        """The lines behind the first so many."""
        if not count:
            return self
        lines = BytesIO(self.text)
        lines.seek(self._start)
        for _ in range(count):
            lines.readline()
        return LineText(self.text, lines.tell())

    def parted(self, most: int) -> tuple[LineText, LineText]:
        """As many whole lines as have `most` bytes, at least one; and the others."""
        if self.size <= most:
            return self, LineText(b"")
        text, start = self.text, self._start
        end = text.rfind(b"\n", start, start + most) + 1 or text.find(b"\n", start + most) + 1 or len(text)
        return LineText(text[start:end]), LineText(text, end)

    def kept(self) -> LineText:
        """The same lines, for as long as anybody wants them."""
        return self

    def counted(self, count: int) -> None:
        """Say how many lines there are, by one who has walked over all of them."""
        self._count = count

    def __getitem__(self, index: Any) -> Any:
        if not self._cut:
            self._cut = [line.rstrip(b"\r\n") for line in self]
        return self._cut[index]


class LentText(LineText):
    """Lines in a buffer that is used again: they are there until more is read into it, so who keeps a line keeps what walking
    or an index gave, never this. The first walk is over the buffer itself; whatever else is asked for is told from a copy.
    """

    __slots__ = ("_buffer", "_size", "_walked")

    def __init__(self, buffer: BytesIO) -> None:
        super().__init__(b"")
        self._buffer = buffer
        self._size = buffer.seek(0, 2)
        self._walked = False

    @property
    def text(self) -> bytes:
        if not self._text:
            self._text = self._buffer.getvalue()
        return self._text

    @property
    def size(self) -> int:
        return self._size

    def kept(self) -> LineText:
        return LineText(self.text)

    def __iter__(self) -> Iterator[bytes]:
        if self._walked:
            return super().__iter__()
        self._walked = True
        self._buffer.seek(0)
        return self._buffer

    def give_back(self) -> None:
        """The buffer is used again: there are no lines any more."""
        self._text, self._size, self._walked = b"", 0, True


class LineBuffer:
    """One buffer for a whole stream: what is read stands behind what was left of the read before, and nothing is copied."""

    def __init__(self, room: int) -> None:
        self._room = room
        self._lines = BytesIO(bytes(room))
        self.filled = 0

    def fill(self, readinto: Any, left: bytes, most: int) -> int:
        """Read at most so many bytes behind what was left (at most half of the room); how many were read, 0 at the end."""
        if self._lines.seek(0, 2) < self._room:
            self._lines.seek(self._room - 1)
            self._lines.write(b"\0")
        start = len(left)
        with self._lines.getbuffer() as view:
            view[:start] = left
            with view[start : min(start + most, self._room)] as part:
                count: int = readinto(part) or 0
        self.filled = start + count
        return count

    def lent(self) -> tuple[LentText, bytes] | None:
        """The whole lines, and what stands behind the last of them; None: they fill less than half of the room (or the last
        is very long), where a copy is cheaper."""
        with self._lines.getbuffer() as view:
            start = max(self.filled - LAST_LINE, 0)
            found = bytes(view[start : self.filled]).rfind(b"\n")
            end = start + found + 1 if found >= 0 else 0
            if 2 * end <= self._room:
                return None
            left = bytes(view[end : self.filled])
        # A BytesIO that is cut to more than half of its room keeps all of it.
        self._lines.truncate(end)
        return LentText(self._lines), left

    def copied(self, start: int) -> bytes:
        """All that was read, from there on."""
        with self._lines.getbuffer() as view:
            return bytes(view[start : self.filled])
