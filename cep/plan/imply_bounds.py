"""What a run-dependent condition implies for the event alone: `large.amount > 3 * small.amount`, where every `small` has
`amount > 100`, can only be true of an event with `amount > 300`. Said so, most events never reach the matcher.

Sound because rounding keeps order: for x > 100 the float 3 * x is never below 3 * 100. A null on either side makes the condition
unknown, and the implied one only narrows what is not true anyway.
"""

from __future__ import annotations

from dataclasses import dataclass

from cep.plan import ir
from cep.plan.contradictions import MIRROR
from cep.plan.draft import BookDraft, RuleDraft, StepDraft
from cep.plan.plan import Register, RegisterKind
from cep.types import Type

_PICKS_A_VALUE = (RegisterKind.FIRST, RegisterKind.LAST, RegisterKind.MIN, RegisterKind.MAX, RegisterKind.NTH)
Number = int | float


@dataclass(frozen=True, slots=True)
class Interval:
    """Numbers between two ends, both in; None: no end."""

    low: Number | None = None
    high: Number | None = None


def imply_bounds(book: BookDraft) -> None:
    """Add to each step's event-only part what its run-dependent part implies."""
    for draft in book.rules:
        if not draft.faults.broken:
            for step in draft.steps:
                if step.cond is not None:
                    _narrow(draft, step)


def _narrow(draft: RuleDraft, step: StepDraft) -> None:
    implied = [bound for part in _conjuncts(step.cond) if (bound := _implied(draft, part)) is not None]
    parts = [*_conjuncts(step.select), *(bound for bound in dict.fromkeys(implied))]
    if implied:
        step.select = parts[0] if len(parts) == 1 else ir.And(tuple(parts))


def _conjuncts(expr: ir.Expr | None) -> tuple[ir.Expr, ...]:
    if expr is None:
        return ()
    return expr.operands if isinstance(expr, ir.And) else (expr,)


def _implied(draft: RuleDraft, part: ir.Expr) -> ir.Expr | None:
    """`field OP constant` that holds whenever the part is true."""
    match part:
        case ir.Compare(op=op, left=ir.Field(type=Type.NUMBER) as field, right=other):
            pass
        case ir.Compare(op=op, left=other, right=ir.Field(type=Type.NUMBER) as field) if op in MIRROR:
            op = MIRROR[op]
        case _:
            return None
    across = _interval(draft, other)
    if op in (">", ">=") and across.low is not None:
        return ir.Compare(op, field, ir.Const(across.low, Type.NUMBER))
    if op in ("<", "<=") and across.high is not None:
        return ir.Compare(op, field, ir.Const(across.high, Type.NUMBER))
    return None


def _interval(draft: RuleDraft, expr: ir.Expr) -> Interval:
    """Between which numbers the value lies, as far as the conditions of the steps tell."""
    match expr:
        case ir.Const(value=value) if isinstance(value, int | float) and not isinstance(value, bool):
            return Interval(value, value)
        case ir.Reg(index=index):
            return _of_register(draft, draft.registers[index])
        case ir.Arith(op="+", left=left, right=right):
            a, b = _interval(draft, left), _interval(draft, right)
            return Interval(_plus(a.low, b.low), _plus(a.high, b.high))
        case ir.Arith(op="*", left=left, right=right):
            return _times(_interval(draft, left), _interval(draft, right))
    return Interval()


def _of_register(draft: RuleDraft, register: Register) -> Interval:
    field = register.expr
    if register.kind not in _PICKS_A_VALUE or not isinstance(field, ir.Field) or field.type is not Type.NUMBER:
        return Interval()
    low: Number | None = None
    high: Number | None = None
    for part in _conjuncts(draft.steps[register.step].select):
        match part:
            case ir.Compare(op=op, left=left, right=ir.Const(value=int() | float() as value)) if left == field:
                if op in (">", ">=", "=="):
                    low = value if low is None else max(low, value)
                if op in ("<", "<=", "=="):
                    high = value if high is None else min(high, value)
    return Interval(low, high)


def _plus(a: Number | None, b: Number | None) -> Number | None:
    return None if a is None or b is None else a + b


def _times(a: Interval, b: Interval) -> Interval:
    """One side a constant that is not negative: its product keeps the order of the ends."""
    for one, other in ((a, b), (b, a)):
        factor = one.low
        if factor is not None and factor == one.high and factor >= 0:
            low = None if other.low is None else factor * other.low
            return Interval(low, None if other.high is None else factor * other.high)
    return Interval()
