"""`!x -> a`: what must not have come before a run begins."""

from __future__ import annotations

from cep.match.moves import FAR, SpotBook
from cep.match.runs import KeyState
from cep.match.stepping import Trial
from cep.plan.kernels import RuleKernels
from cep.plan.plan import Bound, Link, PatternBody


class Leading:
    """The negations at the start of one pattern."""

    def __init__(self, body: PatternBody, kernels: RuleKernels, book: SpotBook) -> None:
        self._kernels = kernels
        self._guards = [_Guard(strike.step, link, body.within) for strike, link in book.leading]
        self.steps = [guard.step for guard in self._guards]

    def fresh(self) -> list[list[tuple[int, int]]]:
        return [[] for _ in self._guards]

    def forbids(self, state: KeyState, time_us: int, own: int) -> bool:
        """Whether no run may begin now, with own event number `own`."""
        return any(guard.strikes(came, time_us, own) for guard, came in zip(self._guards, state.struck))

    def note(self, state: KeyState, trial: Trial) -> None:
        """Remember the event, if it is one that must not come."""
        for guard, came in zip(self._guards, state.struck):
            if trial.mask >> guard.step & 1:
                cond = self._kernels.cond[guard.step]
                if cond is None or cond(self._kernels.fresh(), trial.key, trial.row, trial.time_us):
                    guard.note(came, trial.time_us, trial.own)

    def next_due(self, state: KeyState) -> int:
        """When one of the events may be forgotten; FAR."""
        return min((came[0][0] + guard.most_us for guard, came in zip(self._guards, state.struck) if came), default=FAR)

    def forget(self, state: KeyState, due_us: int) -> None:
        for guard, came in zip(self._guards, state.struck):
            while came and came[0][0] + guard.most_us <= due_us:
                del came[0]


class _Guard:
    """One of them: `least_us` to `most_us` before the first event it strikes; `next`: only as the own event right before."""

    def __init__(self, step: int, link: Link, within: Bound) -> None:
        self.step = step
        self.next = link.arrow == "=>"
        self.least_us = link.min_us or 0
        within_us = FAR if within.us is None else within.us - within.exclusive
        self.most_us = within_us if link.max_us is None else min(within_us, link.max_us)
        self.events = within.events or FAR

    def strikes(self, came: list[tuple[int, int]], time_us: int, own: int) -> bool:
        furthest = 2 if self.next else self.events
        return any(self.least_us <= time_us - at_us <= self.most_us and own - at < furthest for at_us, at in came)

    def note(self, came: list[tuple[int, int]], time_us: int, own: int) -> None:
        # Whatever time span reaches over the middle one of three reaches over one of the others, if they lie so close.
        if len(came) > 1 and time_us - came[-2][0] <= self.most_us - self.least_us:
            del came[-1]
        came.append((time_us, own))
