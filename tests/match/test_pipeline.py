"""From documents to alerts: the answer never depends on batch borders, restarts, or how events are held in memory."""

from __future__ import annotations

import json
import random
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cep.alert import Alert
from cep.config import StreamSpec
from cep.errors import ConfigError
from cep.lang.parser import parse_text
from cep.match.engine import Engine
from cep.match.memory import batch_from_dicts
from cep.match.outcome import FUTURE, LATE, Outcome
from cep.match.pipeline import Pipeline
from cep.plan.plan import Rulebook
from cep.plan.rulebook import build_rulebook
from cep.texts import LineText

START_MS = 1_767_225_600_000
RULES = """
rule big  severity high
  from pay where amount > 80

rule thrice
  by   user
  from pay where amount > 40
  when count() >= 3 over 20s
  then reset
  emit user, total = sum(amount), top = max(amount)

rule average
  by   user
  from pay
  when avg(amount) > 60 and count() >= 2 over 10s

rule after
  by    user
  match p{2,} -> q
  where p: pay where amount < 50
        q: login where q.ip != last(p).ip
  within 30s
  emit  user, n = count(p), first = first(p).amount
  once  per user every 15s

rule unanswered
  by    user
  match a -> !b
  where a: pay
        b: login
  within 5s

rule quiet
  by     user
  absent login for 12s
"""


def rulebook(text: str = RULES) -> Rulebook:
    file, faults = parse_text(text, "rules.cep")
    book, more = build_rulebook([file])
    assert [fault.message for fault in (*faults, *more) if fault.level == "error"] == []
    return book


BOOK = rulebook()
SPEC = StreamSpec(time="ts_ms")


def some_events(seed: int, count: int = 120) -> list[dict[str, Any]]:
    dice = random.Random(seed)
    at_ms = START_MS
    events = []
    for _ in range(count):
        at_ms += dice.choice((0, 1, 500, 1000, 2500))
        kind = dice.choice(("pay", "pay", "login", "other"))
        amount = dice.choice((None, dice.randrange(100), dice.random() * 100))
        events.append({"ts_ms": at_ms, "type": kind, "user": dice.choice("abc"), "amount": amount, "ip": dice.choice("xy")})
    return events


def raw(events: list[dict[str, Any]]) -> list[bytes]:
    return [json.dumps(event).encode() for event in events]


def in_batches(pipeline: Pipeline, documents: list[bytes], size: int, first: int = 1) -> list[Alert]:
    alerts: list[Alert] = []
    for at in range(0, len(documents), size):
        part = documents[at : at + size]
        alerts += pipeline.push("event", part, range(first + at, first + at + len(part))).alerts
    return alerts


def whole(documents: list[bytes], spec: StreamSpec = SPEC) -> list[Alert]:
    pipeline = Pipeline(BOOK, {"event": spec})
    return in_batches(pipeline, documents, len(documents)) + pipeline.finish().alerts


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 60))
def test_batches_of_any_size_bring_the_same_alerts(seed: int, size: int) -> None:
    documents = raw(some_events(seed))
    pipeline = Pipeline(BOOK, {"event": SPEC})
    assert in_batches(pipeline, documents, size) + pipeline.finish().alerts == whole(documents)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 60), st.sampled_from([0, 2_000_000]), st.sampled_from([b"\n", b"\r\n"]))
def test_lines_in_one_text_are_judged_like_documents(seed: int, size: int, lateness_us: int, end: bytes) -> None:
    """Good, bad and late ones, and blank ones among them, which are no events."""
    dice = random.Random(seed)
    strange = [b"{", b'{"ts_ms": 1}', b'{"ts_ms": %d, "type": "pay", "amount": "x"}' % (START_MS + 9000), b" ", b""]
    documents = [dice.choice(strange) if dice.random() < 0.2 else document for document in raw(some_events(seed, 60))]
    spec = StreamSpec(time="ts_ms", lateness_us=lateness_us)
    one, other = Pipeline(BOOK, {"event": spec}), Pipeline(BOOK, {"event": spec})
    for at in range(0, len(documents), size):
        part = documents[at : at + size]
        text = one.push("event", LineText(end.join([*part, b""])), range(at + 1, 10**9))
        kept = [n for n, document in enumerate(part) if document.strip()]
        listed = other.push("event", [part[n] for n in kept], [at + 1 + n for n in kept])
        assert (text.alerts, text.late, text.dead) == (listed.alerts, listed.late, listed.dead)
    assert one.finish().alerts == other.finish().alerts
    assert one.counts == other.counts


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.lists(st.integers(1, 100), min_size=1, max_size=4), st.booleans())
def test_a_restart_from_a_base_and_deltas_brings_the_same_alerts(seed: int, cuts: list[int], lateness: bool) -> None:
    documents = raw(some_events(seed))
    spec = StreamSpec(time="ts_ms", lateness_us=3_000_000 if lateness else 0)
    pipeline = Pipeline(BOOK, {"event": spec})
    saved = [pipeline.snapshot(delta=False)]
    alerts: list[Alert] = []
    at = 0
    for cut in sorted(set(cuts)):
        alerts += in_batches(pipeline, documents[at:cut], 7, at + 1)
        saved.append(pipeline.snapshot(delta=True))
        at = cut
    again = Pipeline(BOOK, {"event": spec})
    position = again.restore([msgspec.msgpack.decode(msgspec.msgpack.encode(state)) for state in saved])["event"]
    if position.low is not None:
        low = int(position.low)
        again.reread("event", documents[low - 1 : at], range(low, at + 1))
    alerts += in_batches(again, documents[at:], 11, at + 1) + again.finish().alerts
    assert alerts == whole(documents, spec)


def test_the_state_of_another_version_is_refused_by_name() -> None:
    state = Pipeline(BOOK, {"event": SPEC}).snapshot(delta=False)
    state["engine"]["v"] -= 1
    with pytest.raises(ConfigError, match="saved state has version") as fault:
        Pipeline(BOOK, {"event": SPEC}).restore([state])
    assert fault.value.code == "E0913"


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6))
def test_dicts_in_memory_bring_the_same_alerts(seed: int) -> None:
    events = some_events(seed)
    engine = Engine(BOOK, rows="dict")
    batch, bad = batch_from_dicts(events, SPEC, BOOK.projection)
    assert bad == []
    last_us = batch.times_us[-1]
    assert engine.feed(batch, last_us) + engine.advance(last_us + 1) == whole(raw(events))


def test_alerts_come_by_time_and_their_ids_differ() -> None:
    alerts = whole(raw(some_events(3, 2000)))
    assert {alert.rule for alert in alerts} == {plan.id for plan in BOOK.plans}
    assert [alert.time_us for alert in alerts] == sorted(alert.time_us for alert in alerts)
    assert len({alert.entry_id for alert in alerts}) == len(alerts)
    opened = [alert.id for alert in alerts if alert.transition == "opened"]
    assert len(set(opened)) == len(opened)


def test_an_id_says_what_happened_and_not_when_it_was_seen() -> None:
    documents = raw(some_events(4))
    assert [alert.id for alert in whole(documents)] == [alert.id for alert in whole(documents)]
    # words do not decide: another title, severity or channel leaves the ids as they are; another threshold does not
    same = rulebook(RULES.replace("severity high", 'severity low "{amount} is much"'))
    other = rulebook(RULES.replace("amount > 80", "amount > 81"))
    assert same["big"].version == BOOK["big"].version != other["big"].version


def test_once_mutes_and_says_why_and_the_first_is_told() -> None:
    alerts = [alert for alert in whole(raw(some_events(5, 3000))) if alert.rule == "after"]
    told: dict[Any, int] = {}
    for alert in alerts:
        last = told.get(alert.key)
        expected = "once per user every 15s" if last is not None and alert.time_us < last + 15_000_000 else ""
        assert alert.muted == expected
        if not alert.muted:
            told[alert.key] = alert.time_us
    assert any(alert.muted for alert in alerts) and not alerts[0].muted


def pushed(pipeline: Pipeline, *documents: bytes, arrivals_us: list[int] | None = None, first: int = 1) -> Outcome:
    return pipeline.push("event", list(documents), range(first, first + len(documents)), arrivals_us)


def test_a_time_far_beyond_its_arrival_is_quarantined_and_moves_nothing() -> None:
    pipeline = Pipeline(BOOK, {"event": SPEC})
    now_us = START_MS * 1000
    good = b'{"ts_ms": %d, "type": "pay", "user": "a", "amount": 90}' % START_MS
    absurd = b'{"ts_ms": %d, "type": "pay", "user": "a", "amount": 90}' % (START_MS + 48 * 3600 * 1000)
    outcome = pushed(pipeline, good, absurd, good, arrivals_us=[now_us] * 3)
    assert [(dead.position, dead.code) for dead in outcome.dead] == [(2, FUTURE)]
    assert [alert.evidence for alert in outcome.alerts if alert.rule == "big"] == [(1,), (3,)]
    assert pipeline.watermark_us == now_us


def test_a_late_event_is_told_with_its_delay() -> None:
    pipeline = Pipeline(BOOK, {"event": SPEC})
    first = b'{"ts_ms": %d, "type": "pay"}' % (START_MS + 2000)
    second = b'{"ts_ms": %d, "type": "pay"}' % START_MS
    outcome = pushed(pipeline, first, second)
    (late,) = outcome.late
    assert (late.position, late.code, late.document) == (2, LATE, second) and "2 s behind" in late.reason
    assert pipeline.counts == {"seen": 2, "fed": 1, "late": 1, "dead": 0}


def test_a_swap_keeps_the_state_of_rules_that_decide_the_same() -> None:
    pipeline = Pipeline(BOOK, {"event": SPEC})
    pays = [b'{"ts_ms": %d, "type": "pay", "user": "a", "amount": 45}' % (START_MS + n) for n in range(3)]
    pushed(pipeline, *pays[:2])
    text = RULES.replace("rule thrice\n", 'rule thrice severity critical\n  "third of {user}"\n').replace("> 80", "> 70")
    pipeline.swap(rulebook(text), 2)
    (alert,) = [a for a in pushed(pipeline, pays[2], first=3).alerts if a.rule == "thrice"]
    assert (alert.evidence, alert.generation, alert.severity, alert.title) == ((1, 2, 3), 2, "critical", "third of a")


def test_a_swap_starts_a_changed_rule_afresh_and_ends_a_deleted_one() -> None:
    pipeline = Pipeline(BOOK, {"event": SPEC})
    pays = [b'{"ts_ms": %d, "type": "pay", "user": "a", "amount": 45}' % (START_MS + n) for n in range(4)]
    pushed(pipeline, *pays[:2])
    kept = RULES.replace("over 20s", "over 25s").split("rule average")[0]
    pipeline.swap(rulebook(kept), 2)
    outcome = pushed(pipeline, *pays[2:], first=3)
    assert outcome.alerts == [] and pipeline.engine.sizes() == {"big": 0, "thrice": 1}


def test_rows_that_wait_are_decoded_anew_for_new_rules() -> None:
    pipeline = Pipeline(BOOK, {"event": StreamSpec(time="ts_ms", lateness_us=60_000_000)})
    pushed(pipeline, b'{"ts_ms": %d, "type": "pay", "note": "urgent"}' % START_MS)
    pushed(pipeline, b'{"ts_ms": %d, "type": "pay", "note": 7}' % (START_MS + 1), first=2)
    outcome = pipeline.swap(rulebook('rule noted\n  from pay where note contains "urgent"\n'), 2)
    assert [dead.position for dead in outcome.dead] == [2]  # to the new rule a note is text
    assert [alert.rule for alert in pipeline.finish().alerts] == ["noted"]


def test_a_disabled_rule_does_not_run() -> None:
    book = rulebook("rule off\n  from pay where amount > 1\n  mode disabled\n")
    pipeline = Pipeline(book, {"event": SPEC})
    assert pushed(pipeline, b'{"ts_ms": %d, "type": "pay", "amount": 5}' % START_MS).alerts == []


@pytest.mark.parametrize("lateness_s", [0, 5])
def test_state_goes_by_time_alone(lateness_s: int) -> None:
    pipeline = Pipeline(BOOK, {"event": StreamSpec(time="ts_ms", lateness_us=lateness_s * 1_000_000)})
    in_batches(pipeline, raw(some_events(6, 500)), 50)
    assert sum(pipeline.engine.sizes().values()) > 0
    pipeline.idle("event", "")
    pipeline.wall(START_MS * 1000 + 3600 * 1_000_000)
    sizes = pipeline.engine.sizes()
    assert sizes.pop("quiet") == 3  # who is silent is so until an event comes: its alert is open
    assert set(sizes.values()) == {0} and pipeline.held == 0
