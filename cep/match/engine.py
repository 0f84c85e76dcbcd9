"""A rulebook at work: rows that fit go to their matchers, matches become alerts. Pure: batches and times in, alerts out.

feed(batch, watermark) -> alerts    rows in feeding order, all at or before the watermark
advance(watermark) -> alerts        timers due before it act
next_due() -> time | None
snapshot / restore                  plain data
"""

from __future__ import annotations

from hashlib import blake2b
from itertools import repeat
from typing import Any, Literal

import msgspec

from cep.event import Alert, Batch, Key, Match
from cep.match.matcher import Matcher, RuleState
from cep.match.noise import Once
from cep.match.order import NEVER
from cep.match.planner import make_matcher
from cep.match.rowloop import Run
from cep.match.select import Selector
from cep.plan.kernels import Known, RuleKernels, compile_rule
from cep.plan.plan import FilterBody, Rulebook, RulePlan

Rows = Literal["struct", "dict"]
STATE_VERSION = 1
ID_BYTES = 12  # of an alert's hash: a billion alerts collide with a chance of 1 in 10^11
_encode = msgspec.json.Encoder().encode


class _Running:
    """One rule with its kernels, matcher and noise control."""

    def __init__(self, plan: RulePlan, kernels: RuleKernels) -> None:
        self.plan = plan
        self.id = plan.id
        self.kernels = kernels
        self.matcher: Matcher = make_matcher(plan, kernels)
        self.feed = self.matcher.feed
        self.timed = not isinstance(plan.body, FilterBody)  # a filter has no timers to ask for
        self.once = Once(plan.once) if plan.once else None
        self.hash = blake2b(f"{plan.id}\0{plan.version}\0".encode(), digest_size=ID_BYTES)


class Engine:
    """Runs one generation of rules over one shard of keys, in one thread."""

    def __init__(self, rulebook: Rulebook, *, generation: int = 1, rows: Rows = "struct") -> None:
        self._rows: Rows = rows
        self._rules: list[_Running] = []
        self._due: dict[int, int] = {}  # index of a rule -> its next timer
        self._equals: dict[bytes, int] = {}  # identities of alerts at the latest alert time -> how many
        self._equals_us = NEVER
        self._tables_version = rulebook.tables_version
        self._install(rulebook, generation, {})

    def _install(self, rulebook: Rulebook, generation: int, old: dict[str, _Running]) -> None:
        self.rulebook = rulebook
        self.generation = generation
        known: Known = {}
        rules = [self._carry_over(plan, rulebook, old.get(plan.id), known) for plan in rulebook.plans if plan.enabled]
        self._rules = rules
        self._onces = [rule.once for rule in rules if rule.once]
        self._tables_version = rulebook.tables_version
        matchers = [rule.matcher for rule in rules]
        self._selector = Selector([rule.plan for rule in rules], rulebook.tables, rows=self._rows, matchers=matchers)
        self._due = {}
        for index in range(len(rules)):
            self._note_due(index)

    def _carry_over(self, plan: RulePlan, rulebook: Rulebook, old: _Running | None, known: Known) -> _Running:
        tables_changed = old is not None and rulebook.tables_version != self._tables_version
        if old is not None and old.plan == plan and not tables_changed:
            return old  # nothing changed: the state object itself goes on
        rule = _Running(plan, compile_rule(plan, rulebook.tables, rows=self._rows, known=known))
        if old is not None and old.plan.version == plan.version:
            rule.matcher.restore([old.matcher.snapshot(delta=False)])
            if rule.once and old.once:
                rule.once.restore(old.once.snapshot())
        return rule

    def swap(self, rulebook: Rulebook, generation: int) -> None:
        """Run another generation from here on: rules that decide the same keep their state, others start afresh."""
        old = {rule.plan.id: rule for rule in self._rules}
        self._install(rulebook, generation, old)

    # -- the four verbs

    def feed(self, batch: Batch, watermark_us: int) -> list[Alert]:
        """Take rows in feeding order, then move time to the watermark. Alerts come by (time, cause, rule, key, ordinal)."""
        found: list[tuple[_Running, Match]] = []
        hits, rules = self._selector.select(batch), self._rules
        for index in self._selector.active:
            rule = rules[index]
            out: list[Match] = []
            rule.feed(batch, hits[index], out)
            if out:
                found.extend(zip(repeat(rule), out))
            if rule.timed:
                self._note_due(index)
        return self._after_rows(found, watermark_us)

    def run(self, reads: tuple[str, str]) -> Run | None:
        """What takes rows as they are decoded, if these rules need no batch of them: afterwards comes `ran`."""
        return self._selector.run(reads)

    def ran(self, watermark_us: int) -> list[Alert]:
        """As `feed`, of the rows that were taken meanwhile."""
        return self._after_rows([], watermark_us)

    def _after_rows(self, found: list[tuple[_Running, Match]], watermark_us: int) -> list[Alert]:
        for index, out in self._selector.fused:
            rule = self._rules[index]
            if out:
                found.extend(zip(repeat(rule), out))
                out.clear()
            if rule.timed:
                self._note_due(index)
        self._fire(watermark_us, found)
        return self._alerts(found, watermark_us)

    def advance(self, watermark_us: int) -> list[Alert]:
        """Let all timers due before the watermark act."""
        found: list[tuple[_Running, Match]] = []
        self._fire(watermark_us, found)
        return self._alerts(found, watermark_us)

    def next_due(self) -> int | None:
        """When `advance` next has work, or a lower bound of it."""
        return min(self._due.values(), default=None)

    def _fire(self, watermark_us: int, found: list[tuple[_Running, Match]]) -> None:
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

    def _alerts(self, found: list[tuple[_Running, Match]], watermark_us: int) -> list[Alert]:
        if not found:
            return []
        ordered = [
            (match.time_us, match.cause, rule.id, key_text(match.key), n, rule, match) for n, (rule, match) in enumerate(found)
        ]
        if len(ordered) > 1:
            ordered.sort()  # n is unique: the comparison never reaches the rule
        alerts = [self._alert(rule, match, key) for _, _, _, key, _, rule, match in ordered]
        for once in self._onces:
            once.forget(watermark_us)
        return alerts

    def _alert(self, rule: _Running, match: Match, key: bytes) -> Alert:
        """Told or muted. Its id is a hash of what happened, the same in every replay (docs/language.md, Meaning 16)."""
        plan, time_us = rule.plan, match.time_us
        muted = ""
        if rule.once and rule.kernels.once:
            muted = rule.once.judge(rule.kernels.once(match.fields, [], match.key, None, time_us), time_us)
        first, last = match.first_id, match.last_id
        what = _encode((rule.id, key, time_us, first, last))  # a third of what writing the numbers into a text takes
        ordinal = 0
        if time_us != self._equals_us:
            self._equals_us = time_us
            self._equals = {what: 1}
        else:
            ordinal = self._equals.get(what, 0)
            self._equals[what] = ordinal + 1
        digest = rule.hash.copy()
        digest.update(what if not ordinal else b"%b%d" % (what, ordinal))
        # By position: with names msgspec takes three times as long.
        return Alert(
            "a_" + digest.hexdigest(),
            rule.id,
            plan.version,
            self.generation,
            plan.severity,
            match.title,
            match.key if match.key.__class__ is str else msgspec.json.decode(key),
            time_us,
            match.first_us,
            match.last_us,
            match.fields,
            match.evidence,
            match.events,
            plan.tags,
            plan.to,
            "opened",
            muted,
        )

    # -- state

    def touched(self) -> int:
        """Keys changed since the last snapshot."""
        return sum(rule.matcher.touched() for rule in self._rules)

    def sizes(self) -> dict[str, int]:
        """Per rule the number of keys that hold state."""
        return {rule.plan.id: rule.matcher.size() for rule in self._rules}

    def snapshot(self, *, delta: bool) -> dict[str, Any]:
        """Plain data, ready for msgpack; with `delta` only keys touched since the last snapshot of either kind."""
        rules = {}
        for rule in self._rules:
            state = rule.matcher.snapshot(delta=delta)
            once = rule.once.snapshot() if rule.once else []
            rules[rule.plan.id] = [rule.plan.version, state.keys, state.meta, state.delta, once]
        equals = [[what, count] for what, count in self._equals.items()]
        return {"v": STATE_VERSION, "rules": rules, "equals": equals, "equals_us": self._equals_us}

    def restore(self, snapshots: list[dict[str, Any]]) -> None:
        """Start from a whole snapshot followed by deltas. A rule whose version the snapshots do not hold starts afresh."""
        last = snapshots[-1]
        self._equals = dict(last["equals"])
        self._equals_us = last["equals_us"]
        for index, rule in enumerate(self._rules):
            chain: list[RuleState] = []
            told: list[list[Any]] = []
            for snapshot in snapshots:
                version, keys, meta, is_delta, once = snapshot["rules"].get(rule.plan.id, ("", [], {}, False, []))
                if version != rule.plan.version:
                    chain = []
                    continue
                if not is_delta or not chain:
                    chain = []  # a whole state, or the first delta of a rule that began after the base
                chain.append(RuleState(keys, meta, is_delta and bool(chain)))
                told = once
            if chain:
                rule.matcher.restore(chain)
                if rule.once:
                    rule.once.restore(told)
            self._note_due(index)


def key_text(key: Key) -> bytes:
    """A key as canonical JSON: 1.0 is written 1, a bool part is a JSON bool; one part: the value, several: a list."""
    if key.__class__ is str:
        return _encode(key)
    if isinstance(key, tuple):
        if not key:
            return b"null"
        if len(key) == 2 and key[0] == "bool" and isinstance(key[1], bool):
            return _encode(key[1])
        return _encode([_plain(part) for part in key])
    return _encode(_plain(key))


def _plain(part: Any) -> Any:
    if isinstance(part, tuple):  # ("bool", value)
        return part[1]
    if isinstance(part, float) and part.is_integer():
        return int(part)
    return part
