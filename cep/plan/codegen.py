"""Typed expressions to Python source. The source is made of the expression alone, never of rule text: a constant is a slot
of the namespace, a name is generated or one of `OPERATIONS`.

Logic has three values and the code two: a condition is written once as "is true" and, below a `not`, as "is false"; what is
neither is unknown. Both are total and give a bool.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from types import CodeType
from typing import Any, Literal, assert_never

from cep.functions import FUNCTIONS
from cep.functions.regex import compile_regex
from cep.plan import ir, operations
from cep.plan.globs import compile_glob
from cep.plan.ir import Expr
from cep.plan.paths import attribute
from cep.timestamps import microseconds, unit_of
from cep.types import Type

Rows = Literal["struct", "dict"]
Tables = dict[str, dict[Any, dict[str, Any]]]
Path = tuple[str, ...]
TIME_PATH: Path = ("ts",)
_CHECKED = {Type.NUMBER: "as_number", Type.TEXT: "as_text", Type.BOOL: "as_bool", Type.LIST: "as_list"}
_OPPOSITE = {"==": "!=", "!=": "==", "<": ">=", "<=": ">", ">": "<=", ">=": "<"}


@lru_cache(maxsize=8192)
def _code(source: str) -> CodeType:
    """Rules that differ in constants alone share their code."""
    return compile(source, "<rule>", "exec")


class Namespace:
    """The globals of generated functions: operations by name, and slots for constants, patterns, tables, functions."""

    def __init__(self, tables: Tables) -> None:
        self.globals: dict[str, Any] = _OPERATIONS.copy()
        self._tables = tables
        self._known: dict[Any, str] = {}

    def slot(self, value: Any) -> str:
        """A fresh name for the value."""
        name = f"c{len(self.globals) - len(OPERATIONS)}"
        self.globals[name] = value
        return name

    def shared(self, key: tuple[Any, ...], make: Callable[[], Any]) -> str:
        """The slot of something made once: a compiled pattern, a table, a function."""
        if key not in self._known:
            self._known[key] = self.slot(make())
        return self._known[key]

    def table(self, name: str) -> str:
        return self.shared(("table", name), lambda: _by_hashable(self._tables.get(name, {})))

    def run(self, source: str) -> dict[str, Any]:
        """Define the functions of `source`; they are found in the returned namespace."""
        exec(_code(source), self.globals)
        return self.globals


OPERATIONS = (
    "add", "subtract", "multiply", "divide", "remainder", "whole", "same", "hashable", "plain", "as_number", "as_text",
    "as_bool", "as_list", "item", "cell", "time_text", "seconds", "each_time_text", "each_seconds", "say", "say_seconds",
)  # fmt: skip

_OPERATIONS = {name: getattr(operations, name) for name in OPERATIONS}


def _by_hashable(table: dict[Any, dict[str, Any]]) -> dict[Any, dict[str, Any]]:
    """The table by keys as `operations.hashable` makes them: itself, unless a key is a bool."""
    if any(isinstance(key, bool) for key in table):
        return {operations.hashable(key): row for key, row in table.items()}
    return table


@dataclass(frozen=True, slots=True)
class Code:
    """`first` calculates the value and keeps it; `again` is the kept value, for every later mention."""

    first: str
    again: str
    nullable: bool = True


@dataclass
class Writer:
    """Writes expressions of one function.

    rows    how a row gives a field: attributes of structs or `get` of dicts
    reg     code of register i, and whether it may be null
    key     code of part i of the key, as matchers hold it
    emitted code of a field that was emitted
    locals  expressions that already stand in a local name
    known   expressions known not to be null where the code will stand
    """

    names: Namespace
    rows: Rows = "struct"
    reg: Callable[[int], tuple[str, bool]] = lambda i: (f"v[{i}]", True)
    key: Callable[[int], str] = lambda i: f"k[{i}]"
    row: str = "r"
    time: str = "t"
    locals: dict[Expr, str] = field(default_factory=dict)
    known: set[Expr] = field(default_factory=set)
    inline: bool = False  # numbers and texts stand in the source instead of in slots
    present: frozenset[Path] = frozenset()  # fields that every row has: one without them raises KeyError (dicts)
    texts: frozenset[Path] = frozenset()  # fields of any type that hold text, or null, in all the rows there will be
    _temps: int = 0
    _element: str = ""

    # -- names

    def temp(self) -> str:
        self._temps += 1
        return f"x{self._temps}"

    def once(self, expr: Expr) -> Code:
        """The value, calculated at its first mention."""
        if expr in self.locals:
            return Code(self.locals[expr], self.locals[expr], expr not in self.known)
        match expr:
            case ir.Const(value=v):
                name = self.const(v)
                return Code(name, name, v is None)
            case ir.Element():
                if expr.type is Type.ANY:
                    return Code(self._element, self._element)
            case ir.Field(path=path) if path == TIME_PATH:
                return Code(self.time, self.time, nullable=False)
            case ir.Reg(index=i):
                code, nullable = self.reg(i)
                if not nullable:
                    return Code(code, code, nullable=False)
            case _:
                pass
        name = self.temp()
        return Code(f"({name} := {self.value(expr)})", name, expr not in self.known)

    def const(self, value: Any) -> str:
        if value is None or isinstance(value, bool):
            return repr(value)
        if self.inline and type(value) in (int, float, str):
            return f"({value!r})"
        return self.names.slot(value)

    def is_text(self, expr: Expr) -> bool:
        """Whether the value is text or null."""
        return expr.type is Type.TEXT or (isinstance(expr, ir.Field) and expr.path in self.texts)

    # -- values

    def value(self, expr: Expr) -> str:
        """Code for the value, None for null."""
        if expr in self.locals:
            return self.locals[expr]
        match expr:
            case ir.Const(value=v):
                return self.const(v)
            case ir.Field(path=path):
                return self.field(path, expr.type)
            case ir.Reg(index=i):
                return self.reg(i)[0]
            case ir.KeyPart(index=i):
                code = self.key(i)  # nearly always text: asked for before a function is called
                return (
                    code if expr.type not in (Type.ANY, Type.BOOL) else f"({code} if {code}.__class__ is str else plain({code}))"
                )
            case ir.Emitted(name=name):
                return f"fields.get({self.names.slot(name)})"
            case ir.Call():
                return self._call(expr)
            case ir.Neg(operand=ir.Const(value=v)):
                return self.names.slot(None if v is None else -v)
            case ir.Neg(operand=x):
                a = self.once(x)
                return f"(-{a.again} if {a.first} is not None else None)" if a.nullable else f"(-{a.first})"
            case ir.Arith(op=op, left=a, right=b):
                code = f"{operations.ARITHMETIC[op].__name__}({self.value(a)}, {self.value(b)})"
                return f"whole({code})" if expr.type in (Type.TIME, Type.SPAN) else code
            case ir.Item(operand=x, index=i):
                return self._checked(expr.type, f"item({self.value(x)}, {i})")
            case ir.Column(table=table, key=k, column=column):
                code = f"cell({self.names.table(table)}, {self._member(k)}, {self.names.slot(column)})"
                return self._checked(expr.type, code)
            case ir.Element():
                return self._checked(expr.type, self._element)
            case _:
                return f"(True if {self.true(expr)} else False if {self.false(expr)} else None)"

    def field(self, path: Path, kind: Type) -> str:
        """Code that reads a field of the row, null-safe along the path."""
        if path == TIME_PATH:
            return self.time
        code = self._load(self.row, path)
        if kind is Type.TIME:  # rows hold what the sender wrote: a number or text
            moment = self.names.shared(("unit", unit_of(path[-1])), lambda: _reader(unit_of(path[-1])))
            return f"{moment}({code})"
        return code

    def _load(self, source: str, path: Path) -> str:
        if path in self.present and source == self.row:
            return f"{source}[{path[0]!r}]"
        code = f"{source}.{attribute(path[0])}" if self.rows == "struct" else f"{source}.get({path[0]!r})"
        if len(path) == 1:
            return code
        name = self.temp()
        return f"(None if ({name} := {code}) is None else {self._load(name, path[1:])})"

    def _checked(self, kind: Type, code: str) -> str:
        """A value from a list or table, whose items nothing has checked."""
        return f"{_CHECKED[kind]}({code})" if kind in _CHECKED else code

    def _call(self, expr: ir.Call) -> str:
        function = FUNCTIONS[expr.function]
        name = self.names.shared(("function", expr.function), lambda: function.kernel)
        if function.nulls:
            return f"{name}({', '.join(self.value(arg) for arg in expr.args)})"
        args = [self.once(arg) for arg in expr.args]
        code = f"{name}({', '.join(self._mentions(args))})"
        nulls = [f"{arg.first} is None" for arg in args if arg.nullable]
        return f"(None if {' or '.join(nulls)} else {code})" if nulls else code

    @staticmethod
    def _mentions(args: Iterable[Code]) -> list[str]:
        return [arg.again if arg.nullable else arg.first for arg in args]

    def _member(self, expr: Expr) -> str:
        """A value to look up: as it is where its type is told, else as `hashable` makes it."""
        code = self.value(expr)
        return code if expr.type in (Type.TEXT, Type.NUMBER) else f"hashable({code})"

    # -- conditions

    def true(self, expr: Expr) -> str:
        """Code that is True where the condition is true and False elsewhere."""
        return self._truth(expr, True)

    def false(self, expr: Expr) -> str:
        return self._truth(expr, False)

    def _truth(self, expr: Expr, want: bool) -> str:
        if self.locals and expr in self.locals:
            return f"{self.locals[expr]} is {want}"
        match expr:
            case ir.And(operands=xs):
                return self._join(xs, want, " and " if want else " or ")
            case ir.Or(operands=xs):
                return self._join(xs, want, " or " if want else " and ")
            case ir.Not(operand=x):
                return self._truth(x, not want)
            case ir.Compare(op=op, left=a, right=b):
                return self._compare(op if want else _OPPOSITE[op], a, b)
            case ir.TextMatch():
                return self._text_match(expr, want)
            case ir.InSet():
                return self._in_set(expr, want)
            case ir.InTable(operand=x, table=table):
                return self._in(x, self.names.table(table), want, x.type in (Type.TEXT, Type.NUMBER))
            case ir.IsNull(operand=ir.Const(value=v)):
                return repr((v is None) is want)
            case ir.IsNull(operand=x):
                return f"{self.value(x)} {'is' if want else 'is not'} None"
            case ir.Quantified():
                return self._quantified(expr, want)
            case (
                ir.Const() | ir.Field() | ir.Reg() | ir.KeyPart() | ir.Emitted() | ir.Call() | ir.Column() | ir.Item()
                | ir.Element() | ir.Neg() | ir.Arith()
            ):  # fmt: skip
                return f"{self.value(expr)} is {want}"
            case _:
                assert_never(expr)

    def _join(self, operands: Iterable[Expr], want: bool, word: str) -> str:
        return "(" + word.join(self._truth(x, want) for x in operands) + ")"

    def _not_null(self, *codes: Code) -> list[str]:
        return [f"{code.first} is not None" for code in codes if code.nullable]

    def _compare(self, op: str, left: Expr, right: Expr) -> str:
        if isinstance(left, ir.Const) and not isinstance(right, ir.Const):
            left, right, op = right, left, {"<": ">", "<=": ">=", ">": "<", ">=": "<="}.get(op, op)
        if isinstance(right, ir.Const) and right.value is None:
            return "False"
        if isinstance(right, ir.Const) and op == "==":
            return self._equals_const(left, right)
        a, b = self.once(left), self.once(right)
        checks = self._not_null(a, b)
        x, y = (code.again if code.nullable else code.first for code in (a, b))
        loose = Type.ANY in (left.type, right.type) or left.type is Type.LIST or right.type is Type.LIST
        if loose and not (isinstance(right, ir.Const) and _is_clear(right.value)):
            checks.append(_same(x, y) if op == "==" else f"not {_same(x, y)}")
        else:
            checks.append(f"{x} {op} {y}")
        return "(" + " and ".join(checks) + ")" if len(checks) > 1 else checks[0]

    def _equals_const(self, left: Expr, right: ir.Const) -> str:
        """Null equals no constant, so nothing need be asked before."""
        if isinstance(left, ir.Const):
            return "False" if left.value is None else f"same({self.const(left.value)}, {self.const(right.value)})"
        if isinstance(right.value, bool):
            return f"{self.value(left)} is {right.value}"
        if left.type is Type.ANY and not _is_clear(right.value):
            a = self.once(left)
            return f"({a.first} == {self.const(right.value)} and {a.again}.__class__ is not bool)"
        return f"{self.value(left)} == {self.const(right.value)}"

    def _in_set(self, expr: ir.InSet, want: bool) -> str:
        told = expr.operand.type in (Type.TEXT, Type.NUMBER, Type.TIME, Type.SPAN)
        members = frozenset(map(operations.hashable, expr.values))
        return self._in(expr.operand, self.names.slot(members), want, told)

    def _in(self, operand: Expr, members: str, want: bool, told: bool) -> str:
        """Membership. Where the type is not told, the operand is made hashable first: a list is in no set."""
        if told and want:
            return f"{self.value(operand)} in {members}"  # null is in no set
        a = self.once(operand)
        value = a.again if a.nullable else a.first
        test = f"{value if told else f'hashable({value})'} {'in' if want else 'not in'} {members}"
        return "(" + " and ".join([*self._not_null(a), test]) + ")"

    def _text_match(self, expr: ir.TextMatch, want: bool) -> str:
        a = self.once(expr.subject)
        known_text = expr.subject.type is Type.TEXT
        checks = self._not_null(a) if known_text else [f"{a.first}.__class__ is str"]
        subject = a.again if checks else a.first
        if expr.kind in ("glob", "regex"):
            checks.append(self._pattern(expr, subject, want))
            return "(" + " and ".join(checks) + ")"
        needle = expr.needle
        if isinstance(needle, ir.Const):
            if needle.value is None:
                return "False"
            word = self.const(needle.value.lower() if expr.fold else needle.value)
        else:
            b = self.once(needle)
            checks += self._not_null(b) if needle.type is Type.TEXT else [f"{b.first}.__class__ is str"]
            word = (b.first if needle.type is Type.TEXT and not b.nullable else b.again) + (".lower()" if expr.fold else "")
        checks.append(_find(expr.kind, subject + (".lower()" if expr.fold else ""), word, want))
        return "(" + " and ".join(checks) + ")"

    def _pattern(self, expr: ir.TextMatch, subject: str, want: bool) -> str:
        if not isinstance(expr.needle, ir.Const):
            raise ValueError(f"the pattern of a {expr.kind} is a constant")
        text, fold = expr.needle.value, expr.fold
        if expr.kind == "regex":
            search = self.names.shared(("regex", text, fold), lambda: compile_regex(text, fold))
            return f"{'' if want else 'not '}{search}({subject})"
        if fold:
            text, subject = text.lower(), f"{subject}.lower()"
        kind, word = _plain_glob(text)
        if kind:
            return _find(kind, subject, self.const(word), want)
        fits = self.names.shared(("glob", text), lambda: compile_glob(text))
        return f"{'' if want else 'not '}{fits}({subject})"

    def _quantified(self, expr: ir.Quantified, want: bool) -> str:
        items = self.temp()
        outer, self._element = self._element, f"e{items}"
        body = self._truth(expr.body, want)
        element, self._element = self._element, outer
        # any is true where one is, false where all are; all is the mirror of it
        word = "any" if (expr.kind == "any") is want else "all"
        return f"(({items} := as_list({self.value(expr.operand)})) is not None and {word}({body} for {element} in {items}))"


def _same(x: str, y: str) -> str:
    """Equality by type and value, without a call where the first is a name that holds text: it equals nothing but text."""
    return f"({x} == {y} if {x}.__class__ is str else same({x}, {y}))" if x.isidentifier() else f"same({x}, {y})"


def _is_clear(value: Any) -> bool:
    """Whether Python's `==` with this constant is already equality by type and value: only 0 and 1 equal a bool."""
    return not isinstance(value, bool | list | tuple) and value not in (0, 1)


def _reader(unit: Any) -> Callable[[Any], int | None]:
    def moment(value: Any) -> int | None:
        return microseconds(value, unit)

    return moment


def _find(kind: str, subject: str, word: str, want: bool) -> str:
    if kind == "contains":
        return f"{word} {'in' if want else 'not in'} {subject}"
    if kind == "equals":
        return f"{subject} {'==' if want else '!='} {word}"
    return f"{'' if want else 'not '}{subject}.{kind}({word})"


def _plain_glob(pattern: str) -> tuple[str, str]:
    """The kinds of glob that are one operation on text: (kind, word), or ("", "") for the others."""
    word = pattern.strip("*")
    if "*" in word or "?" in word:
        return "", ""
    starts, ends = pattern.startswith("*"), pattern.endswith("*")
    if starts and ends:
        return "contains", word
    return ("endswith" if starts else "startswith" if ends else "equals"), word


HIGHEST = 12  # levels of an expression written as one Python expression: its parser allows 200 open parentheses


def deep_parts(*exprs: Expr | None) -> list[Expr]:
    """Parts of very deep expressions that are to be calculated first, each into a name of its own, inner ones first. All
    expressions are pure and total, so it does no harm that some are calculated in vain."""
    heights: dict[int, int] = {}
    on_item: set[int] = set()  # depend on the item of a list: no name outside can stand for them
    found: dict[Expr, None] = {}
    stack: list[tuple[Expr, bool]] = [(expr, False) for expr in reversed(exprs) if expr is not None]
    while stack:
        node, ready = stack.pop()
        inner = ir.children(node)
        if not ready:
            stack.append((node, True))
            stack.extend((child, False) for child in inner)
            continue
        reaching = (node.operand,) if isinstance(node, ir.Quantified) else inner
        if isinstance(node, ir.Element) or any(id(child) in on_item for child in reaching):
            on_item.add(id(node))
        height = 1 + max((heights[id(child)] for child in inner), default=0)
        if height > HIGHEST and id(node) not in on_item:
            found[node] = None
            height = 1
        heights[id(node)] = height
    return list(found)


def repeated_fields(*exprs: Expr | None) -> list[ir.Field]:
    """Fields that the expressions mention more than once, in order of their first mention."""
    count: Counter[ir.Field] = Counter()
    stack: list[Expr] = [expr for expr in reversed(exprs) if expr is not None]
    while stack:
        node = stack.pop()
        if isinstance(node, ir.Field) and node.path != TIME_PATH:
            count[node] += 1
        stack.extend(reversed(ir.children(node)))
    return [found for found, times in count.items() if times > 1]
