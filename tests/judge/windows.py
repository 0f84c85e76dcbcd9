"""Filter, window and absence rules from the text of the language, section by section: one event after the other, every window
written out in full at each moment it is judged. Input is finite: timers up to and including `end_us` are done, later ones stay
undecided.

Verdicts come in the order in which they become certain; those of timers at one moment by start, then in order of keys met.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cep.plan.plan import AbsentBody, FilterBody, RulePlan, WindowBody
from tests.judge.values import Scope, Seen, Tables, Verdict, as_key, emitted, fits, holds, key_parts, register_value

Parts = tuple[Any, ...]


def judge(plan: RulePlan, events: Sequence[Seen], end_us: int, tables: Tables | None = None) -> list[Verdict]:
    """All matches of a filter, window or absence rule over the events, in feeding order, up to `end_us`."""
    told: list[Verdict] = []
    for parts, own in _by_key(plan, events, tables or {}):
        match plan.body:
            case FilterBody():
                told += [_filtered(plan, parts, event, tables or {}) for event in own]
            case WindowBody():
                told += _SlidingWindow(plan, plan.body, parts, tables or {}).run(own, end_us)
            case AbsentBody():
                told += _absences(plan, plan.body, parts, own, end_us, tables or {})
            case _:
                raise AssertionError("patterns have a judge of their own")
    return sorted(told, key=lambda verdict: verdict.time_us)


def _by_key(plan: RulePlan, events: Sequence[Seen], tables: Tables) -> list[tuple[Parts, list[Seen]]]:
    """The events that fit the rule's one selection, apart for each key; those with a null part do not exist."""
    select = plan.selects[0]
    found: dict[Any, tuple[Parts, list[Seen]]] = {}
    for event in events:
        parts = key_parts(plan.key, event, tables)
        if parts is not None and fits(select, event, tables):
            found.setdefault(as_key(parts), (parts, []))[1].append(event)
    return list(found.values())


def _verdict(plan: RulePlan, parts: Parts, time_us: int, events: Sequence[Seen], scope: Scope) -> Verdict:
    first, last = events[0], events[-1]
    ids = tuple(event.id for event in events)
    return Verdict(as_key(parts), time_us, emitted(plan, scope), first.time_us, last.time_us, first.id, last.id, ids)


def _filtered(plan: RulePlan, parts: Parts, event: Seen, tables: Tables) -> Verdict:
    scope = Scope(event.row, event.time_us, key=parts, tables=tables)
    return _verdict(plan, parts, event.time_us, [event], scope)


class _SlidingWindow:
    """One key of `when C over w` (docs/language.md, Meaning 12)."""

    def __init__(self, plan: RulePlan, body: WindowBody, parts: Parts, tables: Tables) -> None:
        self.plan, self.body, self.parts, self.tables = plan, body, parts, tables
        self.inside: list[Seen] = []
        self.is_open = False
        self.told: list[Verdict] = []

    def run(self, own: Sequence[Seen], end_us: int) -> list[Verdict]:
        for event in own:
            self._departures(event.time_us - 1)
            self.inside.append(event)
            self._judge(event.time_us, by_event=True)
        self._departures(end_us)
        return self.told

    def _departures(self, until_us: int) -> None:
        """The timers e.time + w up to here, one event at a time; the window is judged after each."""
        while self.inside and self.inside[0].time_us + self.body.window_us <= until_us:
            gone = self.inside.pop(0)
            self._judge(gone.time_us + self.body.window_us, by_event=False)

    def _judge(self, time_us: int, *, by_event: bool) -> None:
        values = [register_value(register, self.inside, self.tables) for register in self.body.registers]
        scope = Scope(registers=values, key=self.parts, tables=self.tables)
        is_true = bool(self.inside) and holds(self.body.when, scope)  # an empty window is never true
        tells = is_true and (by_event if self.body.fire_each else not self.is_open)
        self.is_open = is_true
        if tells:
            self.told.append(_verdict(self.plan, self.parts, time_us, self.inside, scope))
            if self.body.then_reset:
                self.inside, self.is_open = [], False


def _absences(plan: RulePlan, body: AbsentBody, parts: Parts, own: Sequence[Seen], end_us: int, tables: Tables) -> list[Verdict]:
    """`absent E for D` (docs/language.md, Meaning 13): an event exactly at last + D is still in time."""
    told: list[Verdict] = []
    for at, event in enumerate(own):
        due_us = event.time_us + body.for_us
        next_us = own[at + 1].time_us if at + 1 < len(own) else None
        if due_us <= end_us and (next_us is None or next_us > due_us):
            values = [register_value(register, [event], tables) for register in body.registers]
            told.append(_verdict(plan, parts, due_us, [event], Scope(registers=values, key=parts, tables=tables)))
    return told
