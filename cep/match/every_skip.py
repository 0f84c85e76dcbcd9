"""`after match skip`: which complete matches are told, and what they use up.

    x+? after match skip past last      x1  x2       x1 is told at once and uses up x1; x2 likewise
    a -> b after match skip to next     a1 a2 b      a1 b is told and uses up all that began with a1; then a2 b

With a strategy, a complete match is withheld while a partial match of an earlier start is there: it may complete, and use it up.
"""

from __future__ import annotations

from cep.match.every_heap import keep, pop, push_all
from cep.match.every_run import KeyState, Partial, entries_of
from cep.plan.plan import PatternBody, SkipKind


class Skipper:
    def __init__(self, body: PatternBody) -> None:
        self._kind = body.skip
        self._to = body.skip_to

    def choose(self, state: KeyState, complete: list[Partial]) -> list[Partial]:
        """Those that are told now, withheld ones among them; what they use up is dropped."""
        ordered: list[Partial] = []
        push_all(ordered, complete)
        push_all(state.done, ordered)
        told = []
        while state.done and (not state.partials or state.done[0].start <= state.partials[0].start):
            run = pop(state.done)
            told.append(run)
            left = self._left(run)
            if left is not None:
                keep(state.partials, left)
                keep(state.done, left)
        return told

    def _left(self, run: Partial) -> int | None:
        """The first start that is not used up; None: all are left."""
        if self._kind is SkipKind.NEXT:
            return run.start + 1
        if self._kind is SkipKind.PAST_LAST:
            return int(run.entry[2]) + 1
        there = [entry[2] for entry in entries_of(run) if entry[1] == self._to]
        if not there:
            return None
        return there[0] if self._kind is SkipKind.FIRST else there[-1]
