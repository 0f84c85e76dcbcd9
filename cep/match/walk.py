"""The pattern as a tree of parts that say where a run may go from each place in it. No state lives here, no time passes.

A place is plain data, nested as the pattern is: how far a run has come in each part that it is in.

    OnePart    (taken, closed)               of one step: how many events, counted as far as it matters
    ChainPart  (pass, link, place, closed)   in which pass, at which link, and where in it
    EitherPart (option, place)
    AnyPart    (taken,)                      bits of the labels that have their event

From a place lead moves, each with the way to it: the arrows on it, the negations it crosses, the loops it enters or stays in.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Protocol, assert_never

from cep.plan.plan import AnyOrder, Bound, Chain, Either, Link, Loop, Part, Take

Place = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Way:
    """What lies between a run and an event that it may take.

    strict, keeps    there is a `=>`, a `->>` on it           min_us, max_us   the delay since the last event, both ends in
    gap_us           the longest time since the last event, of the loop it goes on in
    lazy             it lengthens (or begins) a lazy loop that has its minimum
    crossed          numbers of the negations that lie before the event
    barred           steps whose events the loops that it begins do not take (`until`)
    keep, opens      how many groups with a bound of their own it stays in, and how many passes of such it begins
    """

    strict: bool = False
    keeps: bool = False
    min_us: int = 0
    max_us: int | None = None
    gap_us: int | None = None
    lazy: bool = False
    crossed: tuple[int, ...] = ()
    barred: tuple[int, ...] = ()
    keep: int = 0
    opens: int = 0

    def by(self, link: Link) -> Way:
        """Behind the arrow of the link: it alone says how the event must follow."""
        return replace(self, strict=link.arrow == "=>", keeps=link.arrow == "->>", min_us=link.min_us or 0, max_us=link.max_us)

    def begins(self, loop: Loop, *, optional: bool) -> Way:
        """Into a part that may be taken so often."""
        if loop.until is None and not (loop.lazy and optional):
            return self
        barred = self.barred if loop.until is None else (*self.barred, loop.until)
        return replace(self, barred=barred, lazy=self.lazy or (loop.lazy and optional))


Found = tuple[int, Place, Way]  # a step, the place after an event of it is taken, and the way there


@dataclass(frozen=True, slots=True)
class Strike:
    """An event of the step, at least min_us and at most max_us after the last one taken, kills every fork but those that take
    it behind negation `number`; `strict`: it kills those too, if it is the very next own event."""

    number: int
    step: int
    strict: bool
    min_us: int
    max_us: int | None


class PartWalk(Protocol):
    """`depth` is the number of groups with a bound that the part lies in."""

    optional: bool

    def enter(self, way: Way) -> Iterator[Found]:
        """The events that may begin it."""
        ...

    def inside(self, place: Place, depth: int) -> Iterator[Found]:
        """The events that may follow without leaving it."""
        ...

    def is_done(self, place: Place) -> bool:
        """Whether it may be left."""
        ...

    def untils(self, place: Place) -> Iterator[tuple[int, Place | None]]:
        """Steps that close a loop the run is in, and the place then; None: the run dies of it."""
        ...

    def bounds(self, place: Place) -> tuple[Bound, ...]:
        """Of the passes it is in, from the outside in."""
        ...

    def strikes(self) -> Iterator[Strike]:
        """All negations in it."""
        ...


class OnePart:
    """Events of one step."""

    def __init__(self, part: Take) -> None:
        self.step, self.loop = part.step, part.loop
        self.optional = part.loop.min == 0

    def enter(self, way: Way) -> Iterator[Found]:
        yield self.step, (1, False), way.begins(self.loop, optional=self.optional)

    def inside(self, place: Place, depth: int) -> Iterator[Found]:
        (taken, closed), loop = place, self.loop
        if not closed and (loop.max is None or taken < loop.max):
            way = _again(loop, lazy=taken >= loop.min, keep=depth)
            yield self.step, (_counted(loop, taken + 1), False), way

    def is_done(self, place: Place) -> bool:
        return bool(place[0] >= self.loop.min)

    def untils(self, place: Place) -> Iterator[tuple[int, Place | None]]:
        if self.loop.until is not None and not place[1]:
            yield self.loop.until, (place[0], True) if self.is_done(place) else None

    def bounds(self, place: Place) -> tuple[Bound, ...]:
        return ()

    def strikes(self) -> Iterator[Strike]:
        return iter(())


class AnyPart:
    """One event for each of so many different steps."""

    optional = False

    def __init__(self, part: AnyOrder) -> None:
        self.steps, self.count = part.steps, part.count

    def enter(self, way: Way) -> Iterator[Found]:
        for n, step in enumerate(self.steps):
            yield step, (1 << n,), way

    def inside(self, place: Place, depth: int) -> Iterator[Found]:
        if not self.is_done(place):
            for n, step in enumerate(self.steps):
                if not place[0] >> n & 1:
                    yield step, (place[0] | 1 << n,), Way(keep=depth)

    def is_done(self, place: Place) -> bool:
        return bool(place[0].bit_count() >= self.count)

    def untils(self, place: Place) -> Iterator[tuple[int, Place | None]]:
        return iter(())

    def bounds(self, place: Place) -> tuple[Bound, ...]:
        return ()

    def strikes(self) -> Iterator[Strike]:
        return iter(())


class EitherPart:
    """One of several parts."""

    def __init__(self, options: tuple[PartWalk, ...]) -> None:
        self.options = options
        self.optional = any(option.optional for option in options)

    def enter(self, way: Way) -> Iterator[Found]:
        for n, option in enumerate(self.options):
            yield from ((step, (n, place), way) for step, place, way in option.enter(way))

    def inside(self, place: Place, depth: int) -> Iterator[Found]:
        n, inner = place
        yield from ((step, (n, after), way) for step, after, way in self.options[n].inside(inner, depth))

    def is_done(self, place: Place) -> bool:
        return self.options[place[0]].is_done(place[1])

    def untils(self, place: Place) -> Iterator[tuple[int, Place | None]]:
        n, inner = place
        for step, after in self.options[n].untils(inner):
            yield step, None if after is None else (n, after)

    def bounds(self, place: Place) -> tuple[Bound, ...]:
        return self.options[place[0]].bounds(place[1])

    def strikes(self) -> Iterator[Strike]:
        for option in self.options:
            yield from option.strikes()


class ChainPart:
    """Parts one after the other, once or in passes. `negations` are numbers of its negated links, by their place."""

    def __init__(self, chain: Chain, parts: tuple[PartWalk | None, ...], negations: dict[int, int]) -> None:
        self.links, self.loop, self.bound = chain.links, chain.loop, chain.bound
        self.parts, self.negations = parts, negations
        empty = all(part is None or part.optional for part in parts)
        self.min = 0 if empty else chain.loop.min  # a pass without events is no pass
        self.optional = self.min == 0
        # The place from which on nothing is necessary.
        self.tail = max((i + 1 for i, part in enumerate(parts) if part is not None and not part.optional), default=0)

    def enter(self, way: Way) -> Iterator[Found]:
        begun = way.begins(self.loop, optional=self.optional)
        if self.bound is not None:
            begun = replace(begun, opens=begun.opens + 1)
        for i, (step, place, there) in self._from(0, begun):
            yield step, (1, i, place, False), there

    def _from(self, first: int, way: Way) -> Iterator[tuple[int, Found]]:
        """Events that may come next when the links before that one are done."""
        for i in range(first, len(self.links)):
            link, part = self.links[i], self.parts[i]
            if part is None:
                way = replace(way, crossed=(*way.crossed, self.negations[i]))
                continue
            # The first part of a group is entered as the group is.
            for found in part.enter(way.by(link) if i else way):
                yield i, found
            if not part.optional:
                return

    def inside(self, place: Place, depth: int) -> Iterator[Found]:
        passes, at, inner, closed = place
        if closed:
            return
        part, loop, deep = self._part(at), self.loop, depth + (self.bound is not None)
        found: list[Found] = [(step, (passes, at, after, False), way) for step, after, way in part.inside(inner, deep)]
        if part.is_done(inner):
            for i, (step, after, way) in self._from(at + 1, Way(keep=deep)):
                found.append((step, (passes, i, after, False), way))
        if self._pass_is_done(place) and (loop.max is None or passes < loop.max):
            again = _again(loop, lazy=passes >= self.min, keep=depth, opens=int(self.bound is not None))
            for i, (step, after, way) in self._from(0, again):
                found.append((step, (_counted(loop, passes + 1), i, after, False), way))
        yield from found

    def _part(self, at: int) -> PartWalk:
        part = self.parts[at]
        if part is None:
            raise AssertionError("no run stands at a negation")
        return part

    def _pass_is_done(self, place: Place) -> bool:
        _, at, inner, _ = place
        return at + 1 >= self.tail and self._part(at).is_done(inner)

    def is_done(self, place: Place) -> bool:
        return bool(place[0] >= self.min) and self._pass_is_done(place)

    def _strike(self, i: int, link: Link) -> Strike:
        if not isinstance(link.part, Take):
            raise AssertionError("a negation is of one step")
        return Strike(self.negations[i], link.part.step, link.arrow == "=>", link.min_us or 0, link.max_us)

    def untils(self, place: Place) -> Iterator[tuple[int, Place | None]]:
        passes, at, inner, closed = place
        if closed:
            return
        for step, after in self._part(at).untils(inner):
            yield step, None if after is None else (passes, at, after, False)
        if self.loop.until is not None:
            yield self.loop.until, (passes, at, inner, True) if self.is_done(place) else None

    def bounds(self, place: Place) -> tuple[Bound, ...]:
        here = () if self.bound is None else (self.bound,)
        return here + self._part(place[1]).bounds(place[2])

    def ending(self) -> list[Strike]:
        """Negations behind the last part."""
        last = max(i for i, part in enumerate(self.parts) if part is not None)
        return [self._strike(i, self.links[i]) for i in range(last + 1, len(self.links))]

    def strikes(self) -> Iterator[Strike]:
        """All negations in it."""
        for i, part in enumerate(self.parts):
            if part is None:
                yield self._strike(i, self.links[i])
            else:
                yield from part.strikes()


def walk_of(chain: Chain) -> ChainPart:
    """The tree of a whole pattern."""
    return _chain(chain, [0])


def _chain(chain: Chain, counter: list[int]) -> ChainPart:
    parts: list[PartWalk | None] = []
    negations: dict[int, int] = {}
    for i, link in enumerate(chain.links):
        if link.negated:
            negations[i] = counter[0]
            counter[0] += 1
            parts.append(None)
        else:
            parts.append(_part(link.part, counter))
    return ChainPart(chain, tuple(parts), negations)


def _part(part: Part, counter: list[int]) -> PartWalk:
    match part:
        case Take():
            return OnePart(part)
        case Chain():
            return _chain(part, counter)
        case Either(options=options):
            return EitherPart(tuple(_part(option, counter) for option in options))
        case AnyOrder():
            return AnyPart(part)
        case _:
            assert_never(part)


def _again(loop: Loop, *, lazy: bool, keep: int, opens: int = 0) -> Way:
    """To one more pass. `lazy`: it has its minimum."""
    return Way(loop.inner == "=>", loop.inner == "->>", gap_us=loop.gap_us, lazy=loop.lazy and lazy, keep=keep, opens=opens)


def _counted(loop: Loop, taken: int) -> int:
    """How many were taken, as far as it makes a difference."""
    return min(taken, max(loop.min, 1)) if loop.max is None else taken


def shorter(a: int | None, b: int | None) -> int | None:
    return b if a is None else a if b is None else min(a, b)
