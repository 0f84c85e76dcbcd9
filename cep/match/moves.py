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
    crossed: tuple[int, ...]
    barred: tuple[int, ...]
    keep: int
    opens: int
    spot: Spot | None = field(default=None, repr=False)


@dataclass(slots=True, eq=False)
class Spot:
    """Where a run stands and all it may do there.

    eager      the moves that are offered the event
    lazy       those that lengthen a lazy loop that has its minimum: only where `=>` would kill the run
    interest   mask of the steps that concern the run: others it lets pass
    strikes    what kills it; `struck_by` their mask
    untils     (step, spot in which the loop is closed, None: the run dies); `closed_by` their mask
    complete   a match, but for `when`
    waits      complete, and trailing `!x` await their deadlines; `next_ends`: the very next own event decides
    bounds     of the passes that it is in
    bounded    a move has a bound beyond that of the whole match
    missed     the spot after an own event that was not taken: this one, another, or None when nothing is left to come
    """

    place: Place
    passed: bool
    eager: tuple[Move, ...]
    lazy: tuple[Move, ...]
    strikes: tuple[Strike, ...]
    complete: bool
    waits: bool
    next_ends: bool
    bounds: tuple[Bound, ...]
    struck_by: int = 0
    interest: int = 0
    closed_by: int = 0
    bounded: bool = False
    untils: tuple[tuple[int, Place | None], ...] = ()
    missed: Spot | None = field(default=None, repr=False)

    @property
    def alive(self) -> bool:
        """Whether anything may still become of a run here."""
        return bool(self.eager) or self.waits or self.next_ends


class SpotBook:
    """The spots of one pattern, by place."""

    def __init__(self, body: PatternBody) -> None:
        self.walk = walk_of(body.pattern)
        self._strikes = {strike.number: strike for strike in self.walk.strikes()}
        self.ending = tuple(self.walk.ending())
        self.ends_next = any(strike.strict for strike in self.ending)
        self.waits = bool(self.ending) and not self.ends_next
        self._spots: dict[tuple[Place, bool], Spot] = {}
        self.starts = _by_step(self._move(found) for found in self.walk.enter(Way()))
        self.starting = mask_of(move.step for move in self.starts)

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
        ways = list(self.walk.inside(place, 0))
        found = [one for one in ways if not (passed and one[2].strict)]
        complete = self.walk.is_done(place)
        ahead = {number for _, _, way in ways for number in way.crossed}
        if complete:
            ahead.update(strike.number for strike in self.ending)
        strikes = tuple(self._strikes[number] for number in sorted(ahead) if not (passed and self._strikes[number].strict))
        untils = tuple(self.walk.untils(place))
        spot = Spot(
            place=place,
            passed=passed,
            eager=_by_step(self._move(one) for one in found if not one[2].lazy),
            lazy=_by_step(self._move(one) for one in found if one[2].lazy),
            strikes=strikes,
            complete=complete,
            waits=complete and self.waits,
            next_ends=complete and self.ends_next and not passed,
            bounds=self.walk.bounds(place),
            struck_by=mask_of(strike.step for strike in strikes),
            closed_by=mask_of(step for step, _ in untils),
            untils=untils,
        )
        moves = spot.eager + spot.lazy
        spot.interest = spot.struck_by | spot.closed_by | mask_of(move.step for move in moves)
        spot.bounded = any(move.timed for move in moves)
        return spot

    def _missed(self, spot: Spot) -> Spot | None:
        if spot.passed:
            return spot if spot.alive else None
        strict = any(strike.strict for strike in spot.strikes) or any(move.strict for move in spot.eager + spot.lazy)
        if not strict and not spot.next_ends:
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
            crossed=way.crossed,
            barred=way.barred,
            keep=way.keep,
            opens=way.opens,
        )


def _by_step(moves: Iterable[Move]) -> tuple[Move, ...]:
    """The earlier step before the later."""
    return tuple(sorted(moves, key=_step))


def _step(move: Move) -> int:
    return move.step


def mask_of(steps: Iterable[int]) -> int:
    mask = 0
    for step in steps:
        mask |= 1 << step
    return mask
