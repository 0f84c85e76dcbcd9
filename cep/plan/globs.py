"""Globs in linear time: `*` is any run of characters, `?` any one. Nothing else is special."""

from __future__ import annotations

from collections.abc import Callable


def compile_glob(pattern: str) -> Callable[[str], bool]:
    """A test of a whole text against the glob.

    cost  O(len(text) * longest piece between stars): pieces are found leftmost, one after the other, never again
    """
    pieces = pattern.split("*")
    if len(pieces) == 1:
        return _whole(pattern)
    first, *inner, last = pieces
    middle = [piece for piece in inner if piece]
    shortest = len(first) + len(last) + sum(map(len, middle))

    def fits(text: str) -> bool:
        end = len(text) - len(last)
        if len(text) < shortest or not _at(text, 0, first) or not _at(text, end, last):
            return False
        at = len(first)
        for piece in middle:
            at = _find(text, piece, at, end)
            if at < 0:
                return False
            at += len(piece)
        return True

    return fits


def _whole(pattern: str) -> Callable[[str], bool]:
    def fits(text: str) -> bool:
        return len(text) == len(pattern) and _at(text, 0, pattern)

    return fits


def _at(text: str, start: int, piece: str) -> bool:
    """Whether the piece, with its `?`, stands at `start`; the text is long enough for it."""
    if "?" not in piece:
        return text.startswith(piece, start)
    return all(want in ("?", text[start + i]) for i, want in enumerate(piece))


def _find(text: str, piece: str, start: int, end: int) -> int:
    """Where the piece first stands wholly within text[start:end]; -1 when it does not."""
    if "?" not in piece:
        return text.find(piece, start, end)
    return next((at for at in range(start, end - len(piece) + 1) if _at(text, at, piece)), -1)
