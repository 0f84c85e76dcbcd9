"""What a pattern means (docs/language.md, Meaning 1, 2 and 5 to 11), said the long way: every run is a list of what it took and
where it stands, and is judged anew from that at each event. Nothing is shared with the engine but the plan. `pick all` is
another matter (`tests.judge.every`).

Where the text leaves room, this is how it is read (docs and matchers follow):

    arrows        A step is entered by the arrow written right before it, also when what stands before that arrow was passed over
                  (`a => b? -> c`: c by `->`). The first step of a group is entered as the group is, by each further pass as the
                  loop says (`[=>]`, `[->>]`; else `->`). So are delays. Between the steps of `all(..)` stands `->`.
    strict        A step behind `=>` is open only to the very next own event after the last one taken by the run. A run with
                  nothing left that it could ever take, and nothing to wait for, is dead.
    `->>`         If an event fits any open step behind `->>`, a fork that did not take it is kept, whatever else it fits.
    lazy          Where `=>` would kill: a step that is not lazy is open by `=>`, and no other could take a later event. A lazy
                  first step starts runs as any first step does. A lazy loop at the end never grows.
    groups        A pass takes at least one event; a group that can be passed through without one is optional. `gap` of a group
                  lies between the last event of a pass and the first of the next.
    until         Its event is never taken by the loop, nor as its first. It closes the loops the run is in, from their first
                  event on; amid a pass of a group it kills. What is closed stays closed.
    negations     In front of every step that is next for the run (amid a pass of `(a -> b)+ -> !x -> c`, c is not). It kills each
                  fork but those that leave it behind by this very event. Its arrow's delay says when it strikes. `a => !x -> c`:
                  an x that is the very next own event kills, also where it is a c, or where a loop would take it.
    at the end    `a -> !x`: from the moment the rest is complete, x kills up to and including the deadline (`exclusive`: up to
                  it), also where a loop would take it. The last condition is judged at the deadline. Of several negations the
                  latest deadline counts. `a => !x`: the next own event, if in time (by its arrow, too) and not x, completes the
                  match and may start a run itself.
    at the start  `!x -> a`: the bound is the smaller of `within` (`exclusive`: an x exactly so long before is not meant) and of
                  the arrow's own. x is judged as if the run had taken a. An x of a's time counts if it came before a. `!x => a`:
                  the own event right before a. A fresh start does not forget an x.
    pick longest  A fork is a run: it inherits the match that is held, and when it dies tells it. What a run still waits for
                  counts as growing, also if it lies amid a pass. Where several end at one event or timer, the best is told, then
                  the best of those that start later.
    deadlines     runs of one deadline come by start, then by the order of ties at one event. The order of the list returned is
                  that of the moments; several keys at one deadline: by the earlier start.
    on timeout    A run lapses if at first.time + w it could still take an event, or was waiting for the next one. Killed runs,
                  those whose delay or gap had passed before, and complete ones whose last condition failed at the deadline, do
                  not.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass, field, replace

from cep.plan.plan import (
    ANY_STEP,
    AnyOrder,
    Bound,
    Chain,
    Either,
    Link,
    Part,
    PatternBody,
    PickKind,
    RegisterKind,
    RulePlan,
    SequenceBody,
    Take,
)
from tests.judge.lines import as_pattern
from tests.judge.moments import KeyedRule, Parts, Timer, play
from tests.judge.places import Passing, Place, Way, beginning, least, may_end, ways
from tests.judge.values import LONGEST_LIST, Scope, Seen, Tables, Verdict, as_key, emitted, fits, holds, register_value, value


@dataclass(frozen=True)
class Taken:
    at: int  # place of the event among the rule's own events of the key
    step: int
    event: Seen = field(compare=False)


@dataclass(frozen=True)
class Run:
    """`held`: its last match, while it may still grow. `judged`: how many events it had when its deadline came and went."""

    taken: tuple[Taken, ...]
    place: Place
    held: tuple[Taken, ...] = ()
    judged: int = 0

    @property
    def first(self) -> Taken:
        return self.taken[0]

    @property
    def last(self) -> Taken:
        return self.taken[-1]


def judge_pattern(plan: RulePlan, events: Sequence[Seen], end_us: int, tables: Tables | None = None) -> list[Verdict]:
    """All matches of a finite stream given in feeding order; timers up to and including `end_us` are done."""
    return play(KeyedRule(plan, OneKey, tables or {}), events, end_us)


class OneKey:
    """All runs of one key."""

    def __init__(self, plan: RulePlan, parts: Parts, tables: Tables) -> None:
        body = as_pattern(plan.body) if isinstance(plan.body, SequenceBody) else plan.body
        assert isinstance(body, PatternBody)
        assert body.pick is not PickKind.ALL
        self.plan, self.body, self.parts, self.tables = plan, body, parts, tables
        self.order = list(_steps_of(body.pattern))
        self.leading, self.ending = _negations_at_the_ends(body.pattern)
        self.runs: list[Run] = []
        self.own: list[Seen] = []  # own events so far
        self.used: list[set[int]] = []  # of each alert and timeout: which own events it holds
        self.is_open = False  # its alert, where `resolve when` leaves one open
        self.types = {step.select.type for step in body.steps}

    def branch(self) -> OneKey:
        """The same key, to go on from here another way."""
        other = copy(self)
        other.runs, other.own, other.used = self.runs[:], self.own[:], self.used[:]
        return other

    # ------------------------------------------------------------ events

    def take(self, event: Seen) -> list[Verdict]:
        """What the event completes, and then whether it resolves the open alert."""
        told = self._offer(event) if event.type in self.types else []
        if self.is_open and self.plan.resolve is not None and fits(self.plan.resolve, event, self.tables):
            self.is_open = False
            told.append(self._resolved(event))
        return told

    def _resolved(self, event: Seen) -> Verdict:
        one = (event.time_us, event.time_us, event.id, event.id, (event.id,))
        return Verdict(as_key(self.parts), event.time_us, {}, *one, "resolved")

    def _offer(self, event: Seen) -> list[Verdict]:
        """Offer the event to the older runs, then let it start its own; tell what is decided by it."""
        at = len(self.own)
        self.own.append(event)
        grown, killed = list[Run](), list[Run]()
        for run in self.runs:
            if self._ended_by(run, event, at):
                run = replace(run, held=run.taken)
            forks = self._forks(run, event, at)
            grown += forks
            if not forks:
                killed.append(run)
        grown += self._starts(event, at)
        self.runs = [self._matching(run, at) for run in dict.fromkeys(grown)]
        told = self._tell([*killed, *self._finished(event.time_us)], event.time_us)
        self.runs = [run for run in self.runs if self._lives(run, event.time_us)]
        return told

    def _matching(self, run: Run, at: int) -> Run:
        """The run, holding the match it makes if it took own event number `at` and is complete now."""
        matches = run.last.at == at and not self.ending and self._matches(run)
        return replace(run, held=run.taken) if matches else run

    def _finished(self, now_us: int) -> list[Run]:
        """The runs whose match is to be told now: all, unless the longest is asked for and they may grow."""
        holding = [run for run in self.runs if run.held]
        if self.body.pick is PickKind.LONGEST:
            return [run for run in holding if self._growth(run) < now_us and not self._awaits_deadline(run)]
        return holding

    def _starts(self, event: Seen, at: int) -> list[Run]:
        """A run for each step that could be the first and that the event fits."""
        begun = [self._taking((), beginning(self.body.pattern), event, at, way) for way in ways(beginning(self.body.pattern))]
        return [run for run in begun if run is not None and not self._came_before(run)]

    def _forks(self, run: Run, event: Seen, at: int) -> list[Run]:
        """What becomes of a run at an event: one fork for each open step that it fits, or itself, or nothing."""
        if not _in_bound(self.body.within, run.first, event.time_us, at):
            return [run]  # out of time: it takes nothing more
        place = self._closed(run, event)
        if place is None:
            return []
        run = replace(run, place=place)
        struck = self._struck(run, event, at)
        if any(link.arrow == "=>" for link in struck):
            return []
        open_ways = [way for way in ways(place) if self._is_open(run, way, event, at)]
        fitting = [(way, fork) for way in open_ways if (fork := self._taking(run.taken, place, event, at, way, run)) is not None]
        eager = [(way, fork) for way, fork in fitting if not way.lazy]
        if not eager and not self._next_would_kill(run, event, at):
            fitting = []
        chosen = eager or fitting
        kept = [run] if not struck and (not chosen or any(way.arrow == "->>" for way, _ in chosen)) else []
        return [fork for way, fork in chosen if struck <= set(way.crossed)] + kept

    def _taking(
        self, before: tuple[Taken, ...], place: Place, event: Seen, at: int, way: Way, run: Run | None = None
    ) -> Run | None:
        """The run with the event taken that way; None when the event does not fit the step."""
        after = (*before, Taken(at, way.step, event))
        if any(self._fits(step, event, before, before) for step in _closing(way)):
            return None
        if not self._fits(way.step, event, before, after):
            return None
        then = tuple(
            replace(item, since=len(before)) if isinstance(item, Passing) and item.since is None else item for item in way.then
        )
        return replace(run, taken=after, place=then) if run else Run(after, then)

    def _fits(self, step_index: int, event: Seen, before: Sequence[Taken], after: Sequence[Taken]) -> bool:
        step = self.body.steps[step_index]
        if not fits(step.select, event, self.tables):
            return False
        registers = self._registers(after if step.cond_after_take else before, previous=before)
        return holds(step.cond, Scope(event.row, event.time_us, registers, self.parts, tables=self.tables))

    # ------------------------------------------------------------ what a run can do

    def _is_open(self, run: Run, way: Way, event: Seen, at: int) -> bool:
        """Whether arrows, delays, gaps and the bounds of groups let own event number `at` go that way."""
        since_us = event.time_us - run.last.event.time_us
        return (
            (way.arrow != "=>" or run.last.at == at - 1)
            and (way.min_us is None or since_us >= way.min_us)
            and (way.max_us is None or since_us <= way.max_us)
            and all(since_us <= gap_us for gap_us in way.gaps_us)
            and all(_in_bound(bound, first, event.time_us, at) for bound, first in _group_bounds(run, way))
        )

    def _chance(self, run: Run, way: Way) -> float:
        """The last time at which a later event may go that way; -inf: never."""
        at, last_us = len(self.own), run.last.event.time_us
        bounds = [(self.body.within, run.first), *_group_bounds(run, way)]
        lapsed = any(bound.events is not None and at - first.at >= bound.events for bound, first in bounds)
        if lapsed or (way.arrow == "=>" and run.last.at != at - 1):
            return -math.inf
        latest: list[float] = [first.event.time_us + bound.us for bound, first in bounds if bound.us is not None]
        latest += [last_us + us for us in (way.max_us, *way.gaps_us) if us is not None]
        chance = min(latest, default=math.inf)
        return chance if chance >= last_us + (way.min_us or 0) else -math.inf

    def _last_chance(self, run: Run) -> float:
        """The last time at which the run may grow; -inf: it cannot."""
        return max((self._chance(run, way) for way in ways(run.place) if not way.lazy), default=-math.inf)

    def _growth(self, run: Run) -> float:
        """The same, where waiting for the next own event at the end counts as well."""
        return self._lapse(run) if self._awaits_next(run, len(self.own)) else self._last_chance(run)

    def _next_would_kill(self, run: Run, event: Seen, at: int) -> bool:
        """Whether a run that lets this event pass is killed by `=>`."""
        eager = [way for way in ways(run.place) if not way.lazy]
        strict = any(way.arrow == "=>" and run.last.at == at - 1 for way in eager)
        return strict and not self._awaits_deadline(run) and self._last_chance(run) < event.time_us

    def _closed(self, run: Run, event: Seen) -> Place | None:
        """Where the run stands if the event closes loops that it is in; None: it is killed by that."""
        for depth in reversed(range(len(run.place))):
            item = run.place[depth]
            if not isinstance(item, Passing) or item.part.loop.until is None:
                continue
            if self._fits(item.part.loop.until, event, run.taken, run.taken):
                complete = may_end(run.place[:depth]) and item.number >= least(item.part)
                return run.place[depth + 1 :] if complete else None
        return run.place

    def _struck(self, run: Run, event: Seen, at: int) -> set[Link]:
        """The negations in front of the run that this event is."""
        waiting = {link for way in ways(run.place) for link in way.crossed}
        if may_end(run.place):
            waiting |= set(self.ending)
        return {link for link in waiting if self._strikes(link, run, event, at)}

    def _strikes(self, link: Link, run: Run, event: Seen, at: int) -> bool:
        since_us = event.time_us - run.last.event.time_us
        return (
            (link.arrow != "=>" or run.last.at == at - 1)
            and (link.min_us or 0) <= since_us <= (since_us if link.max_us is None else link.max_us)
            and self._fits(_step_of(link), event, run.taken, run.taken)
        )

    def _matches(self, run: Run) -> bool:
        """Complete (a negation at the end is another matter), and the last condition is true."""
        scope = Scope(registers=self._registers(run.taken), key=self.parts, tables=self.tables)
        return may_end(run.place) and holds(self.body.when, scope)

    def _lives(self, run: Run, now_us: int) -> bool:
        """Whether anything may still become of it."""
        return self._awaits_deadline(run) or self._awaits_next(run, len(self.own)) or self._last_chance(run) >= now_us

    # ------------------------------------------------------------ a negation at the start

    def _came_before(self, run: Run) -> bool:
        """Whether a negation at the start strikes: something that fits it came before the run's first event."""
        return any(self._preceded(run, link, entered) for link, entered in self.leading)

    def _preceded(self, run: Run, link: Link, entered: Link) -> bool:
        """`!x ->[m..n] a`: `link` is the x, `entered` the a."""
        for at, event in enumerate(self.own[: run.first.at]):
            before_us = run.first.event.time_us - event.time_us
            meant = (
                (entered.arrow != "=>" or at == run.first.at - 1)
                and (entered.max_us is None or before_us <= entered.max_us)
                and before_us >= (entered.min_us or 0)
                and _in_bound(self.body.within, Taken(at, 0, event), run.first.event.time_us, run.first.at)
            )
            if meant and self._fits(_step_of(link), event, run.taken, run.taken):
                return True
        return False

    # ------------------------------------------------------------ a negation at the end

    def _ends_strictly(self) -> bool:
        return any(link.arrow == "=>" for link in self.ending)

    def _awaits_deadline(self, run: Run) -> bool:
        return bool(self.ending) and not self._ends_strictly() and may_end(run.place) and run.judged < len(run.taken)

    def _awaits_next(self, run: Run, at: int) -> bool:
        """`a => !x`: the very next own event decides."""
        return self._ends_strictly() and may_end(run.place) and run.last.at == at - 1

    def _ended_by(self, run: Run, event: Seen, at: int) -> bool:
        """Whether this is the next own event that `a => !x` asks for, and all is well."""
        since_us = event.time_us - run.last.event.time_us
        in_time = _in_bound(self.body.within, run.first, event.time_us, at) and all(
            (link.min_us or 0) <= since_us and (link.max_us is None or since_us <= link.max_us) for link in self.ending
        )
        return self._awaits_next(run, at) and in_time and not self._struck(run, event, at) and self._matches(run)

    def _deadline(self, run: Run) -> float:
        within = math.inf if self.body.within.us is None else run.first.event.time_us + self.body.within.us
        own = [math.inf if link.max_us is None else run.last.event.time_us + link.max_us for link in self.ending]
        return min(within, max(own))

    # ------------------------------------------------------------ timers

    def timer(self) -> Timer | None:
        """The next moment at which time decides: when, whether something lapses (else it is fulfilled), the earliest start."""
        dues = [(self._deadline(run), 0, run.first.event.time_us) for run in self.runs if self._awaits_deadline(run)]
        dues += [(self._growth(run), 0, run.first.event.time_us) for run in self.runs if run.held]
        dues += [(self._lapse(run), 1, run.first.event.time_us) for run in self.runs if self.body.timeout]
        return min((due for due in dues if math.isfinite(due[0])), default=None)

    def fire(self) -> list[Verdict]:
        timer = self.timer()
        assert timer is not None
        now_us = int(timer[0])
        return self._lapsing(now_us) if timer[1] else self._fulfilled(now_us)

    def _fulfilled(self, now_us: int) -> list[Verdict]:
        """Complete what is due; a match uses up what lies before its last event."""
        ripe = [run for run in self.runs if self._awaits_deadline(run) and self._deadline(run) == now_us]
        for run in ripe:
            self.runs.remove(run)
            self.runs.append(replace(run, judged=len(run.taken), held=run.taken if self._matches(run) else run.held))
        told = self._tell(self._finished(now_us + 1), now_us)
        self.runs = [run for run in self.runs if run.judged < len(run.taken) or self._lives(run, now_us + 1)]
        return told

    def _lapse(self, run: Run) -> float:
        return math.inf if self.body.within.us is None else run.first.event.time_us + self.body.within.us

    def _lapsing(self, now_us: int) -> list[Verdict]:
        lapsing = sorted(
            (run for run in self.runs if self._lapse(run) == now_us), key=lambda run: (run.first.at, self._by_ties(run))
        )
        self.runs = [run for run in self.runs if run not in lapsing]
        told = []
        for run in lapsing:
            events = {one.at for one in run.taken}
            if self._lives(run, now_us) and not any(events <= used for used in self.used):
                told.append(self._verdict(run.taken, now_us, "timeout"))
        return told

    # ------------------------------------------------------------ a match

    def _tell(self, candidates: Iterable[Run], now_us: int) -> list[Verdict]:
        """The best match, and a fresh start: runs that started by its last event go; then the best of what is left."""
        left, told = [run for run in candidates if run.held], []
        self.runs = [run for run in self.runs if run not in left]
        while left:
            best = min(left, key=self._by_ties)
            told.append(self._verdict(best.held, now_us))
            left = [run for run in left if run.first.at > best.held[-1].at]
            self.runs = [run for run in self.runs if run.first.at > best.held[-1].at]
        return told

    def _by_ties(self, run: Run) -> tuple[object, ...]:
        """The earliest start (or the latest); then the most events; then, at the first event treated differently, taken before
        left and the earlier step before the later. (Of two of one start and length the smaller place was taken, not left.)"""
        events = run.held or run.taken
        start = -events[0].at if self.body.pick is PickKind.LATEST else events[0].at
        return (start, -len(events), tuple((one.at, self.order.index(one.step)) for one in events))

    def _registers(self, taken: Sequence[Taken], previous: Sequence[Taken] | None = None) -> list[object]:
        """`previous`: what a condition sees of all events, where it is asked of one that is tried: `prev` is the one before."""
        everything = taken if previous is None else previous
        return [
            None
            if register.kind in (RegisterKind.ROW, RegisterKind.LABEL)
            else register_value(register, [one.event for one in everything], self.tables)
            if register.step == ANY_STEP
            else register_value(register, [one.event for one in taken if one.step == register.step], self.tables)
            for register in self.body.registers
        ]

    def _row(self, taken: Sequence[Taken], number: int) -> dict[str, object]:
        """What `emit rows` tells of one event: its own fields and its label; all else is of the whole match."""
        one, registers = taken[number], self._registers(taken)
        for index, register in enumerate(self.body.registers):
            if register.kind is RegisterKind.ROW:
                assert register.expr is not None
                registers[index] = value(register.expr, Scope(one.event.row, one.event.time_us, tables=self.tables))
            if register.kind is RegisterKind.LABEL:
                registers[index] = self.body.steps[one.step].label
        scope = Scope(registers=registers, key=self.parts, tables=self.tables)
        return {name: value(expr, scope) for name, expr in self.plan.rows}

    def _verdict(self, taken: Sequence[Taken], time_us: int, transition: str = "opened") -> Verdict:
        self.used.append({one.at for one in taken})
        if self.plan.resolve is not None and transition == "opened":
            transition, self.is_open = "updated" if self.is_open else "opened", True
        events = [one.event for one in taken]
        scope = Scope(registers=self._registers(taken), key=self.parts, tables=self.tables)
        fields = emitted(self.plan, scope)
        if self.plan.rows and transition != "timeout":
            fields = {"rows": [self._row(taken, number) for number in range(min(len(taken), LONGEST_LIST))]}
        if transition == "timeout":
            fields = {name: value(expr, scope) for name, expr in self.plan.timeout_emit}
        first, last = events[0], events[-1]
        ids = tuple(event.id for event in events)
        key = as_key(self.parts)
        return Verdict(key, time_us, fields, first.time_us, last.time_us, first.id, last.id, ids, transition)


def _in_bound(bound: Bound, first: Taken, time_us: int, at: int) -> bool:
    took_us = time_us - first.event.time_us
    in_time = bound.us is None or (took_us < bound.us if bound.exclusive else took_us <= bound.us)
    return in_time and (bound.events is None or at - first.at < bound.events)


def _group_bounds(run: Run, way: Way) -> list[tuple[Bound, Taken]]:
    """The bounds of the passes that go on that way, each with the pass's first event."""
    passes = [item for item in way.then if isinstance(item, Passing) and item.since is not None]
    return [
        (item.part.bound, run.taken[item.since])
        for item in passes
        if isinstance(item.part, Chain) and item.part.bound is not None and item.since is not None
    ]


def _closing(way: Way) -> list[int]:
    """The steps of `until` of the loops that begin with the event: what closes a loop is not taken by it."""
    begun = [item.part.loop.until for item in way.then if isinstance(item, Passing) and item.since is None]
    return [step for step in begun if step is not None]


def _step_of(link: Link) -> int:
    assert isinstance(link.part, Take)
    return link.part.step


def _negations_at_the_ends(pattern: Chain) -> tuple[list[tuple[Link, Link]], list[Link]]:
    """Those at the start, each with the link that its arrow leads to; and those at the end."""
    links = pattern.links
    taking = [at for at, link in enumerate(links) if not link.negated]
    leading = [(links[at], links[at + 1]) for at in range(taking[0])]
    return leading, list(links[taking[-1] + 1 :])


def _steps_of(part: Part) -> Iterator[int]:
    """The steps that take events, in the order they are written."""
    match part:
        case Take(step=step):
            yield step
        case Chain(links=links):
            for link in links:
                if not link.negated:
                    yield from _steps_of(link.part)
        case Either(options=options):
            for option in options:
                yield from _steps_of(option)
        case AnyOrder(steps=steps):
            yield from steps
