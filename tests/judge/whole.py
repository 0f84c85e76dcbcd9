"""Rules side by side, and one upon the other: what becomes of matches (docs/language.md, Meaning 2, 12, 14 and 15), moment by
moment.

At each event every rule takes it, those that are read before those that read them; an alert it opens follows right behind it, as
an event for those. When all events of a time are done, timers act in the same order of rules.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from cep.plan.plan import AbsentBody, FilterBody, PatternBody, RulePlan, SequenceBody, WindowBody
from tests.judge.absences import AbsenceRule
from tests.judge.moments import Judge, KeyedRule, until
from tests.judge.runs import OneKey
from tests.judge.values import Scope, Seen, Tables, Verdict, marked, value
from tests.judge.windows import one_key


@dataclass(frozen=True)
class Told:
    """An alert, or what became of it. `cause`: number of the raw event that brought it; inf: a timer did."""

    rule: str
    cause: float
    muted: bool
    opened_us: int
    verdict: Verdict

    @property
    def id(self) -> str:
        """What names an opening here: the engine hashes it."""
        one = self.verdict
        return f"{self.rule} {one.time_us} {key_as_told(one.key)!r} {one.first_id} {one.last_id}"


def key_as_told(key: Any) -> Any:
    """One part: its value; several: a list; of no key: null."""
    return (list(key) or None) if isinstance(key, tuple) else key


@dataclass
class _Rule:
    plan: RulePlan
    judge: Judge
    open: dict[Any, Told] = field(default_factory=dict)  # by key
    noted: dict[tuple[str, Any], int] = field(default_factory=dict)  # noise control: when it last told


def judge_all(
    plans: Sequence[RulePlan], events: Sequence[Seen], end_us: int, tables: Tables | None = None, begins_us: int | None = None
) -> list[Told]:
    """All that rules tell; a rule that reads another's alerts stands behind it. `begins_us`: the first watermark, if not the
    time of the first event."""
    first_us = begins_us if begins_us is not None else events[0].time_us if events else 0
    rules = [_Rule(plan, _judge_of(plan, tables or {}, first_us)) for plan in plans]
    told = []
    for number, event in enumerate(events):
        told += _timers(rules, event.time_us - 1)
        told += _at_once(rules, event, number)
    return told + _timers(rules, end_us)


def _judge_of(plan: RulePlan, tables: Tables, begins_us: int) -> Judge:
    match plan.body:
        case AbsentBody():
            return AbsenceRule(plan, tables, begins_us)
        case FilterBody() | WindowBody():
            return KeyedRule(plan, one_key, tables)
        case SequenceBody() | PatternBody():
            return KeyedRule(plan, OneKey, tables)


def _at_once(rules: list[_Rule], event: Seen, number: int) -> list[Told]:
    """The event, and the alerts that follow it."""
    told: list[Told] = []
    for rule in rules:
        derived = [_as_event(one, rules) for one in _in_order(told) if one.verdict.transition == "opened"]
        verdicts = [verdict for one in (event, *derived) for verdict in rule.judge.take(one)]
        told += _alerts(rule, verdicts, number)
    return told


def _timers(rules: list[_Rule], end_us: float) -> list[Told]:
    """All timers up to and including that time, moment by moment; alerts by timers are events before the readers' timers."""
    told = []
    while True:
        timers = [timer[0] for rule in rules if (timer := rule.judge.timer()) is not None]
        now_us = min(timers, default=math.inf)
        if now_us > end_us:
            return told
        moment: list[Told] = []
        for rule in rules:
            derived = [_as_event(one, rules) for one in _in_order(moment) if one.verdict.transition == "opened"]
            verdicts = [verdict for one in derived for verdict in rule.judge.take(one)]
            by_timers = sorted(until(rule.judge, now_us), key=lambda one: repr(one.key))  # alerts of a moment come by key
            moment += _alerts(rule, verdicts + by_timers, math.inf)
        told += moment


def _in_order(told: list[Told]) -> list[Told]:
    return sorted(told, key=lambda one: (one.rule, repr(one.verdict.key)))


def _as_event(alert: Told, rules: list[_Rule]) -> Seen:
    """With the emitted fields, and the parts of the key that no field is called like."""
    names = next(rule.plan.key.names for rule in rules if rule.plan.id == alert.rule)
    key = alert.verdict.key if len(names) != 1 else (alert.verdict.key,)
    assert isinstance(key, tuple)
    row = dict(zip(names, key, strict=True)) | dict(alert.verdict.fields)
    return Seen(alert.verdict.time_us, f"rule {alert.rule}", row, alert.id)


def _alerts(rule: _Rule, verdicts: Sequence[Verdict], cause: float) -> list[Told]:
    return [told for verdict in verdicts if (told := _alert(rule, verdict, cause)) is not None]


def _alert(rule: _Rule, verdict: Verdict, cause: float) -> Told | None:
    """Openings may be muted; updates and the resolve go with the opening. What ran out of time is no alert of this kind."""
    if verdict.transition in ("updated", "resolved"):
        opening = rule.open[verdict.key]
        if verdict.transition == "resolved":
            del rule.open[verdict.key]
        return Told(rule.plan.id, cause, opening.muted, opening.opened_us, verdict)
    if verdict.transition == "timeout":
        return Told(rule.plan.id, cause, False, verdict.time_us, verdict)
    told = Told(rule.plan.id, cause, _is_muted(rule, verdict), verdict.time_us, verdict)
    if rule.plan.has_life:
        rule.open[verdict.key] = told
    return told


def _is_muted(rule: _Rule, verdict: Verdict) -> bool:
    """Whether one that was told less than D before was of the same key, or told the same."""
    plan, parts = rule.plan, verdict.key if isinstance(verdict.key, tuple) else (verdict.key,)
    notes: list[tuple[tuple[str, Any], int]] = []
    if plan.once is not None:
        scope = Scope(key=parts, emitted=verdict.fields)
        notes.append((("once", tuple(marked(value(expr, scope)) for expr in plan.once.per)), plan.once.every_us))
    if plan.suppress is not None:
        same = tuple(marked(verdict.fields.get(name)) for name in plan.suppress.fields)
        notes.append((("suppress", same), plan.suppress.for_us))
    if any(verdict.time_us - rule.noted[note] < span_us for note, span_us in notes if note in rule.noted):
        return True
    rule.noted |= {note: verdict.time_us for note, _ in notes}
    return False
