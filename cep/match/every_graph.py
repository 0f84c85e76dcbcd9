"""The automaton of `pick all`: places where a partial match can stand, and what an event does to it there.

A place has edges of four kinds. PROCEED is walked without an event (to what follows an optional part, to the next part of a
loop that has its minimum); the others need one: TAKE binds it, PASS lets it go by, STRIKE ends the partial match. An edge is
open if its guard holds: a conjunction of clauses, each a disjunction of "the event fits step s" or "does not".

An event is reduced to the bits of what it fits (`Place.interest`, and bits of their own for tests with a bound). All that may
happen at a place for given bits is worked out once and kept in its table: meeting an event is one look-up.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple


class Kind(Enum):
    PROCEED = 0
    TAKE = 1
    PASS = 2
    STRIKE = 3


class Inside(NamedTuple):
    """A bound on each pass of a group: slot `slot` of a partial match holds when the present pass began."""

    slot: int
    us: int | None
    exclusive: bool
    events: int | None


class Literal(NamedTuple):
    """The event fits `step`, or (not `wanted`) does not. `entering`: as the next event taken, within the bounds of the place;
    else (a negation) within its own, also since the last event taken."""

    step: int
    wanted: bool
    entering: bool = False
    min_us: int | None = None
    max_us: int | None = None


Guard = tuple[tuple[Literal, ...], ...]


class Test(NamedTuple):
    """An event fits `step`, so long after the last event taken, and inside these bounds."""

    step: int
    min_us: int | None = None
    max_us: int | None = None
    inside: tuple[Inside, ...] = ()

    @property
    def bounded(self) -> bool:
        return self.min_us is not None or self.max_us is not None or bool(self.inside)


@dataclass(slots=True, eq=False)
class Edge:
    kind: Kind
    target: Place
    guard: Guard = ()
    step: int = -1  # of a STRIKE: the forbidden step


@dataclass(slots=True, eq=False)
class Place:
    """number    index among all places of the rule
    step      what its TAKE edges bind
    enters    a part (or a repetition of one) begins here: `min_us` and `max_us` are its bounds since the last event taken
    opens     slots of the groups of which a pass begins here
    inside    bounds of the groups it lies in
    ends      the match is complete           waits   complete unless struck before the deadline
    """

    number: int
    step: int = -1
    enters: bool = False
    min_us: int | None = None
    max_us: int | None = None
    opens: frozenset[int] = frozenset()
    inside: tuple[Inside, ...] = ()
    ends: bool = False
    waits: bool = False
    edges: list[Edge] = field(default_factory=list, repr=False)
    interest: int = 0
    judged: tuple[int, ...] = ()  # steps of interest whose condition needs the run
    bounded: tuple[tuple[int, Test], ...] = ()  # tests with bits of their own
    rests: bool = True  # an event that fits nothing changes nothing
    patience_us: int | None = None  # longest time since the last event taken after which it can still go on
    table: dict[int, Moves] = field(default_factory=dict, repr=False)

    def copy(self, number: int) -> Place:
        """The same, with edges of its own; those that led to itself lead to the copy."""
        twin = Place(number, self.step, self.enters, self.min_us, self.max_us, self.opens, self.inside, self.ends, self.waits)
        twin.edges = [Edge(e.kind, twin if e.target is self else e.target, e.guard, e.step) for e in self.edges]
        return twin


class Act(NamedTuple):
    """What becomes of the partial match: another at `target`, which has taken the event as `step` (-1: let it pass).

    completes   taking it completes a match as well, which may go on from `target`
    opens       slots of the groups of which this event begins a pass
    """

    step: int
    target: Place
    completes: bool
    opens: tuple[int, ...]


class Moves(NamedTuple):
    """idle: it stays as it is. strikes: nothing is left of it but what is complete."""

    idle: bool
    strikes: bool
    acts: tuple[Act, ...]


class Stand(NamedTuple):
    """Where a walk along PROCEED edges has come to, and what bounds hold there. `before`: places walked through."""

    place: Place
    opened: frozenset[int]
    min_us: int | None
    max_us: int | None
    before: tuple[int, ...]


def begin(place: Place) -> Stand:
    return _enter(place, frozenset(), None, None, ())


def _enter(place: Place, opened: frozenset[int], min_us: int | None, max_us: int | None, before: tuple[int, ...]) -> Stand:
    if place.enters:
        min_us, max_us = place.min_us, place.max_us
    return Stand(place, opened | place.opens, min_us, max_us, (*before, place.number))


def follow(stand: Stand, target: Place) -> Stand | None:
    """One PROCEED further; None where that would be round in a circle."""
    if target.number in stand.before:
        return None
    return _enter(target, stand.opened, stand.min_us, stand.max_us, stand.before)


def test_of(literal: Literal, stand: Stand) -> Test:
    if not literal.entering:
        return Test(literal.step, literal.min_us, literal.max_us)
    inside = tuple(bound for bound in stand.place.inside if bound.slot not in stand.opened)
    return Test(literal.step, stand.min_us, stand.max_us, inside)


def stands(place: Place) -> Iterator[Stand]:
    """All places that can be walked to from this one, itself first."""
    stack = [begin(place)]
    while stack:
        stand = stack.pop()
        yield stand
        for edge in stand.place.edges:
            further = follow(stand, edge.target) if edge.kind is Kind.PROCEED else None
            if further is not None:
                stack.append(further)
