"""A case run through the engine: rule text, parser, plan, matcher. What comes out are bindings, as Flink names them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from cep.alert import Alert
from cep.event import Batch
from cep.lang.read import read_rules
from cep.match.engine import Engine
from cep.plan.rulebook import build_rulebook
from tests.flink.conditions import CannotSay, as_text, is_number
from tests.flink.words import Case, rule_of

Bindings = Counter[str]


def expected(case: Case) -> Bindings:
    """What Flink answered. Raises CannotSay where it did not."""
    if "expected" not in case:
        raise CannotSay(f"Flink refuses: {case['error']}" if "error" in case else "Flink gave up: too many matches")
    return _alike(case, Counter(_said(match["vars"]) for match in case["expected"]))


def answered(case: Case) -> Bindings:
    """What our engine says. Raises CannotSay."""
    text = rule_of(case)
    found: Bindings = Counter()
    for events in _by_key(case):
        for alert in _run(compiled(text.rule), events, case.get("flush_ts")):
            bound: dict[str, list[int]] = {}
            for row in alert.fields["rows"]:
                bound.setdefault(text.steps[row["label"]], []).append(row["pos"])
            found[_said(bound)] += 1
    return _alike(case, found)


def _alike(case: Case, found: Bindings) -> Bindings:
    """Where a case was recorded by the events' content, equal ones cannot be told apart: all go by the place of the first."""
    if not case.get("equal_events"):
        return found
    contents = [json.dumps(event, sort_keys=True) for event in case["inputs"]]
    first = [contents.index(content) for content in contents]
    alike: Bindings = Counter()
    for said, count in found.items():
        bound = json.loads(said)
        alike[_said({step: sorted(first[at] for at in places) for step, places in bound.items()})] += count
    return alike


def _said(bound: dict[str, list[int]]) -> str:
    return json.dumps({step: positions for step, positions in bound.items() if positions}, sort_keys=True)


@lru_cache(maxsize=64)
def _compiled(rule: str) -> tuple[Engine, dict[str, Any]]:
    file, faults = read_rules("case.cep", rule.encode())
    rulebook, more = build_rulebook([file])
    for fault in (*faults, *more):
        if fault.level == "error":
            raise CannotSay(f"refused: {fault.code} {fault.message}")
    engine = Engine(rulebook, rows="dict")
    return engine, engine.snapshot(delta=False)


def compiled(rule: str) -> Engine:
    """An engine that runs it, as new."""
    engine, fresh = _compiled(rule)
    engine.restore([fresh])
    return engine


def _by_key(case: Case) -> Iterator[list[dict[str, Any]]]:
    """The events of each key: in a case, each key has its own clock."""
    keyed: dict[str, list[dict[str, Any]]] = {}
    for at, event in enumerate(case["inputs"]):
        key = as_text(event.get(case["key"], "")) if "key" in case else ""
        row: dict[str, Any] = {"pos": at, "ts_ms": event["ts"], "key": key}
        for name, value in event.items():
            if value is not None:
                row |= {f"t_{name}": as_text(value)} | ({f"n_{name}": value} if is_number(value) else {})
        keyed.setdefault(key, []).append(row)
    yield from keyed.values()


def _run(engine: Engine, events: list[dict[str, Any]], flush_ms: int | None) -> list[Alert]:
    told: list[Alert] = []
    for event in events:
        time_us = event["ts_ms"] * 1000
        told += engine.feed(Batch([event], [time_us], [event["pos"]], ["e"]), time_us)
    end_ms = events[-1]["ts_ms"] if flush_ms is None else flush_ms
    return told + engine.advance(end_ms * 1000 + 1)


def depends_on_asking(case: Case) -> bool:
    """Whether with a skip strategy several that wait for the deadline began with one event: of equal ones Flink tells the one
    that its queue holds first, and how that stands depends on when Flink was asked next."""
    ends = case["pattern"][-1]["contiguity"] == "notFollowedBy"
    if not ends or case.get("skip", "no_skip") == "no_skip":
        return False
    starts = Counter(_first(one) for one in answered({**case, "skip": "no_skip"}).elements())
    return max(starts.values(), default=0) > 1


def _first(said: str) -> int:
    return min(position for positions in json.loads(said).values() for position in positions)
