"""When windows that hop begin and end.

Without a zone every `every_us` since the epoch; a window is the `window_us` before its end. In a zone time is cut into slots that
begin at its midnights: of whole days, counted from 1970-01-01, or of parts of a day, counted from each midnight, so that a day on
which clocks change has more or fewer slots, or a shorter last one. A window is then as many slots as fit into its length.

    per 6h in "Europe/Berlin"    | 6h | 6h | 6h | 6h |  | 6h | 6h | 6h |5h|  | 6h | ...      a day of 23 hours
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

DAY_US = 86_400_000_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EPOCH_DAY = date(1970, 1, 1).toordinal()
FIRST_DAY, LAST_DAY = date(2, 1, 1).toordinal() - EPOCH_DAY, date(9998, 12, 31).toordinal() - EPOCH_DAY


class Ends:
    """next_after(t): the first end behind t. start_of(end): when the window that ends there begins."""

    def __init__(self, window_us: int, every_us: int, zone: str) -> None:
        self._window_us = window_us
        self._every_us = every_us
        self._zone = zone
        self._latest: tuple[int, int] | None = None  # the window last asked for: its start and end

    def next_after(self, time_us: int) -> int:
        return _slot(time_us, self._every_us, self._zone)[1] if self._zone else (time_us // self._every_us + 1) * self._every_us

    def start_of(self, end_us: int) -> int:
        if not self._zone:
            return end_us - self._window_us
        if self._latest is not None and end_us != self._latest[1] and self.next_after(self._latest[1]) == end_us:
            start_us = self.next_after(self._latest[0])
        else:
            start_us = end_us
            for _ in range(self._window_us // self._every_us):
                start_us = _slot(start_us - 1, self._every_us, self._zone)[0]
        self._latest = (start_us, end_us)
        return start_us


def _slot(time_us: int, every_us: int, zone: str) -> tuple[int, int]:
    """Start and end of the slot that a time lies in."""
    day = _day_of(time_us, zone)
    if every_us >= DAY_US:
        days = every_us // DAY_US
        first = day // days * days
        start_us, end_us = _midnight(first, zone), _midnight(first + days, zone)
        return start_us, end_us
    midnight_us = _midnight(day, zone)
    start_us = midnight_us + (time_us - midnight_us) // every_us * every_us
    return start_us, min(start_us + every_us, _midnight(day + 1, zone))


def _day_of(time_us: int, zone: str) -> int:
    """The day of the zone that a time lies in, counted from 1970-01-01: the last one that has begun."""
    day = time_us // DAY_US + 1  # zones are less than a day ahead
    while _midnight(day, zone) > time_us:
        day -= 1
    return day


@lru_cache(maxsize=4096)
def _midnight(day: int, zone: str) -> int:
    """When a day begins there: at its first 00:00, or where clocks jump over that, at the jump. Days beyond the calendar are
    those of UTC."""
    if not FIRST_DAY <= day <= LAST_DAY:
        return day * DAY_US
    local = date.fromordinal(EPOCH_DAY + day)
    moment = datetime(local.year, local.month, local.day, tzinfo=ZoneInfo(zone))
    return (moment - EPOCH) // timedelta(microseconds=1)
