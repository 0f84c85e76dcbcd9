"""The benchmark of rules about texts counts what the rules count when each is judged by hand."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from cep.match import scan

sys.path.insert(0, str(Path(__file__).parents[1] / "bench"))

import text_events
import text_rules


@pytest.mark.parametrize("with_extra", [True, False])
def test_the_alerts_are_those_of_rules_judged_one_by_one(monkeypatch: pytest.MonkeyPatch, with_extra: bool) -> None:
    if not with_extra:
        monkeypatch.setattr(scan, "ahocorasick_rs", None)
    some, events = text_rules.rules(300), list(text_events.events(3_000))
    wanted = text_rules.by_hand(some, events)
    assert text_rules.counted(list(text_rules.engine(some).feed(events))) == wanted
    lines = b"\n".join(text_events.json_lines(3_000)) + b"\n"
    assert text_rules.counted(list(text_rules.engine(some).feed(lines))) == wanted
    assert wanted.total() > 3
