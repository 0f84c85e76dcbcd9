"""What a rule set wants of a batch, taken apart: who wants events of which type, under which conditions, by which key.

A target is a list of hits: rules that select alike share one. A pick is one way to get into it: an event of its type for
which all of its conjuncts are true sets its bits in the step mask.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cep.plan import ir
from cep.plan.ir import Expr
from cep.plan.plan import RulePlan, Select


@dataclass(frozen=True, slots=True)
class Pick:
    """conjuncts  event-only conditions, all of which must be true
    bits       of the steps it stands for
    key        expressions of the key's parts, for this type"""

    target: int
    type: str
    conjuncts: tuple[Expr, ...]
    bits: int
    key: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Target:
    """picks    at least one per event type
    masked   whether the step mask is written down (rules with several steps, or where own events that fit none come too)
    own      whether events that fit no pick come too, with mask 0"""

    picks: tuple[Pick, ...]
    masked: bool
    own: bool

    def gathers(self, event_type: str) -> bool:
        """Whether the bits of several picks must be put together before a row of this type is written down."""
        return self.own or sum(pick.type == event_type for pick in self.picks) > 1


def targets_of(plans: Sequence[RulePlan]) -> tuple[list[Target], list[int]]:
    """The distinct targets of a rule set, and which one each plan reads."""
    known: dict[tuple[object, ...], int] = {}
    targets: list[Target] = []
    of_plan: list[int] = []
    for plan in plans:
        own = plan.needs_own_events
        wanted = (plan.key.by_type, plan.selects, own)
        if wanted not in known:
            known[wanted] = len(targets)
            targets.append(_target(len(targets), plan, own))
        of_plan.append(known[wanted])
    return targets, of_plan


def _target(number: int, plan: RulePlan, own: bool) -> Target:
    keys = dict(plan.key.by_type)
    bits: dict[tuple[str, tuple[Expr, ...]], int] = {}
    for step, select in enumerate(plan.selects):
        way = (select.type, conjuncts_of(select))
        bits[way] = bits.get(way, 0) | 1 << step
    picks = tuple(Pick(number, name, conjuncts, mask, keys.get(name, ())) for (name, conjuncts), mask in bits.items())
    return Target(picks, masked=own or len(plan.selects) > 1, own=own)


def conjuncts_of(select: Select) -> tuple[Expr, ...]:
    """The condition as a list of conditions that must all be true: nested `and` laid flat, repetitions left out."""
    found: list[Expr] = []
    stack = [] if select.where is None else [select.where]
    while stack:
        expr = stack.pop()
        if isinstance(expr, ir.And):
            stack.extend(reversed(expr.operands))
        elif expr not in found:
            found.append(_constant_last(expr))
    return tuple(found)


def _constant_last(expr: Expr) -> Expr:
    """`5 < speed` as `speed > 5`, so that equal conditions look equal."""
    if isinstance(expr, ir.Compare) and isinstance(expr.left, ir.Const) and not isinstance(expr.right, ir.Const):
        op = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}.get(expr.op, expr.op)
        return ir.Compare(op, expr.right, expr.left)
    return expr
