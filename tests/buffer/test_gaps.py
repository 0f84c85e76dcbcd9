from __future__ import annotations

import redis

from cep.buffer.gaps import Gap, first_entry, first_seen, look_for_gap
from cep.buffer.link import Link

KEY = "k:a"


def fill(client: redis.Redis, first: int, last: int) -> None:
    for i in range(first, last + 1):
        client.xadd(KEY, {"json": "{}"}, id=f"{i}-0")


def test_entries_trimmed_before_they_were_read_are_counted_exactly(client: redis.Redis, link: Link) -> None:
    fill(client, 1, 10)
    client.xtrim(KEY, minid="8-0", approximate=False)
    gap, seen = look_for_gap(link, "a", KEY, "3-0", 3)
    assert gap == Gap(stream="a", kind="trimmed", after="3-0", before="8-0", missed=4)
    assert look_for_gap(link, "a", KEY, "3-0", seen) == (None, seen)
    assert look_for_gap(link, "a", KEY, "10-0", seen + 3) == (None, seen + 3)


def test_a_gap_read_across_is_found_when_the_end_is_reached(client: redis.Redis, link: Link) -> None:
    fill(client, 1, 10)
    client.xtrim(KEY, minid="8-0", approximate=False)
    gap, seen = look_for_gap(link, "a", KEY, "10-0", 3 + 3)
    assert gap == Gap(stream="a", kind="trimmed", after="10-0", missed=4)
    assert seen == 10


def test_everything_trimmed_is_a_gap_too(client: redis.Redis, link: Link) -> None:
    fill(client, 1, 10)
    client.xtrim(KEY, maxlen=0, approximate=False)
    gap, seen = look_for_gap(link, "a", KEY, "3-0", 3)
    assert gap == Gap(stream="a", kind="trimmed", after="3-0", missed=7)
    assert seen == 10


def test_trimming_what_was_read_is_no_gap(client: redis.Redis, link: Link) -> None:
    fill(client, 1, 10)
    client.xtrim(KEY, minid="6-0", approximate=False)
    assert look_for_gap(link, "a", KEY, "5-0", 5) == (None, 5)
    assert look_for_gap(link, "a", KEY, "7-0", 7) == (None, 7)
    assert look_for_gap(link, "a", KEY, "10-0", 10) == (None, 10)


def test_what_went_before_the_first_reading_is_no_gap(client: redis.Redis, link: Link) -> None:
    fill(client, 1, 10)
    client.xtrim(KEY, minid="6-0", approximate=False)
    seen = first_seen(link, KEY)
    assert seen == 5
    assert look_for_gap(link, "a", KEY, "0-0", seen) == (None, seen)
    assert first_entry(link, KEY) == "6-0"
    assert first_seen(link, "nothing") == 0
    assert first_entry(link, "nothing") == ""


def test_a_stream_that_lost_its_end_goes_on_beyond_our_cursor(client: redis.Redis, link: Link) -> None:
    fill(client, 1, 5)
    gap, seen = look_for_gap(link, "a", KEY, "99-0", 99)
    assert gap == Gap(stream="a", kind="rewound", after="99-0")
    assert client.xadd(KEY, {"json": "{}"}, id="99-*") == b"99-1"
    assert look_for_gap(link, "a", KEY, "99-1", seen + 1) == (None, seen + 1)


def test_a_stream_that_vanished_is_made_anew_beyond_our_cursor(client: redis.Redis, link: Link) -> None:
    gap, seen = look_for_gap(link, "a", KEY, "99-0", 99)
    assert gap == Gap(stream="a", kind="rewound", after="99-0")
    assert client.xadd(KEY, {"json": "{}"}, id="99-*") == b"99-1"
    assert look_for_gap(link, "a", KEY, "99-1", seen + 1) == (None, seen + 1)


def test_a_stream_never_written_is_no_gap(link: Link) -> None:
    assert look_for_gap(link, "a", KEY, "0-0", 0) == (None, 0)


def test_another_stream_under_the_same_name_is_noticed(client: redis.Redis, link: Link) -> None:
    fill(client, 50, 52)
    gap, seen = look_for_gap(link, "a", KEY, "40-0", 40)
    assert gap is not None and gap.kind == "replaced" and gap.missed is None
    assert look_for_gap(link, "a", KEY, "52-0", seen + 3) == (None, 3)
