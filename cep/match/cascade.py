"""Rules that read the alerts of rules: levels, and alerts that become events (docs/language.md, Meaning 15).

    raw events ─> level 0 ─> alerts ─┬────────────> out
         └──────────────> level 1 <──┘─> alerts ──> out       level n reads raw events and the alerts of all levels below

An alert becomes an event right behind what caused it: behind the raw event, before the next one of that time; caused by a timer,
behind all raw events of its time. A level is fed once all below it are done up to the watermark, so what comes to it is in order
and never late, and how events were cut into batches is not to be seen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cep.alert import Alert, key_text
from cep.event import TIMER, Batch, EventId, Match
from cep.match.level import Found, Level
from cep.match.rowtypes import kind_of, row_class
from cep.match.running import Running
from cep.plan.codegen import Rows
from cep.plan.paths import attribute
from cep.plan.plan import RULE_TYPE, Rulebook, RulePlan, rule_read
from cep.types import Type

# Where an event stands: (time, index of the raw row that caused it or TIMER, how many alerts lie between, the rest). The rest
# is () of a raw row, else (where the cause of the alert stands, rule, key, ordinal).
Position = tuple[int, int, int, tuple[Any, ...]]


@dataclass(slots=True)
class Derived:
    """An alert as an event."""

    position: Position
    event_type: str
    id: EventId
    row: Any
    shadow: bool


def depths_of(plans: Sequence[RulePlan]) -> dict[str, int]:
    """Rule -> how many rules lie below it. A rule that is not there (switched off) lies nowhere."""
    by_id = {plan.id: plan for plan in plans}
    depths: dict[str, int] = {}
    for plan in plans:
        stack = [plan]
        while stack:
            one = stack[-1]
            below = [by_id[name] for name in one.reads_rules if name in by_id]
            missing = [other for other in below if other.id not in depths]
            if missing:
                stack += missing
            else:
                depths[one.id] = 1 + max((depths[other.id] for other in below), default=-1)
                stack.pop()
    return depths


class Cascade:
    """The levels above the first, and what they read.

    levels  in order; those of rules in shadow, which see alerts in shadow too, after the others of their depth
    """

    def __init__(self, rules: Sequence[Running], rulebook: Rulebook, rows: Rows) -> None:
        depths = depths_of([rule.plan for rule in rules])
        steps = sorted({(depths[rule.id], rule.plan.mode == "shadow") for rule in rules if depths[rule.id]})
        self.levels: list[Level] = []
        self._reads: list[tuple[frozenset[str], frozenset[str], bool]] = []  # raw types, rule types, whether in shadow
        for step in steps:
            mine = [rule for rule in rules if (depths[rule.id], rule.plan.mode == "shadow") == step]
            types = {name for rule in mine for name in rule.plan.event_types}
            derived = frozenset(name for name in types if rule_read(name) is not None)
            self.levels.append(Level(mine, rulebook.tables, rows))
            self._reads.append((frozenset(types) - derived, derived, step[1]))
        read = frozenset().union(*(derived for _, derived, _ in self._reads))
        self._makers = {name: RowMaker(rulebook, name, rows) for name in read}
        self._names = {rule.id: rule.plan.key.names for rule in rules}

    def run(self, batch: Batch | None, watermark_us: int, below: Found, generation: int) -> list[Alert]:
        """Take what the first level found of the batch (None: timers only) through all levels; all alerts, in order."""
        told: list[tuple[tuple[Any, ...], Alert]] = []
        derived: list[Derived] = []
        self._tell(below, None, generation, told, derived)
        for level, (raw, read, in_shadow) in zip(self.levels, self._reads):
            mine = [one for one in derived if one.event_type in read and (in_shadow or not one.shadow)]
            mixed, positions = _mixed(batch, raw, mine)
            found = level.feed(mixed, watermark_us) if mixed is not None else level.advance(watermark_us)
            self._tell(found, positions, generation, told, derived)
        told.sort(key=lambda one: one[0])
        return [alert for _, alert in told]

    def _tell(
        self,
        found: Found,
        positions: list[Position] | None,
        generation: int,
        told: list[tuple[tuple[Any, ...], Alert]],
        derived: list[Derived],
    ) -> None:
        """Matches of a level become alerts, in order, and these events. positions: of the level's rows; None: rows are raw."""
        ordered = []
        for n, (rule, match) in enumerate(found):
            ordered.append(((_cause(match, positions), rule.id, key_text(match.key), n), rule, match))
        ordered.sort(key=lambda one: one[0])
        for place, rule, match in ordered:
            alert = rule.alert(match, generation)
            if alert is None:
                continue
            told.append((place, alert))
            maker = self._makers.get(RULE_TYPE + rule.id)
            if maker is not None and match.transition == "opened":
                time_us, raw, depth, _ = place[0]
                position = (time_us, raw, depth + 1, place)
                row = maker.row(match, self._names[rule.id])
                derived.append(Derived(position, RULE_TYPE + rule.id, alert.id, row, alert.shadow))


def _cause(match: Match, positions: list[Position] | None) -> Position:
    if match.cause == TIMER or positions is None:
        return match.time_us, match.cause, 0, ()
    return positions[match.cause]


def _mixed(batch: Batch | None, raw: frozenset[str], derived: list[Derived]) -> tuple[Batch | None, list[Position]]:
    """The rows that a level reads: raw ones of its types, and alerts where they belong. None: there are none."""
    entries: list[tuple[Position, Any, EventId, str]] = [(one.position, one.row, one.id, one.event_type) for one in derived]
    if batch is not None and raw:
        times_us = batch.times_us
        entries += [
            ((times_us[i], i, 0, ()), batch.rows[i], batch.ids[i], name) for i, name in enumerate(batch.types) if name in raw
        ]
    if not entries:
        return None, []
    entries.sort(key=lambda entry: entry[0])
    positions, rows, ids, types = map(list, zip(*entries))
    return Batch(rows, [position[0] for position in positions], ids, types), positions


class RowMaker:
    """Makes the row of an alert: emitted fields, and parts of the key that no field is called like. What no rule reads of it
    is left out."""

    def __init__(self, rulebook: Rulebook, event_type: str, rows: Rows) -> None:
        fields: Mapping[Any, Type] = rulebook.projection.get(event_type, {})
        self._names = [path[0] for path in fields]
        self._class = None
        if rows == "struct":
            self._class = row_class({path: kind_of({kind}) for path, kind in fields.items()})

    def row(self, match: Match, key_names: tuple[str, ...]) -> Any:
        parts = match.key if len(key_names) > 1 and isinstance(match.key, tuple) else (match.key,)
        known = {name: part[1] if isinstance(part, tuple) else part for name, part in zip(key_names, parts)} | match.fields
        if self._class is None:
            return {name: known.get(name) for name in self._names}
        return self._class(**{attribute(name): known.get(name) for name in self._names})
