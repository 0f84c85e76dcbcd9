"""Columns of many rules: the texts that are sought bring the rows that some rule wants, and the alerts of dicts."""

from __future__ import annotations

import random
from typing import Any

import pyarrow as pa
import pytest

from cep.alert import Alert
from cep.config import StreamSpec
from cep.match import scan
from cep.match.frames import MOST_JUDGED
from cep.match.pipeline import Pipeline
from tests.match.test_pipeline import rulebook

SHAPES = (
    'line contains "tool{n}"',
    'line iendswith "TOOL{n}.EXE" and user == "u1"',
    'line =~ "(tool|knife){n}[.]" or image in ["a{n}", "b{n}"]',
    'image == "a{n}" and speed > {n} / 10',
    'user == "u{n}" and (speed > 3 or image is null)',
)
BY_NO_TEXT = "rule fast\n  from start where speed > 9\n"


def events(count: int, dice: random.Random) -> list[dict[str, Any]]:
    return [
        {
            "ts": 1_767_225_600_000 + n,
            "type": dice.choice(["start", "start", "stop", "other"]),
            "line": dice.choice([None, "", f"x tool{dice.randrange(40)}.exe", f"Knife{dice.randrange(90)}.", f"y{n}"]),
            "image": dice.choice([None, f"a{dice.randrange(300)}", f"b{dice.randrange(30)}"]),
            "user": f"u{dice.randrange(200)}",
            "speed": dice.choice([None, 1.0, 4.0, 9.5]),
        }
        for n in range(count)
    ]


def rules(kind: str, count: int) -> str:
    return "".join(f"rule {kind}{n}\n  from {kind} where {SHAPES[n % len(SHAPES)].format(n=n)}\n\n" for n in range(count))


@pytest.mark.parametrize("with_extra", [True, False])
@pytest.mark.parametrize("more", ["", BY_NO_TEXT])
def test_the_alerts_are_those_of_dicts(monkeypatch: pytest.MonkeyPatch, with_extra: bool, more: str) -> None:
    if not with_extra:
        monkeypatch.setattr(scan, "ahocorasick_rs", None)
    book = rulebook(rules("start", MOST_JUDGED + 40) + rules("stop", 5) + more)
    some = events(3_000, random.Random(5))
    columns, dicts = Pipeline(book, {"event": StreamSpec()}), Pipeline(book, {"event": StreamSpec()}, rows="dict")
    found: list[Alert] = []
    for start in range(0, len(some), 1_000):
        batch = pa.RecordBatch.from_pylist(some[start : start + 1_000])
        outcome = columns.push_arrow("event", batch, start + 1)
        assert not outcome.dead
        found += outcome.alerts
    assert found == dicts.push("event", some, range(1, len(some) + 1)).alerts
    assert len({alert.rule for alert in found}) > 40
    frame = columns._columns._frames("event").read(pa.RecordBatch.from_pylist(some), 0)
    assert frame is not None
    assert len(frame.keep) < len(some) * 0.7  # others are not made rows
