"""What a run may do at each place of a pattern, worked out when a run first stands there and kept. No state lives here.

A run stands at a place (`cep.match.walk`), and it may have let an own event of its key pass since the last one it took, which
closes whatever is entered by `=>`. Each combination that occurs becomes one `Spot`, and stepping a run is following its moves.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from cep.match.walk import Found, Place, Strike, Way, shorter, walk_of
from cep.plan.plan import Bound, PatternBody

FAR = 1 << 62  # later than any time


@dataclass(slots=True, eq=False)
class Move:
    """An event that fits the step may be taken: the run goes on to `place`.

    bit             of the step in the selector's mask
    min_us, max_us  the time since the last event taken, both ends in; `timed` when there is any bound on it
    keeps           a fork that did not take the event stays too
    crossed         negations that lie before the event
    barred          steps whose events this is not, as they would close the loop it begins
    keep, opens     of the times at which passes began, how many stay and how many are new
    spot            where `place` is, once a run has gone there
    """

    step: int
    bit: int
    place: Place
    min_us: int
    max_us: int
    timed: bool
    keeps: bool
    strict: bool
    by_gap: bool
    crossed: tuple[int, ...]
    barred: tuple[int, ...]
    keep: int
    opens: int
    spot: Spot | None = field(default=None, repr=False)


@dataclass(slots=True, eq=False)
class Spot:
    """Where a run stands and all it may do there.

    offers     moves by whom they go to: to the next only where none of the earlier ones takes the event (lazy loops)
    interest   mask of the steps that concern the run: others it lets pass
    strikes    what kills it; `struck_by` their mask
    untils     (step, spot in which the loop is closed, None: the run dies); `closed_by` their mask
    complete   a match, but for `when`
    waits      complete, and trailing `!x` await their deadlines; `next_ends`: the very next own event decides
    bounds     of the passes that it is in
    limited    every move has a bound in time beyond that of the whole match; `by_gap`: that of a loop
    missed     the spot after an own event that was not taken: this one, another, or None when nothing is left to come
    """

    place: Place
    passed: bool
    offers: tuple[tuple[Move, ...], ...]
    strikes: tuple[Strike, ...]
    complete: bool
    waits: bool
    next_ends: bool
    bounds: tuple[Bound, ...]
    struck_by: int = 0
    interest: int = 0
    closed_by: int = 0
    limited: bool = False
    by_gap: bool = False
    untils: tuple[tuple[int, Place | None], ...] = ()
    missed: Spot | None = field(default=None, repr=False)

    @property
    def moves(self) -> Iterable[Move]:
        return (move for offer in self.offers for move in offer)

    @property
    def alive(self) -> bool:
        """Whether anything may still become of a run here."""
        return bool(self.offers) or self.waits or self.next_ends


class SpotBook:
    """The spots of one pattern, by place."""

    def __init__(self, body: PatternBody) -> None:
        self.walk = walk_of(body.pattern)
        self.ending = tuple(self.walk.ending())
        self.leading = tuple(self.walk.leading())
        self.ends_next = any(strike.strict for strike in self.ending)
        self.waits = bool(self.ending) and not self.ends_next
        self._spots: dict[tuple[Place, bool], Spot] = {}
        first = list(self.walk.enter(Way()))
        self.starts = _offers([self._move(found) for found in first], lazy=_lazy(first), starting=True)
        self.starting = mask_of(move.step for offer in self.starts for move in offer)

    def at(self, place: Place, *, passed: bool = False) -> Spot:
        spot = self._spots.get((place, passed))
        if spot is None:
            spot = self._spots[place, passed] = self._build(place, passed)
            spot.missed = self._missed(spot)
        return spot

    def after(self, move: Move) -> Spot:
        """Where the move leads."""
        if move.spot is None:
            move.spot = self.at(move.place)
        return move.spot

    def _build(self, place: Place, passed: bool) -> Spot:
        found = [one for one in self.walk.inside(place, 0) if not (passed and one[2].strict)]
        complete = self.walk.is_done(place)
        offers = _offers([self._move(one) for one in found], lazy=_lazy(found), complete=complete)
        strikes = tuple(strike for strike in self.walk.strikes(place) if not (passed and strike.strict))
        untils = tuple(self.walk.untils(place))
        spot = Spot(
            place=place,
            passed=passed,
            offers=offers,
            strikes=strikes,
            complete=complete,
            waits=complete and self.waits,
            next_ends=complete and self.ends_next and not passed,
            bounds=self.walk.bounds(place),
            struck_by=mask_of(strike.step for strike in strikes),
            closed_by=mask_of(step for step, _ in untils),
            untils=untils,
        )
        spot.interest = spot.struck_by | spot.closed_by | mask_of(move.step for move in spot.moves)
        spot.limited = all(self._limited(move, spot) for move in spot.moves)
        spot.by_gap = bool(offers) and all(move.by_gap for move in spot.moves)
        return spot

    @staticmethod
    def _limited(move: Move, spot: Spot) -> bool:
        return move.max_us < FAR or any(bound.us is not None for bound in spot.bounds[: move.keep])

    def _missed(self, spot: Spot) -> Spot | None:
        if spot.passed:
            return spot if spot.alive else None
        closes = spot.next_ends or any(strike.strict for strike in spot.strikes) or any(move.strict for move in spot.moves)
        if not closes:
            return spot if spot.alive else None
        return self.at(spot.place, passed=True).missed

    def _move(self, found: Found) -> Move:
        step, place, way = found
        longest = shorter(way.max_us, way.gap_us)
        return Move(
            step=step,
            bit=1 << step,
            place=place,
            min_us=way.min_us,
            max_us=FAR if longest is None else longest,
            timed=bool(way.min_us or longest is not None or way.keep),
            keeps=way.keeps,
            strict=way.strict,
            by_gap=way.gap_us is not None,
            crossed=way.crossed,
            barred=way.barred,
            keep=way.keep,
            opens=way.opens,
        )


def _lazy(found: Iterable[Found]) -> list[int]:
    return [way.lazy for _, _, way in found]


def _offers(
    moves: list[Move], *, lazy: list[int], complete: bool = False, starting: bool = False
) -> tuple[tuple[Move, ...], ...]:
    """The moves by how many lazy loops they stay in, the steps of each in order. A lazy loop takes an event itself only where
    letting it pass would leave the run nothing to leave the loop by: no end of the pattern, and no step but by `=>`; a run is
    begun by it if it is not by what comes behind."""
    offers: list[tuple[Move, ...]] = []
    for level in sorted(set(lazy)):
        if level > 0 and complete:
            break
        here = [move for move, loops in zip(moves, lazy) if loops == level]
        offers.append(tuple(sorted(here, key=_step)))
        if not starting and any(not move.strict for move in here):
            break
    return tuple(offers)


def _step(move: Move) -> int:
    return move.step


def mask_of(steps: Iterable[int]) -> int:
    mask = 0
    for step in steps:
        mask |= 1 << step
    return mask
