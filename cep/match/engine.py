"""A rulebook at work: rows that fit go to their matchers, matches become alerts. Pure: batches and times in, alerts out.

feed(batch, watermark) -> alerts    rows in feeding order, all at or before the watermark
advance(watermark) -> alerts        timers due before it act
next_due() -> time | None
snapshot / restore                  plain data
"""

from __future__ import annotations

from bisect import bisect_right
from itertools import pairwise
from typing import Any, Literal

from cep.alert import Alert, key_text
from cep.errors import ConfigError
from cep.event import Batch, Match, Reads
from cep.match.cascade import Cascade
from cep.match.collecting import Collect, compile_collect
from cep.match.company import part
from cep.match.level import Found, Level
from cep.match.order import NEVER
from cep.match.planner import make_matcher
from cep.match.running import MakeMatcher, Running
from cep.match.straightloop import Run
from cep.plan.kernels import Known, compile_rule
from cep.plan.plan import Rulebook, RulePlan

Rows = Literal["struct", "dict"]
STATE_VERSION = 4


def _place(one: tuple[Running, Match]) -> tuple[int, str, bytes]:
    rule, match = one
    return match.cause, rule.id, key_text(match.key)


def _in_order(found: Found, times_us: list[int]) -> Found:
    """By time; where several are of one time by cause, rule and key."""
    order = sorted(range(len(found)), key=times_us.__getitem__)
    placed = [found[n] for n in order]
    in_turn = [times_us[n] for n in order]
    end = 0
    for n, (time_us, following_us) in enumerate(pairwise(in_turn)):
        if time_us == following_us and n >= end:  # the first of several
            end = bisect_right(in_turn, time_us, n)
            placed[n:end] = _of_one_time(placed[n:end])
    return placed


def _of_one_time(several: Found) -> Found:
    places = {(match.cause, rule.id): (rule, match) for rule, match in several}
    return [places[place] for place in sorted(places)] if len(places) == len(several) else sorted(several, key=_place)


SETTLE_US = 60_000_000  # what can mute nothing any more is forgotten as often as that, though its rule tells nothing


class Engine:
    """Runs one generation of rules over one shard of keys, in one thread."""

    def __init__(
        self, rulebook: Rulebook, *, generation: int = 1, rows: Rows = "struct", make: MakeMatcher = make_matcher
    ) -> None:
        self._rows: Rows = rows
        self._make = make
        self._rules: list[Running] = []
        self._tables_version = rulebook.tables_version
        self._settle_us = NEVER
        self._install(rulebook, generation, {})

    def _install(self, rulebook: Rulebook, generation: int, old: dict[str, Running]) -> None:
        self.rulebook = rulebook
        self.generation = generation
        known: Known = {}
        rules = [self._carry_over(plan, rulebook, old.get(plan.id), known) for plan in rulebook.plans if plan.enabled]
        self._rules = rules
        self._settling = [rule for rule in rules if rule.settles]
        self._budgets = [(rule.id, rule.budget) for rule in rules if rule.budget]
        self._tables_version = rulebook.tables_version
        stay = set(map(id, rules))
        part([rule for rule in old.values() if id(rule) not in stay], with_state=False)
        self._lay()

    def _lay(self) -> None:
        """The rules in their levels, those of one shape together."""
        rules, rulebook = self._rules, self.rulebook
        above = any(rule.plan.reads_rules for rule in rules)
        self._cascade = Cascade(rules, rulebook, self._rows) if above else None
        higher = {rule.id for level in self._cascade.levels for rule in level.rules} if self._cascade else set()
        self._first = Level([rule for rule in rules if rule.id not in higher], rulebook.tables, self._rows)
        self._collects: dict[tuple[Reads, bool], Collect | None] = {}
        self._levels = [self._first, *(self._cascade.levels if self._cascade else ())]
        self._note_waiting()

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
        those that start afresh, or are gone, resolve now, and so do those of keys that a changed table does not expect."""
        old = {rule.plan.id: rule for rule in self._rules}
        self._install(rulebook, generation, old)
        going_on = {rule.plan.id: rule.plan.version for rule in self._rules}
        left = [rule for rule_id, rule in sorted(old.items()) if going_on.get(rule_id) != rule.plan.version]
        alerts = [alert for rule in left for alert in rule.withdrawn(watermark_us, generation)]
        if watermark_us > NEVER:
            new = [rule for rule in self._rules if rule.expects and rule is not old.get(rule.id)]
            alerts += self._meet(new, watermark_us)
        return alerts

    # -- time begins

    def begin(self, time_us: int) -> None:
        """Time begins here: whoever is expected is waited for from now on. Without this it begins with the first row."""
        self._meet(self._waiting, time_us)

    def _meet(self, rules: list[Running], time_us: int) -> list[Alert]:
        found: Found = []
        for rule in rules:
            if rule.expects:
                out: list[Match] = []
                rule.expects.meet(time_us, out)
                found += [(rule, match) for match in out]
        for level in self._levels:
            level.note_all_due()
        self._note_waiting()
        return self._tell(found)

    def _note_waiting(self) -> None:
        self._waiting = [rule for rule in self._rules if rule.expects and not rule.expects.begun]

    @property
    def waiting(self) -> bool:
        """Whether time has not begun for some rule: it begins with the first event, whatever that is."""
        return bool(self._waiting)

    # -- the four verbs

    def feed(self, batch: Batch, watermark_us: int) -> list[Alert]:
        """Take rows in feeding order, then move time to the watermark. Alerts come by (time, cause, rule, key, ordinal)."""
        if self._waiting and len(batch):
            self.begin(batch.times_us[0])
        return self._alerts(batch, self._first.feed(batch, watermark_us), watermark_us)

    def run(self, reads: Reads, *, numbered: bool) -> Run | None:
        """What takes rows as they are decoded, if these rules need no batch of them: afterwards comes `ran`.

        numbered  their ids are a range, and no time is too far ahead
        """
        return None if self._cascade is not None or self._waiting else self._first.run(reads, numbered=numbered)

    def collect(self, reads: Reads, *, numbered: bool) -> Collect | None:
        """What judges rows that have to wait, as they are decoded, and collects those that these rules read. None: they need all.
        What was collected comes to `feed` when it waits no longer."""
        if self._waiting:
            return None  # time begins with the first row, whatever it is
        asked = reads, numbered
        if asked not in self._collects:
            plans = [rule.plan for rule in self._rules]
            self._collects[asked] = compile_collect(plans, self.rulebook.tables, self._rows, reads, numbered=numbered)
        return self._collects[asked]

    def ran(self, watermark_us: int) -> list[Alert]:
        """As `feed`, of the rows that were taken meanwhile."""
        return self._alerts(None, self._first.ran(watermark_us), watermark_us)

    def advance(self, watermark_us: int) -> list[Alert]:
        """Let all timers due before the watermark act."""
        return self._alerts(None, self._first.advance(watermark_us), watermark_us)

    def next_due(self) -> int | None:
        """When `advance` next has work, or a lower bound of it."""
        if self._cascade is None:
            return self._first.next_due()
        return min((due_us for level in self._levels if (due_us := level.next_due()) is not None), default=None)

    # -- matches become alerts

    def _alerts(self, batch: Batch | None, found: Found, watermark_us: int) -> list[Alert]:
        alerts: list[Alert] = []
        if self._cascade is not None:
            alerts = self._cascade.run(batch, watermark_us, found, self.generation)
        elif found:
            alerts = self._tell(found)
        if watermark_us >= self._settle_us or self._cascade is not None:
            self._settle_us = watermark_us + SETTLE_US
            settling = self._settling
        else:  # it is not long since what is over was forgotten: rules that have just told something may have more of it
            settling = list({id(rule): rule for rule, _ in found if rule.settles}.values()) if found and self._settling else []
            for _, budget in self._budgets:  # what goes is noted, whether or not anything is told
                budget.settle(watermark_us)
        for rule in settling:
            rule.settle(watermark_us)
        return alerts

    def _tell(self, found: Found) -> list[Alert]:
        if len(found) > 1:
            times_us = [match.time_us for _, match in found]
            if len(set(times_us)) == len(found):
                found = [found[n] for n in sorted(range(len(found)), key=times_us.__getitem__)]
            else:
                found = _in_order(found, times_us)
        generation = self.generation
        return [alert for rule, match in found if (alert := rule.alert(match, generation)) is not None]

    # -- state

    def touched(self) -> int:
        """Keys changed since the last snapshot."""
        return sum(rule.touched() for rule in self._rules)

    def sizes(self) -> dict[str, int]:
        """Per rule the number of keys that hold state."""
        return {rule.plan.id: rule.keeper.size() for rule in self._rules}

    def evicted(self) -> dict[str, int]:
        """Rule -> how much it has let go so far, because its budget was full."""
        return {rule_id: budget.evicted for rule_id, budget in self._budgets if budget.evicted}

    def snapshot(self, *, delta: bool) -> dict[str, Any]:
        """Plain data, ready for msgpack; with `delta` only keys touched since the last snapshot of either kind."""
        return {"v": STATE_VERSION, "rules": {rule.plan.id: rule.snapshot(delta=delta) for rule in self._rules}}

    def restore(self, snapshots: list[dict[str, Any]]) -> None:
        """Start from a whole snapshot followed by deltas. A rule whose version the snapshots do not hold starts afresh.

        raises  ConfigError: written by another version of the engine
        """
        for snapshot in snapshots:
            if snapshot["v"] != STATE_VERSION:
                raise ConfigError(
                    f"the saved state has version {snapshot['v']}; this cepheid reads {STATE_VERSION}",
                    "run the version of cepheid that wrote it",
                    "E0913",
                )
        together = any(rule.keeper is not rule.matcher for rule in self._rules)
        part(self._rules, with_state=False)
        for rule in self._rules:
            rule.restore([snapshot["rules"].get(rule.plan.id) or ["", [], {}, False, []] for snapshot in snapshots])
        if together:
            self._lay()
        for level in self._levels:
            level.note_all_due()
        self._note_waiting()
