"""Expressions whose names are bound but whose types are not yet known: what `resolve_names` makes of the tree, and all that
`check_types` reads.

Nodes are compared by identity: each place of the source has its own type.
"""

from __future__ import annotations

from typing import Any

from cep.errors import Span
from cep.plan.plan import Path, RegisterKind
from cep.records import record
from cep.types import Type

NUMBER = Type.NUMBER


@record(frozen=True, slots=True, eq=False)
class Node:
    span: Span


@record(frozen=True, slots=True, eq=False)
class Const(Node):
    """`type` is None for null, which fits any type."""

    value: Any
    type: Type | None


@record(frozen=True, slots=True, eq=False)
class Field(Node):
    """A field of the event being judged, which is of `event_type`."""

    event_type: str
    path: Path


@record(frozen=True, slots=True, eq=False)
class Each(Node):
    """A field of an event that any step took: of one of these types. `name` is how the source calls it."""

    event_types: tuple[str, ...]
    path: Path
    name: str


@record(frozen=True, slots=True, eq=False)
class Aggregate(Node):
    """A value over the events taken by a step, or in the window: a register to be. `name` is how the source calls it."""

    name: str
    kind: RegisterKind
    step: int
    expr: Bound | None = None
    where: Bound | None = None
    nth: int = 0
    skip_nulls: bool = True
    argument: int | float = 0


@record(frozen=True, slots=True, eq=False)
class Recall(Node):
    """`first_seen` and `changed` of values of an event, or the `baseline` of an aggregate: see `cep.plan.plan.Recall`."""

    kind: str
    values: tuple[Bound, ...]
    aggregate: Aggregate | None
    over_us: int
    per_us: int = 0


@record(frozen=True, slots=True, eq=False)
class KeyRef(Node):
    index: int


@record(frozen=True, slots=True, eq=False)
class EmittedRef(Node):
    name: str
    expr: Bound


@record(frozen=True, slots=True, eq=False)
class Call(Node):
    function: str
    args: tuple[Bound, ...]


@record(frozen=True, slots=True, eq=False)
class Neg(Node):
    operand: Bound


@record(frozen=True, slots=True, eq=False)
class Arith(Node):
    op: str
    left: Bound
    right: Bound


@record(frozen=True, slots=True, eq=False)
class Compare(Node):
    op: str
    left: Bound
    right: Bound


@record(frozen=True, slots=True, eq=False)
class TextMatch(Node):
    """`word` is the operator as written."""

    word: str
    kind: str
    fold: bool
    subject: Bound
    needle: Bound


@record(frozen=True, slots=True, eq=False)
class Logic(Node):
    op: str
    operands: tuple[Bound, ...]


@record(frozen=True, slots=True, eq=False)
class Not(Node):
    operand: Bound


@record(frozen=True, slots=True, eq=False)
class InList(Node):
    operand: Bound
    items: tuple[Bound, ...]


@record(frozen=True, slots=True, eq=False)
class InTable(Node):
    operand: Bound
    table: str


@record(frozen=True, slots=True, eq=False)
class Column(Node):
    table: str
    key: Bound
    column: str


@record(frozen=True, slots=True, eq=False)
class IsNull(Node):
    operand: Bound


@record(frozen=True, slots=True, eq=False)
class Item(Node):
    operand: Bound
    index: int


@record(frozen=True, slots=True, eq=False)
class Quantified(Node):
    """`element` is the node every use of the item in `body` refers to."""

    kind: str
    operand: Bound
    body: Bound
    element: Element


@record(frozen=True, slots=True, eq=False)
class Element(Node):
    pass


@record(frozen=True, slots=True, eq=False)
class Broken(Node):
    """What could not be bound: it has been told, and fits everything, so that no fault follows from it."""


Bound = (
    Const | Field | Each | Aggregate | Recall | KeyRef | EmittedRef | Call | Neg | Arith | Compare | TextMatch | Logic | Not
    | InList | InTable | Column | IsNull | Item | Quantified | Element | Broken
)  # fmt: skip
