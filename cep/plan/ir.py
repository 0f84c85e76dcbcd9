"""Typed expressions: what the names and types passes make of the tree, and all that `cep.plan.kernels` compiles from.

Every node knows its type. A leaf says where its value comes from:

    Field     the event being judged           (row, time)
    Reg       a register of the run or window  (plan.Register: first, last, count, sum, ...)
    KeyPart   a part of the correlation key
    Emitted   a field that `emit` has already calculated (titles, tests)

Nulls: every value may be null (None). Logic is three-valued; the kernels compile each condition twice, as "is true" and
"is false", so `unknown` needs no value of its own.
"""

from __future__ import annotations

from typing import Any

from cep.records import record
from cep.types import Type


@record(frozen=True, slots=True)
class Const:
    value: Any
    type: Type


@record(frozen=True, slots=True)
class Field:
    """A field of the event being judged, by path. `("ts",)` is always the event's time (type TIME)."""

    path: tuple[str, ...]
    type: Type


@record(frozen=True, slots=True)
class Reg:
    """Register `index` of the run or window."""

    index: int
    type: Type


@record(frozen=True, slots=True)
class KeyPart:
    """Part `index` of the key. A key of one part is that part itself."""

    index: int
    type: Type


@record(frozen=True, slots=True)
class Emitted:
    name: str
    type: Type


@record(frozen=True, slots=True)
class Call:
    """A function of `cep.functions` by name. Null in, null out, unless the function says otherwise (coalesce, if)."""

    function: str
    args: tuple[Expr, ...]
    type: Type


@record(frozen=True, slots=True)
class Neg:
    operand: Expr
    type: Type


@record(frozen=True, slots=True)
class Arith:
    """`+ - * / %` on numbers, times and durations. x / 0 and x % 0 are null; an overflow to infinity or NaN is null."""

    op: str
    left: Expr
    right: Expr
    type: Type


@record(frozen=True, slots=True)
class Compare:
    """`== != < <= > >=`; null on either side is unknown. Both sides are of one type, or one of them is ANY (== and !=)."""

    op: str
    left: Expr
    right: Expr
    type: Type = Type.BOOL


@record(frozen=True, slots=True)
class TextMatch:
    """`kind`: glob, regex, contains, startswith, endswith. The needle is a constant for glob and regex (checked, compiled
    once); elsewhere any text. `fold`: case-insensitive."""

    kind: str
    subject: Expr
    needle: Expr
    fold: bool
    type: Type = Type.BOOL


@record(frozen=True, slots=True)
class And:
    operands: tuple[Expr, ...]
    type: Type = Type.BOOL


@record(frozen=True, slots=True)
class Or:
    operands: tuple[Expr, ...]
    type: Type = Type.BOOL


@record(frozen=True, slots=True)
class Not:
    operand: Expr
    type: Type = Type.BOOL


@record(frozen=True, slots=True)
class InSet:
    """`operand in [constants]`: membership by type and value (1 == 1.0, 1 != "1", true != 1). Constants only, no nulls
    (written `x in [a, y]` with other expressions becomes an Or of Compare)."""

    operand: Expr
    values: tuple[Any, ...]
    type: Type = Type.BOOL


@record(frozen=True, slots=True)
class InTable:
    """`operand in table NAME`: is it a key of the table."""

    operand: Expr
    table: str
    type: Type = Type.BOOL


@record(frozen=True, slots=True)
class Column:
    """`(lookup TABLE[key]).column`; null when there is no such row."""

    table: str
    key: Expr
    column: str
    type: Type


@record(frozen=True, slots=True)
class IsNull:
    operand: Expr
    type: Type = Type.BOOL


@record(frozen=True, slots=True)
class Item:
    """`list[index]`; null when there is none."""

    operand: Expr
    index: int
    type: Type


@record(frozen=True, slots=True)
class Quantified:
    """`any(xs, x > 3)` and `all(xs, x > 3)`: the body's `Element` is the item. Of an empty list: any is false, all true."""

    kind: str
    operand: Expr
    body: Expr
    type: Type = Type.BOOL


@record(frozen=True, slots=True)
class Element:
    """The item a `Quantified` body is about."""

    type: Type


Expr = (
    Const | Field | Reg | KeyPart | Emitted | Call | Neg | Arith | Compare | TextMatch | And | Or | Not | InSet | InTable
    | Column | IsNull | Item | Quantified | Element
)  # fmt: skip


def children(expr: Expr) -> tuple[Expr, ...]:
    """The direct parts of an expression, left to right."""
    match expr:
        case Const() | Field() | Reg() | KeyPart() | Emitted() | Element():
            return ()
        case Call(args=args):
            return args
        case Neg(operand=x) | Not(operand=x) | InSet(operand=x) | InTable(operand=x) | IsNull(operand=x) | Item(operand=x):
            return (x,)
        case Arith(left=a, right=b) | Compare(left=a, right=b) | TextMatch(subject=a, needle=b):
            return (a, b)
        case Quantified(operand=a, body=b):
            return (a, b)
        case And(operands=xs) | Or(operands=xs):
            return xs
        case Column(key=k):
            return (k,)


def registers_in(expr: Expr | None) -> list[int]:
    """The registers that the expression reads."""
    found: list[int] = []
    stack = [] if expr is None else [expr]
    while stack:
        node = stack.pop()
        if isinstance(node, Reg):
            found.append(node.index)
        stack.extend(children(node))
    return found


def fields_of(expr: Expr) -> frozenset[tuple[str, ...]]:
    """Paths of the event's fields that the expression reads."""
    found: set[tuple[str, ...]] = set()
    stack: list[Expr] = [expr]
    while stack:
        node = stack.pop()
        if isinstance(node, Field):
            found.add(node.path)
        stack.extend(children(node))
    return frozenset(found)
