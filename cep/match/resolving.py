"""`resolve when` of a sequence rule: its alert stays open until such an event; further matches of the key update it.

Stands around any matcher of sequences and keeps no state of its own: which alerts are open is known where they are opened
(`cep.match.life`). An event that both completes a match and resolves does so in this order, and a match that is told by a timer
due before the event comes before it: only then is known whether anything is open.
"""

from __future__ import annotations

from typing import Any

from cep.event import Batch, Match
from cep.match.life import Life
from cep.match.matcher import Hits, Matcher, RuleState
from cep.plan.plan import RulePlan


class ResolvingMatcher:
    """Keeps the promise of `cep.match.matcher.Matcher` for patterns with `resolve when`."""

    def __init__(self, plan: RulePlan, matcher: Matcher, life: Life) -> None:
        self._matcher = matcher
        self._life = life
        self._bit = 1 << len(plan.selects) - 1
        self._own = {select.type for select in plan.selects[:-1]} if plan.needs_own_events else frozenset()
        self.budget: Any = getattr(matcher, "budget", None)

    def feed(self, batch: Batch, hits: Hits, out: list[Match]) -> None:
        """Rows of the pattern's steps go to its matcher; of the others, those that may resolve something are told."""
        taken, bit = Hits(), self._bit
        resolving: list[tuple[int, Any]] = []
        for index, key, mask in zip(hits.rows, hits.keys, hits.masks):
            if mask & bit:
                resolving.append((index, key))
            if mask & ~bit or batch.types[index] in self._own:
                taken.rows.append(index)
                taken.keys.append(key)
                taken.masks.append(mask & ~bit)
        found: list[Match] = []
        self._matcher.feed(batch, taken, found)
        out += found
        if not resolving:
            return
        opened, due_us = {match.key for match in found}, self._matcher.next_due()
        for index, key in resolving:
            may_open = due_us is not None and due_us < batch.times_us[index]
            if may_open or key in opened or self._life.is_open(key):
                out.append(_resolved(batch, index, key))

    def advance(self, watermark_us: int, out: list[Match]) -> None:
        self._matcher.advance(watermark_us, out)

    def next_due(self) -> int | None:
        return self._matcher.next_due()

    def snapshot(self, *, delta: bool) -> RuleState:
        return self._matcher.snapshot(delta=delta)

    def restore(self, states: list[RuleState]) -> None:
        self._matcher.restore(states)

    def size(self) -> int:
        return self._matcher.size()

    def touched(self) -> int:
        return self._matcher.touched()


def _resolved(batch: Batch, index: int, key: Any) -> Match:
    """The end of the alert that is open for the key, if one is."""
    time_us, event_id = batch.times_us[index], batch.ids[index]
    return Match(key, time_us, index, {}, "", time_us, time_us, event_id, event_id, (event_id,), 1, "resolved")
