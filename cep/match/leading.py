"""`!x -> a`: what must not have come before a run begins."""

from __future__ import annotations

from typing import Any, Protocol

from cep.event import Key
from cep.match.moves import FAR
from cep.plan.kernels import RuleKernels
from cep.plan.plan import Bound, Chain, Link, Take

Came = list[list[tuple[int, int]]]  # per negation, times and own numbers of its events, as many as make a difference


class Offered(Protocol):
    """An event of a key; `own` is its number among the own events of the key."""

    key: Key
    mask: int
    row: Any
    time_us: int
    own: int


class Leading:
    """The negations at the start of one pattern."""

    def __init__(self, pattern: Chain, within: Bound, kernels: RuleKernels) -> None:
        self._kernels = kernels
        self._guards = [_Guard(step, link, within) for step, link in _leading(pattern)]
        self.steps = [guard.step for guard in self._guards]
        self.counts_own = any(guard.events < FAR for guard in self._guards)

    def fresh(self) -> Came:
        return [[] for _ in self._guards]

    def forbids(self, struck: Came, time_us: int, own: int) -> bool:
        """Whether no run may begin now, with own event number `own`."""
        return bool(struck) and any(guard.strikes(came, time_us, own) for guard, came in zip(self._guards, struck))

    def note(self, struck: Came, event: Offered) -> bool:
        """Remember the event, if it is one that must not come; whether it is."""
        noted = False
        for guard, came in zip(self._guards, struck):
            if event.mask >> guard.step & 1:
                cond = self._kernels.cond[guard.step]
                if cond is None or cond(self._kernels.fresh(), event.key, event.row, event.time_us):
                    guard.note(came, event.time_us, event.own)
                    noted = True
        return noted

    def next_due(self, struck: Came) -> int:
        """When the first of the events may be forgotten; FAR."""
        dues = (came[0][0] + guard.most_us for guard, came in zip(self._guards, struck) if came)
        return min(dues, default=FAR)

    def last_due(self, struck: Came) -> int | None:
        """When the last of them may be; None where there is none that time alone lets go."""
        dues = (came[-1][0] + guard.most_us for guard, came in zip(self._guards, struck) if came and guard.most_us < FAR)
        return max(dues, default=None)

    def forget(self, struck: Came, due_us: int) -> None:
        for guard, came in zip(self._guards, struck):
            while came and came[0][0] + guard.most_us <= due_us:
                del came[0]


def _leading(pattern: Chain) -> list[tuple[int, Link]]:
    """The steps of the negations before the first part, each with the link that its arrow leads to."""
    found: list[tuple[int, Link]] = []
    for link, after in zip(pattern.links, pattern.links[1:]):
        if not link.negated:
            break
        assert isinstance(link.part, Take)
        found.append((link.part.step, after))
    return found


class _Guard:
    """One of them: it strikes `least_us` to `most_us` before the first event of a run, and fewer than `events` own events before
    it (2: as the own event right before)."""

    def __init__(self, step: int, link: Link, within: Bound) -> None:
        self.step = step
        self.least_us = link.min_us or 0
        within_us = FAR if within.us is None else within.us - within.exclusive
        self.most_us = within_us if link.max_us is None else min(within_us, link.max_us)
        self.events = min(within.events or FAR, 2 if link.arrow == "=>" else FAR)

    def strikes(self, came: list[tuple[int, int]], time_us: int, own: int) -> bool:
        return any(self.least_us <= time_us - at_us <= self.most_us and own - at < self.events for at_us, at in came)

    def note(self, came: list[tuple[int, int]], time_us: int, own: int) -> None:
        if self.events < FAR:
            while came and own - came[0][1] >= self.events:
                del came[0]
        # Whatever time span reaches over the middle one of three reaches over one of the others, if they lie so close. Counted in
        # events the first may be out of reach; then that holds only where the last is never too close.
        if len(came) > 1 and not (self.least_us and self.events < FAR) and time_us - came[-2][0] <= self.most_us - self.least_us:
            del came[-1]
        came.append((time_us, own))
