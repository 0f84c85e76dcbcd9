"""When the time of a run of a pattern is up: the moment at which it is fulfilled, and that after which it can take nothing more.

a ->[..3m] !x within 10m     a at 0m     fulfilled at 3m
a -> b ->[..2m] c            b at 1m     ends at 3m, when c cannot come in time any more
"""

from __future__ import annotations

from cep.match.moves import FAR, Move, SpotBook
from cep.match.runs import Run
from cep.plan.plan import AnyOrder, Chain, Either, Part, PatternBody, Take

NEVER = -1


class Deadlines:
    """The deadlines of the runs of one pattern. `own` is the number of the own event that comes next.

    moving  whether any depends on more than the first event: then they do not come in the order of the starts
    """

    def __init__(self, body: PatternBody, book: SpotBook) -> None:
        self._within_us = FAR if body.within.us is None else body.within.us
        self._events = FAR if body.within.events is None else body.within.events
        self._ending = book.ending if book.waits else ()
        self.moving = has_bounds(body.pattern)
        self.inner = self.moving or has_delays(body.pattern)

    def wait(self, run: Run) -> int:
        """When the trailing negations are fulfilled; FAR where there are none to wait for."""
        if not run.spot.waits or run.waited:
            return FAR
        end_us = self.bound(run)
        return max(end_us if one.max_us is None else min(end_us, run.last_us + one.max_us) for one in self._ending)

    def bound(self, run: Run) -> int:
        """first.time + w: where a run lapses."""
        return min(run.start_us + self._within_us, FAR)

    def chance(self, run: Run, move: Move, own: int) -> int:
        """The last time at which a coming event may go that way; NEVER."""
        latest_us = self.bound(run)
        if own - run.own >= self._events:
            return NEVER
        if not move.timed:
            return latest_us
        latest_us = min(latest_us, run.last_us + move.max_us)
        for bound, (begun_us, begun) in zip(run.spot.bounds[: move.keep], run.marks):
            if bound.us is not None:
                latest_us = min(latest_us, begun_us + bound.us)
            if bound.events is not None and own - begun >= bound.events:
                return NEVER
        return latest_us if latest_us >= run.last_us + move.min_us else NEVER

    def growth(self, run: Run, own: int) -> int:
        """The last time at which the run may grow; NEVER."""
        spot = run.spot
        if not spot.bounded and own - run.own < self._events:
            return self.bound(run) if spot.eager else NEVER
        return max((self.chance(run, move, own) for move in spot.eager), default=NEVER)

    def end(self, run: Run, own: int) -> int:
        """The last moment at which the run may grow, or is waiting for something: the timer acts when it is over."""
        if run.spot.next_ends:
            return self.bound(run)
        wait_us = self.wait(run)
        growth_us = self.growth(run, own)
        return growth_us if wait_us == FAR else max(growth_us, wait_us)


def has_bounds(part: Part) -> bool:
    """Whether there is a bound in time in it."""
    match part:
        case Take(loop=loop):
            return loop.gap_us is not None
        case Chain(links=links, loop=loop, bound=bound):
            here = loop.gap_us is not None or bound is not None
            return here or any(link.max_us is not None or has_bounds(link.part) for link in links)
        case Either(options=options):
            return any(map(has_bounds, options))
        case AnyOrder():
            return False


def has_delays(part: Part) -> bool:
    """Whether anything in it depends on the time of the last event taken."""
    match part:
        case Take(loop=loop):
            return loop.gap_us is not None
        case Chain(links=links, loop=loop):
            delayed = any(link.min_us or link.max_us is not None or has_delays(link.part) for link in links)
            return loop.gap_us is not None or delayed
        case Either(options=options):
            return any(map(has_delays, options))
        case AnyOrder():
            return False
