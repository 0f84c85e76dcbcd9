"""Rules side by side: rows go to those they fit, timers act, matches come out. No rule of a level reads alerts of another.

The engine has one level, unless rules read the alerts of rules (`cep.match.cascade`).
"""

from __future__ import annotations

from collections.abc import Sequence

from cep.event import Batch, Match, Reads
from cep.match.company import units_of
from cep.match.running import Running
from cep.match.select import Selector
from cep.match.straightloop import Run
from cep.match.timers import Timers
from cep.plan.codegen import Rows, Tables

Found = list[tuple[Running, Match]]


class Level:
    """Some rules and their timers."""

    def __init__(self, rules: Sequence[Running], tables: Tables, rows: Rows) -> None:
        self.rules = list(rules)
        self._units = units_of(rules)
        self._timers = Timers()  # by index of a unit
        matchers = [unit.matcher for unit in self._units]
        plans, single = [unit.plan for unit in self._units], [unit.rule for unit in self._units]
        self._selector = Selector(plans, tables, rows=rows, matchers=matchers, rules=single)
        self.note_all_due()

    def feed(self, batch: Batch, watermark_us: int) -> Found:
        """Give the rows to the rules they fit, then let the timers due before the watermark act."""
        found: Found = []
        hits, units = self._selector.select(batch), self._units
        for index in self._selector.active:
            unit = units[index]
            out: list[Match] = []
            unit.feed(batch, hits[index], out)
            if out:
                found.extend(unit.told(out))
            if unit.timed:
                self._note_due(index)
        return self._after_rows(found, watermark_us)

    def run(self, reads: Reads, *, numbered: bool) -> Run | None:
        """What takes rows as they are decoded, if these rules need no batch of them: afterwards comes `ran`."""
        return self._selector.run(reads, numbered=numbered)

    def ran(self, watermark_us: int) -> Found:
        """As `feed`, of the rows that were taken meanwhile."""
        return self._after_rows([], watermark_us)

    def _after_rows(self, found: Found, watermark_us: int) -> Found:
        units, struck = self._units, self._selector.struck
        if struck:
            found += struck
            struck.clear()
        for index, out in self._selector.fused:
            if out:
                found.extend(units[index].told(out))
                out.clear()
            if units[index].timed:
                self._note_due(index)
        self._fire(watermark_us, found)
        return found

    def advance(self, watermark_us: int) -> Found:
        """Let the timers due before the watermark act."""
        found: Found = []
        self._fire(watermark_us, found)
        return found

    def next_due(self) -> int | None:
        """When `advance` next has work, or a lower bound of it."""
        return self._timers.first()

    def _fire(self, watermark_us: int, found: Found) -> None:
        for index in self._timers.before(watermark_us):
            unit = self._units[index]
            out: list[Match] = []
            unit.matcher.advance(watermark_us, out)
            found.extend(unit.told(out))
            self._note_due(index)

    def _note_due(self, index: int) -> None:
        self._timers.note(index, self._units[index].matcher.next_due())

    def note_all_due(self) -> None:
        """Ask all units for their timers: their state has changed."""
        for index in range(len(self._units)):
            self._note_due(index)
