"""Where a run stands in a pattern, and what it may do with its next event: the pattern walked from there, never compiled.

A place is a stack, the innermost first: what is left to do before the pattern ends. Below what is left of a pass lies its loop.

    `s -> (a -> b+){2} -> c`, after s a b:    pass 1 of b+ | links behind b+ | pass 1 of the group | links from c on
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from cep.plan.plan import AnyOrder, Chain, Either, Link, Loop, Part, Take


@dataclass(frozen=True)
class Then:
    """The links of a chain from number `at` on."""

    chain: Chain
    at: int


@dataclass(frozen=True)
class Passing:
    """Pass number `number` (from 1) of a step or group. `since`: which of the run's events was its first; None: it is to come."""

    part: Take | Chain
    number: int
    since: int | None = None


@dataclass(frozen=True)
class Rest:
    """So many more of these steps, in any order."""

    steps: tuple[int, ...]
    count: int


Place = tuple[Then | Passing | Rest, ...]


@dataclass(frozen=True)
class Way:
    """One thing to do with the next event: to take it by `step`, and stand at `then`.

    arrow, min_us, max_us   how the event must follow the last one taken
    gaps_us  by how much it may follow it at most, as a neighbour in these loops
    crossed  negations that it leaves behind
    lazy     it lengthens a lazy loop that has its minimum
    """

    step: int = -1
    then: Place = ()
    arrow: str = ""
    min_us: int | None = None
    max_us: int | None = None
    gaps_us: tuple[int, ...] = ()
    crossed: tuple[Link, ...] = ()
    lazy: bool = False

    def by(self, link: Link) -> Way:
        return replace(self, arrow=link.arrow, min_us=link.min_us, max_us=link.max_us)

    def again(self, loop: Loop) -> Way:
        gaps_us = self.gaps_us if loop.gap_us is None else (*self.gaps_us, loop.gap_us)
        return replace(self, arrow=loop.inner, min_us=None, max_us=None, gaps_us=gaps_us)

    def taking(self, step: int, then: Place) -> Way:
        return replace(self, step=step, then=then)


def beginning(pattern: Chain) -> Place:
    return (Then(pattern, 0),)


@lru_cache(maxsize=10_000)
def ways(place: Place) -> tuple[Way, ...]:
    """All there is to do from here, in the order of the pattern, whatever events and times allow."""
    return tuple(_walk(place, Way()))


def may_end(place: Place) -> bool:
    """Whether nothing more has to be taken."""
    return all(_may_be_left(item) for item in place)


def may_be_empty(part: Part) -> bool:
    match part:
        case Take(loop=loop):
            return loop.min == 0
        case Chain():
            return least(part) == 0
        case Either(options=options):
            return any(may_be_empty(option) for option in options)
        case AnyOrder(count=count):
            return count == 0


def least(part: Take | Chain) -> int:
    """How many passes it needs: none of a group that may be passed through without an event."""
    if isinstance(part, Chain) and all(link.negated or may_be_empty(link.part) for link in part.links):
        return 0
    return part.loop.min


def _may_be_left(item: Then | Passing | Rest) -> bool:
    match item:
        case Then(chain=chain, at=at):
            return all(link.negated or may_be_empty(link.part) for link in chain.links[at:])
        case Passing(part=part, number=number):
            return number >= least(part)
        case Rest(count=count):
            return count == 0


def _walk(place: Place, way: Way) -> Iterator[Way]:
    if not place:
        return
    top, below = place[0], place[1:]
    match top:
        case Then(chain=chain, at=at) if at < len(chain.links):
            link, behind = chain.links[at], (Then(chain, at + 1), *below)
            if link.negated:
                yield from _walk(behind, replace(way, crossed=(*way.crossed, link)))
                return
            yield from _enter(link.part, way.by(link), behind)
            if may_be_empty(link.part):
                yield from _walk(behind, way)
        case Passing(since=None):
            return  # a pass without an event is none
        case Passing(part=part, number=number):
            if part.loop.max is None or number < part.loop.max:
                yield from _begin(part, number + 1, way.again(part.loop), below)
            if number >= least(part):
                yield from _walk(below, way)
        case Rest(steps=steps, count=count) if count > 0:
            for step in steps:
                rest = Rest(tuple(other for other in steps if other != step), count - 1)
                yield replace(way, arrow="->").taking(step, (rest, *below))
        case _:
            yield from _walk(below, way)


def _enter(part: Part, way: Way, behind: Place) -> Iterator[Way]:
    match part:
        case Take() | Chain():
            yield from _begin(part, 1, way, behind)
        case Either(options=options):
            for option in options:
                yield from _enter(option, way, behind)
        case AnyOrder(steps=steps, count=count):
            for step in steps:
                yield way.taking(step, (Rest(tuple(other for other in steps if other != step), count - 1), *behind))


def _begin(part: Take | Chain, number: int, way: Way, behind: Place) -> Iterator[Way]:
    """A pass. The first link of a group is entered as the group is; those behind it by their own arrows."""
    way = replace(way, lazy=way.lazy or (part.loop.lazy and number > least(part)))
    inside = (Passing(part, number), *behind)
    match part:
        case Take(step=step):
            yield way.taking(step, inside)
        case Chain(links=links):
            if not links[0].negated:
                yield from _enter(links[0].part, way, (Then(part, 1), *inside))
            if links[0].negated or may_be_empty(links[0].part):
                crossed = (*way.crossed, links[0]) if links[0].negated else way.crossed
                yield from _walk((Then(part, 1), *inside), replace(way, crossed=crossed))
