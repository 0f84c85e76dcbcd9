"""From bound expressions with their types found to the typed expressions of the plan; aggregates become registers."""

from __future__ import annotations

from typing import assert_never

from cep.plan import bound, ir
from cep.plan.draft import RuleDraft
from cep.plan.plan import Recall, Register, RegisterKind
from cep.plan.references import TIME
from cep.plan.scope import MOST_NODES, TooBig
from cep.plan.typevars import Var
from cep.plan.typing_rules import Typing
from cep.types import Type


class Lowering:
    """Of one rule. Registers are kept once each, in the order met."""

    def __init__(self, typing: Typing, draft: RuleDraft, key: list[Var]) -> None:
        self.typing = typing
        self.draft = draft
        self.key = key
        self.registers: dict[str, int] = {}
        self.recalls: dict[str, int] = {}
        self._places = 0  # of the first recall
        self.nodes = 0

    def lower(self) -> None:
        """Fill the typed places of the draft. What recalls say stands behind all registers, so these are found out first."""
        self._lower()
        if self.draft.recalls:
            self.nodes, self._places = 0, len(self.draft.registers)
            self._lower()

    def _lower(self) -> None:
        draft = self.draft
        draft.key.typed = {event_type: tuple(self.expr(part) for part in parts) for event_type, parts in draft.key.bound.items()}
        draft.key.types = tuple(self.typing.solver.decide(var) for var in self.key)
        for step in draft.steps:
            step.typed = None if step.bound is None else self.expr(step.bound)
        if draft.resolve is not None and draft.resolve.bound is not None:
            draft.resolve.typed = self.expr(draft.resolve.bound)
        draft.expect_typed = None if draft.expect is None else self.expr(draft.expect)
        draft.when_typed = None if draft.when is None else self.expr(draft.when)
        draft.until_typed = None if draft.until is None else self.expr(draft.until)
        for field in (*draft.emit, *draft.rows, *draft.timeout):
            field.typed = self.expr(field.bound)
        for piece in draft.title:
            piece.typed = None if piece.bound is None else self.expr(piece.bound)
        draft.once_typed = [self.expr(per) for per in draft.once]

    def type_of(self, node: bound.Bound) -> Type:
        return self.typing.solver.decide(self.typing.nodes[node])

    def expr(self, node: bound.Bound) -> ir.Expr:
        """The typed expression of a node of a sound rule.

        raises  TooBig: `between` says its subject twice, so nested ones double
        """
        self.nodes += 1
        if self.nodes > 2 * MOST_NODES:
            raise TooBig(node.span, f"the expressions of this rule have more than {2 * MOST_NODES:,} parts when written out")
        match node:
            case bound.Const(value=value):
                return ir.Const(self.typing.times.get(node, value), Type.ANY if value is None else self.type_of(node))
            case bound.Field(path=path):
                return ir.Field(path, Type.TIME if path == TIME else self.type_of(node))
            case bound.Each(event_types=types, path=path):
                return ir.Field(path, Type.TIME if path == TIME else self.typing.solver.decide(self.typing.slot(types[0], path)))
            case bound.Aggregate():
                return self._register(node)
            case bound.Recall():
                return self._recall(node)
            case bound.KeyRef(index=index):
                return ir.KeyPart(index, self.typing.solver.decide(self.key[index]))
            case bound.EmittedRef(name=name):
                return ir.Emitted(name, self.type_of(node))
            case bound.Call(function=function, args=args):
                return ir.Call(function, tuple(self.expr(arg) for arg in args), self.type_of(node))
            case bound.Neg(operand=x):
                return ir.Neg(self.expr(x), self.type_of(node))
            case bound.Arith(op=op, left=a, right=b):
                return ir.Arith(op, self.expr(a), self.expr(b), self.type_of(node))
            case bound.Compare(op=op, left=a, right=b):
                return ir.Compare(op, self.expr(a), self.expr(b))
            case bound.TextMatch(kind=kind, fold=fold, subject=a, needle=b):
                if self.type_of(a) is Type.LIST:
                    return ir.Call("has", (self.expr(a), self.expr(b)), Type.BOOL)
                return ir.TextMatch(kind, self.expr(a), self.expr(b), fold)
            case bound.Logic(op=op, operands=xs):
                parts = tuple(self.expr(x) for x in xs)
                return ir.And(parts) if op == "and" else ir.Or(parts)
            case bound.Not(operand=x):
                return ir.Not(self.expr(x))
            case bound.InList(operand=x, items=items):
                return self._in_list(self.expr(x), [self.expr(item) for item in items])
            case bound.InTable(operand=x, table=table):
                return ir.InTable(self.expr(x), table)
            case bound.Column(table=table, key=key, column=column):
                return ir.Column(table, self.expr(key), column, self.type_of(node))
            case bound.IsNull(operand=x):
                return ir.IsNull(self.expr(x))
            case bound.Item(operand=x, index=index):
                return ir.Item(self.expr(x), index, self.type_of(node))
            case bound.Quantified(kind=kind, operand=x, body=body):
                return ir.Quantified(kind, self.expr(x), self.expr(body))
            case bound.Element():
                return ir.Element(self.type_of(node))
            case bound.Broken():
                raise AssertionError("a broken rule is not lowered")
            case _:
                assert_never(node)

    @staticmethod
    def _in_list(operand: ir.Expr, items: list[ir.Expr]) -> ir.Expr:
        constants = tuple(item.value for item in items if isinstance(item, ir.Const))
        if len(constants) == len(items):
            return ir.InSet(operand, constants)
        if len(items) == 1:
            return ir.Compare("==", operand, items[0])
        return ir.Or(tuple(ir.Compare("==", operand, item) for item in items))

    def _register(self, node: bound.Aggregate) -> ir.Reg:
        register = self._make_register(node)
        # By what they say, not by ==: Python holds 1 == True == 1.0, in which two registers may differ.
        index = self.registers.setdefault(repr(register), len(self.registers))
        if index == len(self.draft.registers):
            self.draft.registers.append(register)
        return ir.Reg(index, register.type)

    def _recall(self, node: bound.Recall) -> ir.Reg:
        register = None if node.aggregate is None else self._make_register(node.aggregate)
        recall = Recall(node.kind, tuple(self.expr(value) for value in node.values), node.over_us, node.per_us, register)
        index = self.recalls.setdefault(repr(recall), len(self.recalls))
        if index == len(self.draft.recalls):
            self.draft.recalls.append(recall)
        return ir.Reg(self._places + index, self.type_of(node))

    def _make_register(self, node: bound.Aggregate) -> Register:
        expr = None if node.expr is None else self.expr(node.expr)
        where = None if node.where is None else self.expr(node.where)
        bare = isinstance(node.expr, bound.Field)
        if node.kind is RegisterKind.COUNT and expr is not None and expr.type is Type.BOOL and not bare:
            # `count(status >= 500)`: a condition is a filter; anything else is counted where it is not null. A field alone is
            # no condition, whatever its type: that may be known from other rules only, and they must not decide here.
            where = expr if where is None else ir.And((where, expr))
            expr = None
        kind = self.type_of(node)
        return Register(node.kind, node.step, kind, expr, where, node.nth, node.skip_nulls, node.argument)
