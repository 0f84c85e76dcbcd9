"""Rules `x{n,m} -> y within w` that differ in n, m and w alone: each x is kept once, and each y asks all of them at once.

    history   x x x x x . y      the rules of 2 and 3 have told at an earlier y and count from the fourth x on: of them those
    from      5     2,3          of 2 are asked now. The rule of 5 counts from the first

A y costs a look per number n that the key has reached, and what is told; no rule is asked by itself. Each answers as it would
alone (`cep.match.tally.TallyMatcher`).
"""

from __future__ import annotations

from bisect import bisect_left
from typing import Any

from cep.event import Batch, EventId, Key, Match
from cep.match.fuse import AT, Bits, Fused, indented, where
from cep.match.matcher import Hits
from cep.match.starts import FIRST, History, pairs, with_start, without
from cep.match.tally import TallyMatcher
from cep.match.together import LOOKED_AT, Together
from cep.plan.kernels import Registers

_NOTHING: Registers = []


class TalliesTogether(Together[TallyMatcher]):
    """Several of these rules.

    cost    O(1) per x; a y O(numbers asked for that the key has reached), and what each match would cost alone
    memory  of the x in time for the longest rule as much as one rule alone; 16 bytes a moment at which some have told and others
            have not
    """

    def __init__(self, one: TallyMatcher) -> None:
        super().__init__(one.stride)
        self._x, self._y, self._strikes = 1 << one.x, 1 << one.y, one.strikes
        self._keeps = one.stride > 2
        self._one = one  # asked for what is the same for all

    def changed(self) -> None:
        alone = [member.alone for member in self.members.values()]
        self._one = next((one for one in alone if not one.bare), self._one)  # who tells nothing makes no registers

    def feed(self, batch: Batch, hits: Hits, out: list[Any]) -> None:
        """Take the rows in order; append (rule, match) of what matched."""
        if not hits.rows:
            return
        young, old, changed, get = self.ages.young, self.ages.old, self.noted.keys, self.ages.young.get
        times_us, ids, rows = batch.times_us, batch.ids, batch.rows
        x, ends, enough = self._x, self._y | self._strikes, self.enough()
        for i, key, mask in zip(hits.rows, hits.keys, hits.masks):
            if mask & ends:
                history = get(key) or old.get(key)
                if (
                    history is not None
                    and len(history) > enough
                    and self.end(history, key, mask, rows[i], times_us[i], ids[i], i, out)
                ):
                    continue
            if not mask & x:
                continue
            time_us, history = times_us[i], get(key)
            if history is None:
                history = young[key] = old.pop(key, [None])
            self._append(history, rows[i], time_us, ids[i])
            if changed is not None:
                changed.add(key)
        self.ages.saw(times_us[hits.rows[-1]])

    def fuse(self, n: int) -> Fused:
        """`feed` for one row."""
        noted = f"if C{n} is not None: C{n}.add"

        def row(key: str, bits: Bits) -> list[str]:
            asked = [AT, f"z = M{n}.end(w, {key}, {bits}, r, t, e, i, O{n})"]
            begun = [
                f"w = G{n}({key})",
                f"if w is None: w = Y{n}[{key}] = P{n}({key}, None) or [None]",
                AT,
                f"w.append(t); w.append(e){f'; w.append(M{n}.registers(r, t))' if self._keeps else ''}; L{n} = t",
                f"if len(w) % {LOOKED_AT * self.stride} == {FIRST}: M{n}.shorten(w, t)",
                f"{noted}({key})",
            ]
            asks = where(bits, self._y | self._strikes, indented(f"if w is not None and len(w) > {self.enough()}:", asked))
            begins = where(bits, self._x, begun)
            if not asks:
                return begins
            lines = [f"w = G{n}({key}) or Q{n}({key})", *asks]
            return ["z = False", *lines, *indented("if not z:", begins)] if begins else lines

        before = [
            f"Y{n} = M{n}.ages.young; G{n} = Y{n}.get; P{n} = M{n}.ages.old.pop; Q{n} = M{n}.ages.old.get",
            f"C{n} = M{n}.noted.keys; L{n} = None",
        ]
        return Fused(self, row, before, [f"if L{n} is not None: M{n}.ages.saw(L{n})"])

    def registers(self, row: Any, time_us: int) -> Registers:
        return self._one.registers(row, time_us)

    def _append(self, history: History, row: Any, time_us: int, one: EventId) -> None:
        history += (time_us, one, self._one.registers(row, time_us)) if self._keeps else (time_us, one)
        if len(history) % (LOOKED_AT * self.stride) == FIRST:
            self.shorten(history, time_us)

    def end(
        self, history: History, key: Key, mask: int, row: Any, time_us: int, one: EventId, cause: int, out: list[Any]
    ) -> bool:
        """At a y, or an event forbidden before it: whether any rule has matched. Then the event is done with: those that have
        not matched have taken it, if it is an x as well."""
        if mask & self._y:
            found = self.come_true(history, time_us)
            if found and (self._one.cond is None or self._one.cond(history[-1] if self._keeps else _NOTHING, key, row, time_us)):
                told = 0
                for start, rules in found:
                    self._tell(history, start, rules, key, row, time_us, one, cause, out)
                    told |= rules
                if mask & self._x:
                    self._append(history, row, time_us, one)
                self.use_up(key, history, told)
                if self.noted.keys is not None:
                    self.noted.keys.add(key)
                return True
        if mask & self._strikes:
            self._strike(history, key)
        return False

    def _tell(
        self, history: History, start: int, rules: int, key: Key, row: Any, time_us: int, one: EventId, cause: int, out: list[Any]
    ) -> None:
        """The matches of rules that count from one start. What differs by nothing but the rule is found out once."""
        stride, run_of = self.stride, self._one.run_of
        times_us = history[start::stride]
        age_us = time_us - times_us[0]
        runs: dict[tuple[int, int | None], Any] = {}
        for member in self.members_of(rules):
            first = 0 if age_us <= member.span_us else bisect_left(times_us, time_us - member.span_us)
            which = first, member.most
            run = runs.get(which)
            if run is None:
                run = runs[which] = run_of(history[start + first * stride :], member.most, row, time_us, one)
            g, first_us, evidence, events = run
            fields = member.alone.plain_fields
            if fields is None:
                match = member.alone.told(key, time_us, cause, g, first_us, time_us, evidence, events)
            else:
                match = Match(key, time_us, cause, fields(g, key), "", first_us, time_us, evidence[0], one, evidence, events)
            out.append((member.rule, match))

    def _strike(self, history: History, key: Key) -> None:
        """Runs that have their minimum die, those below it live: of each rule one x less than it asks for can be left."""
        size, starts = len(history), history[0] or [FIRST, self.all]
        for rung in self.rungs:
            latest = size - (rung.least - 1) * self.stride
            late = 0
            for start, rules in pairs(starts):
                if start < latest:
                    late |= rules & rung.all()
            if late:
                starts = with_start(without(starts, late), late, latest)
        if self.noted.keys is not None:
            self.noted.keys.add(key)
        self.begin(key, history, starts)
