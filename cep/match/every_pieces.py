"""The parts of a pattern as they are laid for `pick all` (cep.match.every_build), and the guards of their edges."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import takewhile

from cep.match.every_graph import Guard, Inside, Literal
from cep.plan.plan import ONCE, AnyOrder, Chain, Either, Link, Loop, Part, Take

MAYBE = Loop(0, 1)


@dataclass(frozen=True, slots=True)
class Piece:
    """A link of the pattern as it is laid: `low` to `high` times, or (optional) not at all."""

    part: Part
    arrow: str
    negated: bool = False
    min_us: int | None = None
    max_us: int | None = None
    low: int = 1
    high: int | None = 1
    optional: bool = False
    greedy: bool = False
    loop: Loop = ONCE


@dataclass(frozen=True, slots=True)
class Scope:
    """Where in the pattern we are.

    pieces, at   the chain and the index in it             behind   what follows the chain
    group        the group whose chain it is; None: the whole pattern
    first        its first pass is being laid              untils   what must not come inside
    inside, opens, min_us, max_us    bounds of places within it, and of the one that begins the chain
    strict       what begins the chain lets nothing pass: the fork before it does
    """

    pieces: tuple[Piece, ...]
    at: int = 0
    behind: Piece | None = None
    group: Piece | None = None
    first: bool = True
    untils: tuple[int, ...] = ()
    inside: tuple[Inside, ...] = ()
    opens: frozenset[int] = frozenset()
    min_us: int | None = None
    max_us: int | None = None
    strict: bool = False

    @property
    def piece(self) -> Piece:
        return self.pieces[self.at]

    @property
    def following(self) -> Piece | None:
        return self.pieces[self.at + 1] if self.at + 1 < len(self.pieces) else self.behind

    @property
    def heads(self) -> bool:
        """Whether the piece begins a group."""
        return self.group is not None and self.at == 0


def fits(step: int) -> Guard:
    return ((Literal(step, True, True),),)


def fits_now(step: int) -> Guard:
    return ((Literal(step, True),),)


def misses(*steps: int, entering: bool = False) -> Guard:
    return tuple((Literal(step, False, entering),) for step in steps)


def against(guard: Guard, gap_us: int | None = None) -> Guard:
    """The opposite of a conjunction of single literals: one clause. Judged of whatever comes, not of what is entered: what could
    be entered is so for `gap_us`."""
    literals = [literal for clause in guard for literal in clause]
    return (
        tuple(Literal(one.step, not one.wanted, False, one.min_us, gap_us if one.entering else one.max_us) for one in literals),
    )


def struck_by(piece: Piece) -> Guard:
    """The event is what the negation forbids."""
    return ((Literal(step_of(piece), True, False, piece.min_us, piece.max_us),),)


def pieces_of(chain: Chain) -> tuple[Piece, ...]:
    return tuple(map(piece_of, chain.links))


def piece_of(link: Link) -> Piece:
    part, optional = link.part, False
    if isinstance(part, Chain) and part.bound is None and part.loop == MAYBE and len(part.links) == 1:
        part, optional = part.links[0].part, True  # `(x{2,})?`: not at all, or at least twice
    loop = part.loop if isinstance(part, Take | Chain) else ONCE
    if isinstance(part, Chain) and loop.max is None and can_be_empty(replace(part, loop=ONCE)):
        part = replace(_something(part), loop=loop)
    low = max(loop.min, 1)
    high = None if loop.max is None else max(loop.max, 1)
    greedy = isinstance(part, Take) and not loop.lazy and loop.inner != "->>" and high != low
    optional = optional or loop.min == 0 or (isinstance(part, Either) and any(map(can_be_empty, part.options)))
    return Piece(part, link.arrow, link.negated, link.min_us, link.max_us, low, high, optional, greedy, loop)


def _something(part: Part) -> Chain:
    """A part that may be empty, as one that is not: `a? -> b?` begins with an a, or without one with a b. A loop around nothing
    would lead to the same by many ways, and Flink does not come to an end with it."""
    match part:
        case Chain(links=links):
            options = [
                Chain((Link(_once_at_least(link.part)), *links[at + 1 :])) for at, link in enumerate(links) if not link.negated
            ]
            return Chain((Link(Either(tuple(options))),))
        case _:
            return Chain((Link(_once_at_least(part)),))


def _once_at_least(part: Part) -> Part:
    match part:
        case Take(loop=loop):
            return replace(part, loop=replace(loop, min=max(1, loop.min)))
        case Chain(loop=loop) if can_be_empty(part):
            inner = _something(replace(part, loop=ONCE)) if can_be_empty(replace(part, loop=ONCE)) else part
            return replace(inner, loop=replace(loop, min=max(1, loop.min)))
        case Either(options=options):
            return Either(tuple(map(_once_at_least, options)))
        case _:
            return part


def can_be_empty(part: Part) -> bool:
    match part:
        case Take(loop=loop):
            return loop.min == 0
        case Chain(links=links, loop=loop):
            return loop.min == 0 or all(link.negated or can_be_empty(link.part) for link in links)
        case Either(options=options):
            return any(map(can_be_empty, options))
        case AnyOrder(count=count):
            return count == 0


def first_steps(part: Part) -> tuple[int, ...]:
    """Steps whose event can be the first of the part."""
    match part:
        case Take(step=step):
            return (step,)
        case Chain(links=links):
            taking = [link.part for link in links if not link.negated]
            empty = list(takewhile(can_be_empty, taking))
            return tuple(step for one in taking[: len(empty) + 1] for step in first_steps(one))
        case Either(options=options):
            return tuple(step for one in options for step in first_steps(one))
        case AnyOrder(steps=steps):
            return steps


def step_of(piece: Piece) -> int:
    if not isinstance(piece.part, Take):
        raise AssertionError("only a single step is forbidden")
    return piece.part.step
