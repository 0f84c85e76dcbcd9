"""Rule tests: the scripts authors write beside their rules, run on the engine that production runs.

Each script runs four ways and must answer alike, byte for byte: in one batch, event by event, shuffled within its lateness,
and restarted halfway from a snapshot. Time moves only as the script says.
"""

from __future__ import annotations

import operator
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import msgspec

from cep.alert import Alert
from cep.config import StreamSpec
from cep.lang import tree
from cep.match.outcome import Outcome
from cep.match.pipeline import Pipeline
from cep.plan.plan import Rulebook, RulePlan

# Virtual time 0 of every script: a Thursday, midnight UTC, so that rules with parts of dates can be tested too.
START_US = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp()) * 1_000_000
_TIME, _TYPE, _ID = "@cep:time_us", "@cep:type", "@cep:id"
_STREAM = "script"
MOST_NUMBERS = 12  # of events named beside an unexpected alert
_COMPARE = {
    "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ScriptEvent:
    """One event of a script: virtual time, type, fields, and its number as written (from 1)."""

    at_us: int
    type: str
    fields: dict[str, Any]
    number: int


@dataclass(slots=True)
class TestResult:
    """What one script did. `problems` is empty when it passed; `timeline` tells what happened, for a failed one."""

    __test__ = False  # not a test class, whatever pytest thinks of the name

    test: tree.RuleTest
    problems: list[str] = field(default_factory=list)
    alerts: list[Alert] = field(default_factory=list)
    timeline: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        return not self.problems


def run_tests(rulebook: Rulebook, files: Iterable[tree.File]) -> list[TestResult]:
    """Run every script of the files whose rule is in the rulebook, in the order written."""
    known = {plan.id for plan in rulebook.plans}
    return [run_test(rulebook, test) for file in files for test in file.tests if test.rule.text in known]


def run_test(rulebook: Rulebook, test: tree.RuleTest) -> TestResult:
    """Run one script against its rule alone (switched on, whatever its mode), with the rules whose alerts it reads."""
    alone = replace(rulebook, plans=_with_read(rulebook, test.rule.text))
    events = written_events(test)
    until_us = _until(test, events)
    outcome = _in_one_batch(alone, events, until_us)
    result = TestResult(test, alerts=[alert for alert in outcome.alerts if alert.rule == test.rule.text])
    for dead in outcome.dead:
        number = int(str(dead.position)) if str(dead.position).isdigit() else dead.position
        result.problems.append(f"event {number} would go to dead letter: {dead.reason} ({dead.code})")
    told = [alert for alert in result.alerts if not alert.muted and alert.transition != "updated"]
    result.problems += _judge(test, told)
    if not outcome.dead:
        result.problems += _other_ways(alone, events, until_us, outcome)
    if result.problems:
        result.timeline = _timeline(events, outcome.alerts)
    return result


def _with_read(rulebook: Rulebook, rule: str) -> tuple[RulePlan, ...]:
    """The plan of a rule and of those below it, in the rulebook's order, all switched on."""
    wanted, open_names = {rule}, [rule]
    known = {plan.id: plan for plan in rulebook.plans}
    while open_names:
        for name in known[open_names.pop()].reads_rules:
            if name in known and name not in wanted:
                wanted.add(name)
                open_names.append(name)
    return tuple(replace(plan, enabled=True, mode="enabled") for plan in rulebook.plans if plan.id in wanted)


def written_events(test: tree.RuleTest) -> list[ScriptEvent]:
    """The events a script gives, repeats written out, in time order (equal times as written)."""
    events = []
    for given in test.given:
        for n in range(given.repeat):
            fields = dict(given.event) if isinstance(given.event, dict) else {}
            events.append((given.at_us + n * given.every_us, given.type, fields))
    events.sort(key=lambda event: event[0])
    return [ScriptEvent(at_us, kind, fields, n) for n, (at_us, kind, fields) in enumerate(events, 1)]


def _until(test: tree.RuleTest, events: Sequence[ScriptEvent]) -> int:
    """Where the script's clock stops: the last time written anywhere in it."""
    times = [event.at_us for event in events]
    for expect in test.expect:
        match expect:
            case tree.ExpectAlerts(at_us=at_us) if at_us is not None:
                times.append(at_us)
            case tree.ExpectNothing(until_us=until_us) if until_us is not None:
                times.append(until_us)
    if test.until_us is not None:
        times.append(test.until_us)
    return START_US + max(times, default=0)


# ---------------------------------------------------------------- the four ways


def _pipeline(rulebook: Rulebook, lateness_us: int = 0) -> Pipeline:
    spec = StreamSpec(name=_STREAM, time=_TIME, unit="us", type_field=_TYPE, id=_ID, order=_ID, lateness_us=lateness_us)
    pipeline = Pipeline(rulebook, {_STREAM: spec})
    pipeline.engine.begin(START_US)  # whoever is expected is waited for from 0s on
    return pipeline


def _push(pipeline: Pipeline, events: Sequence[ScriptEvent]) -> Outcome:
    documents = [
        msgspec.json.encode({**event.fields, _TIME: START_US + event.at_us, _TYPE: event.type, _ID: event.number})
        for event in events
    ]
    return pipeline.push(_STREAM, documents, [event.number for event in events])


def _in_one_batch(rulebook: Rulebook, events: Sequence[ScriptEvent], until_us: int) -> Outcome:
    pipeline = _pipeline(rulebook)
    outcome = _push(pipeline, events) if events else Outcome()
    outcome.alerts += pipeline.finish(until_us).alerts
    return outcome


def _event_by_event(rulebook: Rulebook, events: Sequence[ScriptEvent], until_us: int) -> list[Alert]:
    pipeline = _pipeline(rulebook)
    alerts = [alert for event in events for alert in _push(pipeline, [event]).alerts]
    return alerts + pipeline.finish(until_us).alerts


def _shuffled(rulebook: Rulebook, events: Sequence[ScriptEvent], until_us: int) -> list[Alert]:
    """Arriving in any order inside the lateness: here the whole length of the script."""
    pipeline = _pipeline(rulebook, lateness_us=until_us - START_US + 1)
    mixed = list(events)
    random.Random(len(mixed)).shuffle(mixed)
    alerts = _push(pipeline, mixed).alerts if mixed else []
    return alerts + pipeline.finish(until_us).alerts


def _restarted(rulebook: Rulebook, events: Sequence[ScriptEvent], until_us: int) -> list[Alert]:
    """Stopped halfway; a new process goes on from plain data that went through msgpack."""
    half = len(events) // 2
    first = _pipeline(rulebook)
    alerts = _push(first, events[:half]).alerts if half else []
    saved = msgspec.msgpack.encode(first.snapshot(delta=False))
    second = _pipeline(rulebook)
    positions = second.restore([msgspec.msgpack.decode(saved)])
    low = positions[_STREAM].low
    if low is not None:
        held = events[int(low) - 1 : half]
        documents = [msgspec.json.encode({**e.fields, _TIME: START_US + e.at_us, _TYPE: e.type, _ID: e.number}) for e in held]
        second.reread(_STREAM, documents, [event.number for event in held])
    alerts += _push(second, events[half:]).alerts if events[half:] else []
    return alerts + second.finish(until_us).alerts


def _other_ways(rulebook: Rulebook, events: Sequence[ScriptEvent], until_us: int, whole: Outcome) -> list[str]:
    expected = [msgspec.json.encode(alert.row()) for alert in whole.alerts]
    problems = []
    for name, way in (("event by event", _event_by_event), ("shuffled", _shuffled), ("restarted halfway", _restarted)):
        if [msgspec.json.encode(alert.row()) for alert in way(rulebook, events, until_us)] != expected:
            problems.append(f"the engine answers otherwise when the script runs {name}: please report this, it is our fault")
    return problems


# ---------------------------------------------------------------- verdict


def _judge(test: tree.RuleTest, told: Sequence[Alert]) -> list[str]:
    problems = []
    explained: set[int] = set()
    for expect in test.expect:
        match expect:
            case tree.ExpectNothing():
                pass  # an alert that no other expectation explains is reported below
            case tree.ExpectAlerts():
                fitting = {i for i, alert in enumerate(told) if _is_about(expect, alert) and not _differences(expect, alert)}
                explained |= fitting
                if len(fitting) != expect.count:
                    problems.append(_miscount(expect, told, len(fitting)))
    if not any(isinstance(expect, tree.ExpectAlerts) and expect.resolves for expect in test.expect):
        # who says nothing of resolves means openings alone
        explained |= {i for i, alert in enumerate(told) if alert.transition == "resolved"}
    if not problems:
        problems += [f"unexpected {_said(alert)}{_made_of(alert)}" for i, alert in enumerate(told) if i not in explained]
    return problems


def _is_about(expect: tree.ExpectAlerts, alert: Alert) -> bool:
    return (alert.transition == "resolved") == (expect.resolves)


def _made_of(alert: Alert) -> str:
    """Which of the given events an alert is made of, by their numbers in the timeline."""
    numbers = [str(number) for number in alert.evidence]
    if not numbers:
        return ""
    shown = ", ".join(numbers if len(numbers) <= MOST_NUMBERS else [*numbers[:MOST_NUMBERS], "..."])
    return f", made of event{'s' * (len(numbers) > 1)} {shown}"


def _miscount(expect: tree.ExpectAlerts, told: Sequence[Alert], found: int) -> str:
    what = "resolve" if expect.resolves else "alert"
    told = [alert for alert in told if _is_about(expect, alert)]
    wanted = f"expected {expect.count} {what}{'s' if expect.count != 1 else ''}" + (
        f" at {duration_text(expect.at_us)}" if expect.at_us is not None else ""
    )
    if not told:
        return f"{wanted}, got none"
    nearest = min((_differences(expect, alert) for alert in told), key=len)
    if found or not nearest:
        return f"{wanted}, got {found}"
    return f"{wanted}; the nearest differs: " + ", ".join(nearest)


def _differences(expect: tree.ExpectAlerts, alert: Alert) -> list[str]:
    """In what an alert is not what was expected: only the differing parts."""
    found = []
    if expect.at_us is not None and alert.time_us != START_US + expect.at_us:
        found.append(f"at {duration_text(alert.time_us - START_US)} (expected {duration_text(expect.at_us)})")
    for check in expect.checks:
        value = _value(alert, check.field)
        if not _holds(check.op, value, check.value):
            found.append(f"{check.field} is {_shown(value)} (expected {check.op} {_shown(check.value)})")
    return found


def _value(alert: Alert, name: str) -> Any:
    if name in alert.fields:
        return alert.fields[name]
    return getattr(alert, name) if name in ("key", "severity", "title", "events", "transition") else None


def _holds(op: str, value: Any, wanted: Any) -> bool:
    if isinstance(value, bool) != isinstance(wanted, bool) and op in ("==", "!="):
        return op == "!="
    try:
        return bool(_COMPARE[op](value, wanted))
    except TypeError:
        return False


def _timeline(events: Sequence[ScriptEvent], alerts: Sequence[Alert]) -> list[str]:
    rows = [(e.at_us, 0, f"event {e.number}: {e.type} {_shown(e.fields)}") for e in events]
    rows += [(a.time_us - START_US, 1, _said(a) + (f" (muted: {a.muted})" if a.muted else "")) for a in alerts]
    rows.sort(key=lambda row: row[:2])
    shown = rows if len(rows) <= 24 else [*rows[:12], (0, 0, f"... {len(rows) - 24} more"), *rows[-12:]]
    return [f"{duration_text(at_us):>8}  {text}" for at_us, _, text in shown]


def _said(alert: Alert) -> str:
    what = {"opened": "alert", "updated": "update", "resolved": "resolve"}.get(alert.transition, alert.transition)
    return f"{what} at {duration_text(alert.time_us - START_US)} key {_shown(alert.key)} {_shown(alert.fields)}"


def _shown(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def duration_text(us: int) -> str:
    """`90000000` as `1m30s`, the way rules write it."""
    if us < 0:
        return "-" + duration_text(-us)
    parts = []
    for unit, size in (("d", 86_400_000_000), ("h", 3_600_000_000), ("m", 60_000_000), ("s", 1_000_000), ("ms", 1_000)):
        whole, us = divmod(us, size)
        if whole:
            parts.append(f"{whole}{unit}")
    if us:
        parts.append(f"{us}us")
    return "".join(parts) or "0s"
