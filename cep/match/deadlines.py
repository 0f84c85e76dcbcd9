"""When the time of a run of a pattern is up: the moment at which it is fulfilled, and that at which it can take nothing more.

a ->[..3m] !x within 10m     a at 0m     fulfilled at 3m
a -> b ->[..2m] c            b at 1m     ends at 3m, when c cannot come in time any more
"""

from __future__ import annotations

from cep.match.moves import FAR, Move, SpotBook
from cep.match.runs import Run
from cep.plan.plan import AnyOrder, Chain, Either, Part, PatternBody, Take


class Deadlines:
    """The deadlines of the runs of one pattern.

    moving  whether any depends on more than the first event: then they do not come in the order of the starts
    """

    def __init__(self, body: PatternBody, book: SpotBook) -> None:
        self.within_us = FAR if body.within.us is None else body.within.us
        self._ending = book.ending if book.waits else ()
        self._lapsing = body.timeout
        self.moving = has_bounds(body)

    def wait(self, run: Run) -> int:
        """When the trailing negations are fulfilled; FAR where there are none to wait for."""
        if not run.spot.waits or run.waited:
            return FAR
        end_us = run.start_us + self.within_us
        return max(end_us if one.max_us is None else min(end_us, run.last_us + one.max_us) for one in self._ending)

    def bound(self, run: Run) -> int:
        """first.time + w: where a run lapses."""
        return min(run.start_us + self.within_us, FAR)

    def end(self, run: Run) -> int:
        """The last moment at which the run may take an event, or wait for one: the timer acts when it is over."""
        bound_us = self.bound(run)
        spot = run.spot
        if spot.waits and not spot.offers:
            return min(bound_us, self.wait(run))
        if not spot.limited or spot.next_ends:
            return bound_us
        if self._lapsing and not spot.by_gap and run.match is None:
            return bound_us  # it ran out of time, and that is told when the whole time is over
        last_us = max((self._limit(move, run) for move in spot.moves), default=run.last_us)
        wait_us = self.wait(run)
        return min(bound_us, max(last_us, wait_us) if wait_us < FAR else last_us)

    @staticmethod
    def _limit(move: Move, run: Run) -> int:
        limits = [bound.us + begun_us for bound, (begun_us, _) in zip(run.spot.bounds[: move.keep], run.marks) if bound.us]
        return min([run.last_us + move.max_us, *limits])


def has_bounds(body: PatternBody) -> bool:
    """Whether a part of the pattern has a bound in time of its own."""
    stack: list[Part] = [body.pattern]
    while stack:
        match stack.pop():
            case Take(loop=loop):
                if loop.gap_us is not None:
                    return True
            case Chain(links=links, loop=loop, bound=bound):
                if loop.gap_us is not None or bound is not None or any(link.max_us is not None for link in links):
                    return True
                stack += [link.part for link in links]
            case Either(options=options):
                stack += options
            case AnyOrder():
                pass
    return False


def has_delays(body: PatternBody) -> bool:
    """Whether any event or deadline depends on the time of the last one taken."""
    stack: list[Part] = [body.pattern]
    while stack:
        match stack.pop():
            case Take(loop=loop):
                if loop.gap_us is not None:
                    return True
            case Chain(links=links, loop=loop):
                if loop.gap_us is not None or any(link.min_us or link.max_us is not None for link in links):
                    return True
                stack += [link.part for link in links]
            case Either(options=options):
                stack += options
            case AnyOrder():
                pass
    return False
