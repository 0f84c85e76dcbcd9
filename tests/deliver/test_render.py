"""How alerts look: times, JSON, lines, webhook bodies."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from cep.alert import AlertRow
from cep.deliver.render import alert_as_json, alert_as_line, iso_time, json_line, webhook_body

ROW = AlertRow(
    id="a1",
    rule="door_forced",
    version="v1",
    generation=3,
    severity="high",
    title="Door 7 forced",
    key="door-7",
    time_us=1_772_355_655_000_000,
    first_us=1_772_355_650_100_000,
    last_us=1_772_355_655_000_000,
    fields={"count": 3, "who": None},
    evidence=("1718-0", "1718-1", 7),
    events=3,
)
ALERT = ROW.alert()


@given(st.integers(min_value=-62_135_596_800_000_000, max_value=253_402_300_799_999_999))
def test_time_reads_back_as_the_same_moment(time_us: int) -> None:
    text = iso_time(time_us)
    assert text.endswith("Z")
    assert (datetime.fromisoformat(text) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) == time_us


def test_time_beyond_the_calendar_is_still_a_text() -> None:
    assert iso_time(2**62) == f"{2**62}us"


def test_json_has_the_promised_keys_and_values() -> None:
    assert alert_as_json(ALERT) == {
        "id": "a1",
        "rule": "door_forced",
        "generation": 3,
        "key": "door-7",
        "severity": "high",
        "tags": [],
        "title": "Door 7 forced",
        "transition": "opened",
        "updates": 0,
        "opened": "2026-03-01T09:00:55.000Z",
        "time": "2026-03-01T09:00:55.000Z",
        "first": "2026-03-01T09:00:50.100Z",
        "last": "2026-03-01T09:00:55.000Z",
        "fields": {"count": 3, "who": None},
        "evidence": ["1718-0", "1718-1", 7],
        "events": 3,
    }


def test_alert_without_events_has_null_first_and_last() -> None:
    alone = msgspec.structs.replace(ROW, first_us=None, last_us=None, evidence=(), events=0).alert()
    assert alert_as_json(alone)["first"] is None
    assert alert_as_json(alone)["last"] is None


def test_line_names_time_severity_rule_key_title_and_fields() -> None:
    assert alert_as_line(ALERT) == "2026-03-01T09:00:55.000Z  HIGH      door_forced  door-7  Door 7 forced  count=3  who=null"


def test_line_of_a_later_transition_says_so() -> None:
    assert "door_forced  resolved  door-7" in alert_as_line(msgspec.structs.replace(ROW, transition="resolved").alert())


def test_color_only_when_asked() -> None:
    assert "\x1b[31mHIGH" in alert_as_line(ALERT, color=True)
    assert "\x1b" not in alert_as_line(ALERT)


def test_event_text_cannot_steer_the_terminal() -> None:
    evil = msgspec.structs.replace(ROW, key=["a\x1b[2J", 5], title="x\ny\u202e", fields={"f\r": "\x07"}).alert()
    line = alert_as_line(evil)
    assert line.isprintable()
    assert "a\\x1b[2J, 5" in line
    assert "x\\ny\\u202e" in line


@given(st.text(alphabet=st.characters(codec="utf-8")))
def test_a_json_line_is_one_line(title: str) -> None:
    line = json_line(msgspec.structs.replace(ROW, title=title).alert())
    assert line.count(b"\n") == 1
    assert msgspec.json.decode(line)["title"] == title


def test_webhook_body_is_type_timestamp_data() -> None:
    body = msgspec.json.decode(webhook_body(ALERT))
    assert list(body) == ["type", "timestamp", "data"]
    assert body["type"] == "alert.opened"
    assert body["timestamp"] == "2026-03-01T09:00:55.000Z"
    assert body["data"] == alert_as_json(ALERT)
