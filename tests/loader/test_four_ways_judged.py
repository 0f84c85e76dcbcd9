"""A script answers alike in one batch, event by event, shuffled within its lateness and restarted halfway: the same bytes for
rules of all kinds, and what the judge says of them."""

from __future__ import annotations

import os
from dataclasses import replace

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cep.alert import Alert
from cep.loader import script
from cep.loader.script import START_US, ScriptEvent
from cep.plan.plan import Rulebook, RulePlan
from cep.types import Type
from tests.judge.patterns import streams
from tests.judge.rulesets import TABLES, rule_sets
from tests.judge.values import Seen
from tests.judge.whole import Told, judge_all, key_as_told

EXAMPLES = int(os.environ.get("CEP_JUDGED", "150"))
FIELDS = {("k",): Type.TEXT, ("l",): Type.TEXT, ("v",): Type.NUMBER}


@given(rule_sets(), streams(shortest=3), st.integers(0, 9))
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_four_ways_tell_the_same_bytes(plans: list[RulePlan], stream: list[Seen], longer_us: int) -> None:
    book = Rulebook(tuple(plans), {name: FIELDS for plan in plans for name in plan.event_types}, TABLES)
    events = [ScriptEvent(one.time_us, one.type, dict(one.row), number) for number, one in enumerate(stream, 1)]
    until_us = START_US + stream[-1].time_us + longer_us
    alerts = script._in_one_batch(book, events, until_us).alerts
    for way in (script._event_by_event, script._shuffled, script._restarted):
        assert _bytes(way(book, events, until_us)) == _bytes(alerts), way.__name__
    told = judge_all(plans, [replace(one, time_us=START_US + one.time_us) for one in stream], until_us, TABLES, START_US)
    said = [(one.time_us, one.rule, one.key, one.transition, bool(one.muted), one.events) for one in alerts]
    assert sorted(said, key=repr) == sorted(map(_meant, told), key=repr)


def _meant(one: Told) -> tuple[object, ...]:
    verdict = one.verdict
    return (verdict.time_us, one.rule, key_as_told(verdict.key), verdict.transition, one.muted, len(verdict.ids))


def _bytes(alerts: list[Alert]) -> list[bytes]:
    return [msgspec.json.encode(alert.row()) for alert in alerts]
