"""Alerts of one rule whose identities are equal, told apart by number: same key, moment and events."""

from __future__ import annotations

from typing import Any

from cep.match.order import NEVER


class Same:
    """Counts equal identities of the latest moment.

    time_us  the moment         first  the identity that was the first at it; nearly always it stays the only one
    """

    __slots__ = ("_counts", "_counts_us", "first", "time_us")

    def __init__(self) -> None:
        self.time_us = NEVER
        self.first = b""
        self._counts: dict[bytes, int] = {}
        self._counts_us = NEVER

    def told_apart(self, what: bytes, time_us: int) -> bytes:
        if time_us == self.time_us:
            return self.numbered(what)
        self.time_us, self.first = time_us, what
        return what

    def numbered(self, what: bytes) -> bytes:
        """The identity of a further alert of the same moment."""
        counts = self._counts_now()
        ordinal = counts.get(what, 0)
        counts[what] = ordinal + 1
        return b"%b%d" % (what, ordinal) if ordinal else what

    def _counts_now(self) -> dict[bytes, int]:
        """Identity -> how many, of the moment."""
        if self._counts_us != self.time_us:
            self._counts, self._counts_us = {self.first: 1}, self.time_us
        return self._counts

    def snapshot(self) -> list[Any]:
        return [self.time_us, self._counts_now().copy()]

    def restore(self, state: Any) -> None:
        self.time_us, counts = state
        self._counts, self._counts_us = dict(counts), self.time_us
