"""`a -> !x` without a list of runs: the a of a key that no x has struck wait, and each is told at its own deadline.

It agrees with the run list on every pattern that it accepts (`why_not_pending` says which not).
"""

from __future__ import annotations

from collections import deque
from typing import Any

from cep.event import TIMER, Batch, EventId, Key, Match
from cep.match.fuse import AT, Bits, Fused, indented, where
from cep.match.keyed import Keyed
from cep.match.matcher import Hits
from cep.match.moves import mask_of
from cep.plan.kernels import Registers, RuleKernels
from cep.plan.plan import RulePlan, SequenceBody

Pending = tuple[int, Key, EventId, Registers]  # time, key, id and registers of one a
Waiting = Pending | list[Pending]  # what waits of one key: one alone, or several in order


def why_not_pending(body: SequenceBody) -> str:
    """What of the pattern needs its runs listed; "" when the waiting events of its one step are enough."""
    if len(body.nodes) != 1 or not body.ending or body.ending_strict or (body.nodes[0].min, body.nodes[0].max) != (1, 1):
        return "it is not of the form a -> !x"
    if any(step.cond is not None for step in body.steps):
        return "a condition looks at the run"
    return ""


class PendingMatcher(Keyed[Waiting]):
    """`a -> !x within w`: no match uses up any a but its own, so each waits for itself alone.

    cost  O(1) per a, x and deadline
    """

    def __init__(self, plan: RulePlan, kernels: RuleKernels) -> None:
        super().__init__(plan, kernels)
        body = plan.body
        assert isinstance(body, SequenceBody) and body.within_us is not None
        self._a = body.nodes[0].step
        self._strikes = mask_of(body.ending)
        self._within_us = body.within_us
        self._exclusive = body.exclusive
        self._nothing = None if body.registers else kernels.fresh()
        self._due: deque[Pending] = deque()  # all that wait, and those struck whose time has not come

    def feed(self, batch: Batch, hits: Hits, out: list[Match]) -> None:
        keys, due, changed = self.keys, self._due, self.noted.keys
        times_us, ids, rows = batch.times_us, batch.ids, batch.rows
        a, strikes, nothing = 1 << self._a, self._strikes, self._nothing
        within_us, push = self._within_us, due.append
        for i, key, mask in zip(hits.rows, hits.keys, hits.masks):
            if mask & strikes and key in keys:
                time_us = times_us[i]
                if due[0][0] + within_us < time_us:
                    self.advance(time_us, out)  # what was due by now can be struck no more
                if self._exclusive:
                    self.strike_within(key, time_us)
                else:
                    keys.pop(key, None)
                if changed is not None:
                    changed.add(key)
            if mask & a:
                time_us = times_us[i]
                entry = (time_us, key, ids[i], self.registers(rows[i], time_us) if nothing is None else nothing)
                push(entry)
                waiting = keys.setdefault(key, entry)
                if waiting is not entry:
                    self.wait_too(waiting, entry)
                if changed is not None:
                    changed.add(key)
        if hits.rows:
            self.advance(times_us[hits.rows[-1]], out)

    def fuse(self, n: int) -> Fused:
        """`feed` for one row."""
        g = f"M{n}.registers(r, t)" if self._nothing is None else f"N{n}"

        def row(key: str, bits: Bits) -> list[str]:
            noted = f"if C{n} is not None: C{n}.add({key})"
            due = f"if (z if z.__class__ is int else z[0]) + {self._within_us} < t:"  # can be struck no more
            if self._exclusive:
                struck = [AT, "z = w[0]", f"{due} M{n}.advance(t, O{n})", f"M{n}.strike_within({key}, t)", noted]
                struck = [f"w = K{n}.get({key})", *indented("if w is not None:", struck)]
            else:
                told = f"K{n}[{key}] = w; M{n}.advance(t, O{n}); P{n}({key}, None)"
                struck = [f"w = P{n}({key}, None)", *indented("if w is not None:", [AT, "z = w[0]", f"{due} {told}", noted])]
            waits = [
                AT,
                f"z = (t, {key}, e, {g}); D{n}.append(z); w = K{n}.setdefault({key}, z)",
                f"if w is not z: M{n}.wait_too(w, z)",
                noted,
            ]
            return [*where(bits, self._strikes, struck), *where(bits, 1 << self._a, waits)]

        before = [f"K{n} = M{n}.keys; P{n} = K{n}.pop; D{n} = M{n}._due; C{n} = M{n}.noted.keys; N{n} = M{n}._nothing"]
        return Fused(self, row, before)

    def wait_too(self, waiting: Waiting, entry: Pending) -> None:
        """One more of a key of which others wait."""
        if isinstance(waiting, list):
            waiting.append(entry)
        else:
            self.keys[entry[1]] = [waiting, entry]

    def registers(self, row: Any, time_us: int) -> Registers:
        g = self.kernels.fresh()
        take = self.kernels.take[self._a]
        if take is not None:
            take(g, row, time_us)
        return g

    def strike_within(self, key: Key, time_us: int) -> None:
        """Of an exclusive bound: nothing of the key waits any more, except what is due at this very moment. It lies outside the
        bound: it cannot be struck, and is told after the event."""
        waiting = self.keys.pop(key, None)
        if waiting is not None:
            spared = [entry for entry in _entries(waiting) if entry[0] + self._within_us == time_us]
            if spared:
                self.keys[key] = spared

    # -- timers

    def advance(self, watermark_us: int, out: list[Match]) -> None:
        due, get, when, within_us = self._due, self.keys.get, self.kernels.when, self._within_us
        before_us, pop = watermark_us - within_us, due.popleft
        while due:
            entry = due[0]
            if entry[0] >= before_us:
                break
            pop()
            waiting = get(entry[1])
            if waiting is None:
                continue  # struck, as most are
            time_us, key, one, g = entry
            if waiting is entry:
                del self.keys[key]
            elif isinstance(waiting, list) and waiting[0] is entry:
                del waiting[0]
                if not waiting:
                    del self.keys[key]
            else:
                continue  # struck: those that wait were due later
            if self.noted.keys is not None:
                self.noted.keys.add(key)
            if when is None or when(self.kernels.read(g), key):
                out.append(self.told(key, time_us + within_us, TIMER, g, time_us, time_us, (one,), 1))

    def next_due(self) -> int | None:
        due = self._due
        while due:
            waiting = self.keys.get(due[0][1])
            if waiting is not None and _entries(waiting)[0] is due[0]:
                return due[0][0] + self._within_us
            due.popleft()
        return None

    # -- plain data

    def dump_key(self, state: Waiting) -> list[list[Any]]:
        dump = self.kernels.dump
        return [[time_us, one, dump(g)] for time_us, _, one, g in _entries(state)]

    def load_key(self, data: Any) -> Waiting:
        load = self.kernels.load
        return [(time_us, (), one, load(g)) for time_us, one, g in data]

    def rebuild(self, meta: dict[str, Any]) -> None:
        self.keys = {key: [(e[0], key, e[2], e[3]) for e in _entries(waiting)] for key, waiting in self.keys.items()}
        self._due = deque(sorted((entry for waiting in self.keys.values() for entry in _entries(waiting)), key=_time))


def _entries(waiting: Waiting) -> list[Pending]:
    return waiting if isinstance(waiting, list) else [waiting]


def _time(timer: tuple[int, Any, Any, Any] | tuple[int, Any, Any]) -> int:
    return timer[0]
