"""What a rule costs before any event has come: what wakes it, and how its conditions are asked.

own        asked for this rule alone
shared     asked once for several rules
looked up  its constant leads to the rule through a table, whatever the number of rules (`cep.match.families`); or the rule is
           found by an index, and is asked of those events only that lead to it (`cep.match.index`)
by column  asked of whole columns where a batch holds many rows of the type (`cep.match.columns`)
of runs    asked of each run or window, after the event has reached the rule
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from cep.match.columns import column_targets
from cep.match.families import find_families
from cep.match.index import indexed_picks
from cep.match.picks import Pick, Target, targets_of
from cep.match.rowloop import tabled_targets
from cep.plan import ir
from cep.plan.ir import Expr
from cep.plan.plan import PatternBody, RulePlan, SequenceBody

Asked = tuple[str, Expr]  # a condition, and the event type it is asked of


@dataclass(frozen=True, slots=True)
class Cost:
    """types   event types that wake the rule: of these, all events are looked at
    own, shared, looked_up, by_column   how many conditions on single events are asked in which way
    of_runs    how many conditions on runs, steps and windows there are besides
    alike      rules that select the same events by the same key: their rows are found once for all
    all_events whether events that fit no step reach the matcher too, because it counts them
    found_by   what of an event leads to the rule, in words: one of these is so of every event that fits; (): each event of its
               types is looked at"""

    types: tuple[str, ...]
    own: int
    shared: int
    looked_up: int
    by_column: int
    of_runs: int
    alike: tuple[str, ...]
    all_events: bool
    found_by: tuple[str, ...]

    @property
    def conditions(self) -> int:
        return self.own + self.shared + self.looked_up + self.by_column


def costs_of(plans: Sequence[RulePlan]) -> list[Cost]:
    """The cost of each rule among the others: a condition is cheap because another rule asks it as well."""
    targets, of_plan = targets_of(plans)
    tabled, in_families = tabled_targets(targets)
    indexed = [one for some in indexed_picks(targets, in_families).values() for one in some]
    tables, found_by = _in_tables(targets, tabled)
    for pick, ways in indexed:
        tables.setdefault(pick.target, set()).update((pick.type, expr) for expr in pick.conjuncts)
        found_by.setdefault(pick.target, []).extend(way.words() for way in ways)
    by_column = column_targets(targets, tabled | {pick.target for pick, _ in indexed})
    columns = {id(pick) for picks in by_column.values() for pick in picks}
    asking: dict[Asked, set[int]] = defaultdict(set)
    for plan, target in enumerate(of_plan):
        for pick in targets[target].picks:
            for expr in pick.conjuncts:
                asking[pick.type, expr].add(plan)
    alike = [tuple(plans[n].id for n, other in enumerate(of_plan) if other == target and n != plan)
             for plan, target in enumerate(of_plan)]  # fmt: skip
    return [
        _cost(plan, targets[target], tables.get(target, set()), columns, asking, others, tuple(found_by.get(target, ())))
        for plan, target, others in zip(plans, of_plan, alike)
    ]


def _cost(
    plan: RulePlan,
    target: Target,
    tabled: set[Asked],
    columns: set[int],
    asking: dict[Asked, set[int]],
    alike: tuple[str, ...],
    found_by: tuple[str, ...],
) -> Cost:
    counts = {"own": 0, "shared": 0, "looked_up": 0, "by_column": 0}
    for asked, pick in _conditions(target):
        if asked in tabled:
            counts["looked_up"] += 1
        elif id(pick) in columns:
            counts["by_column"] += 1
        else:
            counts["shared" if len(asking[asked]) > 1 else "own"] += 1
    return Cost(plan.event_types, **counts, of_runs=_of_runs(plan), alike=alike, all_events=target.own, found_by=found_by)


def _conditions(target: Target) -> list[tuple[Asked, Pick]]:
    """The distinct conditions of a rule, each with the first pick that asks it."""
    found: dict[Asked, Pick] = {}
    for pick in target.picks:
        for expr in pick.conjuncts:
            found.setdefault((pick.type, expr), pick)
    return list(found.items())


def _in_tables(targets: Sequence[Target], tabled: frozenset[int]) -> tuple[dict[int, set[Asked]], dict[int, list[str]]]:
    """Targets that are found through tables alone, each with the conditions that are looked up there, and with what leads to it.
    What all members of a family have in common is asked once before the table, and is shared."""
    masked = [target.masked for target in targets]
    by_type: dict[str, list[Pick]] = defaultdict(list)
    for target in targets:
        for pick in target.picks:
            by_type[pick.type].append(pick)
    found: dict[int, set[Asked]] = {}
    led: dict[int, list[str]] = {}
    for name, picks in by_type.items():
        families, _ = find_families([pick for pick in picks if not targets[pick.target].gathers(name)], masked)
        for family in families:
            fixed = set(family.shape.fixed)
            for member in family.members:
                target_number = member.pick.target
                if target_number in tabled:
                    asked = {(name, expr) for expr in member.pick.conjuncts if expr not in fixed}
                    found.setdefault(target_number, set()).update(asked)
                    way = family.way(member)
                    led.setdefault(target_number, []).extend([] if way is None else [way.words()])
    return found, led


def _of_runs(plan: RulePlan) -> int:
    body = plan.body
    steps = body.steps if isinstance(body, SequenceBody | PatternBody) else ()
    conditions = [step.cond for step in steps] + [getattr(body, "when", None), getattr(body, "until", None)]
    return sum(_parts(expr) for expr in conditions if expr is not None)


def _parts(expr: Expr) -> int:
    return sum(map(_parts, expr.operands)) if isinstance(expr, ir.And | ir.Or) else 1
