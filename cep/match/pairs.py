"""`a -> b within w` whose b looks at the a: all that is kept of an a is what the condition and the alert want of it.

The a of a key stand in one list, in order. At a b the first that is still in time and for which the condition is true is the
match, and uses up the others. Agrees with the run list on every pattern it accepts (`why_not_pair` says what it does not).

    within 5    a1 ...... a2 .... b        a1 has lapsed, a2 is asked
                |---------|       |
"""

from __future__ import annotations

from collections import deque
from typing import Any

from cep.event import Batch, EventId, Key, Match
from cep.match.fuse import Bits, Fused, indented, where
from cep.match.keyed import Keyed
from cep.match.matcher import Hits
from cep.plan.kernels import Begun, RuleKernels
from cep.plan.plan import RulePlan, SequenceBody

RUN_LIST_ROW = 10  # values of a run as the run list writes it down


def why_not_pair(body: SequenceBody) -> str:
    """What of the pattern needs its runs listed; "" when the events of its first step are enough."""
    if len(body.nodes) != 2 or body.ending:
        return "it is not of the form a -> b"
    first, then = body.nodes
    if any((node.min, node.max) != (1, 1) for node in body.nodes) or then.strict or then.forbids:
        return "it is not of the form a -> b"
    if body.within_us is None or body.within_us <= body.exclusive:
        return "it has no bound in time"
    if body.when is not None or body.steps[first.step].cond is not None or body.steps[then.step].cond_after_take:
        return "a condition looks at more than the first event"
    return ""


class PairMatcher(Keyed[list[Begun]]):
    """`a -> b within w`, with a condition of b that differs from a to a.

    Each key has one timer, for cleaning, as a tally has: what has lapsed may stay so much longer; it is never asked.

    cost  O(1) per a; a b asks the a of its key in one call
    """

    def __init__(self, plan: RulePlan, kernels: RuleKernels) -> None:
        super().__init__(plan, kernels)
        body = plan.body
        assert isinstance(body, SequenceBody) and body.within_us is not None
        first, then = body.nodes
        self._a, self._b = 1 << first.step, 1 << then.step
        self._span_us = body.within_us - 1 if body.exclusive else body.within_us
        self._time = len(body.registers)  # where a begun run holds its time
        self._take = kernels.take[then.step]
        assert kernels.begin is not None and kernels.find is not None
        self._begin, self._find = kernels.begin, kernels.find
        self._due: deque[tuple[int, Key, list[Begun]]] = deque()

    def feed(self, batch: Batch, hits: Hits, out: list[Match]) -> None:
        keys, due, changed, get = self.keys, self._due, self.noted.keys, self.keys.get
        times_us, ids, rows = batch.times_us, batch.ids, batch.rows
        a, b, span_us, at = self._a, self._b, self._span_us, self._time
        for i, key, mask in zip(hits.rows, hits.keys, hits.masks):
            time_us, runs = times_us[i], get(key)
            if runs is not None and mask & b:
                run = self._find(runs, key, rows[i], time_us, time_us - span_us)
                if run is not None:
                    out.append(self.end(runs, run, key, rows[i], time_us, ids[i], i))
                    continue  # the event is used up and begins nothing
            if not mask & a:
                continue
            run = self._begin(rows[i], time_us, ids[i])
            if runs is None:
                runs = keys[key] = [run]
                due.append((time_us + span_us, key, runs))
            else:
                runs.append(run)
                if runs[0][at] < time_us - span_us:
                    self.trim(runs, time_us)
            if changed is not None:
                changed.add(key)
        if due and hits.rows and due[0][0] < times_us[hits.rows[-1]]:
            self.advance(times_us[hits.rows[-1]], out)

    def fuse(self, n: int) -> Fused:
        """`feed` for one row; its timers only clean, so they can wait for the end of the batch."""

        def row(key: str, bits: Bits) -> list[str]:
            asked = [
                f"z = F{n}(w, {key}, r, t, t - {self._span_us})",
                f"if z is not None: O{n}.append(M{n}.end(w, z, {key}, r, t, e, i))",
            ]
            begun = [
                f"z = B{n}(r, t, e)",
                f"if w is None: w = K{n}[{key}] = [z]; D{n}((t + {self._span_us}, {key}, w))",
                *indented("else:", ["w.append(z)", f"if w[0][{self._time}] < t - {self._span_us}: M{n}.trim(w, t)"]),
                f"if C{n} is not None: C{n}.add({key})",
            ]
            ended, begins = where(bits, self._b, asked), where(bits, self._a, begun)
            if not ended:
                return [f"w = G{n}({key})", *begins]
            return [f"z = None; w = G{n}({key})", *indented("if w is not None:", ended), *indented("if z is None:", begins)]

        before = [
            f"K{n} = M{n}.keys; G{n} = K{n}.get; D{n} = M{n}._due.append; C{n} = M{n}.noted.keys",
            f"F{n} = M{n}._find; B{n} = M{n}._begin",
        ]
        return Fused(self, row, before)

    def end(self, runs: list[Begun], run: Begun, key: Key, row: Any, time_us: int, one: EventId, cause: int) -> Match:
        """The match of a run with this event: with it all runs of the key are over."""
        del self.keys[key]
        runs.clear()  # the timer still holds them
        *g, first_us, first = run
        if self._take is not None:
            self._take(g, row, time_us)
        if self.noted.keys is not None:
            self.noted.keys.add(key)
        return self.told(key, time_us, cause, g, first_us, time_us, (first, one), 2)

    def trim(self, runs: list[Begun], time_us: int) -> None:
        """Take out the runs whose time is up."""
        earliest, at, lapsed = time_us - self._span_us, self._time, 0
        while lapsed < len(runs) and runs[lapsed][at] < earliest:
            lapsed += 1
        del runs[:lapsed]

    # -- timers

    def advance(self, watermark_us: int, out: list[Match]) -> None:
        due, keys = self._due, self.keys
        while due and due[0][0] < watermark_us:
            _, key, runs = due.popleft()
            if keys.get(key) is not runs:
                continue  # told meanwhile
            self.noted.add_all((key,))
            self.trim(runs, watermark_us)
            if runs:
                due.append((watermark_us + self._span_us, key, runs))  # later than all others: the order stands
            else:
                del keys[key]

    def next_due(self) -> int | None:
        due = self._due
        while due and self.keys.get(due[0][1]) is not due[0][2]:
            due.popleft()
        return due[0][0] if due else None

    # -- plain data

    def dump_key(self, state: list[Begun]) -> list[list[Any]]:
        return [[time_us, one, self.kernels.dump(g)] for *g, time_us, one in state]

    def load_key(self, data: Any) -> list[Begun]:
        return [self._loaded(*(run if len(run) < RUN_LIST_ROW else (run[4], run[9][0], run[8]))) for run in data]

    def _loaded(self, time_us: int, one: EventId, plain: list[Any]) -> Begun:
        return (*self.kernels.load(plain), time_us, one)

    def rebuild(self, meta: dict[str, Any]) -> None:
        begun = sorted((runs[0][self._time], n, key) for n, (key, runs) in enumerate(self.keys.items()))
        self._due = deque((time_us + self._span_us, key, self.keys[key]) for time_us, _, key in begun)
