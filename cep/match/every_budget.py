"""How many partial matches a `pick all` rule may hold (`cep.match.budget` counts what goes, and marks alerts).

Without a budget of its own a rule holds at most `MOST`: combinations double with every event, and a window does not stop them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cep.event import Key
from cep.match.budget import Budget, stable_hash
from cep.match.every_run import FAR, KeyState, Partial
from cep.plan.plan import BudgetPlan, RulePlan

MOST = 10_000


def budget_of(plan: RulePlan) -> Budget[Any]:
    return Budget(plan.budget or BudgetPlan(MOST))


def enforce(budget: Budget[Any], keys: Mapping[Key, KeyState], held: int, time_us: int) -> set[Key]:
    """Drop those whose turn it is, over all keys; the keys that lost some.

    cost  O(held log held), made rare: a twentieth more than needed goes
    """
    entries = [(_rank(budget, key, run), key, run) for key, state in keys.items() for run in state.partials if run.start != FAR]
    entries.sort(key=lambda entry: entry[0])
    going = entries[: held - budget.most + budget.most // 20]
    gone = {id(run) for _, _, run in going}
    touched = {key for _, key, _ in going}
    for key in touched:
        state = keys[key]
        # A queue from which some are taken is no queue any more, but a list by start is one.
        state.partials = sorted((run for run in state.partials if id(run) not in gone), key=_start)
    budget.note(time_us, len(going))
    return touched


def _rank(budget: Budget[Any], key: Key, run: Partial) -> tuple[int, int, int]:
    """The lowest goes first; of one start, the shorter."""
    match budget.on_full:
        case "oldest":
            return run.start, run.count, run.last_us
        case "newest":
            return -run.start, run.count, run.last_us
        case _:
            return -stable_hash((key, run.start)), run.count, run.last_us


def _start(run: Partial) -> int:
    return run.start
