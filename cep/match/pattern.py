"""Any pattern with `pick first`, `latest` or `longest`: every run of a key on its own (docs/language.md, Meaning 2 and 7 to 11).

The runs of a key stand in one list, by start and then as they would be preferred at a tie: where a run forks, the forks stand in
its place, the earlier step first and the fork that let the event pass last.

    a ->> b -> c    a1       b2            c3
    run 1           a1       a1 b2         match: a1 b2 c3
    run 2                    a1 (let b2 pass)
"""

from __future__ import annotations

from collections.abc import Iterable
from heapq import heappop, heappush
from itertools import repeat
from typing import Any

from cep.event import TIMER, Batch, Key, Match
from cep.match.budget import Budget
from cep.match.choosing import best_of
from cep.match.deadlines import Deadlines
from cep.match.keyed import Keyed
from cep.match.leading import Leading
from cep.match.matcher import Hits
from cep.match.moves import FAR, SpotBook, mask_of
from cep.match.runbudget import Name, RunBudget
from cep.match.runs import KeyState, Run, as_tuple, dump_run, load_run, numbers_of
from cep.match.stepping import Stepper, Trial
from cep.match.twins import Twins
from cep.plan.kernels import RuleKernels
from cep.plan.plan import PatternBody, PickKind, RulePlan


class PatternMatcher(Keyed[KeyState]):
    """Runs one pattern over all its keys."""

    def __init__(self, plan: RulePlan, kernels: RuleKernels) -> None:
        super().__init__(plan, kernels)
        body = plan.body
        assert isinstance(body, PatternBody)
        self._pick = body.pick
        self._longest = body.pick is PickKind.LONGEST
        self._timeout = body.timeout
        self._book = SpotBook(body)
        self._deadlines = Deadlines(body, self._book)
        self._stepper = Stepper(body, kernels, self._book, self._deadlines)
        self._leading = Leading(body.pattern, body.within, kernels)
        self._twins = Twins(body, kernels)
        self.budget: Budget[Name] | None = Budget(plan.budget) if plan.budget else None
        self._budgeted = RunBudget(self.budget) if self.budget else None
        self._counts_own = body.needs_own_events
        self._wanted = self._book.starting | mask_of(self._leading.steps)
        # Where what a run may still take depends on more than its place and first event.
        self._looks = self._longest and (self._counts_own or self._deadlines.inner)
        self._number = 0  # rows seen
        self._due: list[tuple[int, int, Key]] = []  # heap of (time, number of the timer, key): keys need have no order
        self._timers = 0  # set so far

    # -- rows

    def feed(self, batch: Batch, hits: Hits, out: list[Match]) -> None:
        keys, times_us, wanted = self.keys, batch.times_us, self._wanted
        for i, key, mask in zip(hits.rows, hits.keys, hits.masks or repeat(1)):
            self._number += 1
            time_us = times_us[i]
            if self._due and self._due[0][0] < time_us:
                self._fire(time_us, out)
            state = keys.get(key)
            if state is None:
                if not mask & wanted:
                    continue
                state = KeyState([], self._leading.fresh())
            elif not self._counts_own and not self._concerns(state, mask):
                continue
            self._offer(state, key, mask, batch, i, out)

    def _concerns(self, state: KeyState, mask: int) -> bool:
        return bool(mask & self._wanted) or any(mask & run.spot.interest for run in state.runs)

    def _offer(self, state: KeyState, key: Key, mask: int, batch: Batch, i: int, out: list[Match]) -> None:
        """Offer the event to the runs of the key, then let it start its own; tell what matched."""
        number, own = self._number, state.own
        state.own += 1
        trial = Trial(key, mask, batch.rows[i], batch.times_us[i], number, own, batch.ids[i])
        runs, matches = self._grow(state.runs, trial)
        used_up = self._pick is PickKind.FIRST and any(run.last == number for run in matches)
        if mask & self._book.starting and not used_up and not self._leading.forbids(state.struck, trial.time_us, own):
            begun, done = self._settle(self._stepper.begin(trial), trial)
            runs += begun
            matches += done
        self._leading.note(state.struck, trial)
        told = self._tell(matches, runs, key, trial.time_us, i, out)
        state.runs = runs if told is None else [run for run in runs if run.start > told]
        self._keep(state, key, trial.time_us)

    def _grow(self, runs: list[Run], trial: Trial) -> tuple[list[Run], list[Run]]:
        """The runs after the event, and those that match by it."""
        kept: list[Run] = []
        matches: list[Run] = []
        forked = False
        for run in runs:
            if run.spot.next_ends and self._ends(run, trial):
                if not self._longest:
                    matches.append(run)
                    continue
                run.matched, run.held = True, None
            after = self._stepper.step(run, trial)
            forked |= len(after) > 1
            alive, done = self._settle(after, trial)
            if not after and run.match is not None:
                done = [run.match]
            kept += alive
            matches += done
            if done and self._pick is PickKind.FIRST:
                break  # all others are dropped: they started later
        if forked:
            kept = self._twins.without(kept)
        return kept, matches

    def _ends(self, run: Run, trial: Trial) -> bool:
        """Whether a trailing `=> !x` makes the run a match by this event."""
        return self._stepper.is_spared(run, trial) and self._holds(run, trial.key)

    def _settle(self, after: list[Run], trial: Trial) -> tuple[list[Run], list[Run]]:
        """Of the forks of a run those that live on, and the matches to be told."""
        alive: list[Run] = []
        done: list[Run] = []
        for run in after:
            if run.last == trial.number and run.spot.complete and self._is_at_once and self._holds(run, trial.key):
                if not self._longest:
                    done.append(run)
                    continue
                run.matched, run.held = True, None
            if run.spot.alive and not (self._looks and self._deadlines.end(run, trial.own + 1) < trial.time_us):
                alive.append(run)
            elif run.match is not None:
                done.append(run.match)
        return alive, done

    @property
    def _is_at_once(self) -> bool:
        """Whether a run that is complete has matched: no trailing negation is to be waited for."""
        return not self._book.ending

    def _holds(self, run: Run, key: Key) -> bool:
        when = self.kernels.when
        return when is None or when(self.kernels.read(run.g), key)

    # -- telling

    def _tell(self, matches: list[Run], runs: list[Run], key: Key, time_us: int, cause: int, out: list[Match]) -> int | None:
        """Tell the best match, and of those begun since its last event again the best; the number of the last event used up."""
        used: int | None = None
        while matches:
            best = best_of(matches, self._pick)
            out.append(self._match(best, key, time_us, cause))
            used = best.last
            matches = [run for run in matches if run.start > best.last]
        return used

    def _match(self, run: Run, key: Key, time_us: int, cause: int) -> Match:
        return self.told(key, time_us, cause, run.g, run.start_us, run.last_us, tuple(run.ids), run.events)

    def _lapsed(self, run: Run, key: Key, time_us: int) -> Match:
        assert self.kernels.timeout is not None
        match = self._match(run, key, time_us, TIMER)
        match.fields = self.kernels.timeout(run.g, key)
        match.transition = "timeout"
        return match

    # -- timers

    def advance(self, watermark_us: int, out: list[Match]) -> None:
        if self._due and self._due[0][0] < watermark_us:
            self._fire(watermark_us, out)

    def next_due(self) -> int | None:
        due = self._due
        while due:
            state = self.keys.get(due[0][2])
            if state is not None and state.timer_us == due[0][0]:
                return due[0][0]
            heappop(due)  # what it was for is gone
        return None

    def _fire(self, before_us: int, out: list[Match]) -> None:
        due, keys = self._due, self.keys
        while due and due[0][0] < before_us:
            due_us, _, key = heappop(due)
            state = keys.get(key)
            if state is not None and state.timer_us == due_us:
                state.timer_us = None
                self._fire_key(state, key, due_us, out)
                self._keep(state, key, due_us)

    def _fire_key(self, state: KeyState, key: Key, due_us: int, out: list[Match]) -> None:
        """What is due at that moment: first the matches, then the runs that lapse."""
        kept: list[Run] = []
        matches: list[Run] = []
        lapsed: list[Run] = []
        for run in state.runs:
            over = self._deadlines.end(run, state.own) <= due_us
            if self._deadlines.wait(run) <= due_us:
                run.waited = True
                if not self._holds(run, key):
                    if not over:
                        kept.append(run)
                    continue
                run.matched, run.held = True, None
                if not self._longest:
                    matches.append(run)
                    continue
            if not over:
                kept.append(run)
            elif run.match is not None:
                matches.append(run.match)
            else:
                lapsed.append(run)
        used = self._tell(matches, kept, key, due_us, TIMER, out)
        if used is not None:
            kept = [run for run in kept if run.start > used]
            lapsed = [run for run in lapsed if run.start > used]
        if self._timeout:
            self._tell_lapsed(state, lapsed, key, due_us, out)
        state.runs = kept
        self._leading.forget(state.struck, due_us)

    def _tell_lapsed(self, state: KeyState, lapsed: list[Run], key: Key, due_us: int, out: list[Match]) -> None:
        """A row for each run that ran out of time, if its events do not all lie in one told already."""
        for run in sorted(lapsed, key=_most_events_first):
            if self._deadlines.end(run, state.own) != due_us or self._deadlines.bound(run) > due_us:
                continue  # nothing could become of it any more before its time was over
            numbers = frozenset(numbers_of(run.taken))
            if not any(numbers <= told for told in state.told):
                state.told.append(numbers)
                out.append(self._lapsed(run, key, due_us))

    # -- keeping

    def _keep(self, state: KeyState, key: Key, time_us: int) -> None:
        """Put the key's state away, or forget it, and see to its timer."""
        self.noted.add_all((key,))
        self.keys[key] = state
        if self._budgeted is not None:
            self._enforce(self._budgeted, state, key, time_us)
        if self._is_empty(state):
            del self.keys[key]
            return
        if state.told:
            first = state.runs[0].start if state.runs else FAR
            state.told = [told for told in state.told if max(told) >= first]
        due_us = self._next_due(state)
        if due_us is not None and (state.timer_us is None or due_us < state.timer_us):
            state.timer_us = due_us
            self._set_timer(due_us, key)

    def _set_timer(self, due_us: int, key: Key) -> None:
        self._timers += 1
        heappush(self._due, (due_us, self._timers, key))

    @staticmethod
    def _is_empty(state: KeyState) -> bool:
        return not state.runs and not any(state.struck)

    def _enforce(self, budget: RunBudget, state: KeyState, key: Key, time_us: int) -> None:
        lost = budget.enforce(key, state, self.keys, time_us)
        self.noted.add_all(lost)
        for other in lost:
            if other != key and self._is_empty(self.keys[other]):
                del self.keys[other]

    def _next_due(self, state: KeyState) -> int | None:
        """When something of the key is due, or earlier."""
        runs: Iterable[Run] = state.runs if self._deadlines.moving else state.runs[:1]
        dues = [min(self._deadlines.end(run, state.own), self._deadlines.wait(run)) for run in runs]
        earliest = min((self._leading.next_due(state.struck), *dues))
        return earliest if earliest < FAR else None

    # -- plain data

    def dump_key(self, state: KeyState) -> list[Any]:
        return [
            state.own,
            [came[:] for came in state.struck],
            [sorted(told) for told in state.told],
            [dump_run(run, self.kernels) for run in state.runs],
        ]

    def load_key(self, data: Any) -> KeyState:
        own, struck, told, runs = data
        loaded = [load_run(run, self.kernels, self._book) for run in runs]
        return KeyState(loaded, [list(as_tuple(came)) for came in struck], own, None, [frozenset(numbers) for numbers in told])

    def dump_meta(self) -> dict[str, Any]:
        return {"number": self._number}

    def rebuild(self, meta: dict[str, Any]) -> None:
        self._number = meta["number"]
        self._due = []
        for key, state in self.keys.items():
            due_us = state.timer_us = self._next_due(state)
            if due_us is not None:
                self._set_timer(due_us, key)
        if self._budgeted is not None:
            self._budgeted.rebuild(self.keys)


def _most_events_first(run: Run) -> tuple[int, int]:
    return run.start, -run.events
