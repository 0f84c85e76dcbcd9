"""One event and one run of a pattern: what becomes of the run."""

from __future__ import annotations

from typing import Any

import msgspec

from cep.event import EventId, Key
from cep.match.deadlines import NEVER, Deadlines
from cep.match.keyed import keep_id
from cep.match.moves import FAR, Move, Spot, SpotBook
from cep.match.runs import Run
from cep.match.walk import Strike
from cep.plan.kernels import Registers, RuleKernels
from cep.plan.plan import PatternBody, PickKind


class Trial(msgspec.Struct):
    """An event that is offered to the runs of its key. `own`: its number among the own events of the key."""

    key: Key
    mask: int
    row: Any
    time_us: int
    number: int
    own: int
    one: EventId


class Stepper:
    """Steps the runs of one rule."""

    def __init__(self, body: PatternBody, kernels: RuleKernels, book: SpotBook, deadlines: Deadlines) -> None:
        self.kernels = kernels
        self.book = book
        self._deadlines = deadlines
        self._cond = kernels.cond
        self._take = kernels.take
        self._after_take = tuple(step.cond_after_take for step in body.steps)
        within = body.within
        self._span_us = FAR if within.us is None else within.us - within.exclusive
        self._own_span = FAR if within.events is None else within.events - 1
        self._holds = body.pick is PickKind.LONGEST
        self._numbers = body.timeout

    def begin(self, trial: Trial) -> list[Run]:
        """The runs that the event starts: one for each part that may come first and that it fits."""
        begun: list[Run] = []
        if self._span_us < 0:
            return begun
        for move in self.book.starts:
            if trial.mask & move.bit:
                g = self._begins(move, trial)
                if g is not None:
                    begun.append(self._begun(move, g, trial))
        return begun

    def _begins(self, move: Move, trial: Trial) -> Registers | None:
        g = self.kernels.fresh()
        if move.barred and self._is_barred(move, g, trial):
            return None
        return self._fitting(move.step, g, trial)

    def _begun(self, move: Move, g: Registers, trial: Trial) -> Run:
        time_us, number, own = trial.time_us, trial.number, trial.own
        return Run(
            spot=self.book.after(move),
            events=1,
            start_us=time_us,
            start=number,
            own=own,
            last_us=time_us,
            last=number,
            g=g,
            ids=[trial.one],
            marks=((time_us, own),) * move.opens,
            taken=(number, None) if self._numbers else None,
        )

    def is_spared(self, run: Run, trial: Trial) -> bool:
        """Whether the very next own event, which this is, is in time and none that a trailing `=> !x` forbids, nor a negation in
        front of a step that is left out."""
        if trial.time_us - run.start_us > self._span_us or trial.own - run.own > self._own_span:
            return False
        meets = all(_meets(strike, run, trial) for strike in self.book.ending)
        ahead = (*self.book.ending, *run.spot.strikes)
        return meets and not any(_meets(one, run, trial) and self._holds_true(one.step, run, trial) for one in ahead)

    def step(self, run: Run, trial: Trial) -> list[Run]:
        """The forks that took the event, in the order of ties, then the run if it let it pass; nothing when it dies of it."""
        spot, mask = run.spot, trial.mask
        if trial.time_us - run.start_us > self._span_us:
            return self._passing(run, spot)  # an `exclusive` deadline that is this very moment
        if not mask & spot.interest or trial.own - run.own > self._own_span:
            return self._passing(run, spot)
        if mask & spot.closed_by:
            closed = self._closed(run, trial)
            if closed is None:
                return []
            spot = closed
        struck: list[int] = []
        if mask & spot.struck_by and self._strikes(run, spot, trial, struck):
            return []
        takes = self._takes(run, spot, spot.eager, trial)
        if not takes and spot.lazy and self._next_would_kill(run, spot, trial):
            takes = self._takes(run, spot, spot.lazy, trial)
        if not takes:
            return [] if struck else self._passing(run, spot)
        keeps = not struck and any(move.keeps for move, _ in takes)
        if struck:
            takes = [(move, g) for move, g in takes if all(number in move.crossed for number in struck)]
        return self._advance(run, spot, takes, trial, keeps=keeps)

    def _next_would_kill(self, run: Run, spot: Spot, trial: Trial) -> bool:
        """Whether letting the event pass would leave a run in a lazy loop no way on, since `=>` closes what there is."""
        if not any(move.strict for move in spot.eager) or (spot.waits and not run.waited):
            return False
        chances = (self._deadlines.chance(run, move, trial.own + 1) for move in spot.eager if not move.strict)
        return max(chances, default=NEVER) < trial.time_us

    @staticmethod
    def _passing(run: Run, spot: Spot) -> list[Run]:
        if spot.missed is None:
            return []
        run.spot = spot.missed
        return [run]

    def _holds_true(self, step: int, run: Run, trial: Trial) -> bool:
        cond = self._cond[step]
        return bool(trial.mask >> step & 1) and (cond is None or cond(run.g, trial.key, trial.row, trial.time_us))

    def _closed(self, run: Run, trial: Trial) -> Spot | None:
        """Where the run stands once the loops are closed that the event closes; None when it dies of it."""
        spot, found = run.spot, True
        while found:
            found = False
            for step, place in spot.untils:
                if self._holds_true(step, run, trial):
                    if place is None:
                        return None
                    spot, found = self.book.at(place, passed=spot.passed), True
                    break
        return spot

    def _strikes(self, run: Run, spot: Spot, trial: Trial, struck: list[int]) -> bool:
        """Gather the negations that the event breaks; whether one of them spares no fork."""
        for strike in spot.strikes:
            if _meets(strike, run, trial) and self._holds_true(strike.step, run, trial):
                if strike.strict:
                    return True
                struck.append(strike.number)
        return False

    def _takes(self, run: Run, spot: Spot, moves: tuple[Move, ...], trial: Trial) -> list[tuple[Move, Registers | None]]:
        """The moves that take the event. Where `cond_after_take` asked for it, registers that hold the event come along; else
        they are the run's, without it."""
        mask = trial.mask
        found: list[tuple[Move, Registers | None]] = []
        for move in moves:
            if not mask & move.bit:
                continue
            if move.timed and not self._in_time(move, run, spot, trial):
                continue
            if move.barred and self._is_barred(move, run.g, trial):
                continue
            cond = self._cond[move.step]
            if cond is None:
                found.append((move, None))
            elif self._after_take[move.step]:
                g = self._fitting(move.step, self.kernels.copy(run.g), trial)
                if g is not None:
                    found.append((move, g))
            elif cond(run.g, trial.key, trial.row, trial.time_us):
                found.append((move, None))
        return found

    @staticmethod
    def _in_time(move: Move, run: Run, spot: Spot, trial: Trial) -> bool:
        if not move.min_us <= trial.time_us - run.last_us <= move.max_us:
            return False
        for bound, (begun_us, begun) in zip(spot.bounds[: move.keep], run.marks):
            if bound.us is not None and trial.time_us - begun_us > bound.us - bound.exclusive:
                return False
            if bound.events is not None and trial.own - begun >= bound.events:
                return False
        return True

    def _is_barred(self, move: Move, g: Registers, trial: Trial) -> bool:
        """Whether the event closes a loop that it would begin."""
        for step in move.barred:
            cond = self._cond[step]
            if trial.mask >> step & 1 and (cond is None or cond(g, trial.key, trial.row, trial.time_us)):
                return True
        return False

    def _fitting(self, step: int, g: Registers, trial: Trial) -> Registers | None:
        """The registers with the event taken; None when the condition is not true. `g` is the caller's own copy."""
        cond, take, late = self._cond[step], self._take[step], self._after_take[step]
        if cond is not None and not late and not cond(g, trial.key, trial.row, trial.time_us):
            return None
        if take is not None:
            take(g, trial.row, trial.time_us)
        if cond is not None and late and not cond(g, trial.key, trial.row, trial.time_us):
            return None
        return g

    def _advance(
        self, run: Run, spot: Spot, takes: list[tuple[Move, Registers | None]], trial: Trial, *, keeps: bool
    ) -> list[Run]:
        """Take the event. The run itself goes on as the last fork where nobody else needs it as it was."""
        after: list[Run] = []
        spent = not keeps and not run.matched
        for n, (move, g) in enumerate(takes):
            last = spent and n == len(takes) - 1
            if g is None:
                g = run.g if last else self.kernels.copy(run.g)
                take = self._take[move.step]
                if take is not None:
                    take(g, trial.row, trial.time_us)
            after.append(self._taken(run, run if last else _copy(run), move, g, trial))
        if keeps:
            after += self._passing(run, spot)
        return after

    def _taken(self, run: Run, fork: Run, move: Move, g: Registers, trial: Trial) -> Run:
        if move.keep != len(run.marks) or move.opens:
            fork.marks = run.marks[: move.keep] + ((trial.time_us, trial.own),) * move.opens
        fork.spot, fork.g = self.book.after(move), g
        fork.events += 1
        fork.last_us, fork.last = trial.time_us, trial.number
        fork.waited = False
        keep_id(fork.ids, trial.one)
        if self._numbers:
            fork.taken = (trial.number, run.taken)
        if self._holds:
            fork.held, fork.matched = run.match, False
        return fork


def _meets(strike: Strike, run: Run, trial: Trial) -> bool:
    """Whether the event comes when the negation holds."""
    delay_us = trial.time_us - run.last_us
    return strike.min_us <= delay_us and (strike.max_us is None or delay_us <= strike.max_us)


def _copy(run: Run) -> Run:
    fork: Run = msgspec.structs.replace(run)
    fork.ids = run.ids[:]
    return fork
