"""Which rules are matched together, told from their plans alone."""

from __future__ import annotations

from collections.abc import Sequence

from cep.match.alike import FEWEST, shape_of
from cep.match.cascade import depths_of
from cep.plan.plan import RulePlan


def matched_with(plans: Sequence[RulePlan]) -> list[tuple[str, ...]]:
    """Of each plan the ids of the other rules with which it shares what is kept of a key."""
    running = [plan for plan in plans if plan.enabled]
    depths = depths_of(running)
    alike: dict[tuple[str | None, int, bool], list[str]] = {}
    for plan in running:
        alike.setdefault(_place(plan, depths), []).append(plan.id)
    found: list[tuple[str, ...]] = []
    for plan in plans:
        shape, *_ = place = _place(plan, depths)
        some = alike.get(place, []) if plan.enabled and shape is not None else []
        found.append(tuple(one for one in some if one != plan.id) if len(some) >= FEWEST else ())
    return found


def _place(plan: RulePlan, depths: dict[str, int]) -> tuple[str | None, int, bool]:
    depth = depths.get(plan.id, 0)
    return shape_of(plan), depth, depth > 0 and plan.mode == "shadow"  # as levels are laid (`cep.match.cascade`)
