"""How plans are said to people: durations and expressions in the words of the language."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from cep.plan import ir
from cep.plan.plan import ANY_STEP, KeyPlan, Recall, Register, RegisterKind
from cep.timestamps import iso_text
from cep.types import Type

UNITS = (("d", 86_400_000_000), ("h", 3_600_000_000), ("m", 60_000_000), ("s", 1_000_000), ("ms", 1_000))


def say_duration(us: int) -> str:
    """`10m`, `2h`, `1500ms`: in the largest unit that divides it."""
    if us == 0:
        return "0s"
    for unit, length in UNITS:
        if us % length == 0:
            return f"{us // length}{unit}"
    return f"{us}us"


def say_value(value: object, kind: Type) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, list | tuple):
        return "[" + ", ".join(say_value(item, Type.ANY) for item in value) + "]"
    if kind is Type.SPAN and isinstance(value, int):
        return say_duration(value)
    if kind is Type.TIME and isinstance(value, int):
        return f'"{iso_text(value)}"'
    return str(value)


class Words:
    """Expressions of one rule in words: what registers and parts of the key mean there."""

    def __init__(
        self, key: KeyPlan, registers: Sequence[Register], labels: Sequence[str], recalls: Sequence[Recall] = ()
    ) -> None:
        self.key = key
        self.registers = registers
        self.labels = labels
        self.recalls = recalls

    def recall(self, recall: Recall) -> str:
        """`first_seen(country) in 30d`, `baseline(count() per 5m, over 7d)`."""
        inside = Words(self.key, (), ())
        if recall.register is not None:
            parts = f"{say_duration(recall.per_us)}, over {say_duration(recall.over_us)}"
            return f"baseline({inside.register(recall.register)} per {parts})"
        return f"{recall.kind}({', '.join(map(inside.say, recall.values))}) in {say_duration(recall.over_us)}"

    def register(self, register: Register) -> str:
        if register.step == ANY_STEP:
            return self._of_any_step(register)
        label = self.labels[register.step] if self.labels else ""
        inside = Words(self.key, (), ())
        path = f"{label}." if label else ""
        expr = "" if register.expr is None else inside.say(register.expr)
        if not register.skip_nulls and isinstance(register.expr, ir.Field):
            field = ".".join(register.expr.path)
            match register.kind:
                case RegisterKind.FIRST:
                    return f"first({label}).{field}"
                case RegisterKind.NTH:
                    return f"{label}[{register.nth}].{field}"
                case _:
                    return f"{path}{field}" if label else f"last({field})"
        what = f"{path}{expr}" if isinstance(register.expr, ir.Field) else expr or label
        where = f"{' ' if what else ''}where {inside.say(register.where)}" if register.where is not None else ""
        if register.kind is RegisterKind.COUNT and not what and register.where is not None:
            where = inside.say(register.where)
        match register.kind:
            case RegisterKind.PERCENTILE if register.argument == 50:
                return f"median({what}{where})"
            case RegisterKind.PERCENTILE:
                return f"percentile({what}, {register.argument}{where})"
            case RegisterKind.TOP:
                return f"top({register.argument}, {what}{where})"
            case RegisterKind.DECAY:
                return f"decay({what}, {say_duration(int(register.argument))}{where})"
        return f"{register.kind}({what}{where})"

    def _of_any_step(self, register: Register) -> str:
        if register.expr is None:
            return "label"
        field = Words(self.key, (), ()).say(register.expr)
        return f"each {field}" if register.kind is RegisterKind.ROW else f"prev.{field}"

    def say(self, expr: ir.Expr, *, tight: bool = False) -> str:
        """The expression as an author might write it; `tight` puts parentheses round anything with an operator."""
        match expr:
            case ir.Const(value=value, type=kind):
                return say_value(value, kind)
            case ir.Field(path=path):
                return ".".join(path)
            case ir.Reg(index=index):
                if index >= len(self.registers):
                    return self.recall(self.recalls[index - len(self.registers)])
                return self.register(self.registers[index])
            case ir.KeyPart(index=index):
                return self.key.names[index]
            case ir.Emitted(name=name):
                return name
            case ir.Element():
                return "x"
            case ir.Call(function=name, args=args):
                return f"{name}({', '.join(self.say(arg) for arg in args)})"
            case ir.InTable(operand=x, table=table):
                text = f"{self.say(x, tight=True)} in table {table}"
            case ir.Column(table=table, key=key, column=column):
                return f"lookup {table}[{self.say(key)}].{column}"
            case ir.Item(operand=x, index=index):
                return f"{self.say(x, tight=True)}[{index}]"
            case ir.Quantified(kind=quantifier, operand=x, body=body):
                return f"{quantifier}({self.say(x)}, {self.say(body)})"
            case ir.Neg(operand=x):
                return f"-{self.say(x, tight=True)}"
            case ir.Arith(op=op, left=a, right=b) | ir.Compare(op=op, left=a, right=b):
                text = f"{self.say(a, tight=True)} {op} {self.say(b, tight=True)}"
            case ir.TextMatch():
                text = self._text_match(expr)
            case ir.And(operands=xs):
                text = " and ".join(self.say(x, tight=isinstance(x, ir.Or | ir.And)) for x in xs)
            case ir.Or(operands=xs):
                text = " or ".join(self.say(x, tight=isinstance(x, ir.And | ir.Or)) for x in xs)
            case ir.Not(operand=ir.IsNull(operand=x)):
                text = f"{self.say(x, tight=True)} is not null"
            case ir.Not(operand=x):
                text = f"not {self.say(x, tight=True)}"
            case ir.InSet(operand=x, values=values):
                text = f"{self.say(x, tight=True)} in {say_value(values, Type.LIST)}"
            case ir.IsNull(operand=x):
                text = f"{self.say(x, tight=True)} is null"
            case _:
                assert_never(expr)
        return f"({text})" if tight else text

    def _text_match(self, expr: ir.TextMatch) -> str:
        words = {"glob": "~", "regex": "=~"}
        word = words.get(expr.kind, expr.kind)
        folded = (word + "i" if expr.kind in words else "i" + word) if expr.fold else word
        return f"{self.say(expr.subject, tight=True)} {folded} {self.say(expr.needle, tight=True)}"
