"""The code of one event type as a tree of places: reached when the conditions on the way are true.

    f0 = r.speed                     a value stands at the place where all its uses branch off
    if f0 is not None:               conditions that many share come first, and are judged once
        if f0 > 80:
            f1 = r.user
            if f1 is not None:       a part of a key
                a0(i); b0(f1)        an action
        if f0 < 5: ...

So each field, key and costly condition is calculated at most once per row, and not at all where nobody asks for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Literal

from cep.plan import ir
from cep.plan.codegen import TIME_PATH, Writer, deep_parts
from cep.plan.ir import Expr
from cep.types import Type

Key = tuple[Expr, ...]
# What a way leads over, and what gets a local name: a condition, a value, a part of a key, a whole key.
Item = tuple[Literal["if", "value", "part", "key", "bucket", "bits"], Expr | Key | str]
DEEPEST = 12  # nested ifs; what lies deeper is joined by `and`
_LET_ORDER = ("value", "if", "part", "key")
COSTLY = (ir.TextMatch, ir.Or, ir.Not, ir.Quantified, ir.InTable)


@dataclass(eq=False)
class Place:
    """way   the condition under which this place is reached from the one around it (None: the root, or after all others)
    lets   what gets a local name here        actions  lines that run here"""

    way: Item | None = None
    around: Place | None = None
    depth: int = 0
    inner: dict[Item, Place] = field(default_factory=dict)
    lets: list[Item] = field(default_factory=list)
    actions: list[str] = field(default_factory=list)
    tail: Place | None = None  # runs after the inner places, whatever was true

    def within(self, way: Item) -> Place:
        if way not in self.inner:
            self.inner[way] = Place(way, self, self.depth + 1)
        return self.inner[way]

    def after(self) -> Place:
        if self.tail is None:
            self.tail = Place(None, self, self.depth + 1)
        return self.tail

    def meeting(self, other: Place) -> Place:
        """The innermost place around both."""
        a, b = self, other
        while a is not b:
            if a.depth >= b.depth and a.around is not None:
                a = a.around
            elif b.around is not None:
                b = b.around
        return a


def not_null(field: Expr) -> Expr:
    return ir.Not(ir.IsNull(field))


def is_null_test(expr: Expr) -> bool:
    return isinstance(expr, ir.Not) and isinstance(expr.operand, ir.IsNull)


class Tree:
    """Grows the places of one event type and writes them down."""

    def __init__(self, writer: Writer) -> None:
        self.root = Place()
        self.uses_time = False
        self.writer = writer
        self._uses: dict[Item, list[Place]] = {}
        self._names: dict[Item, str] = {}
        self._order: dict[Any, int] = {}
        self._numbers = count()
        self._buckets: dict[str, tuple[str, ir.Field]] = {}
        self._given: set[Item] = set()

    # -- growing

    def walk(self, place: Place, conditions: list[Expr]) -> Place:
        """The place where all conditions are true."""
        for n, cond in enumerate(conditions):
            if place.depth >= DEEPEST and len(conditions) - n > 1:
                return self.walk(place, [ir.And(tuple(conditions[n:]))])
            self._use(("if", cond), place)
            self.read(cond, place)
            place = place.within(("if", cond))
        return place

    def keyed(self, place: Place, key: Key) -> tuple[Place, str]:
        """The place where no part of the key is null, and the key's code there."""
        for part in key:
            if self._is_time(part):
                continue
            self.read(part, place)
            self._use(("part", part), place)
            place = place.within(("part", part))
        for part in key:
            self.read(part, place)
            self._use(("part", part), place)
        if not key:
            return place, "()"
        item: Item = ("part", key[0]) if len(key) == 1 else ("key", key)
        self._use(item, place)
        return place, self.name(item)

    def bucket(self, place: Place, table: str, asked: ir.Field) -> tuple[Place, str]:
        """The place where the look-up of a field in a table of buckets (name of its bound `get`) found one."""
        self.read(asked, place)
        name = f"b{next(self._numbers)}"
        self._buckets[name] = (table, asked)
        return place.within(("bucket", name)), name

    def read(self, expr: Expr, place: Place) -> None:
        """Note that the code at a place reads the fields of an expression."""
        deep = deep_parts(expr)
        for part in deep:
            self._use(("value", part), place)
        self._order.update((part, n) for n, part in enumerate(deep, 1))
        stack = [expr]
        while stack:
            node = stack.pop()
            if self._is_time(node):
                self.uses_time = True
            elif isinstance(node, ir.Field):
                self._use(("value", node), place)
            stack.extend(ir.children(node))

    def local(self, field: ir.Field) -> str:
        """The local name of a field that was `read`."""
        return "t" if self._is_time(field) else self.name(("value", field))

    def fields(self) -> list[ir.Field]:
        """All fields that are read, but not the time."""
        return [item[1] for item in self._uses if item[0] == "value" and isinstance(item[1], ir.Field)]

    def give(self, field: ir.Field) -> str:
        """The local name of a field whose value stands in it before all else."""
        item: Item = ("value", field)
        self._given.add(item)
        self.writer.locals[field] = self.name(item)
        return self.name(item)

    @staticmethod
    def _is_time(expr: Expr) -> bool:
        return isinstance(expr, ir.Field) and expr.path == TIME_PATH

    def _use(self, item: Item, place: Place) -> None:
        self._uses.setdefault(item, []).append(place)

    def name(self, item: Item) -> str:
        """The local name of an item. A part of a key that is a text field is that field itself."""
        kind, expr = item
        if kind == "part" and self._is_time(expr):  # type: ignore[arg-type]  # a part is an expression
            return "t"
        if kind == "part" and isinstance(expr, ir.Field) and self.writer.is_text(expr):
            item = ("value", expr)
        if item not in self._names:
            self._names[item] = f"f{next(self._numbers)}"
        return self._names[item]

    # -- writing

    def lines(self) -> list[str]:
        self._place_lets()
        return list(self._lines(self.root, frozenset()))

    def _place_lets(self) -> None:
        """Give each item its local name at the place where all its uses meet."""
        for item, places in self._uses.items():
            if item in self._given:
                continue
            if item[0] == "if" and (not isinstance(item[1], COSTLY) or is_null_test(item[1]) or len(set(places)) == 1):
                continue  # cheaper to ask again than to keep, or asked at one place alone
            if item[0] == "part" and self.name(item) in ("t", self._names.get(("value", item[1]))):
                continue  # stands in a local name already
            meet = places[0]
            for place in places[1:]:
                meet = meet.meeting(place)
            meet.lets.append(item)
            if item[0] == "value":
                self.writer.locals[item[1]] = self.name(item)  # type: ignore[index]  # a value is an expression

    def _lines(self, place: Place, known: frozenset[Expr]) -> Iterator[str]:
        # fields first, then inner parts of deep expressions before outer ones
        for item in sorted(place.lets, key=lambda item: (_LET_ORDER.index(item[0]), self._order.get(item[1], 0))):
            self.writer.known = set(known)
            yield f"{self.name(item)} = {self._let(item)}"
        yield from place.actions
        for way, inner in place.inner.items():
            self.writer.known = set(known)
            before, code = self._way(way)
            yield from before
            yield f"if {code}:"
            for line in self._lines(inner, known | _learned(way)):
                yield f"    {line}"
        if place.tail is not None:
            yield from self._lines(place.tail, known)

    def _way(self, way: Item) -> tuple[list[str], str]:
        kind, expr = way
        match expr:
            case str() if kind == "bits":
                return [], expr
            case str():
                table, asked = self._buckets[expr]
                value = self.writer.value(asked)
                told = asked.type in (Type.TEXT, Type.NUMBER, Type.TIME, Type.SPAN)
                return [f"{expr} = {table}({value if told else f'hashable({value})'})"], f"{expr} is not None"
            case tuple():
                raise AssertionError("a whole key is no condition")
            case _ if kind == "part":
                return [], f"{self.name(way)} is not None"
            case _:
                return [], self._names.get(way) or self.writer.true(expr)

    def _let(self, item: Item) -> str:
        kind, expr = item
        if isinstance(expr, tuple):
            return "(" + "".join(f"{self.name(('part', part))}, " for part in expr) + ")"
        assert not isinstance(expr, str)
        if kind == "if":
            return self.writer.true(expr)
        if kind == "value":
            kept = self.writer.locals.pop(expr)
            code = self.writer.value(expr)
            self.writer.locals[expr] = kept
            return code
        return part_code(self.writer, expr)


def part_code(write: Writer, expr: Expr) -> str:
    """Code for a part of a key as `cep.event.Key` says; 1.0 is written 1, so that equal keys are one and the same."""
    if write.is_text(expr):
        return write.value(expr)
    if expr.type in (Type.NUMBER, Type.ANY):  # the usual class of value needs no call
        once = write.once(expr)
        usual = "int" if expr.type is Type.NUMBER else "str"
        return f"{once.again} if {once.first}.__class__ is {usual} else hashable({once.again})"
    return f"hashable({write.value(expr)})"


def _learned(way: Item) -> frozenset[Expr]:
    """What is known not to be null where this condition is true."""
    kind, expr = way
    if isinstance(expr, str | tuple):
        return frozenset()
    if kind == "if" and isinstance(expr, ir.Not) and isinstance(expr.operand, ir.IsNull):
        return frozenset((expr.operand.operand,))
    return frozenset((expr,)) if kind == "part" and isinstance(expr, ir.Field) else frozenset()
