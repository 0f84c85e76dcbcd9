"""Events fed as they are decoded, without a batch of them: what comes out is what comes out of batches."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cep.config import StreamSpec
from cep.event import Document, Walked
from cep.match import intake as intake_module
from cep.match.engine import Rows
from cep.match.pipeline import Pipeline
from cep.texts import LineText
from tests.match.test_pipeline import rulebook

RULES = """
rule high
  from sensor where speed > 3

rule often
  by user
  from sensor where speed > 1
  when count() >= 3 over 4s
  then reset

rule guessed
  by user
  match fail{2,} -> ok
  where fail: failed
        ok: login
  within 5s

rule grown
  by user
  match a -> b
  where a: buy where speed > 1
        b: buy where speed > a.speed
  within 5s

rule unseen
  by user
  match bought -> !seen
  where bought: buy
        seen: sensor
  within 3s
"""
STRICT = """
rule strict
  by user
  match a => b
  where a: failed
        b: login
  within 5s
"""


def line_of(event: dict[str, Any], odd: str) -> bytes:
    """The event as a line, with what is odd about it."""
    match odd:
        case "blank":
            return b"  "
        case "broken":
            return b'{"ts": 1'
        case "wrong type":
            event["speed"] = "fast"
        case "written time":
            event["ts"] = "1970-01-12T13:46:50Z"
        case "number":
            event["user"] = 5
        case "no speed":
            del event["speed"]
        case "no user":
            del event["user"]
        case "new type":
            event["type"] = f"new{event['speed']}"
        case "far ahead":
            event["ts"] += 1000
    return json.dumps(event).encode()


@st.composite
def documents(draw: st.DrawFn) -> list[bytes]:
    """Good ones mostly, in order; some late, some bad, some blank, some that write their time in another way."""
    steps = st.tuples(
        st.sampled_from([0, 0, 1, 1, 2, 4, -1, -7]),
        st.sampled_from(["sensor", "failed", "login", "buy", "other"]),
        st.sampled_from("ppq"),
        st.sampled_from([1, 2, 3, 4.5]),
        st.sampled_from(
            [""] * 12 + ["blank", "broken", "wrong type", "written time", "no user", "new type", "number", "no speed"]
        ),
    )
    now, lines = 1_000_000, []
    for gap, name, user, speed, odd in draw(st.lists(steps, max_size=30)):
        now += max(gap, 0)
        event: dict[str, Any] = {"ts": now + min(gap, 0), "type": name, "user": user, "speed": speed}
        lines.append(line_of(event, odd))
    return lines


def read_or_text(line: bytes) -> Any:
    """The document; what is none stands for itself."""
    try:
        return json.loads(line)
    except ValueError:
        return line


def ran(pipeline: Pipeline, batches: list[tuple[Any, Any, list[int] | None]]) -> list[Any]:
    """All that comes out, and how the pipeline stands then."""
    out: list[Any] = []
    for some, positions, arrivals_us in batches:
        outcome = pipeline.push("event", some, positions, arrivals_us)
        out += [("alert", one) for one in outcome.alerts]
        out += [(one.code, one) for one in (*outcome.late, *outcome.dead)]
    order = pipeline.snapshot(delta=False)["order"]
    out += [("alert", one) for one in pipeline.finish().alerts]
    alerts = [one for what, one in out if what == "alert"]
    rejected = sorted(repr(one) for what, one in out if what != "alert")
    return [alerts, rejected, pipeline.counts, pipeline.positions(), order]


TABLED = "".join(
    f'\nrule t{n}\n  from {name} where user == "{user}" and speed > {n % 3}\n'
    for n, (name, user) in enumerate((name, user) for name in ("sensor", "buy") for user in "pppqqqrr")
)
RISING = """
rule rising
  by user
  from sensor where speed > 1
  when count() >= 2 over 4s
"""
ALIKE = "".join(
    f"""
rule alike{least}
  by user
  match fail{{{least},}} -> ok
  where fail: failed
        ok: login
  within {within}s

rule often{least}
  by user
  from sensor where speed > 1
  when count() >= {least} over {within}s
  then reset
"""
    for least, within in [(1, 9), (2, 4), (3, 12)]
)
SETS = [RULES, RULES + STRICT, RULES + RISING, RISING, RULES + TABLED, TABLED, TABLED + RISING, RULES + ALIKE, ALIKE]
GIVEN_AS = ["text", "lines", "arrivals", "named", "walked", "dicts"]


@given(st.data(), documents(), st.sampled_from(GIVEN_AS), st.sampled_from(SETS))
@settings(max_examples=300, deadline=None)
def test_straight_and_in_batches_alike(data: st.DataObject, lines: list[bytes], given_as: str, rules: str) -> None:
    if given_as in ("lines", "named", "walked"):
        lines = [line for line in lines if line.strip()]
    if given_as == "dicts":
        lines = [read_or_text(line) for line in lines]
    cuts = sorted(data.draw(st.lists(st.integers(0, len(lines)), max_size=3)))
    parts = [(a, lines[a:b]) for a, b in zip([0, *cuts], [*cuts, len(lines)])]
    arrivals_us = [1_000_003_000_000] * len(lines) if given_as in ("arrivals", "walked") else None

    def batches() -> list[tuple[Any, Any, list[int] | None]]:
        return [
            (
                LineText(b"".join(line + b"\n" for line in some)) if given_as == "text" else some,
                [f"{n}-0" for n in range(a, a + len(some))]
                if given_as in ("named", "walked")
                else range(a + 1, a + 1 + len(some)),
                arrivals_us and arrivals_us[a : a + len(some)],
            )
            for a, some in parts
        ]

    def walked() -> list[tuple[Any, Any, list[int] | None]]:
        """The same, made as they are walked over."""
        return [
            (
                Walked(partial(iter, some), len(some), longest=1000),
                Walked(partial(iter, names), len(some), ends=(names[0], names[-1])),
                times_us,
            )
            for some, names, times_us in batches()
            if some
        ]

    streams = {"event": StreamSpec(future_us=2_000_000)}
    rows: Rows = "dict" if given_as == "dicts" else "struct"
    straight, batched = (Pipeline(rulebook(rules), streams, rows=rows) for _ in range(2))
    batched._order.straight_from = lambda stream: None  # type: ignore[method-assign]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(intake_module, "PART_BYTES", data.draw(st.sampled_from([1, 150, 100_000])))
        one = ran(straight, walked() if given_as == "walked" else batches())
    assert one == ran(batched, batches())


def test_a_row_that_is_dropped_after_decoding_was_a_line_all_the_same() -> None:
    """Once another type uses the field otherwise, the struct accepts any value there: what is wrong is found in a second look."""
    lines = [b'{"ts": %d, "type": "%s", "user": "p", "speed": %s}' % one for one in [(1, b"sensor", b"1"), (2, b"other", b'"x"')]]
    wrong = b'{"ts": 4, "type": "sensor", "user": "p", "speed": "x"}'
    pipeline = Pipeline(rulebook(RULES), {"event": StreamSpec()})
    pipeline.push("event", LineText(b"\n".join(lines)), range(1, 3))
    outcome = pipeline.push("event", LineText(b"\n".join([lines[0].replace(b"1,", b"3,"), wrong])), range(3, 5))
    assert [dead.position for dead in outcome.dead] == [4]


@pytest.mark.parametrize("rows", ["struct", "dict"])
def test_rules_that_need_no_batch_get_none(monkeypatch: pytest.MonkeyPatch, rows: Rows) -> None:
    pipeline = Pipeline(rulebook(RULES), {"event": StreamSpec()}, rows=rows)
    events: list[Document] = [{"ts": n, "type": "sensor", "user": "p", "speed": 5} for n in range(1, 20)]
    events.append({"ts": 21, "type": "failed"})  # no user: from the next on, some may have none
    if rows == "struct":
        events = [json.dumps(event).encode() for event in events]
    pipeline.push("event", events[:9], range(9))  # the usual shape is known from here on
    pipeline.push("event", events[19:], range(9, 10))
    late = pipeline.push("event", events[9:19], range(10, 20))
    assert len(late.late) == 10
    fresh = [
        dict(event, ts=30 + n) if isinstance(event, dict) else event.replace(b'"ts": 1', b'"ts": 3')
        for n, event in enumerate(events[9:19])
    ]
    monkeypatch.setattr(pipeline.engine, "feed", None)
    assert len(pipeline.push("event", fresh, range(20, 30)).alerts) == 10 + 3


def test_a_field_may_be_of_another_type_in_another_event() -> None:
    """A list is nothing that the loop over dicts looks for, whatever the field is elsewhere."""
    rules = 'rule a\n  from x where any(labels, x == "b")\n\nrule b\n  from y where labels > 3\n'
    events: list[Document] = [{"ts": n, "type": "x", "labels": ["b"]} for n in range(1, 4)]
    events += [{"ts": 5, "type": "y", "labels": 4}, {"ts": 6, "type": "y", "labels": ["b"]}]
    pipeline = Pipeline(rulebook(rules), {"event": StreamSpec()}, rows="dict")
    first, second = pipeline.push("event", events[:1], range(1)), pipeline.push("event", events[1:], range(1, 5))
    assert [alert.rule for alert in (*first.alerts, *second.alerts)] == ["a", "a", "a", "b"]
    assert [dead.position for dead in second.dead] == [4]
