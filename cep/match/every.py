"""`pick all`: every match (docs/language.md, Meaning 10; docs/flink.md).

The partial matches of a key stand in one list. An event is met by each of them at its place (cep.match.every_graph): it is
taken, let pass, or the partial match ends; where both may be, it forks. New ones begin at the origin, which stands for ever.

    a ->> b      a1         b2              b3
    origin       a1 at b    a1 b2: match    a1 b3: match
                            a1 at b         a1 at b
"""

from __future__ import annotations

from dataclasses import replace
from heapq import heapify, heappop, heappush
from itertools import repeat
from typing import Any

from cep.event import TIMER, Batch, Key, Match
from cep.match.budget import Budget
from cep.match.every_budget import budget_of, enforce
from cep.match.every_build import Layer
from cep.match.every_heap import push_all
from cep.match.every_meeting import Meeting, Offerer
from cep.match.every_moves import Tests, prepare
from cep.match.every_run import FAR, KeyState, Partial, dump_state, entries_of, load_state, preference
from cep.match.every_skip import Skipper
from cep.match.found import ends
from cep.match.keyed import Keyed
from cep.match.leading import Leading
from cep.match.matcher import Hits
from cep.match.noise import tuple_key
from cep.plan.kernels import Registers, RuleKernels
from cep.plan.plan import Chain, Link, PatternBody, RulePlan, SkipKind


class EveryMatcher(Keyed[KeyState]):
    """Runs one `pick all` rule over all its keys."""

    def __init__(self, plan: RulePlan, kernels: RuleKernels) -> None:
        super().__init__(plan, kernels)
        body = plan.body
        assert isinstance(body, PatternBody)
        self._within = body.within
        self._timeout = body.timeout
        self._limit = body.limit
        self._leading = Leading(body.pattern, body.within, kernels)
        layer = Layer(_without_leading(body.pattern, len(self._leading.steps)), timed=body.within.us is not None)
        tests = Tests(len(body.steps))
        judged = frozenset(step for step, cond in enumerate(kernels.cond) if cond is not None)
        prepare(layer.places, tests, judged)
        self._places = layer.places
        self._offerer = Offerer(body, kernels, tests)
        self._skipper = None if body.skip is SkipKind.NONE else Skipper(body)
        self.budget: Budget[Any] = budget_of(plan)
        self._held = 0  # partial matches and withheld ones, of all keys
        g = kernels.fresh() if judged else None
        self._origin = Partial(layer.start, None, 0, FAR, FAR, FAR, FAR, g, (None,) * layer.slots)
        self._starting = layer.start.interest | sum({1 << step for step in self._leading.steps})
        bounds = [bound.events for place in layer.places for bound in place.inside]
        self._counts_own = self._leading.counts_own or any(events is not None for events in (body.within.events, *bounds))
        self._number = 0  # rows seen
        self._due: list[tuple[int, int, Key]] = []  # heap of (time, number of the row that asked, key)
        self._later: list[tuple[int, Match]] = []  # certain, to be told when their moment has passed

    # -- rows

    def feed(self, batch: Batch, hits: Hits, out: list[Match]) -> None:
        keys, due, times_us, starting = self.keys, self._due, batch.times_us, self._starting
        for i, key, mask in zip(hits.rows, hits.keys, hits.masks or repeat(1)):
            self._number += 1
            time_us = times_us[i]
            if (due and due[0][0] < time_us) or self._later:
                self._fire(time_us, out)
            state = keys.get(key)
            if state is None:
                if not mask & starting:
                    continue
                state = KeyState(self._leading.fresh())
                if self._skipper is not None:
                    state.partials.append(self._origin)
            elif not self._counts_own and not self._concerns(state, mask):
                continue
            self._meet(state, key, mask, batch, i, out)

    def _concerns(self, state: KeyState, mask: int) -> bool:
        """Whether the event can change anything."""
        return bool(mask & self._starting) or any(mask & run.place.interest or not run.place.rests for run in state.partials)

    def _meet(self, state: KeyState, key: Key, mask: int, batch: Batch, i: int, out: list[Match]) -> None:
        """Let all partial matches of the key meet the event, and the origin; tell what is complete."""
        time_us, number = batch.times_us[i], self._number
        before = len(state.partials) + len(state.done)
        state.own += 1
        self._outdate(state, key, time_us)
        may_start = not self._leading.forbids(state.struck, time_us, state.own)
        event = Meeting(key, mask, batch.rows[i], time_us, number, batch.ids[i], state.own, may_start)
        grown: list[Partial] = []
        complete: list[Partial] = []
        counted = self._within.events is not None
        for run in state.partials:
            if counted and self._is_beyond(run, state.own):
                grown.append(run)
            else:
                self._offerer.offer(run, event, grown, complete)
        if self._skipper is None and mask & self._starting:
            self._offerer.offer(self._origin, event, grown, complete)
            if grown and grown[-1] is self._origin:
                grown.pop()
        self._put(state, grown)
        self._ask_for(grown, event)
        if self._leading.note(state.struck, event) and (due_us := self._leading.last_due(state.struck)) is not None:
            heappush(self._due, (due_us, number, key))
        if complete or state.done:
            self._tell(state, self._chosen(state, complete, key), key, time_us, i, out)
        self._keep(state, key, before)
        if self._held > self.budget.most:
            self._enforce(time_us, i, out)

    def _put(self, state: KeyState, partials: list[Partial]) -> None:
        if self._skipper is None:
            state.partials = partials
        else:
            state.partials = []
            push_all(state.partials, partials)

    def _outdate(self, state: KeyState, key: Key, time_us: int) -> None:
        """Drop partial matches for which the event comes too late though no timer has acted yet. Those that wait for a deadline
        wait on when they are out of events: nothing can strike them any more."""
        if self._within.exclusive and self._within.us is not None:
            found: list[Match] = []
            self._lapse(state, key, time_us - self._within.us, -FAR, time_us, found)
            self._later += [(time_us, match) for match in found]
        if self._within.events is not None:
            left = [run for run in state.partials if run.place.waits or not self._is_beyond(run, state.own)]
            if len(left) < len(state.partials):
                self._put(state, left)

    def _is_beyond(self, run: Partial, own: int) -> bool:
        """Whether own event number `own` is too many events behind its first."""
        return self._within.events is not None and run.start != FAR and own - run.own >= self._within.events

    # -- what is complete

    def _chosen(self, state: KeyState, complete: list[Partial], key: Key) -> list[Partial]:
        """Those that are told now."""
        when = self.kernels.when
        if when is not None:
            complete = [run for run in complete if when(self.kernels.read(self._registers(run)), key)]
        return complete if self._skipper is None else self._skipper.choose(state, complete)

    def _registers(self, run: Partial) -> Registers:
        if run.g is not None:
            return run.g
        g = self.kernels.fresh()
        for entry in entries_of(run):
            fold = self.kernels.fold[entry[1]]
            if fold is not None:
                fold(g, entry[5])
        return g

    def _tell(self, state: KeyState, runs: list[Partial], key: Key, time_us: int, cause: int, out: list[Match]) -> None:
        if len(runs) > 1:
            runs = sorted(runs, key=preference)[: self._limit]
        for run in runs:
            out.append(self._match(run, key, time_us, cause))
            if self._timeout:
                state.covered.append(frozenset(entry[2] for entry in entries_of(run)))

    def _match(self, run: Partial, key: Key, time_us: int, cause: int) -> Match:
        entries = entries_of(run)
        ids = tuple(entry[4] for entry in ends(entries))
        return self.told(key, time_us, cause, self._registers(run), run.start_us, entries[-1][3], ids, run.count)

    # -- timers

    def _ask_for(self, grown: list[Partial], event: Meeting) -> None:
        """Set the timers of what this event has changed."""
        begun = False
        for run in grown:
            begun |= run.start == event.number
            patience_us = run.place.patience_us
            if patience_us is not None and run.start != FAR and run.asked_us != run.last_us + patience_us:
                run.asked_us = run.last_us + patience_us
                heappush(self._due, (run.asked_us, event.number, event.key))
        if begun and self._within.us is not None:
            heappush(self._due, (event.time_us + self._within.us, event.number, event.key))

    def advance(self, watermark_us: int, out: list[Match]) -> None:
        if (self._due and self._due[0][0] < watermark_us) or self._later:
            self._fire(watermark_us, out)

    def next_due(self) -> int | None:
        while self._due and self._due[0][2] not in self.keys:
            heappop(self._due)
        dues = [self._due[0][0]] if self._due else []
        return min(dues + [due_us for due_us, _ in self._later[:1]], default=None)

    def _fire(self, before_us: int, out: list[Match]) -> None:
        while self._due and self._due[0][0] < before_us:
            due_us, _, key = heappop(self._due)
            state = self.keys.get(key)
            if state is None:
                continue
            before = len(state.partials) + len(state.done)
            started_us = due_us - self._within.us if self._within.us is not None else -FAR
            found: list[Match] = []
            self._lapse(state, key, started_us, due_us, due_us, found)
            self._later += [(due_us, match) for match in found]
            self._leading.forget(state.struck, due_us)
            self._keep(state, key, before)
        if self._later:
            out += [match for due_us, match in self._later if due_us < before_us]
            self._later = [(due_us, match) for due_us, match in self._later if due_us >= before_us]

    def _lapse(self, state: KeyState, key: Key, started_us: int, idle_us: int, now_us: int, found: list[Match]) -> None:
        """Drop the partial matches that started by `started_us`, or whose patience ended by `idle_us`. Those that waited for it
        are complete."""
        complete: list[Partial] = []
        lapsed: list[Partial] = []
        kept: list[Partial] = []
        for run in state.partials:
            place = run.place
            if run.start == FAR:
                kept.append(run)
            elif run.start_us <= started_us:
                (complete if place.waits else lapsed).append(run)
            elif place.patience_us is None or run.last_us + place.patience_us > idle_us:
                kept.append(run)
            elif place.waits:
                complete.append(run)
        if len(kept) == len(state.partials):
            return
        self._put(state, kept)
        self._tell(state, self._chosen(state, complete, key), key, now_us, TIMER, found)
        if self._timeout:
            self._tell_lapsed(state, lapsed, key, now_us, found)

    def _tell_lapsed(self, state: KeyState, lapsed: list[Partial], key: Key, now_us: int, found: list[Match]) -> None:
        """A row for each that ran out of time, if its events do not all lie in one told already. One that had run out of events
        before could not take any more."""
        tells = self.kernels.timeout
        for run in sorted((run for run in lapsed if not self._is_beyond(run, state.own + 1)), key=preference):
            numbers = frozenset(entry[2] for entry in entries_of(run))
            if tells is not None and not any(numbers <= one for one in state.covered):
                state.covered.append(numbers)
                match = self._match(run, key, now_us, TIMER)
                match.fields = tells(self._registers(run), key)
                match.transition = "timeout"
                found.append(match)

    # -- keeping

    def _keep(self, state: KeyState, key: Key, before: int) -> None:
        """Put the key's state away, or forget it."""
        self.noted.add_all((key,))
        self.keys[key] = state
        self._held += len(state.partials) + len(state.done) - before
        if state.covered:
            first = min((run.start for run in state.partials), default=FAR)
            state.covered = [one for one in state.covered if max(one) >= first]
        self._forget_if_empty(state, key)

    def _enforce(self, time_us: int, cause: int, out: list[Match]) -> None:
        """Too many are held: those whose turn it is go, and what they alone held back is told."""
        for key in enforce(self.budget, self.keys, self._held, time_us):
            self.noted.add_all((key,))
            state = self.keys[key]
            if state.done:
                self._tell(state, self._chosen(state, [], key), key, time_us, cause, out)
            self._forget_if_empty(state, key)
        self._count_held()

    def _forget_if_empty(self, state: KeyState, key: Key) -> None:
        if len(state.partials) <= (self._skipper is not None) and not state.done and not any(state.struck):
            del self.keys[key]

    def _count_held(self) -> None:
        states = self.keys.values()
        self._held = sum(len(state.partials) + len(state.done) for state in states) - len(states) * (self._skipper is not None)

    # -- plain data

    def dump_key(self, state: KeyState) -> Any:
        return dump_state(state, self.kernels)

    def load_key(self, data: Any) -> KeyState:
        state = load_state(data, self._places, self.kernels)
        state.partials = [self._origin if run.start == FAR else run for run in state.partials]
        return state

    def dump_meta(self) -> dict[str, Any]:
        later = [[due_us, *(getattr(match, name) for name in match.__struct_fields__)] for due_us, match in self._later]
        return {"number": self._number, "later": later}

    def rebuild(self, meta: dict[str, Any]) -> None:
        self._number = meta["number"]
        self._later = [(due_us, _match(fields)) for due_us, *fields in meta["later"]]
        self._count_held()
        within_us = self._within.us
        due = set()
        for key, state in self.keys.items():
            for run in state.partials:
                if run.start != FAR and within_us is not None:
                    due.add((run.start_us + within_us, run.start, key))
                if run.start != FAR and run.place.patience_us is not None:
                    run.asked_us = run.last_us + run.place.patience_us
                    due.add((run.asked_us, run.start, key))
            if (due_us := self._leading.last_due(state.struck)) is not None:
                due.add((due_us, 0, key))
        # Keys of several types have no order: equal timers are told apart by place, below the numbers of rows that come.
        self._due = [(due_us, at - len(due), key) for at, (due_us, _, key) in enumerate(sorted(due, key=_moment))]
        heapify(self._due)


def _without_leading(pattern: Chain, count: int) -> Chain:
    """What is left to be taken; the first arrow then leads from nothing."""
    if not count:
        return pattern
    first, *rest = pattern.links[count:]
    return replace(pattern, links=(Link(first.part), *rest))


def _moment(due: tuple[int, int, Key]) -> tuple[int, int]:
    return due[0], due[1]


def _match(fields: list[Any]) -> Match:
    key, *rest = fields
    match = Match(tuple_key(key), *rest)
    match.evidence = tuple(match.evidence)
    return match
