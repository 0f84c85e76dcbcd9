"""What a request holds: each form is cut into one line of JSON per event, and each fault has its place."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cep.errors import EventError
from cep.sources.payload import MAX_EVENT_BYTES, Fault, UnknownMediaType, read_payload

ND = "application/x-ndjson"


def test_lines_are_kept_byte_for_byte() -> None:
    payload = read_payload(b'{"a": 1.10}\r\n\n {"b":\t[2]}\n', ND, {})
    assert payload.docs == [b'{"a": 1.10}', b'{"b":\t[2]}']
    assert (payload.good, payload.faults) == (2, [])


def test_a_faulty_line_is_told_by_its_place_and_kept_for_the_dead_letter() -> None:
    payload = read_payload(b'{"a":1}\n{"a":\n[1]\n{"a":"\xff"}\n{"a":2}', ND, {})
    assert [fault.index for fault in payload.faults] == [1, 2, 3]
    assert payload.faults[0].reason.startswith("not JSON: ")
    assert payload.faults[1].reason == "an event is a JSON object"
    assert "utf-8" in payload.faults[2].reason
    assert len(payload.docs) == 5
    assert payload.good == 2


def test_an_event_that_is_too_long_is_told_and_not_kept() -> None:
    payload = read_payload(b'{"a":1}\n{"a":"' + b"x" * MAX_EVENT_BYTES + b'"}', ND, {})
    assert payload.docs == [b'{"a":1}']
    assert payload.faults == [Fault(1, f"the event is longer than {MAX_EVENT_BYTES:,} bytes")]


def test_nesting_beyond_measure_is_a_fault_and_no_crash() -> None:
    payload = read_payload(b'{"a":' + b"[" * 200_000, ND, {})
    assert payload.faults == [Fault(0, "not JSON: nested too deeply")]


def test_an_array_and_an_object_over_several_lines_become_one_line_each() -> None:
    body = b'[\n {"n": 12345678901234567890123,\n "x": 1.50},\n {"n": 2}]'
    assert read_payload(body, "application/json", {}).docs == [b'{"n":12345678901234567890123,"x":1.50}', b'{"n": 2}']
    assert read_payload(b'{\n"a": 1}', "application/json", {}).docs == [b'{"a":1}']


def test_an_array_element_that_is_no_object_is_told_by_its_index() -> None:
    payload = read_payload(b'[{"a":1}, 5, null]', "application/json", {})
    assert payload.faults == [Fault(1, "an event is a JSON object"), Fault(2, "an event is a JSON object")]


def test_a_broken_array_is_refused_whole() -> None:
    with pytest.raises(EventError, match="no JSON array"):
        read_payload(b'[{"a":1}, {', "application/json", {})


def test_a_broken_document_over_several_lines_stays_one_line() -> None:
    payload = read_payload(b'{"a":\n1,,\r\n}', "application/json", {})
    assert payload.docs == [b'{"a": 1,,  }']
    assert len(payload.faults) == 1


def test_an_empty_body_holds_nothing() -> None:
    assert read_payload(b"\n \n", ND, {}).docs == []
    assert read_payload(b"[]", "application/json", {}).docs == []


CLOUD = {"specversion": "1.0", "id": "A-1", "source": "/shop", "type": "order", "time": "2026-01-02T03:04:05Z"}


def test_a_structured_cloud_event_keeps_its_envelope() -> None:
    event = {**CLOUD, "data": {"total": 5}}
    payload = read_payload(json.dumps(event).encode(), "application/cloudevents+json", {})
    assert [json.loads(doc) for doc in payload.docs] == [event]


def test_a_cloud_event_without_a_source_is_told() -> None:
    event = {name: value for name, value in CLOUD.items() if name != "source"}
    payload = read_payload(json.dumps([CLOUD, event, {**CLOUD, "id": 5}]).encode(), "application/cloudevents-batch+json", {})
    assert payload.faults == [Fault(1, "a CloudEvent needs `source`"), Fault(2, "`$.id`: expected text")]
    assert payload.good == 1


def test_a_binary_cloud_event_is_put_together_like_the_structured_one() -> None:
    headers = {f"Ce-{name.title()}": value for name, value in CLOUD.items()} | {"Ce-Subject": "caf%C3%A9"}
    payload = read_payload(b'{\n"total": 5.10}', "application/json", headers)
    assert payload.good == 1
    assert json.loads(payload.docs[0]) == {
        **CLOUD, "subject": "café", "datacontenttype": "application/json", "data": {"total": 5.1},
    }  # fmt: skip
    assert b"\n" not in payload.docs[0]
    assert b"5.10" in payload.docs[0]


def test_a_binary_cloud_event_may_carry_text_or_bytes() -> None:
    headers = {f"ce-{name}": value for name, value in CLOUD.items()}
    assert json.loads(read_payload(b"hot", "text/plain", headers).docs[0])["data"] == "hot"
    assert json.loads(read_payload(b"\x00\xff", "image/png", headers).docs[0])["data_base64"] == "AP8="


def test_a_binary_cloud_event_with_a_broken_body_is_refused() -> None:
    with pytest.raises(EventError, match="the body is not JSON"):
        read_payload(b"{", "application/json", {f"ce-{name}": value for name, value in CLOUD.items()})


def test_what_curl_sends_by_itself_is_refused_with_the_types_that_are_understood() -> None:
    with pytest.raises(UnknownMediaType, match="application/x-ndjson"):
        read_payload(b"{}", "application/x-www-form-urlencoded", {})


@given(st.binary(max_size=200), st.sampled_from([ND, "application/json", "application/cloudevents+json"]))
def test_no_body_breaks_it_and_no_document_breaks_a_line(body: bytes, content_type: str) -> None:
    try:
        payload = read_payload(body, content_type, {})
    except EventError:
        return
    assert all(b"\n" not in doc and doc.strip() for doc in payload.docs)
    assert payload.good + len(payload.faults) == len(payload.docs)
