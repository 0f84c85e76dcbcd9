"""Who is quiet, and how far wall time moves the watermark when all are. What is decided here goes to the control log.

A partition is idle only when its stream is read to the end and it stays quiet for `idle` after that: a backlog makes nobody
idle. When all are, the watermark moves by what has elapsed since the last row, never to the clock's value, and only when
something waits for it.
"""

from __future__ import annotations

from collections.abc import Mapping

from cep.config import StreamSpec
from cep.match.order import NEVER
from cep.match.pipeline import Pipeline

LOOK_EVERY_US = 100_000
STEP_US = 1_000_000


class Quiet:
    """Watches a pipeline by an elapsed clock."""

    def __init__(self, pipeline: Pipeline, streams: Mapping[str, StreamSpec], now_us: int) -> None:
        self._pipeline, self._streams = pipeline, streams
        self._seen: dict[tuple[str, str], int] = {}
        self._since: dict[tuple[str, str], int] = {}
        self._began_us = now_us
        self._looked_us = now_us - LOOK_EVERY_US
        self._at_end = dict.fromkeys(streams, False)
        self._base: tuple[int, int] | None = None  # (watermark, elapsed time it belongs to) while all are quiet

    def read(self, at_end: Mapping[str, bool]) -> None:
        """What the last read told: whether each stream was read to its end."""
        self._at_end.update(at_end)

    def newly_idle(self, now_us: int) -> list[tuple[str, str]]:
        """(stream, partition) of those to be left out from now on. Looks ten times a second at most."""
        if now_us - self._looked_us < LOOK_EVERY_US:
            return []
        self._looked_us = now_us
        found = []
        for who, seen in self._pipeline.activity().items():
            stream, partition = who
            if self._seen.get(who) != seen or not self._at_end[stream]:
                self._seen[who] = seen
                self._since[who] = now_us
            elif not self._pipeline.is_idle(stream, partition) and now_us - self._since[who] >= self._streams[stream].idle_us:
                found.append(who)
        return found

    def watermark(self, now_us: int) -> int | None:
        """Where wall time has moved the watermark, if something waits for that; None otherwise."""
        if not self._pipeline.all_idle or self._pipeline.watermark_us == NEVER:
            self._base = None
            return None
        if self._base is None:
            last_row_us = max(self._since.values(), default=now_us)
            self._base = self._pipeline.watermark_us, last_row_us
        target = self._base[0] + now_us - self._base[1]
        due = self.due()
        if due is None or target <= due:
            return None
        # A matcher may name a bound that has passed already: then go in steps, not at every turn of the loop.
        passed = due < self._pipeline.watermark_us
        return None if passed and target - self._pipeline.watermark_us < STEP_US else target

    def due(self) -> int | None:
        """The event time that something waits for: a timer, or a held row."""
        times = [time for time in (self._pipeline.next_due(), self._pipeline.next_held()) if time is not None]
        return min(times, default=None)

    def wait_us(self, now_us: int, most_us: int) -> int:
        """How long nothing will be due by wall time, at most so long."""
        if self._base is None or (due := self.due()) is None:
            return most_us
        return max(1000, min(most_us, due + 1 - (self._base[0] + now_us - self._base[1])))
