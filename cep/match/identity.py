"""How the alerts of one rule are named: those whose identities are equal (same key, moment and events) are told apart by number.

Rules are many and each alert is of another one, so what an alert needs of its rule lies close together: one object, whose parts
are read straight through. To fetch them from all over the memory took longer than all the work on them.
"""

from __future__ import annotations

from typing import Any

from cep.alert import Alert, Telling, id_of, identity_of
from cep.event import Match
from cep.match.order import NEVER
from cep.plan.plan import RulePlan


class Opening:
    """Names the alerts of one rule, and makes those of which nothing else is to be found out.

    time_us  of the latest moment of which something was told    first  the match that was the first at it
    """

    __slots__ = ("_counts", "_counts_us", "_first", "_telling", "_time_us")

    def __init__(self, plan: RulePlan) -> None:
        self._telling = Telling(plan.id, plan.version, 0, plan.severity, plan.tags, plan.to)
        self._time_us = NEVER
        self._first: Match | None = None
        self._counts: dict[bytes, int] = {}  # identity -> how many of the moment `_counts_us`
        self._counts_us = NEVER

    def alert(self, match: Match, generation: int) -> Alert:
        """The alert that opens with the match, told as it is: most alerts of most rules, in one call."""
        telling, time_us = self._telling, match.time_us
        if telling.generation != generation:
            telling = self.telling(generation)
        if time_us == self._time_us:
            return Alert(telling, match, self._numbered(match))
        self._time_us, self._first = time_us, match
        return Alert(telling, match, 0)

    def telling(self, generation: int) -> Telling:
        """What all alerts of the rule say in this generation."""
        old = self._telling
        if old.generation != generation:
            self._telling = Telling(old.rule, old.version, generation, old.severity, old.tags, old.to)
        return self._telling

    def ordinal(self, match: Match) -> int:
        """How many of the same identity there were before it."""
        if match.time_us == self._time_us:
            return self._numbered(match)
        self._time_us, self._first = match.time_us, match
        return 0

    def named(self, match: Match) -> str:
        """The id of the match, which is a further one."""
        telling = self._telling
        return id_of(telling.rule, telling.version, identity_of(telling.rule, match), self.ordinal(match))

    def _numbered(self, match: Match) -> int:
        """As `ordinal`, of a further match of the same moment."""
        counts, identity = self._counts_now(), identity_of(self._telling.rule, match)
        ordinal = counts.get(identity, 0)
        counts[identity] = ordinal + 1
        return ordinal

    def _counts_now(self) -> dict[bytes, int]:
        """Identity -> how many, of the moment."""
        if self._counts_us != self._time_us:
            first, self._counts_us = self._first, self._time_us
            self._counts = {} if first is None else {identity_of(self._telling.rule, first): 1}
        return self._counts

    # -- state

    def snapshot(self) -> list[Any]:
        """[moment, {identity: how many}]."""
        return [self._time_us, self._counts_now().copy()]

    def restore(self, state: Any) -> None:
        self._time_us, counts = state
        self._first = None
        self._counts, self._counts_us = dict(counts), self._time_us
