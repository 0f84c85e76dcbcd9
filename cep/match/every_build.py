"""From the pattern tree to the places of `pick all`. Done once, when a rule is loaded.

The meaning of the words is Flink CEP's (its documentation, "Pattern API"; what it leaves open was found by asking Flink 2.3,
docs/flink.md): which events a repetition lets pass, how long a negation holds, what a greedy loop leaves to the next part.
The pattern is laid from its end to its beginning, each part given the place to go on at.

    a+? -> b     [a] -TAKE-> [a again] -PROCEED-> [b] -TAKE-> end
                             TAKE, or PASS to [a later], which has no PROCEED: one way to b is enough
"""

from __future__ import annotations

from dataclasses import replace

from cep.match.every_graph import Edge, Guard, Inside, Kind, Place
from cep.match.every_pieces import (
    Piece,
    Scope,
    against,
    first_steps,
    fits,
    fits_now,
    misses,
    piece_of,
    pieces_of,
    step_of,
    struck_by,
)
from cep.plan.plan import AnyOrder, Chain, Either, Link, Take


class Layer:
    """Lays the places of one pattern. `timed`: it has a deadline, so that a negation may stand at its end."""

    def __init__(self, pattern: Chain, *, timed: bool) -> None:
        self.places: list[Place] = []
        self.slots = 0  # groups with a bound
        self._timed = timed
        self._end = self._place(ends=True)
        self.start = self._chain(Scope(pieces_of(pattern)), self._end)

    def _place(self, *, ends: bool = False, waits: bool = False) -> Place:
        place = Place(len(self.places), ends=ends, waits=waits)
        self.places.append(place)
        return place

    def _place_of(self, step: int, scope: Scope, *, again: bool) -> Place:
        """A place that takes the step. `again`: as a repetition, not as the beginning of the piece."""
        place = self._place()
        place.step, place.enters, place.inside = step, True, scope.inside
        if again:
            place.max_us = scope.piece.loop.gap_us
        elif scope.heads:
            place.opens, place.min_us, place.max_us = scope.opens, scope.min_us, scope.max_us
        else:
            place.min_us, place.max_us = scope.piece.min_us, scope.piece.max_us
        return place

    def _copy(self, place: Place) -> Place:
        twin = place.copy(len(self.places))
        self.places.append(twin)
        return twin

    # -- chains

    def _chain(self, scope: Scope, sink: Place) -> Place:
        """The place at which the chain begins; after it, a partial match goes on at `sink`."""
        for at in reversed(range(len(scope.pieces))):
            here = replace(scope, at=at, strict=scope.strict and at == 0)
            sink = self._forbid(here, sink) if here.piece.negated else self._lay(here, sink)
        return sink

    def _forbid(self, scope: Scope, sink: Place) -> Place:
        """`=> !x` looks at the next event only. `-> !x` becomes part of the places around it, but at the end it waits."""
        piece = scope.piece
        struck = (*struck_by(piece), *misses(*scope.untils))
        if piece.arrow == "=>":
            place = self._place()
            free = tuple(clause for before in self._nots(scope) for clause in against(struck_by(before)))
            place.edges.append(Edge(Kind.PASS if sink.ends else Kind.PROCEED, sink, (*against(struck), *free)))
        elif sink.ends and (self._timed or piece.max_us is not None):
            place = self._place(waits=True)
            place.max_us = piece.max_us
            place.edges.append(Edge(Kind.PASS, place, against(struck)))
        else:
            return sink
        place.edges.append(Edge(Kind.STRIKE, place, struck, step_of(piece)))
        self._strike(place, scope)
        return place

    def _lay(self, scope: Scope, sink: Place) -> Place:
        piece = scope.piece
        if piece.high is None:
            behind = self._without_strikes(scope, sink)
            escape = self._copy(behind) if piece.greedy and piece.loop.until is not None else None
            again = self._looping(scope, behind, escape)
            place = self._times(scope, again, sink, piece.low, piece.low, escape)
        elif piece.high > 1:
            place = self._times(scope, sink, sink, piece.low, piece.high, None)
        else:
            place = self._once(scope, sink, sink, self._take(scope), self._pass(scope), piece.optional, None, again=False)
        self._strike(place, scope)
        return place

    # -- guards

    def _take(self, scope: Scope, *, untils: tuple[int, ...] = ()) -> Guard:
        return () if not isinstance(scope.piece.part, Take) else (*misses(*untils, *scope.untils), *fits(scope.piece.part.step))

    def _pass(self, scope: Scope) -> Guard | None:
        """What the beginning of a piece lets go by; None: nothing."""
        arrow = "=>" if scope.strict else scope.piece.arrow
        if scope.heads and scope.group is not None and not scope.strict:
            arrow = scope.group.arrow if scope.first else scope.group.loop.inner
        return self._passing(scope, arrow, ())

    def _pass_again(self, scope: Scope) -> Guard | None:
        """The same between its repetitions."""
        group, until = scope.group, scope.piece.loop.until
        arrow = group.loop.inner if scope.heads and group is not None else scope.piece.loop.inner
        return self._passing(scope, arrow, () if until is None else (until,))

    def _passing(self, scope: Scope, arrow: str, untils: tuple[int, ...]) -> Guard | None:
        if arrow in ("", "=>"):
            return None
        firsts = () if arrow == "->>" else first_steps(scope.piece.part)
        return (*misses(*untils, *scope.untils), *misses(*firsts, entering=True))

    # -- one piece

    def _once(
        self,
        scope: Scope,
        sink: Place,
        past: Place | None,
        take: Guard,
        passing: Guard | None,
        optional: bool,
        escape: Place | None,
        *,
        again: bool,
    ) -> Place:
        """One pass: on to `sink`, or (optional) without an event to `past`; `escape` is past a greedy loop that was closed."""
        piece = scope.piece
        match piece.part:
            case Chain() as chain:
                return self._group(scope, chain, sink, past if optional else None, again=again)
            case Either() | AnyOrder():
                return self._fork(scope, sink, past if optional else None, passing)
            case Take(step=step):
                pass
        place = self._place_of(step, scope, again=again)
        behind = self._without_strikes(scope, sink)
        place.edges.append(Edge(Kind.TAKE, behind, take))
        if optional and past is not None:
            until = piece.loop.until
            if piece.greedy and until is not None and escape is not None:
                place.edges.append(Edge(Kind.PROCEED, escape, (*misses(*scope.untils), *fits_now(until))))
            closed = misses(until) if piece.greedy and until is not None else ()
            place.edges.append(Edge(Kind.PROCEED, past, (*misses(*scope.untils), *closed)))
        if passing is not None:
            waiting = place
            heads_optional = scope.heads and scope.first and scope.group is not None and scope.group.optional
            if optional or heads_optional:  # the way past it is taken at once or not at all
                waiting = self._place_of(step, scope, again=again)
                waiting.edges += [Edge(Kind.TAKE, behind, take), Edge(Kind.PASS, waiting, passing)]
                self._strike(waiting, scope)
            place.edges.append(Edge(Kind.PASS, waiting, passing))
        return place

    def _times(self, scope: Scope, sink: Place, past: Place, low: int, high: int, escape: Place | None) -> Place:
        """`low` passes that must be and those up to `high` that may be, before `sink`."""
        piece = scope.piece
        until = () if piece.loop.until is None else (piece.loop.until,)
        take, passing = self._take(scope, untils=until), self._pass_again(scope)
        if piece.greedy and low != high:
            _yield_to(take, sink, piece.loop.gap_us)
        for _ in range(low, high):
            sink = self._once(scope, sink, past, take, passing, True, escape, again=True)
            self._strike_loop(sink, scope)
        for _ in range(low - 1):
            sink = self._once(scope, sink, None, take, passing, False, escape, again=True)
            self._strike_loop(sink, scope)
        return self._once(scope, sink, past, take, self._pass(scope), piece.optional, escape, again=False)

    def _looping(self, scope: Scope, sink: Place, escape: Place | None) -> Place:
        """A place that takes the piece again and again, or goes on."""
        piece = scope.piece
        if isinstance(piece.part, Chain):
            return self._group_loop(scope, piece.part, sink)
        if not isinstance(piece.part, Take):
            raise AssertionError("alternatives repeat as groups")
        until = piece.loop.until
        untils = () if until is None else (until,)
        take, passing = self._take(scope, untils=untils), self._pass_again(scope)
        place = self._place_of(piece.part.step, scope, again=True)
        free = misses(*scope.untils)
        if piece.greedy:
            if until is not None and escape is not None:
                place.edges.append(Edge(Kind.PROCEED, escape, (*free, *fits_now(until))))
            place.edges.append(Edge(Kind.PROCEED, sink, (*free, *misses(*untils))))
            _yield_to(self._take(scope), sink, piece.loop.gap_us)
        else:
            place.edges.append(Edge(Kind.PROCEED, sink, free))
        place.edges.append(Edge(Kind.TAKE, place, take))
        self._strike_loop(place, scope)
        if passing is not None:
            later = self._place_of(piece.part.step, scope, again=True)
            later.edges += [Edge(Kind.TAKE, place, take), Edge(Kind.PASS, later, passing)]
            place.edges.append(Edge(Kind.PASS, later, passing))
            self._strike_loop(later, scope)
        return place

    # -- groups

    def _inner(self, scope: Scope, chain: Chain, *, again: bool) -> Scope:
        """The scope of a pass of the group."""
        piece = scope.piece
        inside, opens = scope.inside, frozenset[int]()
        if chain.bound is not None:
            inside = (*inside, Inside(self.slots, chain.bound.us, chain.bound.exclusive, chain.bound.events))
            opens = frozenset((self.slots,))
            self.slots += 1
        bounds = (piece.min_us, piece.max_us)
        if again:
            bounds = (None, piece.loop.gap_us)
        elif scope.heads:
            opens, bounds = opens | scope.opens, (scope.min_us, scope.max_us)
        until = piece.loop.until
        untils = scope.untils if until is None else (*scope.untils, until)
        group = replace(piece, arrow=scope.group.arrow) if scope.heads and scope.group is not None else piece
        strict = scope.strict and not again
        return Scope(pieces_of(chain), 0, scope.following, group, not again, untils, inside, opens, *bounds, strict)

    def _group(self, scope: Scope, chain: Chain, sink: Place, past: Place | None, *, again: bool) -> Place:
        place = self._chain(self._inner(scope, chain, again=again), sink)
        if past is not None:
            place.edges.append(Edge(Kind.PROCEED, past, misses(*scope.untils)))
        return place

    def _group_loop(self, scope: Scope, chain: Chain, sink: Place) -> Place:
        rejoin = self._place()
        place = self._chain(self._inner(scope, chain, again=True), rejoin)
        place.edges.append(Edge(Kind.PROCEED, sink, misses(*scope.untils)))
        rejoin.edges.append(Edge(Kind.PROCEED, place, misses(*scope.untils)))
        return place

    # -- alternatives

    def _fork(self, scope: Scope, sink: Place, past: Place | None, passing: Guard | None) -> Place:
        """A place from which every alternative begins; what fits none of them may pass."""
        place = self._place()
        begun = self._options(scope, sink)
        place.edges += [Edge(Kind.PROCEED, option) for option in begun]
        if past is not None:
            place.edges.append(Edge(Kind.PROCEED, past, misses(*scope.untils)))
        if passing is not None:
            waiting = self._place() if past is not None else place
            if waiting is not place:
                waiting.edges += [Edge(Kind.PROCEED, option) for option in begun]
                waiting.edges.append(Edge(Kind.PASS, waiting, passing))
                self._strike(waiting, scope)
            place.edges.append(Edge(Kind.PASS, waiting, passing))
        for one in {place, waiting} if passing is not None else {place}:
            # Bounds on time are judged where its PASS is; those of the alternatives are their own, and the same.
            one.enters, one.inside = True, scope.inside
            piece = scope.piece
            one.min_us, one.max_us = (scope.min_us, scope.max_us) if scope.heads else (piece.min_us, piece.max_us)
            one.opens = scope.opens if scope.heads else frozenset()
        return place

    def _options(self, scope: Scope, sink: Place) -> list[Place]:
        part = scope.piece.part
        if isinstance(part, AnyOrder):
            return [self._any_order(scope, part, frozenset(), sink, {})]
        if not isinstance(part, Either):
            raise AssertionError("only these have options")
        begun = []
        for option in part.options:
            piece = piece_of(Link(option, "=>", False, scope.piece.min_us, scope.piece.max_us))
            pieces = (*scope.pieces[: scope.at], replace(piece, optional=False), *scope.pieces[scope.at + 1 :])
            begun.append(self._lay(replace(scope, pieces=pieces, strict=True), sink))
        return begun

    def _any_order(
        self, scope: Scope, part: AnyOrder, taken: frozenset[int], sink: Place, known: dict[frozenset[int], Place]
    ) -> Place:
        """The place at which these have been taken."""
        if len(taken) == part.count:
            return sink
        if taken in known:
            return known[taken]
        left = [step for step in part.steps if step not in taken]
        place = known[taken] = self._place()
        place.inside = scope.inside
        for step in left:
            one = self._place_of(step, scope, again=bool(taken))
            behind = self._any_order(scope, part, taken | {step}, sink, known)
            one.edges.append(Edge(Kind.TAKE, behind, (*misses(*scope.untils), *fits(step))))
            place.edges.append(Edge(Kind.PROCEED, one))
        if taken:
            place.edges.append(Edge(Kind.PASS, place, (*misses(*scope.untils), *misses(*left, entering=True))))
        return place

    # -- negations

    def _nots(self, scope: Scope) -> list[Piece]:
        """What is forbidden before this piece: directly, or across optional pieces. (Flink forgets one that stands before
        another negation at the end, or before a `=> !x`.)"""
        found = []
        for before in reversed(scope.pieces[: scope.at]):
            if before.negated and before.arrow != "=>":
                found.append(before)
            elif not before.negated and not before.optional:
                break
        return found

    def _strike(self, place: Place, scope: Scope) -> None:
        for forbidden in self._nots(scope):
            self._strike_by(forbidden, place, scope)

    def _strike_loop(self, place: Place, scope: Scope) -> None:
        """A loop is struck by what must not come after it."""
        following = scope.following
        if following is not None and following.negated and following.arrow != "=>":
            self._strike_by(following, place, scope)

    def _strike_by(self, forbidden: Piece, place: Place, scope: Scope) -> None:
        guard = (*struck_by(forbidden), *misses(*scope.untils))
        place.edges.append(Edge(Kind.STRIKE, place, guard, step_of(forbidden)))

    def _without_strikes(self, scope: Scope, sink: Place) -> Place:
        """Once an optional piece was taken, what was forbidden before it is so no more: the places behind, without that."""
        nots = frozenset(map(step_of, self._nots(scope)))
        return self._stripped(sink, nots, {}) if nots and scope.piece.optional else sink

    def _stripped(self, place: Place, nots: frozenset[int], known: dict[int, Place]) -> Place:
        if place.number in known or place.ends:
            return known.get(place.number, place)
        twin = known[place.number] = self._copy(place)
        twin.edges = [edge for edge in twin.edges if edge.kind is not Kind.STRIKE or edge.step not in nots]
        for edge in twin.edges:
            if edge.kind is Kind.PROCEED:
                edge.target = self._stripped(edge.target, nots, known)
        return twin


def _yield_to(take: Guard, sink: Place, gap_us: int | None) -> None:
    """A greedy loop gives nothing back: behind it, what the loop would take is neither taken nor let pass."""
    for edge in sink.edges:
        edge.guard = (*edge.guard, *against(take, gap_us))
