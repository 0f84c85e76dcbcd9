"""What a pattern may hold: whether it bounds itself in time, and whether its runs multiply."""

from __future__ import annotations

from cep.plan.plan import AnyOrder, Chain, Either, Loop, Part, Take


def is_bounded(part: Part) -> bool:
    """Whether each event of the part but its first comes within a bound of the one before, or of the first of its pass."""
    match part:
        case Take(loop=loop):
            return _ends(loop)
        case Chain(links=links, loop=loop, bound=bound):
            if not _ends(loop):
                return False
            if bound is not None and bound.us is not None:
                return True
            takes = [link for link in links if not link.negated]
            waits = [link for link in takes[1:] if link.max_us is None]
            return not waits and all(is_bounded(link.part) for link in takes)
        case Either(options=options):
            return all(map(is_bounded, options))
        case AnyOrder(count=count):
            return count == 1


def _ends(loop: Loop) -> bool:
    return loop.max == 1 or loop.gap_us is not None


def forks(part: Part) -> bool:
    """Whether a run may go on without an event that it could have taken (`->>`, or a loop of combinations): such runs
    multiply with every event that fits."""
    match part:
        case Take(loop=loop):
            return loop.inner == "->>"
        case Chain(links=links, loop=loop):
            return loop.inner == "->>" or any(link.arrow == "->>" or forks(link.part) for link in links)
        case Either(options=options):
            return any(map(forks, options))
        case AnyOrder():
            return False
