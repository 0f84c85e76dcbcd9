"""Absence rules from the text of the language (docs/language.md, Meaning 13).

Where the text leaves room, this is how it is read:

    fields    An opening tells the last event, a resolve the event that resolves; one of `resolve when` is no event of the
              absence: it is named as evidence, and the fields are still those of the last event.
    expect    Events of keys that are not in the table arm nothing. The first watermark is the time of the first event.
    resolve   An event of `resolve when` resolves the open alert of its key, and arms it; of a key without one it does
              nothing.
    silent    A source is silent to a key if no event of the rule's types came, of whatever key, later than it was armed.
              When it speaks, all that were held back are armed at that time.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cep.plan.plan import AbsentBody, RulePlan
from tests.judge.moments import Parts, Timer
from tests.judge.values import Scope, Seen, Tables, Verdict, as_key, emitted, fits, holds, key_parts, register_value


@dataclass
class _Key:
    """`armed_us`: since when it is waited for; None: it is not."""

    parts: Parts
    armed_us: int | None = None
    last: Seen | None = None
    is_open: bool = False
    is_held_back: bool = False


class AbsenceRule:
    """All keys of a rule. `begins_us`: the first watermark it sees."""

    def __init__(self, plan: RulePlan, tables: Tables, begins_us: int) -> None:
        assert isinstance(plan.body, AbsentBody)
        self.plan, self.body, self.tables = plan, plan.body, tables
        self.keys: dict[Any, _Key] = {}
        self.heard_us = -math.inf  # the last event of the rule's types, of whatever key
        if self.body.expect is not None:
            for name, row in tables[self.body.expect.table].items():
                if holds(self.body.expect.where, Scope(row=row, tables=tables)):
                    self.keys[as_key((name,))] = _Key((name,), begins_us)

    def take(self, event: Seen) -> list[Verdict]:
        parts = key_parts(self.plan.key, event, self.tables)
        if parts is None or event.type not in self.plan.event_types:
            return []  # without a key it does not exist for the rule, nor does its source speak
        self.heard_us = event.time_us
        for key in self.keys.values():
            if key.is_held_back:
                self._arm(key, event)
        if self.body.expect is not None and as_key(parts) not in self.keys:
            return []
        comes = fits(self.body.select, event, self.tables)
        resolves = self.body.resolve is not None and fits(self.body.resolve, event, self.tables)
        key = self.keys.setdefault(as_key(parts), _Key(parts))
        if not comes and not (resolves and key.is_open):
            return []
        known = event if comes else key.last
        told = [self._verdict(key, event.time_us, [event], "resolved", known)] if key.is_open else []
        key.is_open = False
        self._arm(key, event)
        if comes:
            key.last = event
        return told

    def _arm(self, key: _Key, event: Seen) -> None:
        key.armed_us, key.is_held_back = event.time_us, False

    def timer(self) -> Timer | None:
        dues = [(key.armed_us + self.body.for_us, 0, key.armed_us) for key in self.keys.values() if key.armed_us is not None]
        return min(dues, default=None)

    def fire(self) -> list[Verdict]:
        timer = self.timer()
        assert timer is not None
        key = next(key for key in self.keys.values() if key.armed_us == timer[2])
        key.armed_us = None
        if self.body.unless_silent and self.heard_us <= timer[2]:
            key.is_held_back = True
            return []
        key.is_open = True
        return [self._verdict(key, int(timer[0]), [] if key.last is None else [key.last])]

    def _verdict(
        self, key: _Key, time_us: int, events: Sequence[Seen], transition: str = "opened", known: Seen | None = None
    ) -> Verdict:
        known = known if known is not None or transition == "resolved" else key.last
        taken = [] if known is None else [known]
        registers = [register_value(register, taken, self.tables) for register in self.body.registers]
        fields = emitted(self.plan, Scope(registers=registers, key=key.parts, tables=self.tables))
        ids = tuple(event.id for event in events)
        first, last = (events[0], events[-1]) if events else (None, None)
        return Verdict(
            as_key(key.parts),
            time_us,
            fields,
            first and first.time_us,
            last and last.time_us,
            first and first.id,
            last and last.id,
            ids,
            transition,
        )
