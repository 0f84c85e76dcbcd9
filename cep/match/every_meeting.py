"""A partial match meets an event: which bits the event has for it, and what becomes of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cep.event import EventId, Key
from cep.match.every_graph import Inside, Moves, Place, Test
from cep.match.every_moves import Tests, moves_of
from cep.match.every_run import FAR, Mark, Partial
from cep.plan.kernels import Registers, RuleKernels
from cep.plan.plan import PatternBody


class Meeting:
    """One event of a key. What is made of it is made once for all partial matches.

    own   its number among the key's own events      may_start  no leading negation forbids that it begins one
    """

    __slots__ = ("id", "kept", "key", "mask", "may_start", "number", "own", "row", "time_us")

    def __init__(self, key: Key, mask: int, row: Any, time_us: int, number: int, one: EventId, own: int, may_start: bool) -> None:
        self.key = key
        self.mask = mask
        self.row = row
        self.time_us = time_us
        self.number = number
        self.id = one
        self.own = own
        self.may_start = may_start
        self.kept: dict[int, tuple[Any, ...]] = {}


class Offerer:
    """Offers events to partial matches."""

    def __init__(self, body: PatternBody, kernels: RuleKernels, tests: Tests) -> None:
        self._kernels = kernels
        self._tests = tests
        self._conds: tuple[Callable[[Registers, Key, Any, int], bool] | None, ...] = kernels.cond
        self._after_take = tuple(step.cond_after_take for step in body.steps)

    def offer(self, run: Partial, event: Meeting, grown: list[Partial], complete: list[Partial]) -> None:
        """Append what becomes of it: to `grown` what goes on, to `complete` what is a match (unless `when` forbids).

        cost  one look-up where no condition of its place needs the run
        """
        place = run.place
        bits = event.mask & place.interest
        grasped: dict[int, Registers] = {}
        if place.judged and bits:
            bits = self._judge(run, event, bits, grasped)
        if place.bounded and bits:
            bits |= bounded(run, event, bits)
        moves = place.table.get(bits)
        if moves is None:
            moves = self._resolve(place, bits, starts=run.start == FAR)
        if moves.idle or (run.start == FAR and not event.may_start):
            grown.append(run)
            return
        before = len(grown)
        for act in moves.acts:
            if act.step < 0:
                after = Partial(act.target, run.entry, run.count, run.start_us, run.start, run.last_us, run.own, run.g, run.marks)
            else:
                after = self._taken(run, event, act.step, act.target, act.opens, grasped)
            if after.place.ends:
                complete.append(after)
            else:
                grown.append(after)
                if act.completes:
                    complete.append(after)
        if run.start == FAR:
            grown.append(run)  # new ones begin from it for ever
        if moves.strikes:
            del grown[before:]

    def _resolve(self, place: Place, bits: int, *, starts: bool) -> Moves:
        moves = place.table[bits] = moves_of(place, bits, self._tests, starts=starts)
        return moves

    def _judge(self, run: Partial, event: Meeting, bits: int, grasped: dict[int, Registers]) -> int:
        """The bits without those of steps whose condition on the run is not true. `grasped`: registers that hold the event
        already, of steps that look at themselves."""
        g = run.g
        for step in run.place.judged:
            cond = self._conds[step]
            if not bits >> step & 1 or cond is None or g is None:
                continue
            seen = g
            if self._after_take[step]:
                seen = grasped[step] = self._with(g, event, step)
            if not cond(seen, event.key, event.row, event.time_us):
                bits &= ~(1 << step)
        return bits

    def _with(self, g: Registers, event: Meeting, step: int) -> Registers:
        """A copy of the registers with the event taken."""
        after = self._kernels.copy(g)
        take = self._kernels.take[step]
        if take is not None:
            take(after, event.row, event.time_us)
        return after

    def _taken(
        self,
        run: Partial,
        event: Meeting,
        step: int,
        target: Place,
        opens: tuple[int, ...],
        grasped: dict[int, Registers],
    ) -> Partial:
        kept = event.kept.get(step)
        if kept is None:
            kept = event.kept[step] = self._kernels.keep[step](event.row, event.time_us)
        entry = (run.entry, step, event.number, event.time_us, event.id, kept)
        g = run.g
        if g is not None:
            # Of two forks that take it as the same step, neither changes its registers in place: they may share them.
            g = grasped[step] if step in grasped else self._with(g, event, step)
        marks = run.marks
        if opens:
            here = (event.time_us, event.own)
            marks = tuple(here if slot in opens else mark for slot, mark in enumerate(marks))
        if run.start == FAR:
            return Partial(target, entry, 1, event.time_us, event.number, event.time_us, event.own, g, marks)
        return Partial(target, entry, run.count + 1, run.start_us, run.start, event.time_us, run.own, g, marks)


def bounded(run: Partial, event: Meeting, bits: int) -> int:
    """Bits of the tests that look at how long ago something was."""
    found = 0
    for bit, test in run.place.bounded:
        if bits >> test.step & 1 and _in_time(run, event, test) and _in_bounds(run.marks, event, test.inside):
            found |= bit
    return found


def _in_time(run: Partial, event: Meeting, test: Test) -> bool:
    """Whether the delay since the last event taken is right. What begins has none."""
    if run.start == FAR:
        return True
    since_us = event.time_us - run.last_us
    too_early = test.min_us is not None and since_us < test.min_us
    return not too_early and (test.max_us is None or since_us <= test.max_us)


def _in_bounds(marks: tuple[Mark, ...], event: Meeting, inside: tuple[Inside, ...]) -> bool:
    """Whether the present passes of bounded groups may still take events."""
    for bound in inside:
        mark = marks[bound.slot]
        if mark is None:
            continue
        length_us = event.time_us - mark[0]
        if bound.us is not None and length_us > bound.us - bound.exclusive:
            return False
        if bound.events is not None and event.own - mark[1] >= bound.events:
            return False
    return True
