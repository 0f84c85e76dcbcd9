"""Rules `count() >= n over w then reset` that differ in n and w alone: each event is kept once, and asks all of them at once.

Each answers as it would alone (`cep.match.counter`).
"""

from __future__ import annotations

from typing import Any

from cep.event import Batch, EventId, Key
from cep.match.counter import CountedWindows
from cep.match.fuse import AT, Bits, Fused
from cep.match.matcher import Hits
from cep.match.starts import FIRST, History, cut
from cep.match.together import LOOKED_AT, Together


class CountsTogether(Together[CountedWindows]):
    """Several of these rules.

    cost    per event O(numbers asked for that the key has reached), and what each match would cost alone
    memory  of the events of the longest window, at most the largest number asked for and a few more, as much as one rule alone
    """

    def __init__(self, one: CountedWindows) -> None:
        super().__init__(2)
        self._one = one  # asked for what is the same for all

    def feed(self, batch: Batch, hits: Hits, out: list[Any]) -> None:
        """Take the rows in order; append (rule, match) of what matched."""
        if not hits.rows:
            return
        young, old, get, enough = self.ages.young, self.ages.old, self.ages.young.get, self.enough()
        times_us, ids, rows = batch.times_us, batch.ids, batch.rows
        for i, key in zip(hits.rows, hits.keys):
            time_us, history = times_us[i], get(key)
            if history is None:
                history = young[key] = old.pop(key, [None])
            history += (time_us, self.told(ids[i], rows[i], time_us))
            if len(history) > enough:
                self.judge(history, key, time_us, i, out)
        self.ages.saw(times_us[hits.rows[-1]])
        self.noted.add_all(hits.keys)

    def fuse(self, n: int) -> Fused:
        """`feed` for one row."""
        told = "e" if self._one.counts_alone else f"M{n}.told(e, r, t)"

        def row(key: str, bits: Bits) -> list[str]:
            return [
                f"w = G{n}({key})",
                f"if w is None: w = Y{n}[{key}] = P{n}({key}, None) or [None]",
                AT,
                f"w.append(t); w.append({told}); L{n} = t",
                f"if len(w) > {self.enough()}: M{n}.judge(w, {key}, t, i, O{n})",
                f"if C{n} is not None: C{n}.add({key})",
            ]

        before = [f"Y{n} = M{n}.ages.young; G{n} = Y{n}.get; P{n} = M{n}.ages.old.pop; C{n} = M{n}.noted.keys; L{n} = None"]
        return Fused(self, row, before, [f"if L{n} is not None: M{n}.ages.saw(L{n})"])

    def told(self, one: EventId, row: Any, time_us: int) -> Any:
        """What is kept of an event besides its time."""
        return one if self._one.counts_alone else (one, self._one.kernels.values(row, time_us))

    def judge(self, history: History, key: Key, time_us: int, cause: int, out: list[Any]) -> None:
        """With its last event: whose window is full? To that rule it is empty from here on."""
        if len(history) % (LOOKED_AT * 2) == FIRST:
            self.shorten(history, time_us)
        full = 0
        for _, rules in self.come_true(history, time_us):
            full |= rules
        if full:
            out += [(one.rule, one.alone.match(key, cause, history[-2 * one.least :])) for one in self.members_of(full)]
            self.use_up(key, history, full)

    def shorten(self, history: History, time_us: int) -> None:
        """No rule looks further back than the largest number."""
        super().shorten(history, time_us)
        most = self.rungs[-1].least * self.stride
        if len(history) - FIRST > most:
            cut(history, len(history) - most)
