"""Many picks of one shape: `type == T and user == U and speed > X` with a thousand different U and X.

Instead of a thousand conditions there is one table: the constant of an equality leads to the few members that ask for it,
and among these one ordered threshold is walked in order, so that the walk ends at the first that is not reached. The cost
of an event is one look-up and its hits, however many members there are.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from cep.match.needles import Way
from cep.match.picks import Pick
from cep.plan import ir
from cep.plan.ir import Expr
from cep.plan.operations import hashable
from cep.types import Type

SMALLEST = 6  # fewer picks than this are cheaper as plain conditions
_ORDERED = ("<", "<=", ">", ">=")
Variable = tuple[str, ir.Field]  # operator and field of a condition whose constant varies ("in": a set of constants)


@dataclass(frozen=True, slots=True)
class Shape:
    """What the members of a family have in common."""

    fixed: tuple[Expr, ...]
    variables: tuple[Variable, ...]
    key: tuple[Expr, ...]
    masked: bool


@dataclass(frozen=True, slots=True)
class Member:
    """A pick of the family: its constants, in the order of the shape's variables."""

    pick: Pick
    constants: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Family:
    """index     which variable is looked up; None: there is no equality, all members are one bucket
    ordered   which variable the members of a bucket are sorted by, so that a walk can end early; None: no order
    rest      the other variables, asked of each member"""

    shape: Shape
    members: tuple[Member, ...]
    index: int | None
    ordered: int | None
    rest: tuple[int, ...]

    def way(self, member: Member) -> Way | None:
        """What leads to a member; None: there is no equality."""
        if self.index is None:
            return None
        return Way(self.shape.variables[self.index][1], self._asked(member))

    def buckets(self) -> dict[Any, list[Member]]:
        """Members by the constant they ask for (hashable form; None: all of them), in the order they are walked."""
        found: dict[Any, list[Member]] = defaultdict(list)
        for member in self.members:
            for value in self._asked(member):
                found[value].append(member)
        if self.ordered is not None:
            at = self.ordered
            # x > c: small c first; once x <= c, it is so for all that follow. x < c: the mirror.
            falling = self.shape.variables[at][0] in ("<", "<=")
            for bucket in found.values():
                bucket.sort(key=lambda member: member.constants[at], reverse=falling)
        return found

    def _asked(self, member: Member) -> tuple[Any, ...]:
        if self.index is None:
            return (None,)
        constant = member.constants[self.index]
        if self.shape.variables[self.index][0] == "in":
            return tuple(dict.fromkeys(map(hashable, constant)))
        return (hashable(constant),)


def find_families(picks: list[Pick], masked: list[bool]) -> tuple[list[Family], list[Pick]]:
    """Families among picks of one event type that write their rows straight away, and the picks that are in none.

    masked  per target, whether it writes step masks
    """
    by_shape: dict[Shape, list[Member]] = defaultdict(list)
    for pick in picks:
        shape, constants = _shape(pick, masked[pick.target])
        by_shape[shape].append(Member(pick, constants))
    families, others = [], []
    for shape, members in by_shape.items():
        if len(members) >= SMALLEST and shape.variables:
            families.append(_family(shape, members))
        else:
            others += [member.pick for member in members]
    return families, others


def _shape(pick: Pick, masked: bool) -> tuple[Shape, tuple[Any, ...]]:
    fixed: list[Expr] = []
    variables: list[tuple[Variable, Any]] = []
    for expr in pick.conjuncts:
        found = _variable(expr)
        if found:
            variables.append(found)
        else:
            fixed.append(expr)
    variables.sort(key=lambda one: (one[0][0], one[0][1].path))
    shape = Shape(tuple(fixed), tuple(one for one, _ in variables), pick.key, masked)
    return shape, tuple(constant for _, constant in variables)


def _variable(expr: Expr) -> tuple[Variable, Any] | None:
    """A comparison of a field with a constant, taken apart; None for any other condition."""
    match expr:
        case ir.Compare(op=op, left=ir.Field() as field, right=ir.Const(value=value)) if value is not None:
            if op == "==" or (op in _ORDERED and field.type in (Type.NUMBER, Type.TIME, Type.SPAN, Type.TEXT)):
                return (op, field), value
        case ir.InSet(operand=ir.Field() as field, values=values):
            return ("in", field), values
    return None


def _family(shape: Shape, members: list[Member]) -> Family:
    equalities = [i for i, (op, _) in enumerate(shape.variables) if op in ("==", "in")]
    index = max(equalities, key=lambda i: len({_spread(member.constants[i]) for member in members}), default=None)
    ordered = next((i for i, (op, _) in enumerate(shape.variables) if op in _ORDERED), None)
    rest = tuple(i for i in range(len(shape.variables)) if i not in (index, ordered))
    return Family(shape, tuple(members), index, ordered, rest)


def _spread(constant: Any) -> Any:
    return frozenset(map(hashable, constant)) if isinstance(constant, tuple) else hashable(constant)
