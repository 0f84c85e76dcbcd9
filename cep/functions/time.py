"""Parts of a time, in UTC or a named zone. Times are int microseconds since the epoch, UTC."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from cep.functions.function import Function
from cep.types import Type

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DAY_US = 86_400_000_000


@lru_cache(maxsize=256)
def zone_named(name: str) -> ZoneInfo:
    """A zone that `refuse_zone` let pass."""
    return ZoneInfo(name)


def refuse_zone(name: object) -> str | None:
    """What is wrong with the name of a time zone, None when nothing is."""
    if not isinstance(name, str):
        return 'a time zone is text like "Europe/Berlin"'
    try:
        zone_named(name)
    except (ValueError, OSError, KeyError):  # no such zone, a path that leaves the folder, a folder, a broken file
        return f'no time zone is called "{name}" here; a zone is text like "Europe/Berlin" or "UTC"'
    return None


def calendar(time_us: int, zone: str | None) -> datetime | None:
    """The time on a wall of that zone; None beyond the years 1 to 9999."""
    try:
        moment = EPOCH + timedelta(microseconds=time_us)
        return moment if zone is None else moment.astimezone(zone_named(zone))
    except (OverflowError, ValueError):
        return None


def year(time_us: int, zone: str | None = None) -> int | None:
    moment = calendar(time_us, zone)
    return None if moment is None else moment.year


def month(time_us: int, zone: str | None = None) -> int | None:
    moment = calendar(time_us, zone)
    return None if moment is None else moment.month


def day(time_us: int, zone: str | None = None) -> int | None:
    moment = calendar(time_us, zone)
    return None if moment is None else moment.day


def hour(time_us: int, zone: str | None = None) -> int | None:
    if zone is None:
        return time_us // 3_600_000_000 % 24
    moment = calendar(time_us, zone)
    return None if moment is None else moment.hour


def minute(time_us: int, zone: str | None = None) -> int | None:
    if zone is None:
        return time_us // 60_000_000 % 60
    moment = calendar(time_us, zone)
    return None if moment is None else moment.minute


def weekday(time_us: int, zone: str | None = None) -> int | None:
    """1 is Monday, 7 is Sunday (ISO 8601)."""
    if zone is None:
        return (time_us // DAY_US + 3) % 7 + 1  # 1970-01-01 was a Thursday, 4
    moment = calendar(time_us, zone)
    return None if moment is None else moment.isoweekday()


def date(time_us: int, zone: str | None = None) -> str | None:
    moment = calendar(time_us, zone)
    return None if moment is None else moment.date().isoformat()


def _part(name: str, kernel: Callable[..., int | str | None], doc: str, *examples: tuple[str, str]) -> Function:
    return Function(
        name,
        (Type.TIME, Type.TEXT),
        Type.TEXT if name == "date" else Type.NUMBER,
        kernel,
        f"{doc}, in UTC or the named time zone.",
        examples,
        optional=1,
        constants_from=1,
        refuse=refuse_zone,
    )


# In the examples `ts` is 2026-03-29T22:30:00Z, a Sunday (half an hour past midnight on Monday in Berlin).
EXAMPLE_TS_US = 1_774_823_400_000_000

FUNCTIONS = (
    _part("year", year, "The year of a time", ("year(ts)", "2026")),
    _part("month", month, "The month of a time, 1 to 12", ("month(ts)", "3")),
    _part("day", day, "The day of the month", ("day(ts)", "29"), ('day(ts, "Europe/Berlin")', "30")),
    _part("hour", hour, "The hour of a time, 0 to 23", ("hour(ts)", "22"), ('hour(ts, "Europe/Berlin")', "0")),
    _part("minute", minute, "The minute of a time, 0 to 59", ("minute(ts)", "30"), ('minute(ts, "Asia/Kolkata")', "0")),
    _part(
        "weekday", weekday, "The day of the week, 1 (Monday) to 7", ("weekday(ts)", "7"), ('weekday(ts, "Europe/Berlin")', "1")
    ),
    _part(
        "date", date, "The date of a time as text", ("date(ts)", '"2026-03-29"'), ('date(ts, "Europe/Berlin")', '"2026-03-30"')
    ),
)
