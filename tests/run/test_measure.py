"""Costs measured over a file: what reached each matcher, what it told, how large it grew."""

from __future__ import annotations

from pathlib import Path

import msgspec

from cep.alert import Alert
from cep.config import StreamSpec
from cep.lang.read import read_rules
from cep.plan.rulebook import build_rulebook
from cep.run.bounded import run_bounded
from cep.run.measure import measure

RULES = """
rule failed
  from login where failed
rule many
  by   user
  from login
  when count() >= 3 over 1m
rule silent
  by     user
  absent login for 30s
rule never
  from logout
"""
STREAMS = {"event": StreamSpec(time="ts", unit="s")}


def test_rows_alerts_and_the_peak_are_those_of_the_events(tmp_path: Path) -> None:
    events = [{"ts": 1_767_225_600 + n, "type": "login", "user": f"u{n % 5}", "failed": n % 4 == 0} for n in range(200)]
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"\n".join(map(msgspec.json.encode, events)))
    book, _ = build_rulebook([read_rules("r.cep", RULES)[0]])
    found = measure(book, STREAMS, [("event", path)])
    assert found.summary.fed == 200
    assert {name: one.rows for name, one in found.rules.items()} == {"failed": 50, "many": 200, "silent": 200, "never": 0}
    told: list[Alert] = []
    run_bounded(book, STREAMS, [("event", path)], told.append, lambda _: None)
    opened = [alert.rule for alert in told if alert.transition == "opened"]
    assert len(opened) < len(told)  # what follows an opening is no alert of its own
    assert {name: one.alerts for name, one in found.rules.items()} == {name: opened.count(name) for name in found.rules}
    assert {name: one.peak_keys for name, one in found.rules.items()} == {"failed": 0, "many": 5, "silent": 5, "never": 0}
    for name in ("many", "silent"):
        assert found.rules[name].seconds > 0 and found.rules[name].peak_bytes > 20
    assert found.rules["never"].peak_bytes == 0
    assert sum(one.seconds for one in found.rules.values()) < found.summary.seconds
