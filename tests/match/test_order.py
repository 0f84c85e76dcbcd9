"""Watermarks, lateness and feeding order, held against a slow model that moves one event at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from cep.config import StreamSpec
from cep.event import EventId
from cep.match.fieldcheck import order_value
from cep.match.order import NEVER, Arrived, InputPosition, Orderer


@dataclass(frozen=True)
class Row:
    stream: str
    partition: str
    time_us: int
    number: int


def spec(name: str, lateness_us: int, partitioned: bool = True) -> StreamSpec:
    return StreamSpec(name=name, lateness_us=lateness_us, partition="p" if partitioned else None)


def model(rows: list[Row], lateness_us: int, strict: bool) -> tuple[list[int], list[int]]:
    """(numbers in feeding order, numbers of late rows), straight from the words of the contract."""
    own: dict[tuple[str, str], int] = {}
    merged = NEVER
    waiting: list[Row] = []
    fed: list[int] = []
    late: list[int] = []
    for row in rows:
        place = (row.stream, row.partition)
        standing = own.get(place, merged)
        if row.time_us < standing:
            late.append(row.number)
        else:
            waiting.append(row)
        own[place] = max(standing, row.time_us - lateness_us)
        merged = max(merged, min(own.values()))
        due = [w for w in waiting if (w.time_us < merged if strict else w.time_us <= merged)]
        waiting = [w for w in waiting if w not in due]
        fed += [w.number for w in sorted(due, key=lambda w: (w.time_us, w.stream, w.number))]
    return fed, late


def arrived(
    rows: Sequence[Any],
    times_us: Sequence[int],
    ids: Sequence[EventId],
    partitions: Sequence[str] | None = None,
    orders: Sequence[Any] | None = None,
) -> Arrived:
    count = len(rows)
    return Arrived(rows, times_us, ids, ["t"] * count, partitions, orders, [b""] * count, ids, ids[0], ids[-1])


def push(order: Orderer, rows: list[Row]) -> tuple[list[int], list[int]]:
    names = [row.partition for row in rows]
    numbers = [row.number for row in rows]
    batch, late = order.add(rows[0].stream, arrived(rows, [row.time_us for row in rows], numbers, names))
    return ([row.number for row in batch.rows] if batch else []), [rows[i].number for i, _ in late]


times = st.integers(0, 30)
arrivals = st.lists(st.tuples(st.sampled_from("ab"), times), min_size=1, max_size=40)


@given(arrivals, st.integers(0, 12), st.lists(st.integers(1, 7), min_size=1))
def test_one_stream_is_fed_in_time_order_whatever_the_batches(
    arrived: list[tuple[str, int]], lateness_us: int, sizes: list[int]
) -> None:
    rows = [Row("s", p, t, n) for n, (p, t) in enumerate(arrived)]
    order = Orderer({"s": spec("s", lateness_us)})
    fed: list[int] = []
    late: list[int] = []
    at = turn = 0
    while at < len(rows):
        size = sizes[turn % len(sizes)]
        more, missed = push(order, rows[at : at + size])
        fed += more
        late += missed
        at, turn = at + size, turn + 1
    assert (fed, late) == model(rows, lateness_us, strict=False)


@given(arrivals, st.integers(0, 12))
def test_two_streams_are_fed_only_before_the_watermark(arrived: list[tuple[str, int]], lateness_us: int) -> None:
    rows = [Row(p, "", t, n) for n, (p, t) in enumerate(arrived)]
    order = Orderer({"a": spec("a", lateness_us), "b": spec("b", lateness_us)})
    fed: list[int] = []
    late: list[int] = []
    for row in rows:
        more, missed = push(order, [row])
        fed += more
        late += missed
    assert (fed, late) == model(rows, lateness_us, strict=True)


def single(order: Orderer, stream: str, times_us: list[int], first: int = 0) -> tuple[list[int], list[int]]:
    batch, late = order.add(stream, arrived(times_us, times_us, list(range(first, first + len(times_us)))))
    return (list(batch.times_us) if batch else []), [i for i, _ in late]


def test_an_event_at_its_partitions_watermark_is_not_late() -> None:
    order = Orderer({"s": spec("s", 5, partitioned=False)})
    # 10 seen: the partition stands at 5; 5 is in time, 4 is late
    assert single(order, "s", [10, 5, 4, 20]) == ([5, 10], [2])
    assert order.watermark_us == 15


def test_how_far_behind_a_late_event_is_is_told() -> None:
    order = Orderer({"s": spec("s", 0, partitioned=False)})
    _, late = order.add("s", arrived([1, 2], [10, 3], [0, 1]))
    assert late == [(1, 7)]


def test_a_quiet_stream_holds_the_others_back_until_it_is_left_out() -> None:
    order = Orderer({"a": spec("a", 0, partitioned=False), "b": spec("b", 0, partitioned=False)})
    assert single(order, "a", [1, 2, 3]) == ([], [])
    batch = order.idle("b", "")
    assert batch is not None and list(batch.times_us) == [1, 2]  # 3 is at the watermark: b may still bring one


def test_a_partition_that_returns_takes_the_watermark_as_its_own() -> None:
    order = Orderer({"a": spec("a", 0, partitioned=False), "b": spec("b", 0, partitioned=False)})
    single(order, "b", [1])
    order.idle("b", "")
    single(order, "a", [50])
    assert single(order, "b", [49, 50], 10)[1] == [0]  # 49 is behind W = 50, at which b came back
    assert order.returned == [(0, "")]


def test_the_watermark_never_goes_back() -> None:
    order = Orderer({"s": spec("s", 0, partitioned=False)})
    order.move(100)
    single(order, "s", [40])
    assert order.watermark_us == 100


def test_wall_time_feeds_what_waits() -> None:
    order = Orderer({"s": spec("s", 10, partitioned=False)})
    assert single(order, "s", [5, 12]) == ([], [])
    batch = order.move(12)
    assert batch is not None and list(batch.times_us) == [5, 12]
    assert order.held == 0 and order.next_held() is None


@given(st.lists(times, min_size=1, max_size=30), st.integers(0, 10), st.data())
def test_a_restart_holds_again_exactly_what_was_held(read: list[int], lateness_us: int, data: st.DataObject) -> None:
    cut = data.draw(st.integers(1, len(read)))
    size = data.draw(st.integers(1, 5))
    streams = {"s": spec("s", lateness_us, partitioned=False)}

    def run(order: Orderer, rows: list[int], first: int) -> list[int]:
        fed: list[int] = []
        for at in range(0, len(rows), size):
            fed += single(order, "s", rows[at : at + size], first + at)[0]
        return fed

    whole = Orderer(streams)
    before = run(whole, read[:cut], 0)
    saved = whole.positions()["s"]
    at_watermark, last_us = whole.watermark_us, whole.last_us
    expected = before + run(whole, read[cut:], cut)

    again = Orderer(streams)
    again.restore(at_watermark, last_us, {"s": InputPosition(saved.high, saved.low, saved.at_high, saved.at_low)})
    if saved.low is not None:
        low = int(saved.low)
        rows = read[low:cut]
        numbers = list(range(low, cut))
        again.reread("s", arrived(rows, rows, numbers))
    assert before + run(again, read[cut:], cut) == expected
    assert again.held == whole.held


def test_a_stream_with_an_order_and_one_without_can_be_mixed() -> None:
    order = Orderer({"a": StreamSpec(name="a", order="o"), "b": StreamSpec(name="b")})
    for stream, orders in (("a", [order_value(2), order_value(1)]), ("b", None)):
        order.add(stream, arrived([1, 2], [5, 5], [f"{stream}1", f"{stream}2"], orders=orders))
    batch = order.move(9)
    assert batch is not None and list(batch.ids) == ["b1", "b2", "a2", "a1"]
