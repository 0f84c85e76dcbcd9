"""Events that a worker puts aside, told to whoever runs it: the first of each kind at once, later ones counted.

The events themselves are in Redis, with their reasons; this is only the word that they are there.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

from cep.buffer.commit import Rejection
from cep.clock import Clock

TELL_EVERY_US = 60_000_000
LATE = "E0690"
OUTCOMES = ("seen", "fed", "late", "dead")
log = logging.getLogger(__name__)


class Aside:
    """Says what is put aside, for each code and stream once a minute at most."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._told_us: dict[tuple[str, str], int] = {}
        self._untold: dict[tuple[str, str], tuple[int, Rejection]] = {}  # how many since then, and the last of them

    def note(self, rejected: Sequence[Rejection]) -> None:
        """Take these in; a kind that was never seen is told here."""
        for row in rejected:
            kind = row.stream, row.code
            if kind in self._told_us:
                self._untold[kind] = self._untold.get(kind, (0, row))[0] + 1, row
            else:
                self._told_us[kind] = self._clock.elapsed_us()
                log.warning(
                    "stream %s: the event at %s is put aside: %s (%s); more of them are counted", row.stream, row.position,
                    row.reason, row.code,
                )  # fmt: skip

    def tell(self, *, all_of_it: bool = False) -> None:
        """Tell the counts that are due; called at every turn, and at the end for all of it."""
        if not self._untold:
            return
        now_us = self._clock.elapsed_us()
        for kind, (count, last) in list(self._untold.items()):
            if all_of_it or now_us - self._told_us[kind] >= TELL_EVERY_US:
                log.warning(
                    "stream %s: %d more put aside (%s), the last at %s: %s", last.stream, count, last.code, last.position,
                    last.reason,
                )  # fmt: skip
                self._told_us[kind] = now_us
                del self._untold[kind]


def in_words(counts: Mapping[str, int]) -> str:
    """`609 events seen, 600 fed, 2 waiting, 3 late, 4 bad (E0601 4)`: what became of the events of a cell so far.

    counts  seen, fed, late, dead, and how many of each code (see Standing)
    """
    seen, fed, late, dead = (counts.get(name, 0) for name in OUTCOMES)
    words = [f"{seen:,} {'event' if seen == 1 else 'events'} seen", f"{fed:,} fed"]
    if waiting := max(0, seen - fed - late - dead):
        words.append(f"{waiting:,} waiting for their time")
    if late:
        words.append(f"{late:,} late ({LATE})")
    if dead:
        codes = ", ".join(
            f"{code} {count:,}" for code, count in sorted(counts.items()) if code not in (*OUTCOMES, LATE) and count
        )
        words.append(f"{dead:,} bad ({codes})")
    return ", ".join(words)
