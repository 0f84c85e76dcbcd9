"""What a condition on the run implies about the event alone: found once, so that events which can satisfy no run are sorted out
with the event-only conditions and never reach a matcher.

    small: purchase where amount > 100
    large: purchase where amount > 3 * small.amount        implies amount > 300

Only bounds that hold exactly are used: a product or sum of constants that floats would round is left alone. The implied
condition stands beside the condition it comes from, so nothing changes but the number of events looked at.
"""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction

from cep.plan.ir import And, Arith, Compare, Const, Expr, Field, Reg, children
from cep.plan.plan import ANY_STEP, PatternBody, RegisterKind, SequenceBody, StepPlan
from cep.types import Type

Number = int | float
Bounds = tuple[Number | None, Number | None]  # lowest and highest value, both ends in; None: no bound
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
# Registers whose value is that of one of the events.
_OF_ONE_EVENT = (RegisterKind.FIRST, RegisterKind.LAST, RegisterKind.MIN, RegisterKind.MAX, RegisterKind.NTH)


AnyPattern = SequenceBody | PatternBody


def with_implied(body: AnyPattern) -> AnyPattern:
    """The pattern, each step's event-only condition joined by what its condition on the run implies."""
    return replace(body, steps=tuple(_step(step, body) for step in body.steps))


def _step(step: StepPlan, body: AnyPattern) -> StepPlan:
    implied = tuple(found for part in _parts(step.cond) if (found := _implied(part, body)) is not None)
    if not implied:
        return step
    return replace(step, select=replace(step.select, where=And((*_parts(step.select.where), *implied))))


def _parts(expr: Expr | None) -> tuple[Expr, ...]:
    if expr is None:
        return ()
    return expr.operands if isinstance(expr, And) else (expr,)


def _implied(part: Expr, body: AnyPattern) -> Expr | None:
    """`event expression > run expression` with a bound known of the latter: `event expression > bound`."""
    if not isinstance(part, Compare) or part.op not in _MIRRORED:
        return None
    op, event, run = part.op, part.left, part.right
    if not _is_event_only(event):
        op, event, run = _MIRRORED[op], run, event
    if not _is_event_only(event) or event.type is not Type.NUMBER:
        return None
    low, high = _bounds(run, body)
    bound = low if op in (">", ">=") else high
    return None if bound is None else Compare(op, event, Const(bound, Type.NUMBER))


def _is_event_only(expr: Expr) -> bool:
    stack = [expr]
    reads = False
    while stack:
        node = stack.pop()
        if not isinstance(node, Field | Const | Arith):
            return False
        reads |= isinstance(node, Field)
        stack.extend(children(node))
    return reads


def _bounds(expr: Expr, body: AnyPattern) -> Bounds:
    """Between what the value lies, whenever it is not null."""
    match expr:
        case Const(value=int() | float() as v) if not isinstance(v, bool):
            return v, v
        case Reg(index=i):
            register = body.registers[i]
            if register.kind not in _OF_ONE_EVENT or register.step == ANY_STEP or not isinstance(register.expr, Field):
                return None, None
            found: Bounds = (None, None)
            for part in (*_parts(body.steps[register.step].select.where), *_parts(register.where)):
                found = _narrowed(found, _bounds_told(part, register.expr))
            return found
        case Arith(op="+" | "-" | "*" as op, left=Const(value=v), right=x):
            return _calculated(op, x, v, body, constant_first=True)
        case Arith(op="+" | "-" | "*" as op, left=x, right=Const(value=v)):
            return _calculated(op, x, v, body, constant_first=False)
        case _:
            return None, None


def _bounds_told(part: Expr, field: Field) -> Bounds:
    """What a condition of the form `field > constant` says of the field."""
    match part:
        case Compare(op=op, left=left, right=Const(value=int() | float() as v)) if left == field:
            pass
        case Compare(op=op, left=Const(value=int() | float() as v), right=right) if right == field:
            op = _MIRRORED.get(op, op)
        case _:
            return None, None
    if isinstance(v, bool):
        return None, None
    # `>` is held for `>=`: calculation with floats may close the gap, it cannot cross it
    return (v if op in (">", ">=", "==") else None), (v if op in ("<", "<=", "==") else None)


def _narrowed(a: Bounds, b: Bounds) -> Bounds:
    lows = [low for low in (a[0], b[0]) if low is not None]
    highs = [high for high in (a[1], b[1]) if high is not None]
    return max(lows, default=None), min(highs, default=None)


def _calculated(op: str, x: Expr, constant: object, body: AnyPattern, *, constant_first: bool) -> Bounds:
    """Bounds of `x op constant` or `constant op x`: each end calculated, and turned round where the operation falls."""
    if isinstance(constant, bool) or not isinstance(constant, int | float):
        return None, None
    ends = [None if end is None else _exact(op, end, constant, constant_first) for end in _bounds(x, body)]
    falls = constant < 0 if op == "*" else op == "-" and constant_first
    return (ends[1], ends[0]) if falls else (ends[0], ends[1])


def _exact(op: str, x: Number, constant: Number, constant_first: bool) -> Number | None:
    """The result where floats do not round it, else None."""
    a, b = (constant, x) if constant_first else (x, constant)
    try:
        number = a + b if op == "+" else a - b if op == "-" else a * b
        if isinstance(number, float) and not math.isfinite(number):
            return None
        exact = {"+": Fraction(a) + Fraction(b), "-": Fraction(a) - Fraction(b), "*": Fraction(a) * Fraction(b)}[op]
    except (OverflowError, ValueError):
        return None
    return number if Fraction(number) == exact else None
