"""What `cep demo` shows: each of its rules at work, and nobody told the same thing twice."""

from __future__ import annotations

from collections import Counter
from itertools import takewhile

import msgspec

from cep.alert import Alert
from cep.cli.demo import RULES, made_up_events, starter_rules
from cep.config import Config, StreamSpec
from cep.loader.files import load
from cep.match.pipeline import Pipeline

NINE_MINUTES_MS = 540_000  # what is shown in eighteen seconds


def test_each_rule_speaks_and_says_nothing_twice() -> None:
    loaded = load([str(starter_rules().joinpath(f"{rule}.cep")) for rule in RULES], Config())
    pipeline = Pipeline(loaded.rulebook, {"demo": StreamSpec("demo", time="ts_ms")})
    events = takewhile(lambda one: one[0] <= NINE_MINUTES_MS, made_up_events(1_767_225_600_000))
    documents = [msgspec.json.encode(event) for _, event in events]
    alerts: list[Alert] = [*pipeline.push("demo", documents, range(len(documents))).alerts, *pipeline.finish().alerts]
    told = Counter((alert.rule, alert.key) for alert in alerts if not alert.muted)
    assert {rule for rule, _ in told} == set(RULES)
    assert set(told.values()) == {1}, told
