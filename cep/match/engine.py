"""A rulebook at work: rows that fit go to their matchers, matches become alerts. Pure: batches and times in, alerts out.

feed(batch, watermark) -> alerts    rows in feeding order, all at or before the watermark
advance(watermark) -> alerts        timers due before it act
next_due() -> time | None
snapshot / restore                  plain data
"""

from __future__ import annotations

from itertools import repeat
from typing import Any, Literal

from cep.event import Alert, Batch, Match
from cep.match.planner import make_matcher
from cep.match.running import MakeMatcher, Running, key_text
from cep.match.select import Selector
from cep.plan.kernels import Known, compile_rule
from cep.plan.plan import Rulebook, RulePlan

Rows = Literal["struct", "dict"]
STATE_VERSION = 2


class Engine:
    """Runs one generation of rules over one shard of keys, in one thread.

    make  makes the matcher of a rule; another one than the planner's may watch what its matchers are given
    """

    def __init__(
        self, rulebook: Rulebook, *, generation: int = 1, rows: Rows = "struct", make: MakeMatcher = make_matcher
    ) -> None:
        self._rows: Rows = rows
        self._make = make
        self._rules: list[Running] = []
        self._due: dict[int, int] = {}  # index of a rule -> its next timer
        self._tables_version = rulebook.tables_version
        self._install(rulebook, generation, {})

    def _install(self, rulebook: Rulebook, generation: int, old: dict[str, Running]) -> None:
        self.rulebook = rulebook
        self.generation = generation
        known: Known = {}
        rules = [self._carry_over(plan, rulebook, old.get(plan.id), known) for plan in rulebook.plans if plan.enabled]
        self._rules = rules
        self._settling = [rule for rule in rules if rule.once or rule.suppress or rule.budget]
        self._tables_version = rulebook.tables_version
        matchers = [rule.matcher for rule in rules]
        self._selector = Selector([rule.plan for rule in rules], rulebook.tables, rows=self._rows, matchers=matchers)
        self._due = {}
        for index in range(len(rules)):
            self._note_due(index)

    def _carry_over(self, plan: RulePlan, rulebook: Rulebook, old: Running | None, known: Known) -> Running:
        tables_changed = old is not None and rulebook.tables_version != self._tables_version
        if old is not None and old.plan == plan and not tables_changed:
            return old  # nothing changed: the state object itself goes on
        rule = Running(plan, compile_rule(plan, rulebook.tables, rows=self._rows, known=known), self._make)
        if old is not None and old.plan.version == plan.version:
            rule.carry_over(old)
        return rule

    def swap(self, rulebook: Rulebook, generation: int, watermark_us: int) -> list[Alert]:
        """Run another generation from here on: rules that decide the same keep their state, others start afresh. Open alerts of
        those that start afresh, or are gone, resolve now."""
        old = {rule.plan.id: rule for rule in self._rules}
        self._install(rulebook, generation, old)
        going_on = {rule.plan.id: rule.plan.version for rule in self._rules}
        left = [rule for rule_id, rule in sorted(old.items()) if going_on.get(rule_id) != rule.plan.version]
        return [alert for rule in left for alert in rule.withdrawn(watermark_us, generation)]

    # -- the four verbs

    def feed(self, batch: Batch, watermark_us: int) -> list[Alert]:
        """Take rows in feeding order, then move time to the watermark. Alerts come by (time, cause, rule, key, ordinal)."""
        found: list[tuple[Running, Match]] = []
        hits, rules = self._selector.select(batch), self._rules
        for index in self._selector.active:
            rule = rules[index]
            out: list[Match] = []
            rule.feed(batch, hits[index], out)
            if out:
                found.extend(zip(repeat(rule), out))
            if rule.timed:
                self._note_due(index)
        for index, out in self._selector.fused:
            if out:
                found.extend(zip(repeat(rules[index]), out))
                out.clear()
            if rules[index].timed:
                self._note_due(index)
        self._fire(watermark_us, found)
        return self._alerts(found, watermark_us)

    def advance(self, watermark_us: int) -> list[Alert]:
        """Let all timers due before the watermark act."""
        found: list[tuple[Running, Match]] = []
        self._fire(watermark_us, found)
        return self._alerts(found, watermark_us)

    def next_due(self) -> int | None:
        """When `advance` next has work, or a lower bound of it."""
        return min(self._due.values(), default=None)

    def _fire(self, watermark_us: int, found: list[tuple[Running, Match]]) -> None:
        due_now = [index for index, due_us in self._due.items() if due_us < watermark_us]
        for index in due_now:
            rule = self._rules[index]
            out: list[Match] = []
            rule.matcher.advance(watermark_us, out)
            found += [(rule, match) for match in out]
            self._note_due(index)

    def _note_due(self, index: int) -> None:
        due_us = self._rules[index].matcher.next_due()
        if due_us is None:
            self._due.pop(index, None)
        else:
            self._due[index] = due_us

    # -- matches become alerts

    def _alerts(self, found: list[tuple[Running, Match]], watermark_us: int) -> list[Alert]:
        if not found:
            return []
        ordered = [
            (match.time_us, match.cause, rule.id, key_text(match.key), n, rule, match) for n, (rule, match) in enumerate(found)
        ]
        if len(ordered) > 1:
            ordered.sort()  # n is unique: the comparison never reaches the rule
        generation = self.generation
        alerts = [alert for _, _, _, key, _, rule, match in ordered if (alert := rule.alert(match, key, generation)) is not None]
        for rule in self._settling:
            rule.settle(watermark_us)
        return alerts

    # -- state

    def touched(self) -> int:
        """Keys changed since the last snapshot."""
        return sum(rule.touched() for rule in self._rules)

    def sizes(self) -> dict[str, int]:
        """Per rule the number of keys that hold state."""
        return {rule.plan.id: rule.matcher.size() for rule in self._rules}

    def snapshot(self, *, delta: bool) -> dict[str, Any]:
        """Plain data, ready for msgpack; with `delta` only keys touched since the last snapshot of either kind."""
        return {"v": STATE_VERSION, "rules": {rule.plan.id: rule.snapshot(delta=delta) for rule in self._rules}}

    def restore(self, snapshots: list[dict[str, Any]]) -> None:
        """Start from a whole snapshot followed by deltas. A rule whose version the snapshots do not hold starts afresh."""
        for index, rule in enumerate(self._rules):
            rows = [snapshot["rules"].get(rule.plan.id) or ["", [], {}, False, []] for snapshot in snapshots]
            rule.restore(rows)
            self._note_due(index)
