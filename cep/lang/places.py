"""Where a piece of text stands in its file: offsets to lines and columns, also through the layers of a YAML scalar."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from cep.errors import Span


class Lines:
    """The line table of one file. Lines end at "\\n"; columns count characters from 1."""

    def __init__(self, path: str, source: str) -> None:
        self.path = path
        self.source = source
        self.starts = [0]
        at = source.find("\n")
        while at >= 0:
            self.starts.append(at + 1)
            at = source.find("\n", at + 1)

    def position(self, offset: int) -> tuple[int, int]:
        """(line, column) of an offset, both from 1."""
        line = bisect_right(self.starts, offset)
        return line, offset - self.starts[line - 1] + 1

    def offset(self, line: int, col: int) -> int:
        """Offset of a line and column."""
        return self.starts[line - 1] + col - 1

    def span(self, start: int, end: int) -> Span:
        """The span of source[start:end]."""
        starts = self.starts
        line = bisect_right(starts, start)
        col = start - starts[line - 1] + 1
        if end <= start:
            return Span(self.path, line, col, line, col)
        if line == len(starts) or end < starts[line]:  # on the same line, as nearly all are
            return Span(self.path, line, col, line, col + end - start)
        return Span(self.path, line, col, *self.position(end))


class Place:
    """A text to parse and where it came from: a slice of a file that starts at `base`, or the value of a YAML scalar
    whose character i stands at `offsets[i]` of the file (and whose end stands at the last entry)."""

    def __init__(self, lines: Lines, base: int = 0, offsets: Sequence[int] | None = None) -> None:
        self.lines = lines
        self.base = base
        self.offsets = offsets

    def offset(self, at: int) -> int:
        """Offset in the file of offset `at` in the text."""
        if self.offsets is None:
            return self.base + at
        return self.offsets[min(at, len(self.offsets) - 1)]

    def span(self, start: int, end: int) -> Span:
        """The span in the file of text[start:end]. The end is found from the last character, so that what a YAML
        scalar hides after it (an escape, the next line's indentation) is not underlined."""
        if self.offsets is None or end <= start:
            return self.lines.span(self.offset(start), self.offset(end))
        first, last = self.offset(start), self.offset(end - 1)
        width = max(1, min(self.offset(end) - last, 10)) if self._on_one_line(last, self.offset(end)) else 1
        return self.lines.span(first, last + width)

    def _on_one_line(self, start: int, end: int) -> bool:
        return "\n" not in self.lines.source[start:end]
