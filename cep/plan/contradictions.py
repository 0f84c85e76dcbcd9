"""Conjunctions that nothing can fulfil: a constant that is not true, bounds that leave no room, a null that is compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from cep.plan import ir
from cep.plan.operations import same

MIRROR = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}


@dataclass(slots=True)
class Bounds:
    """What a conjunction demands of one value."""

    low: Any = None
    low_open: bool = False
    high: Any = None
    high_open: bool = False
    members: list[Any] | None = None  # of `==` and `in`: one of these
    excluded: list[Any] = field(default_factory=list)
    compared: bool = False
    null: bool = False

    def room(self) -> bool:
        if self.null and self.compared:
            return False
        if self.members is not None:
            return any(self._fits(member) for member in self.members)
        if self.low is None or self.high is None:
            return True
        return bool(self.low < self.high or (self.low == self.high and not self.low_open and not self.high_open))

    def _fits(self, value: Any) -> bool:
        if any(same(value, other) for other in self.excluded):
            return False
        above = self.low is None or value > self.low or (value == self.low and not self.low_open)
        below = self.high is None or value < self.high or (value == self.high and not self.high_open)
        return above and below


def contradiction(parts: Sequence[ir.Expr]) -> str:
    """Why the parts cannot all be true; empty when they may be."""
    demands: dict[str, Bounds] = {}
    for part in parts:
        if isinstance(part, ir.Const):
            return "it compares constants, and the answer is not true"
        _demand(part, demands)
        for what, bounds in demands.items():
            if not bounds.room():
                return f"what it asks of {what} leaves no value"
    return ""


def _demand(part: ir.Expr, demands: dict[str, Bounds]) -> None:
    match part:
        case ir.Compare(op=op, left=left, right=ir.Const(value=value)) if value is not None:
            _compare(demands.setdefault(_say(left), Bounds()), op, value)
        case ir.Compare(op=op, left=ir.Const(value=value), right=right) if value is not None:
            _compare(demands.setdefault(_say(right), Bounds()), MIRROR[op], value)
        case ir.InSet(operand=x, values=values):
            _one_of(demands.setdefault(_say(x), Bounds()), list(values))
        case ir.IsNull(operand=x):
            demands.setdefault(_say(x), Bounds()).null = True
        case ir.Compare(left=left, right=right):
            for side in (left, right):
                demands.setdefault(_say(side), Bounds()).compared = True


def _compare(bounds: Bounds, op: str, value: Any) -> None:
    bounds.compared = True
    if op == "==":
        _one_of(bounds, [value])
    elif op == "!=":
        bounds.excluded.append(value)
    elif op in (">", ">="):
        if bounds.low is None or value > bounds.low or (value == bounds.low and op == ">"):
            bounds.low, bounds.low_open = value, op == ">"
    elif bounds.high is None or value < bounds.high or (value == bounds.high and op == "<"):
        bounds.high, bounds.high_open = value, op == "<"


def _one_of(bounds: Bounds, values: list[Any]) -> None:
    bounds.compared = True
    if bounds.members is None:
        bounds.members = values
    else:
        bounds.members = [value for value in bounds.members if any(same(value, other) for other in values)]


def _say(expr: ir.Expr) -> str:
    """One name for equal expressions; fields are said as authors write them."""
    return f"`{'.'.join(expr.path)}`" if isinstance(expr, ir.Field) else repr(expr)
