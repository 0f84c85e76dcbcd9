"""The engine against the judge: sets of rules of all kinds, some reading the alerts of others; whatever the borders of batches,
moves of time and restarts, the alerts are the same, in the same order."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from cep.alert import Alert
from cep.buffer.checkpoint import pack, unpack
from cep.event import MAX_EVIDENCE, Batch
from cep.match.engine import Engine
from cep.plan.plan import Rulebook, RulePlan
from cep.types import Type
from tests.judge.patterns import streams
from tests.judge.rulesets import TABLES, rule_sets
from tests.judge.values import Seen, marked
from tests.judge.whole import Told, judge_all, key_as_told

READERS = ("s0", "s1")  # of these what decides is the place of the alert they read
EXAMPLES = int(os.environ.get("CEP_JUDGED", "300"))


@dataclass(frozen=True)
class Cut:
    """A border after so many events; time moves on `early` (to the last event) or as far as it may; then perhaps a restart."""

    after: int
    early: bool
    restart: bool
    save: bool


@st.composite
def cuts(draw: st.DrawFn, length: int) -> list[Cut]:
    places = draw(st.lists(st.integers(1, length), max_size=5, unique=True))
    return [Cut(at, draw(st.booleans()), draw(st.booleans()), draw(st.booleans())) for at in sorted(places)]


@given(st.data(), rule_sets(), streams(shortest=3), st.integers(0, 9))
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_the_engine_tells_what_the_judge_tells(
    data: st.DataObject, plans: list[RulePlan], events: list[Seen], longer_us: int
) -> None:
    end_us = events[-1].time_us + longer_us
    one_by_one = [Cut(at, data.draw(st.booleans()), False, False) for at in range(1, len(events) + 1)]
    alerts = run_engine(plans, events, end_us, one_by_one)
    told = judge_all(plans, events, end_us, TABLES)
    note("\n".join(map(repr, told)))
    assert sorted(_of_engine(alerts), key=repr) == sorted(map(_of_judge, told), key=repr)
    in_order = [(one.time_us, one.rule) for one in alerts if one.rule not in READERS]
    assert in_order == [(t.verdict.time_us, t.rule) for t in sorted(told, key=_order) if t.rule not in READERS]
    assert run_engine(plans, events, end_us, data.draw(cuts(len(events)))) == alerts


def run_engine(plans: Sequence[RulePlan], events: Sequence[Seen], end_us: int, cuts: Sequence[Cut]) -> list[Alert]:
    fields = {("k",): Type.TEXT, ("l",): Type.TEXT, ("v",): Type.NUMBER}
    book = Rulebook(tuple(plans), {name: fields for plan in plans for name in plan.event_types}, TABLES)
    engine, alerts, saved = Engine(book, rows="dict"), list[Alert](), list[Any]()
    done = 0
    for cut in [*cuts, Cut(len(events), True, False, False)]:
        batch, done = events[done : cut.after], cut.after
        if not batch:
            continue
        following_us = events[done].time_us if done < len(events) else end_us
        watermark_us = batch[-1].time_us if cut.early else following_us
        rows = [dict(event.row) for event in batch]
        columns = ([one.time_us for one in batch], [one.id for one in batch], [one.type for one in batch])
        alerts += engine.feed(Batch(rows, *columns), watermark_us)
        if cut.save or cut.restart:
            saved.append(unpack(pack(engine.snapshot(delta=bool(saved)))))
        if cut.restart:
            engine = Engine(book, rows="dict")
            engine.restore(saved)
    return alerts + engine.advance(end_us + 1)


def _order(one: Told) -> tuple[Any, ...]:
    return (one.verdict.time_us, one.cause, one.rule)


def _of_judge(one: Told) -> tuple[Any, ...]:
    said = one.verdict
    half = MAX_EVIDENCE // 2
    ids = said.ids if len(said.ids) <= MAX_EVIDENCE else said.ids[:half] + said.ids[-half:]
    fields = {name: marked(field) for name, field in said.fields.items()}
    key = key_as_told(said.key)
    return (said.time_us, one.rule, key, said.transition, one.muted, one.opened_us, fields, tuple(ids), len(said.ids))


def _of_engine(alerts: Sequence[Alert]) -> list[tuple[Any, ...]]:
    """With the names that the judge gives to alerts where they are events of others."""
    names: dict[Any, str] = {}
    told = []
    for one in alerts:
        first, last = (one.evidence[0], one.evidence[-1]) if one.evidence else (None, None)
        ids = tuple(names.get(each, each) for each in one.evidence)
        if one.transition == "opened":
            names[one.id] = f"{one.rule} {one.time_us} {one.key!r} {names.get(first, first)} {names.get(last, last)}"
        fields = {name: marked(field) for name, field in one.fields.items()}
        opened_us = one.time_us if one.opened_us is None else one.opened_us
        told.append((one.time_us, one.rule, one.key, one.transition, bool(one.muted), opened_us, fields, ids, one.events))
    return told
