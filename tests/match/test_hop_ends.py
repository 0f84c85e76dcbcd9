"""Ends of hopping windows: from the epoch, or from the midnights of a zone, on days when clocks change too."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from cep.match.hopends import Ends

HOUR_US = 3_600_000_000
DAY_US = 24 * HOUR_US


def us(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1_000_000


def windows(ends: Ends, since: str, count: int) -> list[tuple[str, str]]:
    """Start and end of windows that end after a time, in UTC."""
    found, end_us = [], us(since)
    for _ in range(count):
        end_us = ends.next_after(end_us)
        found.append((_text(ends.start_of(end_us)), _text(end_us)))
    return found


def _text(time_us: int) -> str:
    return datetime.fromtimestamp(time_us // 1_000_000, UTC).strftime("%d %H:%M")


def test_without_a_zone_ends_are_counted_from_the_epoch() -> None:
    ends = Ends(2 * HOUR_US, HOUR_US, "")
    assert windows(ends, "2026-01-01T00:30", 2) == [("31 23:00", "01 01:00"), ("01 00:00", "01 02:00")]
    assert ends.next_after(us("2026-01-01T01:00")) == us("2026-01-01T02:00")  # an event at an end lies in the next window
    assert ends.next_after(-1) == 0


def test_days_of_a_zone_have_23_24_or_25_hours() -> None:
    # Berlin: clocks go forward on 2026-03-29, back on 2026-10-25
    ends = Ends(DAY_US, DAY_US, "Europe/Berlin")
    assert windows(ends, "2026-03-28T12:00", 3) == [("27 23:00", "28 23:00"), ("28 23:00", "29 22:00"), ("29 22:00", "30 22:00")]
    assert windows(ends, "2026-10-24T23:00", 2) == [("24 22:00", "25 23:00"), ("25 23:00", "26 23:00")]


def test_parts_of_a_day_begin_anew_at_each_midnight() -> None:
    ends = Ends(6 * HOUR_US, 6 * HOUR_US, "Europe/Berlin")
    assert windows(ends, "2026-03-28T23:00", 5) == [
        ("28 23:00", "29 05:00"), ("29 05:00", "29 11:00"), ("29 11:00", "29 17:00"), ("29 17:00", "29 22:00"),
        ("29 22:00", "30 04:00"),
    ]  # fmt: skip


def test_a_week_of_a_zone_is_seven_of_its_days() -> None:
    ends = Ends(7 * DAY_US, DAY_US, "Europe/Berlin")
    assert windows(ends, "2026-03-29T12:00", 1) == [("22 23:00", "29 22:00")]
    assert ends.start_of(us("2026-03-30T22:00")) == us("2026-03-23T23:00")  # the next one, a slot further
    assert Ends(7 * DAY_US, DAY_US, "Europe/Berlin").start_of(us("2026-03-30T22:00")) == us("2026-03-23T23:00")


@pytest.mark.parametrize("zone", ["America/Havana", "Pacific/Apia", "Asia/Kathmandu", "America/Sao_Paulo", "UTC"])
@pytest.mark.parametrize("every_us", [HOUR_US, 8 * HOUR_US, DAY_US, 7 * DAY_US])
def test_windows_side_by_side_take_every_moment_once(zone: str, every_us: int) -> None:
    """Also where midnight is jumped over (Havana, Sao Paulo), or a day left out (Apia, 2011-12-30)."""
    ends = Ends(every_us, every_us, zone)
    end_us, until_us = ends.next_after(us("2011-09-01T03:17")), us("2012-04-15T00:00")
    while end_us < until_us:
        following_us = ends.next_after(end_us)
        assert end_us < following_us <= end_us + every_us + HOUR_US
        assert ends.start_of(following_us) == end_us
        assert ends.next_after(following_us - 1) == following_us
        end_us = following_us


def test_times_beyond_the_calendar_are_cut_as_utc() -> None:
    ends = Ends(DAY_US, DAY_US, "Europe/Berlin")
    far_us = 10_000 * 366 * DAY_US
    assert ends.next_after(far_us) == far_us + DAY_US
