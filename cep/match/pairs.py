"""`a -> b within w` whose b looks at the a: all that is kept of an a is what the condition and the alert want of it.

The a of a key stand in one list, in order. At a b the first that is still in time and for which the condition is true is the
match, and uses up the others. Agrees with the run list on every pattern it accepts (`why_not_pair` says what it does not).

    within 5    a1 ...... a2 .... b        a1 has lapsed, a2 is asked
                |---------|       |
"""

from __future__ import annotations

from typing import Any

from cep.event import Batch, EventId, Key, Match
from cep.match.ages import Aged
from cep.match.fuse import AT, Bits, Fused, indented, where
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


class PairMatcher(Aged[list[Begun]]):
    """`a -> b within w`, with a condition of b that differs from a to a.

    cost  O(1) per a; a b asks the a of its key in one call
    """

    def __init__(self, plan: RulePlan, kernels: RuleKernels) -> None:
        body = plan.body
        assert isinstance(body, SequenceBody) and body.within_us is not None
        super().__init__(plan, kernels, body.within_us - 1 if body.exclusive else body.within_us)
        first, then = body.nodes
        self._a, self._b = 1 << first.step, 1 << then.step
        self._time = len(body.registers)  # where a begun run holds its time
        self._take = kernels.take[then.step]
        assert kernels.begin is not None and kernels.find is not None
        self._begin, self._find = kernels.begin, kernels.find

    def latest(self, state: list[Begun]) -> int | None:
        return state[-1][self._time] if state else None

    def feed(self, batch: Batch, hits: Hits, out: list[Match]) -> None:
        if not hits.rows:
            return
        young, old, changed, get = self.ages.young, self.ages.old, self.noted.keys, self.ages.young.get
        times_us, ids, rows = batch.times_us, batch.ids, batch.rows
        a, b, span_us, at = self._a, self._b, self.ages.span_us, self._time
        for i, key, mask in zip(hits.rows, hits.keys, hits.masks):
            time_us = times_us[i]
            if mask & b:
                runs = get(key) or old.get(key)
                run = None if runs is None else self._find(runs, key, rows[i], time_us, time_us - span_us)
                if run is not None:
                    out.append(self.end(run, key, rows[i], time_us, ids[i], i))
                    continue  # the event is used up and begins nothing
            if not mask & a:
                continue
            runs = get(key)
            if runs is None:
                runs = young[key] = old.pop(key, [])
            runs.append(self._begin(rows[i], time_us, ids[i]))
            if runs[0][at] < time_us - span_us:
                self.trim(runs, time_us)
            if changed is not None:
                changed.add(key)
        self.ages.saw(times_us[hits.rows[-1]])

    def fuse(self, n: int) -> Fused:
        """`feed` for one row."""
        span_us = self.ages.span_us

        def row(key: str, bits: Bits) -> list[str]:
            asked = [
                AT,
                f"z = F{n}(w, {key}, r, t, t - {span_us})",
                f"if z is not None: O{n}.append(M{n}.end(z, {key}, r, t, e, i))",
            ]
            begun = [
                f"w = G{n}({key})",
                f"if w is None: w = Y{n}[{key}] = P{n}({key}, None) or []",
                AT,
                f"w.append(B{n}(r, t, e)); L{n} = t",
                f"if w[0][{self._time}] < t - {span_us}: M{n}.trim(w, t)",
                f"if C{n} is not None: C{n}.add({key})",
            ]
            asks = where(bits, self._b, [f"w = G{n}({key}) or Q{n}({key})", *indented("if w is not None:", asked)])
            begins = where(bits, self._a, begun)
            return ["z = None", *asks, *indented("if z is None:", begins)] if asks else begins

        before = [
            f"Y{n} = M{n}.ages.young; G{n} = Y{n}.get; P{n} = M{n}.ages.old.pop; Q{n} = M{n}.ages.old.get",
            f"C{n} = M{n}.noted.keys; L{n} = None; F{n} = M{n}._find; B{n} = M{n}._begin",
        ]
        return Fused(self, row, before, [f"if L{n} is not None: M{n}.ages.saw(L{n})"])

    def end(self, run: Begun, key: Key, row: Any, time_us: int, one: EventId, cause: int) -> Match:
        """The match of a run with this event: with it all runs of the key are over."""
        self.ages.drop(key)
        *g, first_us, first = run
        if self._take is not None:
            self._take(g, row, time_us)
        if self.noted.keys is not None:
            self.noted.keys.add(key)
        return self.told(key, time_us, cause, g, first_us, time_us, (first, one), 2)

    def trim(self, runs: list[Begun], time_us: int) -> None:
        """Take out the runs whose time is up."""
        earliest, at, lapsed = time_us - self.ages.span_us, self._time, 0
        while lapsed < len(runs) and runs[lapsed][at] < earliest:
            lapsed += 1
        del runs[:lapsed]

    # -- plain data

    def dump_key(self, state: list[Begun]) -> list[list[Any]]:
        return [[time_us, one, self.kernels.dump(g)] for *g, time_us, one in state]

    def load_key(self, data: Any) -> list[Begun]:
        return [self._loaded(*(run if len(run) < RUN_LIST_ROW else (run[4], run[9][0], run[8]))) for run in data]

    def _loaded(self, time_us: int, one: EventId, plain: list[Any]) -> Begun:
        return (*self.kernels.load(plain), time_us, one)
