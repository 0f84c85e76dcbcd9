"""One rule, moment by moment (docs/language.md, Meaning 2): all events of a time, and only then the timers of that time, first
those that fulfil something and then those by which something lapses; equal ones by start, then by key.

A key of a rule is whatever takes events, knows its next timer and fires it; `KeyedRule` is all keys of one rule.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from cep.plan.plan import RulePlan
from tests.judge.values import Seen, Tables, Verdict, key_parts

Parts = tuple[Any, ...]
Timer = tuple[float, int, float]  # when, 0: fulfilled or 1: lapses, start


class Judge(Protocol):
    """A key of a rule, or a whole rule."""

    def take(self, event: Seen) -> list[Verdict]: ...

    def timer(self) -> Timer | None: ...

    def fire(self) -> list[Verdict]: ...


class KeyedRule:
    """A rule that judges each key alone. An event without a key, or of another type, does not exist for it."""

    def __init__(self, plan: RulePlan, make: Callable[[RulePlan, Parts, Tables], Judge], tables: Tables) -> None:
        self.plan, self.make, self.tables = plan, make, tables
        self.keys: dict[Parts, Judge] = {}

    def take(self, event: Seen) -> list[Verdict]:
        parts = key_parts(self.plan.key, event, self.tables)
        if parts is None:
            return []
        exactly = tuple((isinstance(part, bool), part) for part in parts)  # Python alone holds True == 1
        if exactly not in self.keys:
            self.keys[exactly] = self.make(self.plan, parts, self.tables)
        return self.keys[exactly].take(event)

    def timer(self) -> Timer | None:
        return min((timer for key in self.keys.values() if (timer := key.timer()) is not None), default=None)

    def fire(self) -> list[Verdict]:
        """The first timer of all."""
        due = self.timer()
        return next(key.fire() for key in self.keys.values() if key.timer() == due)


def until(judge: Judge, end_us: float) -> list[Verdict]:
    """Fire all timers up to and including that time."""
    told = []
    while (timer := judge.timer()) is not None and timer[0] <= end_us:
        told += judge.fire()
    return told


def play(judge: Judge, events: Sequence[Seen], end_us: int) -> list[Verdict]:
    """A finite stream in feeding order; timers up to and including `end_us` are done, later ones stay undecided."""
    told = []
    for event in events:
        told += until(judge, event.time_us - 1)
        told += judge.take(event)
    return told + until(judge, end_us)
