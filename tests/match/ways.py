"""One run of rules over events, and other ways that must answer alike: other batches, any order inside lateness, restarts."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from typing import Any

import msgspec

from cep.alert import Alert
from cep.config import StreamSpec
from cep.lang.parser import parse_text
from cep.match.pipeline import Pipeline
from cep.plan.plan import Rulebook
from cep.plan.rulebook import build_rulebook

S = 1_000_000
STREAM = "e"
Event = dict[str, Any]  # `at` in seconds, `type`, and fields


def rulebook(text: str, tables: dict[str, Any] | None = None) -> Rulebook:
    file, syntax = parse_text(text, "rules.cep")
    book, faults = build_rulebook([file], tables=tables)
    assert [fault.message for fault in (*syntax, *faults) if fault.level == "error"] == []
    return book


def pipeline(book: Rulebook, lateness_s: float = 0) -> Pipeline:
    spec = StreamSpec(name=STREAM, time="at", unit="s", id="n", order="n", lateness_us=round(lateness_s * S))
    return Pipeline(book, {STREAM: spec})


def push(one: Pipeline, events: Sequence[Event]) -> list[Alert]:
    documents = [json.dumps(event).encode() for event in events]
    outcome = one.push(STREAM, documents, [event["n"] for event in events])
    assert not outcome.dead and not outcome.late
    return outcome.alerts


def numbered(events: Sequence[Event]) -> list[Event]:
    return [{**event, "n": n} for n, event in enumerate(sorted(events, key=lambda event: event["at"]), 1)]


def run(book: Rulebook, events: Sequence[Event], until_s: float) -> list[Alert]:
    """All in one batch, and every other way: each must say the same, byte for byte."""
    events = numbered(events)
    one = pipeline(book)
    whole = push(one, events) + one.finish(round(until_s * S)).alerts
    for name, alerts in _other_ways(book, events, round(until_s * S)).items():
        assert plain(alerts) == plain(whole), name
    assert len({alert.entry_id for alert in whole}) == len(whole)
    return whole


def _other_ways(book: Rulebook, events: list[Event], until_us: int) -> dict[str, list[Alert]]:
    dice = random.Random(len(events))
    singly = pipeline(book)
    found = {"event by event": [alert for event in events for alert in push(singly, [event])] + singly.finish(until_us).alerts}
    for seed in range(3):
        one, alerts, rest = pipeline(book), [], events
        while rest:
            count = dice.randint(1, 5)
            alerts += push(one, rest[:count])
            rest = rest[count:]
        found[f"batches {seed}"] = alerts + one.finish(until_us).alerts
    span = (events[-1]["at"] - events[0]["at"]) if events else 0
    mixed = list(events)
    dice.shuffle(mixed)
    shuffled = pipeline(book, span + 1)
    found["shuffled"] = push(shuffled, mixed) + shuffled.finish(until_us).alerts
    for cut in range(0, len(events) + 1, max(1, len(events) // 6)):
        found[f"restarted at {cut}"] = _restarted(book, events, cut, until_us)
    return found


def _restarted(book: Rulebook, events: list[Event], cut: int, until_us: int) -> list[Alert]:
    """A whole snapshot early, a delta at the cut; then another process."""
    first, early = pipeline(book), cut // 2
    alerts = push(first, events[:early])
    saved = [msgspec.msgpack.encode(first.snapshot(delta=False))]
    alerts += push(first, events[early:cut])
    saved.append(msgspec.msgpack.encode(first.snapshot(delta=True)))
    second = pipeline(book)
    low = second.restore([msgspec.msgpack.decode(one) for one in saved])[STREAM].low
    if low is not None:  # rows that were held are read again
        held = events[int(low) - 1 : cut]
        second.reread(STREAM, [json.dumps(event).encode() for event in held], [event["n"] for event in held])
    return alerts + push(second, events[cut:]) + second.finish(until_us).alerts


def plain(alerts: Sequence[Alert]) -> list[bytes]:
    return [msgspec.json.encode(alert.row()) for alert in alerts]


def story(alerts: Sequence[Alert]) -> list[tuple[float, str, Any, str]]:
    """(seconds, rule, key, transition) of each."""
    return [(alert.time_us / S, alert.rule, alert.key, alert.transition) for alert in alerts]
