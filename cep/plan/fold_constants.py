"""The fourth pass: what is constant is calculated once, and each condition is split into what one event tells and what
needs the run. Conditions that can never be true are told."""

from __future__ import annotations

from dataclasses import replace
from math import isfinite
from typing import Any

from cep.functions import FUNCTIONS
from cep.plan import ir
from cep.plan.contradictions import contradiction
from cep.plan.draft import BookDraft, RuleDraft, StepDraft
from cep.plan.greedy import warn_of_greedy
from cep.plan.operations import ARITHMETIC, same, whole
from cep.plan.plan import Register
from cep.types import Type

TRUE = ir.Const(True, Type.BOOL)
FALSE = ir.Const(False, Type.BOOL)
UNKNOWN = ir.Const(None, Type.BOOL)
OPPOSITE = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}
ORDER = {"<": lambda a, b: a < b, "<=": lambda a, b: a <= b, ">": lambda a, b: a > b, ">=": lambda a, b: a >= b}


def fold_constants(book: BookDraft) -> None:
    """Fold every typed expression of the sound rules; fill `select` and `cond` of their steps."""
    for draft in book.rules:
        if draft.sound:
            _fold_rule(draft)
            warn_of_greedy(draft)


def _fold_rule(draft: RuleDraft) -> None:
    draft.key.typed = {event_type: tuple(map(fold, parts)) for event_type, parts in draft.key.typed.items()}
    for step in draft.steps:
        if step.typed is not None:
            _split(draft, step, fold(step.typed))
    if draft.resolve is not None and draft.resolve.typed is not None:
        _split(draft, draft.resolve, fold(draft.resolve.typed))
    draft.expect_typed = draft.expect_typed and fold(draft.expect_typed)
    draft.registers = [_fold_register(register) for register in draft.registers]
    draft.recalls = [
        replace(recall, values=tuple(map(fold, recall.values)), register=recall.register and _fold_register(recall.register))
        for recall in draft.recalls
    ]
    draft.until_typed = draft.until_typed and fold(draft.until_typed)
    if draft.when_typed is not None:
        draft.when_typed = fold(draft.when_typed)
        why = contradiction(conjuncts(draft.when_typed))
        if why and draft.tree.when is not None:
            draft.faults.warning("W0301", draft.tree.when.span, f"`when` can never be true: {why}", help=_NEVER)
    for field in (*draft.emit, *draft.rows, *draft.timeout):
        field.typed = field.typed and fold(field.typed)
    for piece in draft.title:
        piece.typed = piece.typed and fold(piece.typed)


def _fold_register(register: Register) -> Register:
    return replace(register, expr=register.expr and fold(register.expr), where=register.where and fold(register.where))


_NEVER = "as it stands, the rule never tells anything"


def _split(draft: RuleDraft, step: StepDraft, condition: ir.Expr) -> None:
    """A conjunction is true when all its parts are: those that need one event only are judged once for all rules."""
    parts = conjuncts(condition)
    why = contradiction(parts)
    if why and step.where is not None:
        of = f"the condition of `{step.label}`" if step.label else "this condition"
        helps = f"as it stands, `{step.label}` never takes an event" if step.label else _NEVER
        draft.faults.warning("W0301", step.where.span, f"{of} can never be true: {why}", help=helps)
    alone = [is_event_only(part) for part in parts]
    step.select = conjunction([part for part, one in zip(parts, alone) if one])
    step.cond = conjunction([part for part, one in zip(parts, alone) if not one])


def conjuncts(condition: ir.Expr) -> tuple[ir.Expr, ...]:
    if condition == TRUE:
        return ()
    return condition.operands if isinstance(condition, ir.And) else (condition,)


def conjunction(parts: list[ir.Expr]) -> ir.Expr | None:
    if not parts:
        return None
    return parts[0] if len(parts) == 1 else ir.And(tuple(parts))


def is_event_only(expr: ir.Expr) -> bool:
    """Whether one event alone decides it."""
    stack = [expr]
    while stack:
        node = stack.pop()
        if isinstance(node, ir.Reg | ir.KeyPart | ir.Emitted):
            return False
        stack.extend(ir.children(node))
    return True


def fold(expr: ir.Expr) -> ir.Expr:
    """The same expression with its constant parts calculated: equal in value for every event, nulls included."""
    match expr:
        case ir.Const() | ir.Field() | ir.Reg() | ir.KeyPart() | ir.Emitted() | ir.Element():
            return expr
        case ir.Call(function=name, args=args, type=kind):
            return _call(name, tuple(map(fold, args)), kind)
        case ir.Neg(operand=x, type=kind):
            x = fold(x)
            return ir.Const(None if x.value is None else -x.value, kind) if isinstance(x, ir.Const) else ir.Neg(x, kind)
        case ir.Arith(op=op, left=a, right=b, type=kind):
            return _arithmetic(op, fold(a), fold(b), kind)
        case ir.Compare(op=op, left=a, right=b):
            return _compare(op, fold(a), fold(b))
        case ir.TextMatch(kind=text_kind, subject=a, needle=b, fold=ignore_case):
            return ir.TextMatch(text_kind, fold(a), fold(b), ignore_case)
        case ir.And(operands=xs):
            return _join(xs, ir.And, neutral=TRUE, decisive=FALSE)
        case ir.Or(operands=xs):
            return _join(xs, ir.Or, neutral=FALSE, decisive=TRUE)
        case ir.Not(operand=x):
            return _not(fold(x))
        case ir.InSet(operand=x, values=values):
            x = fold(x)
            if isinstance(x, ir.Const):
                return UNKNOWN if x.value is None else _truth(any(same(x.value, value) for value in values))
            return ir.InSet(x, values)
        case ir.InTable(operand=x, table=table):
            return ir.InTable(fold(x), table)
        case ir.Column(table=table, key=key, column=column, type=kind):
            return ir.Column(table, fold(key), column, kind)
        case ir.IsNull(operand=x):
            x = fold(x)
            return _truth(x.value is None) if isinstance(x, ir.Const) else ir.IsNull(x)
        case ir.Item(operand=x, index=index, type=kind):
            return ir.Item(fold(x), index, kind)
        case ir.Quantified(kind=quantifier, operand=x, body=body):
            return ir.Quantified(quantifier, fold(x), fold(body))


def _truth(value: bool) -> ir.Const:
    return TRUE if value else FALSE


def _not(x: ir.Expr) -> ir.Expr:
    if isinstance(x, ir.Const):
        return UNKNOWN if x.value is None else _truth(not x.value)
    if isinstance(x, ir.Compare):  # there is no NaN: of two values that are not null, not less is greater or equal
        return ir.Compare(OPPOSITE[x.op], x.left, x.right)
    return x.operand if isinstance(x, ir.Not) else ir.Not(x)


def _join(operands: tuple[ir.Expr, ...], kind: type[ir.And] | type[ir.Or], *, neutral: ir.Const, decisive: ir.Const) -> ir.Expr:
    """Nested joins of one kind are one; an unknown stays, since under `not` it is not false."""
    parts: list[ir.Expr] = []
    for operand in map(fold, operands):
        if operand == decisive:
            return decisive
        if operand == neutral:
            continue
        parts.extend(operand.operands if isinstance(operand, kind) else (operand,))
    if not parts:
        return neutral
    return parts[0] if len(parts) == 1 else kind(tuple(parts))


def _arithmetic(op: str, a: ir.Expr, b: ir.Expr, kind: Type) -> ir.Expr:
    if isinstance(a, ir.Const) and isinstance(b, ir.Const):
        value = ARITHMETIC[op](a.value, b.value)
        return ir.Const(whole(value) if kind in (Type.TIME, Type.SPAN) else value, kind)
    return ir.Arith(op, a, b, kind)


def _compare(op: str, a: ir.Expr, b: ir.Expr) -> ir.Expr:
    if not isinstance(a, ir.Const) or not isinstance(b, ir.Const):
        return ir.Compare(op, a, b)
    if a.value is None or b.value is None:
        return UNKNOWN
    if op in ("==", "!="):
        return _truth(same(a.value, b.value) == (op == "=="))
    return _truth(ORDER[op](a.value, b.value))


def _call(name: str, args: tuple[ir.Expr, ...], kind: Type) -> ir.Expr:
    values: list[Any] = [arg.value for arg in args if isinstance(arg, ir.Const)]
    if len(values) < len(args) or kind is Type.LIST:
        return ir.Call(name, args, kind)
    function = FUNCTIONS[name]
    if not function.nulls and any(value is None for value in values):
        return ir.Const(None, kind)
    result = function.kernel(*values)
    return ir.Const(None if isinstance(result, float) and not isfinite(result) else result, kind)
