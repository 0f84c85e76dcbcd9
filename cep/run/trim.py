"""Letting old entries go: events after `retain`, rejected rows and records after two weeks. By id only, never by length.

Nothing goes that a checkpoint may still have to read again.
"""

from __future__ import annotations

from collections.abc import Mapping

from cep.buffer import keys
from cep.buffer.checkpoint import Manifest
from cep.buffer.link import Link
from cep.buffer.position import entry_of, place
from cep.clock import Clock
from cep.config import StreamSpec

EVERY_US = 60_000_000
KEEP_RECORDS_US = 14 * 24 * 3600 * 1_000_000
RECORDS = ("late", "dead", "gaps")


class Trimmer:
    """Trims the streams of a cell, once a minute at most."""

    def __init__(self, inputs: Mapping[str, str], streams: Mapping[str, StreamSpec], cell: str, clock: Clock) -> None:
        self._inputs, self._streams, self._cell, self._clock = inputs, streams, cell, clock
        self._last_us = clock.elapsed_us()

    def due(self) -> bool:
        return self._clock.elapsed_us() - self._last_us >= EVERY_US

    def trim(self, link: Link, manifest: Manifest) -> None:
        """Trim what is older than it has to be kept and lies before everything the checkpoint needs."""
        self._last_us = self._clock.elapsed_us()
        now_us = self._clock.now_us()
        for stream, key in self._inputs.items():
            oldest_needed = manifest.lows.get(stream) or manifest.standing.highs.get(stream)
            if oldest_needed is not None:
                by_age = f"{max(0, now_us - self._streams[stream].retain_us) // 1000}-0"
                link.call("XTRIM", key, "MINID", "~", min(by_age, entry_of(oldest_needed), key=place))
        for what in RECORDS:
            link.call("XTRIM", keys.cell(self._cell, what), "MINID", "~", f"{max(0, now_us - KEEP_RECORDS_US) // 1000}-0")
        # Only entries beyond the manifest's commit are replayed; the rest is history, kept in measure.
        link.call("XTRIM", keys.cell(self._cell, "control"), "MAXLEN", "~", 100_000)
