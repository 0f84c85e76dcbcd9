"""What a pattern means (docs/language.md, Meaning 1, 2 and 5 to 11), said the long way: every run is a list of
what it took and is judged anew from that whole list at each event. Nothing is shared with the engine but the plan.

Where the text leaves room, this is how it is read (docs and matchers follow):

    what is open     the loop the run is in (below its maximum); once that has its minimum, the next node and those behind
                     optional ones. A node entered by `=>` is open only to the very next own event after the last one taken;
                     a run with nothing left that it could ever take, and nothing to wait for, is dead.
    when `!x` holds  in front of every node that is next for the run. It kills each fork of the run but those that take this
                     very event as that node or a later one.
    at the end       `a -> !x`: from the moment the rest is complete, x kills up to and including the deadline (`exclusive`: up to
                     it), also where a loop would take it. The last condition is judged at the deadline.
                     `a => !x`: the next own event, if in time and not x, completes the match and may start a run itself.
    deadlines        runs of one deadline come by start, then by the order of ties at one event. The order of the list returned
                     is that of the moments; several keys at one deadline: by the earlier start.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cep.plan.plan import Node, RulePlan, SequenceBody
from tests.judge.values import Scope, Seen, Tables, Verdict, as_key, emitted, fits, holds, key_parts, register_value

Parts = tuple[object, ...]


@dataclass(frozen=True)
class Taken:
    at: int  # place of the event among the rule's own events of the key
    event: Seen
    node: int


@dataclass(frozen=True)
class Run:
    taken: tuple[Taken, ...]

    @property
    def start(self) -> int:
        return self.taken[0].at

    @property
    def start_us(self) -> int:
        return self.taken[0].event.time_us

    @property
    def node(self) -> int:
        return self.taken[-1].node

    @property
    def count(self) -> int:
        """How many events the node it is in has taken."""
        return sum(one.node == self.node for one in self.taken)


def judge_sequence(plan: RulePlan, events: Sequence[Seen], end_us: int, tables: Tables | None = None) -> list[Verdict]:
    """All matches of a finite stream given in feeding order; timers up to and including `end_us` are done."""
    keys: dict[Parts, _OneKey] = {}
    told: list[Verdict] = []
    for event in events:
        told += _due(keys, event.time_us)
        parts = key_parts(plan.key, event, tables or {})
        if parts is not None:
            one = keys.setdefault(_exactly(parts), _OneKey(plan, parts, tables or {}))
            told += one.take(event)
    return told + _due(keys, end_us + 1)


def _exactly(parts: Parts) -> Parts:
    """Equal by type and value: Python alone holds True == 1."""
    return tuple((isinstance(part, bool), part) for part in parts)


def _due(keys: dict[Parts, _OneKey], before_us: int) -> list[Verdict]:
    """Fire, moment by moment, the deadlines before that time."""
    told = []
    while waiting := [
        (due, i) for i, one in enumerate(keys.values()) if (due := one.deadline()) is not None and due[0] < before_us
    ]:
        told += list(keys.values())[min(waiting)[1]].fire()
    return told


class _OneKey:
    """All runs of one key."""

    def __init__(self, plan: RulePlan, parts: Parts, tables: Tables) -> None:
        assert isinstance(plan.body, SequenceBody)
        self.plan, self.body, self.parts, self.tables = plan, plan.body, parts, tables
        self.runs: list[Run] = []
        self.seen = 0  # own events so far

    # ------------------------------------------------------------ events

    def take(self, event: Seen) -> list[Verdict]:
        """Offer the event to the older runs, then let it start its own; the first match makes a fresh start."""
        at, self.seen = self.seen, self.seen + 1
        self.runs = [run for run in self.runs if self._in_time(run, event) or self._awaits_deadline(run)]
        ended = [run for run in self.runs if self._ended_by(run, event, at)]
        if ended:
            best = min(ended, key=_by_ties)
            self._fresh_start(best)
            self.runs = self._starts(event, at)  # of nodes and an ending at least two events make a match
            return [self._verdict(best, event.time_us)]
        grown = [fork for run in self.runs for fork in self._forks(run, event, at)]
        self.runs = grown + self._starts(event, at)
        matched = [run for run in self.runs if run.taken[-1].at == at and not self._has_ending() and self._matches(run)]
        if not matched:
            self.runs = [run for run in self.runs if self._can_live(run)]
            return []
        best = min(matched, key=_by_ties)
        self._fresh_start(best)
        return [self._verdict(best, event.time_us)]

    def _starts(self, event: Seen, at: int) -> list[Run]:
        """A run for each node that could be the first and that the event fits."""
        return [run for j in _reach(self.body.nodes, 0) if (run := self._taking((), event, at, j)) is not None]

    def _forks(self, run: Run, event: Seen, at: int) -> list[Run]:
        """What becomes of a run at an event: one fork for each open node that it fits, or itself, or nothing."""
        if not self._in_time(run, event):
            return [run]  # an `exclusive` deadline that is this very moment
        forbidden = self._forbidden_before(run, event)
        forks = [fork for j in self._open(run, at) if (fork := self._taking(run.taken, event, at, j)) is not None]
        if forks or forbidden is not None:
            return [fork for fork in forks if forbidden is None or fork.node >= forbidden]
        return [run]

    def _taking(self, taken: tuple[Taken, ...], event: Seen, at: int, node: int) -> Run | None:
        """The run with the event taken by that node; None when the event does not fit its step."""
        after = (*taken, Taken(at, event, node))
        return Run(after) if self._fits(self.body.nodes[node].step, event, taken, after) else None

    def _fits(self, step_index: int, event: Seen, before: tuple[Taken, ...], after: tuple[Taken, ...]) -> bool:
        step = self.body.steps[step_index]
        if not fits(step.select, event, self.tables):
            return False
        registers = self._registers(after if step.cond_after_take else before)
        return holds(step.cond, Scope(event.row, event.time_us, registers, self.parts, tables=self.tables))

    # ------------------------------------------------------------ what a run can do

    def _open(self, run: Run, at: int) -> Iterator[int]:
        """The nodes that may take own event number `at`."""
        here = self.body.nodes[run.node]
        if here.max is None or run.count < here.max:
            yield run.node
        for j in self._next(run):
            if not self.body.nodes[j].strict or run.taken[-1].at == at - 1:
                yield j

    def _next(self, run: Run) -> list[int]:
        """The nodes it may enter: none before the one it is in has its minimum."""
        return _reach(self.body.nodes, run.node + 1) if run.count >= self.body.nodes[run.node].min else []

    def _forbidden_before(self, run: Run, event: Seen) -> int | None:
        """The last node that must not have been waited for with this event in between; None: it is not forbidden."""
        struck = [j for j in self._next(run) for x in self.body.nodes[j].forbids if self._fits(x, event, run.taken, run.taken)]
        if self._is_complete(run) and any(self._fits(x, event, run.taken, run.taken) for x in self.body.ending):
            struck.append(len(self.body.nodes))
        return max(struck, default=None)

    def _in_time(self, run: Run, event: Seen) -> bool:
        """Whether the event lies within the bound that began with the run's first event."""
        if self.body.within_us is None:
            return True
        took_us = event.time_us - run.start_us
        return took_us < self.body.within_us if self.body.exclusive else took_us <= self.body.within_us

    def _is_complete(self, run: Run) -> bool:
        """Whether every node has its minimum; a trailing `!` is another matter."""
        rest = self.body.nodes[run.node + 1 :]
        return run.count >= self.body.nodes[run.node].min and all(node.min == 0 for node in rest)

    def _matches(self, run: Run) -> bool:
        """Complete, and the last condition is true."""
        scope = Scope(registers=self._registers(run.taken), key=self.parts, tables=self.tables)
        return self._is_complete(run) and holds(self.body.when, scope)

    def _can_live(self, run: Run) -> bool:
        """Whether anything may still become of it."""
        return (
            self._awaits_deadline(run) or self._awaits_next(run, self.seen) or next(self._open(run, self.seen), None) is not None
        )

    # ------------------------------------------------------------ a negation at the end

    def _has_ending(self) -> bool:
        return bool(self.body.ending)

    def _awaits_deadline(self, run: Run) -> bool:
        return self._has_ending() and not self.body.ending_strict and self._is_complete(run)

    def _awaits_next(self, run: Run, at: int) -> bool:
        """`a => !x`: the very next own event decides."""
        return self.body.ending_strict and self._is_complete(run) and run.taken[-1].at == at - 1

    def _ended_by(self, run: Run, event: Seen, at: int) -> bool:
        """Whether this is the next own event that `a => !x` asks for, and all is well."""
        if not self._awaits_next(run, at) or not self._in_time(run, event):
            return False
        return self._forbidden_before(run, event) is None and self._matches(run)

    def deadline(self) -> tuple[int, int] | None:
        """When the next run completes by time alone, and the earliest start of such a run (as time, then number)."""
        assert self.body.within_us is not None or self.body.ending_strict or not self.body.ending
        dues = [(run.start_us + (self.body.within_us or 0), run.start) for run in self.runs if self._awaits_deadline(run)]
        return min(dues, default=None)

    def fire(self) -> list[Verdict]:
        """Complete what is due at the earliest deadline, by start; a match uses up what lies before its last event."""
        due = self.deadline()
        assert due is not None
        ripe = sorted((r for r in self.runs if self._awaits_deadline(r) and self._due_at(r, due[0])), key=_by_ties)
        self.runs = [run for run in self.runs if run not in ripe]
        told = []
        while ripe:
            run = ripe.pop(0)
            if self._matches(run):
                told.append(self._verdict(run, due[0]))
                self._fresh_start(run)
                ripe = [other for other in ripe if other.start > run.taken[-1].at]
        return told

    def _due_at(self, run: Run, time_us: int) -> bool:
        return run.start_us + (self.body.within_us or 0) == time_us

    # ------------------------------------------------------------ a match

    def _fresh_start(self, run: Run) -> None:
        """Drop every run that started by the match's last event."""
        self.runs = [other for other in self.runs if other.start > run.taken[-1].at]

    def _registers(self, taken: Sequence[Taken]) -> list[object]:
        return [
            register_value(register, [one.event for one in taken if self.body.nodes[one.node].step == register.step], self.tables)
            for register in self.body.registers
        ]

    def _verdict(self, run: Run, time_us: int) -> Verdict:
        events = [one.event for one in run.taken]
        fields = emitted(self.plan, Scope(registers=self._registers(run.taken), key=self.parts, tables=self.tables))
        first, last = events[0], events[-1]
        ids = tuple(event.id for event in events)
        return Verdict(as_key(self.parts), time_us, fields, first.time_us, last.time_us, first.id, last.id, ids)


def _reach(nodes: Sequence[Node], first: int) -> list[int]:
    """That node and those behind it as long as the ones between are optional."""
    reached = []
    for j in range(first, len(nodes)):
        reached.append(j)
        if nodes[j].min > 0:
            break
    return reached


def _by_ties(run: Run) -> tuple[object, ...]:
    """The earliest start; then the most events; then, at the first event treated differently, taken before left and the earlier
    step before the later. (Two runs of one start and length: where they first differ, the smaller place was taken, not left.)"""
    return (run.start, -len(run.taken), tuple((one.at, one.node) for one in run.taken))
