"""What can make a window's condition true: read off the plan once, so that the matcher need not judge what cannot change.

counted_threshold    `count() >= n` and nothing else: only the n-th event of a window can open it
opens_by_event_only  each part can only fall when events leave: departures need judging only while an alert is open
"""

from __future__ import annotations

import math
from typing import Any

from cep.plan.ir import And, Compare, Const, Expr, Or, Reg, children
from cep.plan.plan import Register, RegisterKind, WindowBody

_MIRRORED = {">": "<", ">=": "<=", "<": ">", "<=": ">="}
_SHRINKING = (RegisterKind.COUNT, RegisterKind.DISTINCT, RegisterKind.MAX)  # never grow when events leave


def counted_threshold(body: WindowBody) -> int | None:
    """The n of `count() >= n` (at least 1: an empty window is never true); None when the rule asks for more than such a rise."""
    if body.fire_each or body.for_us or body.until is not None or body.resolve is not None or body.recalls:
        return None
    compared = _register_against_constant(body.when)
    if compared is None:
        return None
    register, op, bound = compared
    if register >= len(body.registers):
        return None
    counts_all = (body.registers[register].kind, body.registers[register].expr, body.registers[register].where)
    if counts_all != (RegisterKind.COUNT, None, None) or not isinstance(bound, int | float) or not math.isfinite(bound):
        return None
    if op == ">=":
        return max(1, math.ceil(bound))
    return max(1, math.floor(bound) + 1) if op == ">" else None


def opens_by_event_only(body: WindowBody) -> bool:
    """Whether a departure can never make the condition true."""
    return _falls(body.when, body.registers)


def _falls(expr: Expr, registers: tuple[Register, ...]) -> bool:
    if isinstance(expr, And | Or):
        return all(_falls(operand, registers) for operand in expr.operands)
    compared = _register_against_constant(expr)
    if compared is None:
        return not registers_of(expr)  # what is left is the same for a key at all times
    register, op, _ = compared
    if register >= len(registers):
        return False  # a baseline changes by itself
    kind = registers[register].kind
    return (kind in _SHRINKING and op in (">", ">=")) or (kind is RegisterKind.MIN and op in ("<", "<="))


def registers_judged(body: WindowBody) -> frozenset[int]:
    """Indices of the registers that `when` and `until` read."""
    return registers_of(body.when) | (frozenset() if body.until is None else registers_of(body.until))


def _register_against_constant(expr: Expr) -> tuple[int, str, Any] | None:
    """(register, operator, constant) of a comparison, the register on the left."""
    match expr:
        case Compare(op=op, left=Reg(index=i), right=Const(value=bound)):
            return i, op, bound
        case Compare(op=op, left=Const(value=bound), right=Reg(index=i)):
            return i, _MIRRORED.get(op, op), bound
    return None


def registers_of(expr: Expr) -> frozenset[int]:
    """Indices of the registers an expression reads."""
    if isinstance(expr, Reg):
        return frozenset((expr.index,))
    return frozenset().union(*map(registers_of, children(expr)))
