from __future__ import annotations

import redis
from hypothesis import given
from hypothesis import strategies as st

from cep.buffer.ingest import Appender
from cep.buffer.link import Link
from cep.buffer.position import Arrivals, before, entry_of, place
from cep.buffer.reader import Reader, Rows, unpack, without_end
from cep.match.openrows import LARGEST_DOCUMENT


def reader(link: Link, *streams: str) -> Reader:
    return Reader(link, {name: f"k:{name}" for name in streams}, {}, {})


def read(reader: Reader) -> list[Rows]:
    reader.request(1)
    return reader.receive()


def test_every_shape_of_entry_becomes_rows_with_positions(client: redis.Redis, link: Link) -> None:
    client.xadd("k:a", {"json": '{"n":1}'}, id="1-0")
    client.xadd("k:a", {"lines": '{"n":2}\nnonsense\n\n{"n":3}\n'}, id="2-5")
    client.xadd("k:a", {"type": "t", "speed": "95"}, id="3-0")
    client.xadd("k:a", {"payload": '{"n":4}'}, id="4-0")
    client.xadd("k:a", {"speed": "95"}, id="5-0")
    (rows,) = read(reader(link, "a"))
    assert [without_end(document, position) for document, position in zip(rows.documents, rows.positions)] == [
        b'{"n":1}', b'{"n":2}', b"nonsense", b"", b'{"n":3}', {"type": "t", "speed": "95"}, b'{"n":4}', {"speed": "95"},
    ]  # fmt: skip
    assert rows.positions == ["1-0", "2-5/0", "2-5/1", "2-5/2", "2-5/3", "3-0", "4-0", "5-0"]
    assert (rows.last, rows.entries, rows.at_end) == ("5-0", 5, True)


def test_reading_goes_on_where_it_stopped_and_counts_entries(client: redis.Redis, link: Link) -> None:
    for i in range(40):
        client.xadd("k:a", {"json": "{}"}, id=f"{i + 1}-0")
    r = reader(link, "a", "b")
    positions: list[str] = []
    while found := read(r):
        positions += found[0].positions
    assert positions == [f"{i + 1}-0" for i in range(40)]
    assert r.cursors == {"a": "40-0", "b": "0-0"}
    assert r.seen == {"a": 40, "b": 0}
    client.xadd("k:b", {"json": "{}"}, id="1-0")
    assert [rows.stream for rows in read(r)] == ["b"]


def test_large_entries_are_read_few_at_a_time(client: redis.Redis, link: Link) -> None:
    Appender(client).append("k:a", [b'{"x":"%s"}' % (b"y" * 100_000)] * 400)
    r = reader(link, "a")
    read(r)
    (rows,) = read(r)
    assert sum(len(document) for document in rows.documents) <= 2 << 20


def test_a_range_is_read_again_up_to_its_last_entry_only(client: redis.Redis, link: Link) -> None:
    for i in range(100):
        client.xadd("k:a", {"json": "{}"}, id=f"{i + 1}-0")
    r = Reader(link, {"a": "k:a"}, {"a": "9-0"}, {"a": 9})
    positions: list[str] = []
    while rows := r.read_to("a", "42-0"):
        positions += rows.positions
    assert positions == [f"{i}-0" for i in range(10, 43)]
    assert (r.cursors["a"], r.seen["a"]) == ("42-0", 42)


def test_positions_compare_as_numbers() -> None:
    assert place("9-0") < place("10-0") < place("10-2") < place("10-11") < place("10-11/2") < place("10-11/10")
    assert entry_of("10-11/2") == "10-11"
    assert before("10-11") == "10-10"
    assert place(before("10-0")) < place("10-0")
    assert before("0-0") == "0-0"


def test_arrivals_are_read_out_of_positions_when_asked() -> None:
    arrivals = Arrivals(["1718000000000-0", "1718000000001-3/7"])
    assert [arrivals[0], arrivals[-1], len(arrivals)] == [1718000000000_000, 1718000000001_000, 2]
    assert list(arrivals[1:]) == [1718000000001_000]


LINES = st.lists(st.sampled_from([b'{"n":1}', b"", b"x\r", b'{"n":"\xc3\xa4"}']), min_size=1, max_size=4)


@given(st.lists(st.tuples(LINES, st.booleans()), min_size=1, max_size=4))
def test_packed_entries_are_walked_over_as_they_would_be_listed(packed: list[tuple[list[bytes], bool]]) -> None:
    entries, documents, positions = [], [], []
    for n, (lines, ended) in enumerate(packed):
        value = b"\n".join(lines) + b"\n" * ended
        entries.append([b"%d-0" % n, [b"lines", value]])
        cut = value.split(b"\n")[: -1 if value.endswith(b"\n") or not value else None]
        documents += cut
        positions += [f"{n}-0/{line}" for line in range(len(cut))]
    rows, size = unpack("a", entries, at_end=True)
    assert [without_end(document, position) for document, position in zip(rows.documents, rows.positions)] == documents
    assert (len(rows.documents), len(rows.positions), rows.entries) == (len(documents), len(positions), len(packed))
    if positions:
        assert (rows.positions[0], rows.positions[-1]) == (positions[0], positions[-1])
    assert list(rows.positions) == list(rows.positions[:]) == positions  # listed, and walked over when they are
    assert list(rows.documents[1:]) == list(rows.documents)[1:]
    assert size <= 8 * max(1, sum(len(value) for _, (_, value) in entries))


def test_a_line_may_be_as_large_in_a_packed_entry_as_alone() -> None:
    line = b"x" * LARGEST_DOCUMENT
    rows, _ = unpack("a", [[b"1-0", [b"lines", line + b"\n" + line + b"\n"]]], at_end=True)
    assert list(rows.documents) == [line, line]
    many = [b"{}"] * 3000
    rows, _ = unpack("a", [[b"1-0", [b"lines", b"\n".join(many)]], [b"2-0", [b"json", b"{}"]]], at_end=True)
    assert (rows.positions[2999], rows.positions[3000]) == ("1-0/2999", "2-0")
