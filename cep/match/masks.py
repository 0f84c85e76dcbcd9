"""Conditions compiled to NumPy: a condition becomes an array that says for each row whether it is true (or, below a `not`,
whether it is false). Null is NaN, and no comparison with NaN is true: unknown needs no value of its own here either."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import inf
from typing import Any

from cep.plan import ir
from cep.plan.codegen import Namespace, Rows, Tables, Writer, deep_parts
from cep.plan.ir import Expr
from cep.types import Type

EXACT = 2.0**53  # from there on an int is not a float of its own: 2**53 + 1 becomes this one
LARGEST_FUNCTION = 100  # conditions in one generated function
_OPPOSITE = {"==": "!=", "!=": "==", "<": ">=", "<=": ">", ">": "<=", ">=": "<"}
Size = tuple[int, int, int, int]


def columnable(expr: Expr) -> bool:
    """Whether a condition can be judged by column."""
    if deep_parts(expr):
        return False
    if text_field(expr) is not None:
        return True
    match expr:
        case ir.And(operands=xs) | ir.Or(operands=xs):
            return all(map(columnable, xs))
        case ir.Not(operand=x):
            return columnable(x)
        case ir.Compare(left=a, right=b):
            return any(map(_is_number_field, (a, b))) and all(_is_number_field(x) or _is_number(x) for x in (a, b))
        case ir.IsNull(operand=x):
            return _is_number_field(x)
        case _:
            return False


def _is_number_field(expr: Expr) -> bool:
    return isinstance(expr, ir.Field) and expr.type in (Type.NUMBER, Type.SPAN)


def _is_number(expr: Expr) -> bool:
    return isinstance(expr, ir.Const) and isinstance(expr.value, int | float) and not isinstance(expr.value, bool)


def text_field(expr: Expr) -> ir.Field | None:
    """The one text field that the expression reads; None if it reads anything else besides."""
    found: set[ir.Field] = set()
    stack = [expr]
    while stack:
        node = stack.pop()
        if isinstance(node, ir.Field):
            found.add(node)
        stack.extend(ir.children(node))
    field = found.pop() if len(found) == 1 else None
    return field if field is not None and field.type is Type.TEXT else None


class Masks:
    """Judges lists of conditions (each list: all must be true) over the rows of one event type."""

    def __init__(self, wanted: Sequence[Sequence[Expr]], tables: Tables, rows: Rows) -> None:
        import numpy  # heavy, and few rule sets need it

        self._numpy = numpy
        self._names = Namespace(tables)
        self._rows: Rows = rows
        self._fields: dict[ir.Field, str] = {}  # n0, n1, ... numbers; u0, u1, ... texts
        self._texts: list[Callable[[Any], bool]] = []  # conditions on one text
        self._conditions = 0
        self._names.globals.update(isnan=numpy.isnan, ones=numpy.ones, judge=self._judge_texts)
        parts = [wanted[start : start + LARGEST_FUNCTION] for start in range(0, len(wanted), LARGEST_FUNCTION)]
        self._functions = [self._compile(part, n) for n, part in enumerate(parts)]
        self._loads = {field: self._load(field, n) for n, field in enumerate(self._fields)}

    @property
    def size(self) -> Size:
        """Number fields, text fields, distinct conditions, those of them on texts."""
        texts = sum(name.startswith("u") for name in self._fields.values())
        return len(self._fields) - texts, texts, self._conditions, len(self._texts)

    def judge(self, rows: list[Any]) -> tuple[list[Any] | None, int]:
        """An array of bools per wanted list, and how many distinct texts there were at most; None instead of the arrays
        when a column cannot hold its numbers exactly."""
        numpy = self._numpy
        columns: dict[str, Any] = {}
        distinct = 0
        for field, name in self._fields.items():
            values = self._loads[field](rows)
            if field.type is Type.TEXT:
                codes = {text: n for n, text in enumerate(dict.fromkeys(values))}
                distinct = max(distinct, len(codes))
                columns[name] = (list(codes), numpy.fromiter(map(codes.__getitem__, values), numpy.intp, len(values)))
                continue
            try:
                column = numpy.array(values, dtype=numpy.float64)
            except OverflowError:  # an int beyond all floats
                return None, distinct
            if (abs(column) >= EXACT).any():
                return None, distinct
            columns[name] = column
        return self._run(columns), distinct

    @property
    def fields(self) -> list[ir.Field]:
        """The fields that the conditions read."""
        return list(self._fields)

    def judge_columns(self, columns: Mapping[ir.Field, Any]) -> list[Any]:
        """The same of columns made elsewhere: float64 with NaN for null, or (texts, code of each row); numbers below EXACT."""
        return self._run({self._fields[field]: column for field, column in columns.items()})

    def _run(self, columns: Mapping[str, Any]) -> list[Any]:
        return [mask for function in self._functions for mask in function(**columns)]

    def _judge_texts(self, number: int, column: tuple[list[Any], Any]) -> Any:
        texts, codes = column
        return self._numpy.fromiter(map(self._texts[number], texts), bool, len(texts))[codes]

    # -- source

    def _load(self, field: ir.Field, number: int) -> Callable[[list[Any]], list[Any]]:
        code = Writer(self._names, rows=self._rows).value(field)
        load: Callable[[list[Any]], list[Any]] = self._names.run(f"def load{number}(rows): return [{code} for r in rows]")[
            f"load{number}"
        ]
        return load

    def _compile(self, wanted: Sequence[Sequence[Expr]], number: int) -> Callable[..., tuple[Any, ...]]:
        lines: list[str] = []
        known: dict[tuple[Expr, bool], str] = {}
        results = [self._mask(ir.And(tuple(conditions)), True, lines, known) for conditions in wanted]
        source = [f"def masks{number}(**columns):"]
        source += [f"    {name} = columns[{name!r}]" for name in self._fields.values()]
        source += [f"    {line}" for line in lines]
        source.append(f"    return ({''.join(result + ', ' for result in results)})")
        function: Callable[..., tuple[Any, ...]] = self._names.run("\n".join(source))[f"masks{number}"]
        return function

    def _mask(self, expr: Expr, want: bool, lines: list[str], known: dict[tuple[Expr, bool], str]) -> str:
        """The local name of the array; each distinct condition is written once."""
        if isinstance(expr, ir.Not):
            return self._mask(expr.operand, not want, lines, known)
        if (expr, want) not in known:
            if isinstance(expr, ir.And | ir.Or) and text_field(expr) is None:
                word = " & " if isinstance(expr, ir.And) is want else " | "
                code = word.join(dict.fromkeys(self._mask(x, want, lines, known) for x in expr.operands))
            else:
                code = self._atom(expr, want)
                self._conditions += 1
            known[expr, want] = f"p{len(known)}"
            lines.append(f"{known[expr, want]} = {code}")
        return known[expr, want]

    def _atom(self, expr: Expr, want: bool) -> str:
        text = text_field(expr)
        if text is not None:
            return f"judge({self._text_condition(expr, text, want)}, {self._column(text)})"
        match expr:
            case ir.IsNull(operand=ir.Field() as field):
                return f"{'' if want else '~'}isnan({self._column(field)})"
            case ir.Compare(op=op, left=left, right=right):
                op = op if want else _OPPOSITE[op]
                code = f"({self._number(left)} {op} {self._number(right)})"
                fields = [x for x in (left, right) if isinstance(x, ir.Field)]
                if op == "!=":  # the one comparison that is true of NaN
                    code = " & ".join([code, *(f"~isnan({self._column(x)})" for x in fields)])
                return code
            case _:
                raise AssertionError(f"no column holds {expr!r}")

    def _number(self, expr: Expr) -> str:
        if isinstance(expr, ir.Field):
            return self._column(expr)
        assert isinstance(expr, ir.Const)
        value = expr.value
        if abs(value) > EXACT:  # no number of a column is so large
            return self._names.slot(inf if value > 0 else -inf)
        return self._names.slot(float(value))

    def _column(self, field: ir.Field) -> str:
        if field not in self._fields:
            self._fields[field] = f"{'u' if field.type is Type.TEXT else 'n'}{len(self._fields)}"
        return self._fields[field]

    def _text_condition(self, expr: Expr, field: ir.Field, want: bool) -> int:
        write = Writer(self._names, rows=self._rows, locals={field: "v"})
        number = len(self._texts)
        code = write.true(expr) if want else write.false(expr)
        self._texts.append(self._names.run(f"def text{number}(v): return {code}")[f"text{number}"])
        return number
