"""How much state a rule can hold, as numbers where they can be said. `cep.plan.explain.say_bound` says the same in words."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import assert_never

from cep.match.rising import counted_threshold
from cep.plan.explain import say_bound
from cep.plan.plan import AbsentBody, FilterBody, PatternBody, RulePlan, SequenceBody, WindowBody, WindowKind


@dataclass(frozen=True, slots=True)
class Bound:
    """words     what is kept, and until when
    entries   at most so many per key; None: as many as come while they live
    what      what an entry is
    lives_us  how long an entry lives at most, by event time; 0: nothing is kept; None: until something pushes it out
    budget    at most so many in the whole rule, and which go when it is full
    """

    words: str
    entries: int | None
    what: str
    lives_us: int | None
    budget: int | None = None
    on_full: str = ""


def bound_of(plan: RulePlan) -> Bound:
    """The bound of a rule's state."""
    entries, what, lives_us = _kept(plan)
    budget = plan.budget
    return Bound(say_bound(plan), entries, what, lives_us, budget.most if budget else None, budget.on_full if budget else "")


def _kept(plan: RulePlan) -> tuple[int | None, str, int | None]:
    match plan.body:
        case FilterBody():
            return 0, "", 0
        case AbsentBody(for_us=for_us, expect=expect):
            return 1, "timer", None if expect is not None else for_us
        case WindowBody():
            return _window(plan.body)
        case SequenceBody(within_us=None):
            return 0, "", 0
        case SequenceBody(within_us=within_us):
            return None, "run", within_us
        case PatternBody(within=within):
            return None, "run", within.us
        case _:
            assert_never(plan.body)


def _window(body: WindowBody) -> tuple[int | None, str, int | None]:
    remembered = max((recall.over_us for recall in body.recalls), default=0)
    match body.kind:
        case WindowKind.SLIDE:
            threshold = counted_threshold(body) if body.then_reset else None
            return threshold, "event", max(body.window_us, remembered)
        case WindowKind.EVENTS:
            return body.events, "event", None
        case WindowKind.HOP:
            alone = body.every_us == body.window_us
            return 1 if alone else None, "window" if alone else "event", max(body.window_us, remembered)
        case WindowKind.SESSION:
            return 1, "session", body.max_us or None
        case WindowKind.BUCKET:
            return 1, "level", math.ceil(body.events / max(body.leak, 1)) * body.every_us
        case WindowKind.NONE:
            return None, "value", remembered
        case _:
            assert_never(body.kind)
