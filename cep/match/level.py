"""Rules side by side: rows go to those they fit, timers act, matches come out. No rule of a level reads alerts of another.

The engine has one level, unless rules read the alerts of rules (`cep.match.cascade`).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import repeat

from cep.event import Batch, Match, Reads
from cep.match.running import Running
from cep.match.select import Selector
from cep.match.straightloop import Run
from cep.plan.codegen import Rows, Tables

Found = list[tuple[Running, Match]]


class Level:
    """Some rules and their timers."""

    def __init__(self, rules: Sequence[Running], tables: Tables, rows: Rows) -> None:
        self.rules = list(rules)
        self._due: dict[int, int] = {}  # index of a rule -> its next timer
        matchers = [rule.matcher for rule in rules]
        self._selector = Selector([rule.plan for rule in rules], tables, rows=rows, matchers=matchers, rules=rules)
        self.note_all_due()

    def feed(self, batch: Batch, watermark_us: int) -> Found:
        """Give the rows to the rules they fit, then let the timers due before the watermark act."""
        found: Found = []
        hits, rules = self._selector.select(batch), self.rules
        for index in self._selector.active:
            rule = rules[index]
            out: list[Match] = []
            rule.feed(batch, hits[index], out)
            if out:
                found.extend(zip(repeat(rule), out))
            if rule.timed:
                self._note_due(index)
        return self._after_rows(found, watermark_us)

    def run(self, reads: Reads, *, numbered: bool) -> Run | None:
        """What takes rows as they are decoded, if these rules need no batch of them: afterwards comes `ran`."""
        return self._selector.run(reads, numbered=numbered)

    def ran(self, watermark_us: int) -> Found:
        """As `feed`, of the rows that were taken meanwhile."""
        return self._after_rows([], watermark_us)

    def _after_rows(self, found: Found, watermark_us: int) -> Found:
        rules, struck = self.rules, self._selector.struck
        if struck:
            found += struck
            struck.clear()
        for index, out in self._selector.fused:
            if out:
                found.extend(zip(repeat(rules[index]), out))
                out.clear()
            if rules[index].timed:
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
        return min(self._due.values(), default=None)

    def _fire(self, watermark_us: int, found: Found) -> None:
        due_now = [index for index, due_us in self._due.items() if due_us < watermark_us]
        for index in due_now:
            rule = self.rules[index]
            out: list[Match] = []
            rule.matcher.advance(watermark_us, out)
            found += [(rule, match) for match in out]
            self._note_due(index)

    def _note_due(self, index: int) -> None:
        due_us = self.rules[index].matcher.next_due()
        if due_us is None:
            self._due.pop(index, None)
        else:
            self._due[index] = due_us

    def note_all_due(self) -> None:
        """Ask all rules for their timers: their state has changed."""
        for index in range(len(self.rules)):
            self._note_due(index)
