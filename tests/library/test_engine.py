"""`cep.Engine`: the same events in any form bring the same alerts; what is wrong is said kindly."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import cep
from cep.alert import Alert, AlertRow

RULES = """
rule fast
  from  sensor where speed > 95
  emit  user, speed

rule often
  by    user
  from  sensor where speed > 80
  when  count() >= 3 over 10s
  then reset
  emit  user, top = max(speed), from_country = last(country)

rule unpaid
  by     user
  match  bought -> !seen
  where  bought: purchase where amount > 100
         seen:   sensor
  within 5s
  emit   user, bought.amount

rule jump
  by     user
  match  small => large
  where  small: purchase
         large: purchase where amount > 3 * small.amount and country != small.country
  within 1m
  emit   user, large.country
"""


def events(count: int = 6_000) -> list[dict[str, Any]]:
    """A reproducible mixture, in order of time, with nulls."""
    made = []
    state = 12345
    for n in range(count):
        state = (state * 1103515245 + 12345) % 2**31
        kind = ("sensor", "sensor", "purchase", "page")[state // 7 % 4]
        event: dict[str, Any] = {"ts": 1_700_000_000_000 + n * 20, "type": kind, "user": f"u{state // 31 % 40}"}
        event["speed"] = None if state % 97 == 0 else float(state // 11 % 100)
        event["amount"] = state // 13 % 400
        event["country"] = ("DE", "FR", None, "IT")[state // 17 % 4]
        made.append(event)
    return made


EVENTS = events()


def plain(alerts: list[Alert]) -> list[dict[str, Any]]:
    return [msgspec.to_builtins(alert.row()) for alert in alerts]


def run(feed: Callable[[cep.Engine], Iterator[Alert]], **options: Any) -> list[dict[str, Any]]:
    engine = cep.Engine.from_text(RULES, **options)
    alerts = [*feed(engine), *engine.finish()]
    assert not engine.rejected
    return plain(alerts)


EXPECTED = run(lambda engine: engine.feed(EVENTS))
LINES = [json.dumps(event).encode() for event in EVENTS]
TABLE = pa.Table.from_pylist(EVENTS)


def test_the_rules_find_something() -> None:
    assert {alert["rule"] for alert in EXPECTED} == {"fast", "often", "unpaid", "jump"}


@pytest.mark.parametrize(
    "given",
    [
        iter(EVENTS),
        LINES,
        [line.decode() for line in LINES],
        b"\n".join(LINES),
        b"\n".join(LINES).decode() + "\n",
        TABLE,
        TABLE.combine_chunks().to_batches()[0],
        pa.RecordBatchReader.from_batches(TABLE.schema, TABLE.to_batches(max_chunksize=700)),
        TABLE.set_column(0, "ts", TABLE["ts"].cast(pa.timestamp("ms", "UTC"))),
        TABLE.set_column(2, "user", TABLE["user"].dictionary_encode()),
        pd.DataFrame(EVENTS),
        pl.DataFrame(EVENTS),
    ],
    ids=[
        "iterator",
        "bytes",
        "text",
        "lines",
        "text of lines",
        "table",
        "batch",
        "reader",
        "timestamps",
        "codes",
        "pandas",
        "polars",
    ],
)
def test_any_form_of_the_same_events_brings_the_same_alerts(given: Any) -> None:
    assert run(lambda engine: engine.feed(given)) == EXPECTED


def test_forms_may_follow_each_other() -> None:
    def feed(engine: cep.Engine) -> Iterator[Alert]:
        yield from engine.feed(LINES[:1000])
        yield from engine.feed(EVENTS[1000:2000])
        yield from engine.feed_arrow(TABLE.slice(2000, 1500))
        yield from engine.feed(b"\n".join(LINES[3500:]))

    def other(engine: cep.Engine) -> Iterator[Alert]:
        yield from engine.feed(EVENTS[:1000])
        yield from engine.feed_arrow(TABLE.slice(1000, 1000))
        yield from engine.feed(b"\n".join(LINES[2000:3500]))
        yield from engine.feed(LINES[3500:])

    assert run(feed) == EXPECTED
    assert run(other) == EXPECTED


def shuffled(size: int = 40) -> list[dict[str, Any]]:
    """Within blocks the order is turned round: up to 0.8 s of disorder."""
    return [event for start in range(0, len(EVENTS), size) for event in reversed(EVENTS[start : start + size])]


@pytest.mark.parametrize("form", [list, pa.Table.from_pylist])
def test_disorder_within_lateness_changes_nothing(form: Callable[[Any], Any]) -> None:
    told = run(lambda engine: engine.feed(form(shuffled())), lateness="1s")
    simple = [(alert["rule"], alert["time_us"], alert["fields"]) for alert in told]
    assert sorted(map(repr, simple)) == sorted(repr((a["rule"], a["time_us"], a["fields"])) for a in EXPECTED)


@pytest.mark.parametrize("form", [list, pa.Table.from_pylist])
def test_late_events_are_put_aside_with_their_reason(form: Callable[[Any], Any]) -> None:
    late = {**EVENTS[0], "ts": EVENTS[5]["ts"] - 5_000, "speed": 99.0, "type": "sensor"}
    engine = cep.Engine.from_text(RULES, lateness="1s")
    list(engine.feed(form([*EVENTS[:100], late, *EVENTS[100:200]])))
    (rejected,) = engine.rejected
    assert (rejected.code, rejected.position) == ("E0690", 101)
    assert rejected.document["speed"] == 99.0  # type: ignore[index]  # a dict, as it was given


def test_bad_events_cost_only_themselves_in_any_form() -> None:
    bad = {**EVENTS[10], "speed": "fast", "type": "sensor"}
    for given in ([*EVENTS[:10], bad, *EVENTS[11:]], [*LINES[:10], json.dumps(bad).encode(), *LINES[11:]]):
        engine = cep.Engine.from_text(RULES)
        assert [*engine.feed(given), *engine.finish()]
        assert [(one.position, one.code) for one in engine.rejected] == [(11, "E0605")]


def test_a_column_of_another_type_is_taken_row_by_row() -> None:
    table = pa.table({"ts": [1_700_000_000_000, 1_700_000_000_001], "type": ["sensor", "page"], "speed": ["fast", "x"]})
    engine = cep.Engine.from_text(RULES)
    assert list(engine.feed(table)) == []
    assert [(one.position, one.code) for one in engine.rejected] == [(1, "E0605")]


def test_a_snapshot_goes_on_where_it_was_taken() -> None:
    for first, second in ((EVENTS, EVENTS), (LINES, LINES)):
        one = cep.Engine.from_text(RULES)
        alerts = list(one.feed(first[:3000]))
        other = cep.Engine.from_text(RULES)
        other.restore(one.snapshot())
        alerts += [*other.feed(second[3000:]), *other.finish()]
        assert plain(alerts) == EXPECTED


def test_what_is_no_snapshot_is_told() -> None:
    with pytest.raises(cep.ConfigError, match="no snapshot") as fault:
        cep.Engine.from_text(RULES).restore(b"\x93nonsense")
    assert fault.value.code == "E0980"


def test_advance_tells_what_is_due() -> None:
    engine = cep.Engine.from_text("rule silent\n  by host\n  absent beat for 1m\n")
    start = datetime(2026, 1, 1, tzinfo=UTC)
    assert list(engine.feed([{"ts": start.timestamp(), "type": "beat", "host": "a"}])) == []
    assert engine.advance(datetime(2026, 1, 1, 0, 1, tzinfo=UTC)) == []
    (alert,) = engine.advance(datetime(2026, 1, 1, 0, 1, 1, tzinfo=UTC))
    assert (alert.rule, alert.key, alert.time_us) == ("silent", "a", 1_767_225_660_000_000)


def test_async_iterables_are_watched() -> None:
    async def source() -> AsyncIterator[Any]:
        for event in EVENTS[:500]:
            yield event
        yield EVENTS[500:]

    async def watch() -> list[Alert]:
        engine = cep.Engine.from_text(RULES)
        return [alert async for alert in engine.watch(source())] + engine.finish()

    assert plain(asyncio.run(watch())) == EXPECTED


def test_rules_of_files_with_a_configuration(tmp_path: Path) -> None:
    (tmp_path / "fast.cep").write_text("rule fast\n  from move where speed > 95\n", encoding="utf-8")
    (tmp_path / "cep.yml").write_text("streams: {cars: {time: at_ms, type: move}}\n", encoding="utf-8")
    engine = cep.Engine.from_rules(tmp_path, config=tmp_path / "cep.yml")
    assert engine.rules == ("fast",)
    assert [alert.evidence for alert in engine.feed([{"at_ms": 1, "speed": 5}, {"at_ms": 2, "speed": 99}], stream="cars")] == [
        (2,)
    ]
    with pytest.raises(cep.ConfigError, match=r"no stream `trucks`.*cars"):
        engine.feed([], stream="trucks")


def test_faults_are_told_all_at_once() -> None:
    with pytest.raises(cep.RuleError) as caught:
        cep.Engine.from_text("rule a\n  from x wher y > 1\n\nrule b\n  from x where y >\n")
    assert {fault.span.line for fault in caught.value.diagnostics} == {2, 5}
    with pytest.raises(cep.ConfigError, match="no rules"):
        cep.Engine.from_text("# nothing yet\n")


def test_one_event_is_not_many() -> None:
    engine = cep.Engine.from_text(RULES)
    with pytest.raises(cep.EventError, match=r"feed\(\[event\]\)"):
        engine.feed(EVENTS[0])
    with pytest.raises(cep.EventError, match="feed"):
        engine.feed_arrow(EVENTS)
    with pytest.raises(cep.ConfigError, match="duration"):
        cep.Engine.from_text(RULES, lateness="soon")


def test_a_frame_without_the_extra_that_reads_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)  # so an import fails where it is not installed
    engine = cep.Engine.from_text(RULES)
    with pytest.raises(cep.ConfigError, match="read through Arrow") as fault:
        list(engine.feed(pd.DataFrame([{"ts": 1_767_225_600, "type": "sensor", "user": "u", "speed": 99}])))
    assert fault.value.code == "E0981"


def test_numbers_that_no_float_tells_apart_are_told_apart_in_every_form() -> None:
    rule = "rule same\n  from e where n == m\n  emit n\n"
    pairs = [(2**53, 2**53 + 1), (2**53 + 1, 2**53 + 1), (2**53, 2**53), (1, 1)]
    some = [{"ts": 1_767_225_600 + i, "type": "e", "n": n, "m": m} for i, (n, m) in enumerate(pairs)]
    forms: list[Callable[[cep.Engine], Iterator[Alert]]] = [
        lambda engine: engine.feed(some),
        lambda engine: engine.feed(b"\n".join(map(msgspec.json.encode, some))),
        lambda engine: engine.feed_arrow(pa.Table.from_pylist(some)),
    ]
    for feed in forms:
        engine = cep.Engine.from_text(rule)
        assert [alert.fields["n"] for alert in [*feed(engine), *engine.finish()]] == [2**53 + 1, 2**53, 1]


def test_an_alert_is_written_as_its_row_and_not_otherwise() -> None:
    (alert,) = cep.Engine.from_text("rule one\n  from e\n  emit n\n").feed([{"ts": 1_767_225_600, "type": "e", "n": 7}])
    again = msgspec.json.decode(msgspec.json.encode(alert.row()), type=AlertRow).alert()
    assert again == alert and hash(again) == hash(alert) and repr(again) == repr(alert)
    assert {name: getattr(alert, name) for name in AlertRow.__struct_fields__} == msgspec.structs.asdict(alert.row())
    assert alert != again.row()
    with pytest.raises(TypeError):
        msgspec.json.encode(alert)


def test_a_key_with_half_a_surrogate_pair_is_told_and_named_like_any_other() -> None:
    rule = (
        "rule one\n  by user\n  from e\n  emit user\n  suppress same user for 1s\n"
        "rule runs\n  by user\n  match a ->> b\n  where a: e\n        b: e\n  within 1m\n  pick all\n  budget 1 runs\n"
    )
    events = [
        {"ts": 1_767_225_600 + n, "type": "e", "user": user} for n, user in enumerate(["x\ud800", "y", "x\ud800", 2**70, 2**70])
    ]
    found = []
    for _ in range(2):
        engine = cep.Engine.from_text(rule)
        found.append([(alert.rule, alert.key, alert.id) for alert in [*engine.feed(events), *engine.finish()]])
    assert found[0] == found[1] and len({one[2] for one in found[0]}) == len(found[0]) >= 5
