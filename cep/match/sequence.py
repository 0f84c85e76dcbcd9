"""The run list: any pattern, every run of a key on its own (docs/language.md, Meaning 2 and 7 to 11).

The runs of a key stand in one list, by start and then as they would be preferred at a tie: where a run forks, the forks
stand in its place, the earlier node first. So the first complete run of the list with the earliest start and the most events
is the match, and a fresh start drops a leading part of the list.

    a{2,} -> b      a1      a2       x       b
    run 1           1 of a  2 of a   passes  match: a1 a2 b; run 2 is dropped, b starts none
    run 2                   1 of a   passes
"""

from __future__ import annotations

from collections import deque
from itertools import repeat
from typing import Any

import msgspec

from cep.event import TIMER, Batch, EventId, Key, Match
from cep.match.keyed import Keyed, Tried, keep_id
from cep.match.matcher import Hits
from cep.match.stances import Move, Stance, build_stances, starts
from cep.plan.kernels import Registers, RuleKernels
from cep.plan.plan import RulePlan, SequenceBody

FAR = 1 << 62  # later than any timer


class Run(msgspec.Struct, eq=False, gc=False):  # a struct is made in a quarter of the time of a class; a run holds no cycles
    """A match in progress.

    count    events taken by the node it stands at          events   by all nodes
    start, last   numbers of the first and last event among all rows the matcher was given: they order events of equal time
    g        registers                                      ids      evidence, at most MAX_EVIDENCE
    """

    stance: Stance
    count: int
    events: int
    start_us: int
    start: int
    last_us: int
    last: int
    g: Registers
    ids: list[EventId]


class SequenceMatcher(Keyed[list[Run]]):
    """Runs one sequence rule over all its keys."""

    def __init__(self, plan: RulePlan, kernels: RuleKernels) -> None:
        super().__init__(plan, kernels)
        body = plan.body
        assert isinstance(body, SequenceBody)
        self._stances = build_stances(body)
        self._starts = starts(body)
        self._starting = 0
        for move in self._starts:
            self._starting |= move.bit
        self._cond = kernels.cond
        self._take = kernels.take
        self._after_take = tuple(step.cond_after_take for step in body.steps)
        self._counts_own = body.needs_own_events
        self._has_ending = bool(body.ending)
        self._ends_next = body.ending_strict
        self._set_bounds(body)
        self._simple_start = self._stance_of_simple_start()
        self._number = 0  # rows seen
        self._due: deque[tuple[int, Key, int]] = deque()  # (time, key, number of the start), in order of both

    def _set_bounds(self, body: SequenceBody) -> None:
        """How long after its first event a run may take events, and when its timer is due."""
        within = FAR if body.within_us is None else body.within_us
        self._span_us = within - 1 if body.exclusive else within
        waits = self._has_ending and not self._ends_next
        self._due_after_us = within if waits else self._span_us
        self._timed = body.within_us is not None
        # An exclusive deadline is told at a moment at which the run takes no more events.
        self._overhangs = self._due_after_us > self._span_us

    def _stance_of_simple_start(self) -> Stance | None:
        """Where every run begins, if there is one node to begin at, no condition, and more to come; else None."""
        first = self._starts[0]
        stance = self._stances[first.node].at(1)
        certain = len(self._starts) == 1 and self._cond[first.step] is None and self._span_us >= 0
        return stance if certain and stance.alive and (self._has_ending or not stance.complete) else None

    # -- rows

    def feed(self, batch: Batch, hits: Hits, out: list[Match]) -> None:
        keys, due, times_us, rows = self.keys, self._due, batch.times_us, batch.rows
        starting, counts_own = self._starting, self._counts_own
        number, changed = self._number, self.noted.keys
        simple = self._simple_start
        next_us = due[0][0] if due else FAR
        for i, key, mask in zip(hits.rows, hits.keys, hits.masks or repeat(1)):
            number += 1
            time_us = times_us[i]
            if time_us > next_us:
                self._fire(time_us, out)
                next_us = due[0][0] if due else FAR
            runs = keys.get(key)
            if runs is not None and (counts_own or self._concerns(runs, key, mask, rows[i], time_us)):
                if changed is not None:
                    changed.add(key)
                match = self._offer(runs, key, mask, (rows[i], time_us, batch.ids[i], i), number)
                if match is not None:
                    out.append(match)
                    if not self._ends_next:
                        continue  # the event is used up and starts none
            if mask & starting:
                if simple is None:
                    match = self._start(key, mask, batch, i, number)
                    if match is not None:
                        out.append(match)
                else:
                    self.begin(simple, key, rows[i], time_us, number, batch.ids[i])
                if next_us == FAR and due:
                    next_us = due[0][0]
        self._number = number

    def begin(self, simple: Stance, key: Key, row: Any, time_us: int, number: int, one: EventId) -> None:
        """Start a run where nothing decides whether it starts."""
        g = self.kernels.fresh()
        take = self._take[self._starts[0].step]
        if take is not None:
            take(g, row, time_us)
        run = Run(simple, 1, 1, time_us, number, time_us, number, g, [one])
        if key in self.keys:
            self.keys[key].append(run)
        else:
            self.keys[key] = [run]
        if self._timed:
            self._due.append((time_us + self._due_after_us, key, number))
        if self.noted.keys is not None:
            self.noted.keys.add(key)

    def _concerns(self, runs: list[Run], key: Key, mask: int, row: Any, time_us: int) -> bool:
        """Whether any of the runs takes the event or may die of it; most often none does, and nothing has to be moved."""
        conds = self._cond
        for run in runs:
            stance = run.stance
            if mask & stance.interest:
                if stance.single is None:
                    return True
                cond = conds[stance.single]
                if cond is None or cond(run.g, key, row, time_us):
                    return True
        return False

    def _start(self, key: Key, mask: int, batch: Batch, i: int, number: int) -> Match | None:
        """Let the event start a run at each node that it fits; a match when it is complete at once."""
        row, time_us, one = batch.rows[i], batch.times_us[i], batch.ids[i]
        begun = []
        for move in self._starts:
            if mask & move.bit:
                g = self._fitting(move, self.kernels.fresh(), key, row, time_us)
                if g is not None and self._span_us >= 0:
                    begun.append(Run(self._stances[move.node].at(1), 1, 1, time_us, number, time_us, number, g, [one]))
        best = self._best(begun, key) if begun and not self._has_ending else None
        if begun:
            self.noted.add_all((key,))
        if best is not None:
            self.keys.pop(key, None)
            return self._match(best, key, time_us, i)
        begun = [run for run in begun if run.stance.alive]
        if begun:
            self.keys.setdefault(key, []).extend(begun)
            if self._timed:
                self._due.append((time_us + self._due_after_us, key, number))
        return None

    def _offer(self, runs: list[Run], key: Key, mask: int, event: Tried, number: int) -> Match | None:
        """Offer the event to all runs of the key; at a match they are dropped."""
        row, time_us, one, cause = event
        if self._ends_next:
            best = self._ended(runs, key, mask, row, time_us)
            if best is not None:
                del self.keys[key]  # all of them began by its last event: nothing of the key came in between
                return self._match(best, key, time_us, cause)
        kept: list[Run] = []
        grown: list[Run] = []
        found_start = FAR
        for run in runs:
            if run.start > found_start:
                break  # an earlier start has matched
            if not mask & run.stance.interest:
                forks = None
            elif self._overhangs and time_us - run.start_us > self._span_us:
                kept.append(run)
                continue
            else:
                forks = self._forks(run, key, mask, row, time_us)
            if forks is None:
                missed = run.stance.missed
                if missed is not None:
                    run.stance = missed
                    kept.append(run)
            elif forks:
                after = self._advance(run, forks, row, time_us, number, one)
                if not self._has_ending:
                    complete = [fork for fork in after if self._is_match(fork, key)]
                    if complete:
                        grown += complete
                        found_start = run.start
                kept += [fork for fork in after if fork.stance.alive]
        if grown:
            del self.keys[key]
            return self._match(max(grown, key=_events), key, time_us, cause)  # the first of the longest
        if kept:
            self.keys[key] = kept
        else:
            del self.keys[key]
        return None

    def _forks(self, run: Run, key: Key, mask: int, row: Any, time_us: int) -> list[tuple[Move, Registers | None]] | None:
        """The nodes that take the event; None when it passes, empty when it kills.

        Where `cond_after_take` asked for it, registers that hold the event come along; else they are the run's, without it.
        """
        stance = run.stance
        struck = -1
        for strike in stance.strikes:
            if mask & strike.bit and strike.before > struck:
                cond = self._cond[strike.step]
                if cond is None or cond(run.g, key, row, time_us):
                    struck = strike.before
        fitting: list[tuple[Move, Registers | None]] = []
        for move in stance.moves:
            if mask & move.bit and move.node >= struck:
                cond = self._cond[move.step]
                if cond is None:
                    fitting.append((move, None))
                elif self._after_take[move.step]:
                    g = self._fitting(move, self.kernels.copy(run.g), key, row, time_us)
                    if g is not None:
                        fitting.append((move, g))
                elif cond(run.g, key, row, time_us):
                    fitting.append((move, None))
        return fitting if fitting or struck >= 0 else None

    def _fitting(self, move: Move, g: Registers, key: Key, row: Any, time_us: int) -> Registers | None:
        """The registers with the event taken; None when the condition is not true. `g` is the caller's own copy."""
        cond, take, late = self._cond[move.step], self._take[move.step], self._after_take[move.step]
        if cond is not None and not late and not cond(g, key, row, time_us):
            return None
        if take is not None:
            take(g, row, time_us)
        if cond is not None and late and not cond(g, key, row, time_us):
            return None
        return g

    def _advance(
        self, run: Run, forks: list[tuple[Move, Registers | None]], row: Any, time_us: int, number: int, one: EventId
    ) -> list[Run]:
        """Take the event: the run itself goes on as the last fork, the others are copies."""
        after = []
        here, counted, events = run.stance.node, run.count, run.events + 1
        for move, taken in forks[:-1]:
            g = self._taken(move, self.kernels.copy(run.g), row, time_us) if taken is None else taken
            count = counted + 1 if move.node == here else 1
            ids = run.ids[:]
            keep_id(ids, one)
            stance = self._stances[move.node].at(count)
            after.append(Run(stance, count, events, run.start_us, run.start, time_us, number, g, ids))
        move, taken = forks[-1]
        run.g = self._taken(move, run.g, row, time_us) if taken is None else taken
        run.count = counted + 1 if move.node == here else 1
        run.stance = self._stances[move.node].at(run.count)
        run.events, run.last_us, run.last = events, time_us, number
        keep_id(run.ids, one)
        after.append(run)
        return after

    def _taken(self, move: Move, g: Registers, row: Any, time_us: int) -> Registers:
        take = self._take[move.step]
        if take is not None:
            take(g, row, time_us)
        return g

    # -- what is complete

    def _is_match(self, run: Run, key: Key) -> bool:
        when = self.kernels.when
        return run.stance.complete and (when is None or when(self.kernels.read(run.g), key))

    def _best(self, runs: list[Run], key: Key) -> Run | None:
        """Of runs with one start the match with the most events; of several the first."""
        return max((run for run in runs if self._is_match(run, key)), key=_events, default=None)

    def _ended(self, runs: list[Run], key: Key, mask: int, row: Any, time_us: int) -> Run | None:
        """The run that a trailing `=> !x` completes with this event."""
        ending: list[Run] = []
        for run in runs:
            if run.stance.next_ends and (not ending or run.start == ending[0].start):
                struck = False
                for strike in run.stance.strikes:
                    cond = self._cond[strike.step]
                    struck |= bool(mask & strike.bit) and (cond is None or cond(run.g, key, row, time_us))
                if not struck and self._is_match(run, key):
                    ending.append(run)
        return max(ending, key=_events, default=None)

    def _match(self, run: Run, key: Key, time_us: int, cause: int) -> Match:
        return self.told(key, time_us, cause, run.g, run.start_us, run.last_us, tuple(run.ids), run.events)

    # -- timers

    def advance(self, watermark_us: int, out: list[Match]) -> None:
        if self._due and self._due[0][0] < watermark_us:
            self._fire(watermark_us, out)

    def next_due(self) -> int | None:
        due = self._due
        while due:
            runs = self.keys.get(due[0][1])
            if runs and runs[0].start <= due[0][2]:
                return due[0][0]
            due.popleft()  # the runs it was for are gone
        return None

    def _fire(self, before_us: int, out: list[Match]) -> None:
        """Complete or drop the runs whose time is up, in order of their starts."""
        due, keys = self._due, self.keys
        while due and due[0][0] < before_us:
            due_us, key, start = due.popleft()
            runs = keys.get(key)
            # Earlier starts were due earlier: the runs of this one are the first of the list, if there are any.
            if not runs or runs[0].start != start:
                continue
            self.noted.add_all((key,))
            last = start
            if self._has_ending:
                ripe = [run for run in runs[: _count_to(runs, start)] if run.stance.waits]
                best = self._best(ripe, key)
                if best is not None:
                    out.append(self._match(best, key, due_us, TIMER))
                    last = best.last
            gone = _count_to(runs, last)
            if gone < len(runs):
                del runs[:gone]
            else:
                del keys[key]

    # -- plain data

    def dump_key(self, state: list[Run]) -> list[list[Any]]:
        dump = self.kernels.dump
        return [
            [r.stance.node, r.stance.gap, r.count, r.events, r.start_us, r.start, r.last_us, r.last, dump(r.g), r.ids[:]]
            for r in state
        ]

    def load_key(self, data: Any) -> list[Run]:
        load = self.kernels.load
        return [
            Run(self._stances[node].at(count, gap=gap), count, events, start_us, start, last_us, last, load(g), list(ids))
            for node, gap, count, events, start_us, start, last_us, last, g, ids in data
        ]

    def dump_meta(self) -> dict[str, Any]:
        return {"number": self._number}

    def rebuild(self, meta: dict[str, Any]) -> None:
        self._number = meta["number"]
        begun = {(run.start, run.start_us, key) for key, runs in self.keys.items() for run in runs} if self._timed else set()
        self._due = deque((start_us + self._due_after_us, key, start) for start, start_us, key in sorted(begun, key=_start))


def _count_to(runs: list[Run], last: int) -> int:
    """How many of the runs began by that event: a leading part of the list, at least the first."""
    count = 1
    while count < len(runs) and runs[count].start <= last:
        count += 1
    return count


def _events(run: Run) -> int:
    return run.events


def _start(begun: tuple[int, int, Key]) -> int:
    return begun[0]
