"""Documents to rows: what is good, what is bad and why, and that one bad row costs one row."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cep.codes import CODES
from cep.config import StreamSpec
from cep.event import Document
from cep.match.decode import Decoded, Decoder
from cep.match.memory import batch_from_dicts
from cep.types import Type

Path = tuple[str, ...]
NOW_MS = 1_718_000_000_000
NOW_US = NOW_MS * 1000
PROJECTION: Mapping[str, Mapping[Path, Type]] = {
    "sensor": {("speed",): Type.NUMBER, ("unit", "id"): Type.TEXT, ("on",): Type.BOOL, ("tags",): Type.LIST, ("what",): Type.ANY},
    "note": {("speed",): Type.TEXT, ("seen_at",): Type.TIME},
}  # fmt: skip


def line(**fields: Any) -> bytes:
    return json.dumps({"ts": NOW_MS, "type": "sensor", **fields}).encode()


def decode(*documents: Document, spec: StreamSpec | None = None, again: bool = False) -> Decoded:
    """Decode; `again`: after the same events once before, when the decoder knows their shape."""
    decoder = Decoder(PROJECTION, spec or StreamSpec())
    if again:
        decoder.decode(documents)
    return decoder.decode(documents)


BAD = {
    b"": ("E0600", "not JSON: it ends too early"),
    b"{": ("E0600", "not JSON: it ends too early"),
    b'{"ts": NaN}': ("E0600", "not JSON: invalid character (byte 7)"),
    b'{"ts": 1, "speed": 1e999}': ("E0600", "$.speed: number out of range"),
    b'{"ts": 1}{"ts": 2}': ("E0600", "not JSON: trailing characters (byte 10)"),
    b"[1]": ("E0601", "$: expected an object, got a list"),
    b"null": ("E0601", "$: expected an object, got null"),
    b'"x"': ("E0601", "$: expected an object, got text"),
    b" " * (1 << 20) + b"{}": ("E0602", "the document has 1,048,578 bytes, more than 1,048,576"),
    line(ts="soon"): ("E0603", "$.ts: 'soon' is neither an epoch number nor ISO 8601 text"),
    line(ts=True): ("E0603", "$.ts: 'True' is neither an epoch number nor ISO 8601 text"),
    line(ts=-1): ("E0604", "$.ts: -1 (read as s) is before 1970 or after 2099"),
    line(ts="2100-01-01T00:00:00Z"): ("E0604", "$.ts: 2100-01-01T00:00:00Z is before 1970 or after 2099"),
    line(speed="fast"): ("E0605", "$.speed: expected number, got text"),
    line(speed=True): ("E0605", "$.speed: expected number, got true or false"),
    line(on=1): ("E0605", "$.on: expected true or false, got number"),
    line(tags="a"): ("E0605", "$.tags: expected a list, got text"),
    line(unit=7): ("E0605", "$.unit: expected an object, got number"),
    line(unit={"id": 7}): ("E0605", "$.unit.id: expected text, got number"),
    line(type="note", speed=7): ("E0605", "$.speed: expected text, got number"),
    line(type="note", seen_at="x"): ("E0605", "$.seen_at: expected a time (epoch number or ISO 8601 text), got 'x'"),
    line(type=7): ("E0605", "$.type: expected text, got number"),
    b'{"ts":1718000000,"type":"sensor","what":"\xff"}': ("E0609", "a text is not UTF-8"),
    b'{"type": "sensor"}': (
        "E0606",
        "no time: $.ts, $.time, $.timestamp, $.@timestamp, $.ts_ms, $.time_ms, $.event_time are missing or null",
    ),
    b'{"a":' + b"[" * 10_000 + b"]" * 10_000 + b"}": ("E0607", "the document is nested too deep"),
}  # fmt: skip


@pytest.mark.parametrize("document", BAD, ids=[document[:30].decode("latin-1").strip() or "blank" for document in BAD])
def test_a_bad_document_says_what_is_wrong_and_costs_itself_alone(document: bytes) -> None:
    good = line(speed=5)
    decoder = Decoder(PROJECTION, StreamSpec())
    for _ in range(2):  # before and after the decoder knows the usual shape
        decoded = decoder.decode([good, document, good, good])
        assert decoded.bad == [(1, *BAD[document])]
        assert [row.speed for row in decoded.rows] == [5, 5, 5]
        assert decoded.times_us == [NOW_US] * 3
    assert decoded.bad[0][1] in CODES


@pytest.mark.parametrize(
    ("written", "time_us"),
    [
        (1_718_000_000, NOW_US),
        (1_718_000_000.25, NOW_US + 250_000),
        (1_718_000_000.123456, NOW_US + 123_456),
        (NOW_MS, NOW_US),
        (NOW_MS + 0.5, NOW_US + 500),
        (NOW_US, NOW_US),
        (NOW_US * 1000 + 1999, NOW_US + 1),
        ("2024-06-10T06:13:20Z", NOW_US),
        ("2024-06-10T08:13:20.5+02:00", NOW_US + 500_000),
        ("2024-06-10 06:13:20.1234567", NOW_US + 123_456),
        ("1718000000.25", NOW_US + 250_000),
        (0, 0),
    ],
)
def test_times_are_read_to_the_microsecond_whatever_their_unit(written: Any, time_us: int) -> None:
    assert decode(line(ts=written), line(ts=written), again=True).times_us == [time_us, time_us]


def test_the_unit_is_told_by_the_name_or_by_the_stream() -> None:
    assert decode(b'{"ts_ms": 5}').times_us == [5_000]
    assert decode(b'{"at_ns": 5000}', spec=StreamSpec(time="at_ns")).times_us == [5]
    assert decode(b'{"at": 5}', b'{"at": 6}', spec=StreamSpec(time="at", unit="ms"), again=True).times_us == [5_000, 6_000]
    assert decode(b'{"m": {"at": 5}}', b'{"m": {"at": 6}}', spec=StreamSpec(time="m.at"), again=True).times_us == [
        5_000_000,
        6_000_000,
    ]


def test_the_first_time_field_present_is_the_one() -> None:
    first, second = b'{"time": 1, "event_time": 2}', b'{"ts": 3, "time": 1}'
    assert decode(first, second, first, again=True).times_us == [1_000_000, 3_000_000, 1_000_000]


def test_a_stream_that_changes_its_ways_is_followed() -> None:
    decoder = Decoder(PROJECTION, StreamSpec())
    for written in (NOW_MS, "2024-06-10T06:13:20Z", 1_718_000_000.0, NOW_US):
        for _ in range(3):
            assert decoder.decode([line(ts=written)] * 5).times_us == [NOW_US] * 5


@pytest.mark.parametrize(
    ("spec", "types"),
    [
        (StreamSpec(), ["sensor", "event"]),
        (StreamSpec(name="clicks"), ["sensor", "clicks"]),
        (StreamSpec(type="kind"), ["kind", "click"]),
        (StreamSpec(type_fixed="t"), ["t", "t"]),
    ],
)
def test_the_type_is_a_field_or_the_word_itself(spec: StreamSpec, types: list[str]) -> None:
    assert decode(line(), b'{"ts": 1, "kind": "click"}', spec=spec, again=True).types == types


def test_an_event_without_the_type_field_that_the_stream_names_is_bad() -> None:
    decoded = decode(line(kind="a"), line(), spec=StreamSpec(type_field="kind"), again=True)
    assert decoded.types == ["a"]
    assert decoded.bad == [(1, "E0608", "$.kind: expected the event's type as text, got null")]


def test_ids_partitions_and_order_come_as_columns() -> None:
    spec = StreamSpec(id="id", partition="from", order="n")
    documents = [
        line(id="a", n=2),
        line(id=7, n="x"),
        line(**{"from": "p"}),
        line(id=[1]),
        line(id=1.0, n=1.5),
        line(**{"from": 5}),
    ]
    decoded = decode(*documents, spec=spec, again=True)
    assert decoded.ids == ["a", 7, None, 1, None]
    assert decoded.partitions == ["", "", "p", "", "5"]
    assert decoded.orders is not None
    assert sorted(decoded.orders) == [(0, 0), (0, 0), (1, 1.5), (1, 2), (2, "x")]
    assert decoded.bad == [(3, "E0605", "$.id: expected a number or text, got a list")]
    decoded.drop(0)
    assert (decoded.ids, len(decoded.rows), decoded.types[0]) == ([7, None, 1, None], 4, "sensor")


def test_huge_ints_are_exact_and_the_last_of_repeated_keys_wins() -> None:
    decoded = decode(b'{"ts": 1, "type": "sensor", "speed": 1, "speed": 123456789012345678901234567890}')
    assert decoded.rows[0].speed == 123456789012345678901234567890


def test_fields_that_other_types_use_otherwise_are_left_alone() -> None:
    decoded = decode(line(type="page", speed=[1]), line(type="page", speed="x"), line(speed=1), again=True)
    assert (len(decoded.rows), decoded.bad) == (3, [])


def test_plain_field_documents_are_read_by_the_types_fields_must_have() -> None:
    decoder = Decoder(PROJECTION, StreamSpec())
    good = {"ts": str(NOW_MS), "type": "sensor", "speed": "1.5", "unit.id": "7", "on": "true", "tags": '["a"]', "what": "5"}
    decoded = decoder.decode([good, line(speed=2), {**good, "speed": "fast"}, {**good, "speed": ""}])
    row = decoded.rows[0]
    assert (row.speed, row.unit.id, row.on, row.tags, row.what) == (1.5, "7", True, ["a"], "5")
    assert [one.speed for one in decoded.rows] == [1.5, 2, None]
    assert decoded.times_us == [NOW_US] * 3
    assert decoded.bad == [(2, "E0605", "$.speed: expected number, got text")]


SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=3)
)
VALUES = st.one_of(SCALARS, st.lists(SCALARS, max_size=2), st.dictionaries(st.sampled_from(["id", "x"]), SCALARS, max_size=2))
TIMES = st.one_of(st.sampled_from([NOW_MS, 1.5, 1_718_000_000, "2024-06-10T06:13:20Z", NOW_US * 1000]), VALUES)
EVENTS = st.fixed_dictionaries(
    {},
    optional={
        "ts": st.one_of(st.just(NOW_MS), st.just(NOW_MS), TIMES), "time": TIMES,
        "type": st.one_of(st.sampled_from(["sensor", "note", "page"]), VALUES),
        **dict.fromkeys(("speed", "unit", "on", "tags", "what", "seen_at", "id", "from", "n"), VALUES),
    },
)  # fmt: skip
SPECS = st.sampled_from(
    [StreamSpec(), StreamSpec(id="id", partition="from", order="n"), StreamSpec(type_field="what", time="speed")]
)


def told(decoded: Decoded) -> list[Any]:
    def plain(value: Any) -> Any:
        return (
            {name: plain(getattr(value, name)) for name in FIELDS if hasattr(value, name)}
            if hasattr(value, "__struct_fields__")
            else value
        )

    rows = [repr(sorted(plain(row).items())) for row in decoded.rows]
    return [rows, decoded.times_us, decoded.types, decoded.ids, decoded.partitions, decoded.orders, decoded.bad]


FIELDS = ("speed", "unit", "id", "on", "tags", "what", "seen_at")


@settings(max_examples=300, deadline=None)
@given(st.lists(EVENTS, min_size=1, max_size=8), SPECS)
def test_a_decoder_that_knows_the_shape_says_what_a_new_one_says(given_events: list[dict[str, Any]], spec: StreamSpec) -> None:
    documents = [json.dumps(event).encode() for event in given_events]
    decoder = Decoder(PROJECTION, spec)
    first = told(decoder.decode(documents))
    one_by_one = [Decoder(PROJECTION, spec).decode([document]) for document in documents]
    assert [row for one in one_by_one for row in told(one)[0]] == first[0]
    assert [(n, *reason) for n, one in enumerate(one_by_one) for _, *reason in one.bad] == first[6]
    for _ in range(2):
        assert told(decoder.decode(documents)) == first


@settings(max_examples=300, deadline=None)
@given(st.lists(EVENTS, min_size=1, max_size=8))
def test_dicts_are_judged_like_documents(given_events: list[dict[str, Any]]) -> None:
    decoded = decode(*(json.dumps(event).encode() for event in given_events))
    batch, bad = batch_from_dicts(given_events, StreamSpec(), PROJECTION, first_position=100)
    assert bad == decoded.bad
    assert (list(batch.times_us), list(batch.types)) == (decoded.times_us, decoded.types)
    refused = {index for index, _, _ in bad}
    assert list(batch.ids) == [100 + n for n in range(len(given_events)) if n not in refused]
    assert list(batch.rows) == [event for n, event in enumerate(given_events) if n not in refused]


def test_dicts_with_what_json_cannot_say_are_bad_not_a_traceback() -> None:
    given_events: list[Any] = [{"ts": NOW_MS, "type": "sensor", "speed": one} for one in (1, float("nan"), float("inf"), 1j)] + [
        5,
        None,
    ]
    batch, bad = batch_from_dicts(given_events, StreamSpec(), PROJECTION)
    assert batch.rows == given_events[:1]
    assert [(index, reason) for index, _, reason in bad] == [
        (1, "$.speed: expected a finite number, got nan"),
        (2, "$.speed: expected a finite number, got inf"),
        (3, "$.speed: expected number, got complex"),
        (4, "$: expected an object, got number"),
        (5, "$: expected an object, got null"),
    ]
