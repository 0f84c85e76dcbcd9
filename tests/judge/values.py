"""What an expression and a register are worth, computed the long way: expressions by walking the tree with three-valued logic
(None is unknown), registers from the whole list of events they stand for. Nothing here is compiled and nothing is kept.

An event is a plain dict. Keys and results have the shapes of `cep.event`, so that a matcher's answer can be compared.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Any

from cep.event import MAX_EVIDENCE, EventId, Key, Match
from cep.functions import FUNCTIONS
from cep.plan.ir import (
    And,
    Arith,
    Call,
    Column,
    Compare,
    Const,
    Element,
    Emitted,
    Expr,
    Field,
    InSet,
    InTable,
    IsNull,
    Item,
    KeyPart,
    Neg,
    Not,
    Or,
    Quantified,
    Reg,
    TextMatch,
)
from cep.plan.plan import KeyPlan, Register, RegisterKind, RulePlan, Select

LONGEST_LIST = 1000
Tables = Mapping[str, Mapping[Any, Mapping[str, Any]]]


@dataclass(frozen=True)
class Seen:
    """An event as the judge is given it; a stream is a list of these in feeding order."""

    time_us: int
    type: str
    row: Mapping[str, Any]
    id: EventId


@dataclass(frozen=True)
class Scope:
    """Where the leaves of an expression find their values."""

    row: Mapping[str, Any] = field(default_factory=dict)
    time_us: int = 0
    registers: Sequence[Any] = ()
    key: tuple[Any, ...] = ()  # the parts as they are: no mark on bools, no bare single part
    emitted: Mapping[str, Any] = field(default_factory=dict)
    tables: Tables = field(default_factory=dict)
    element: Any = None


@dataclass(frozen=True)
class Verdict:
    """One match, as the judge tells it: everything a matcher must say, but for the words of its title."""

    key: Key
    time_us: int
    fields: Mapping[str, Any]
    first_us: int | None
    last_us: int | None
    first_id: EventId | None
    last_id: EventId | None
    ids: tuple[EventId, ...]  # all of them, however many
    transition: str = "opened"


# ---------------------------------------------------------------- expressions


def value(expr: Expr, scope: Scope) -> Any:
    """The value of an expression; None is null, or unknown where it is a condition."""
    match expr:
        case Const(value=v):
            return v
        case Field(path=("ts",)):
            return scope.time_us
        case Field(path=path):
            return _field(scope.row, path)
        case Reg(index=i):
            return scope.registers[i]
        case KeyPart(index=i):
            return scope.key[i]
        case Emitted(name=name):
            return scope.emitted.get(name)
        case Element():
            return scope.element
        case Neg(operand=x):
            number = value(x, scope)
            return None if number is None else -number
        case Arith(op=op, left=a, right=b):
            return _calculate(op, value(a, scope), value(b, scope))
        case Call(function=name, args=args):
            return _call(name, [value(arg, scope) for arg in args])
        case Item(operand=x, index=i):
            items = value(x, scope)
            return items[i] if isinstance(items, list | tuple) and -len(items) <= i < len(items) else None
        case Column(table=table, key=k, column=column):
            name = value(k, scope)
            found = None if name is None else _table_row(scope.tables[table], name)
            return None if found is None else found.get(column)
        case _:
            return _condition(expr, scope)


def holds(expr: Expr | None, scope: Scope) -> bool:
    """Whether a condition is true: unknown is not. No condition is true."""
    return expr is None or value(expr, scope) is True


def _condition(expr: Expr, scope: Scope) -> bool | None:
    match expr:
        case Compare(op=op, left=a, right=b):
            return _compare(op, value(a, scope), value(b, scope))
        case TextMatch(kind=kind, subject=a, needle=b, fold=fold):
            return _text_match(kind, value(a, scope), value(b, scope), fold)
        case And(operands=xs):
            return _all(value(x, scope) for x in xs)
        case Or(operands=xs):
            return _not(_all(_not(value(x, scope)) for x in xs))
        case Not(operand=x):
            return _not(value(x, scope))
        case InSet(operand=x, values=members):
            one = value(x, scope)
            return None if one is None else any(_same(one, member) for member in members)
        case InTable(operand=x, table=table):
            name = value(x, scope)
            return None if name is None else _table_row(scope.tables[table], name) is not None
        case IsNull(operand=x):
            return value(x, scope) is None
        case Quantified(kind=kind, operand=x, body=body):
            items = value(x, scope)
            if not isinstance(items, list | tuple):
                return None
            each = [value(body, _with_element(scope, item)) for item in items]
            return _all(each) if kind == "all" else _not(_all(_not(one) for one in each))
        case _:
            raise AssertionError(f"no meaning for {expr!r}")


def _with_element(scope: Scope, item: Any) -> Scope:
    return Scope(scope.row, scope.time_us, scope.registers, scope.key, scope.emitted, scope.tables, item)


def _field(row: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    here: Any = row
    for name in path:
        if not isinstance(here, Mapping) or name not in here:
            return None
        here = here[name]
    return _finite(here)


def _finite(number: Any) -> Any:
    return None if isinstance(number, float) and not math.isfinite(number) else number


def _all(values: Iterable[bool | None]) -> bool | None:
    seen = list(values)
    if any(one is False for one in seen):
        return False
    return None if any(one is None for one in seen) else True


def _not(one: bool | None) -> bool | None:
    return None if one is None else not one


def marked(one: Any) -> Any:
    """By type and value: Python alone holds True == 1."""
    if isinstance(one, bool):
        return ("bool", one)
    return tuple(marked(item) for item in one) if isinstance(one, list | tuple) else one


def _same(a: Any, b: Any) -> bool:
    return bool(marked(a) == marked(b))


def _compare(op: str, a: Any, b: Any) -> bool | None:
    if a is None or b is None:
        return None
    if op in ("==", "!="):
        return _same(a, b) == (op == "==")
    order: dict[str, Callable[[Any, Any], bool]] = {
        "<": lambda x, y: x < y,
        "<=": lambda x, y: x <= y,
        ">": lambda x, y: x > y,
        ">=": lambda x, y: x >= y,
    }
    return order[op](a, b)


def _calculate(op: str, a: Any, b: Any) -> Any:
    if a is None or b is None or (op in ("/", "%") and b == 0):
        return None
    ways: dict[str, Callable[[Any, Any], Any]] = {
        "+": lambda x, y: x + y,
        "-": lambda x, y: x - y,
        "*": lambda x, y: x * y,
        "/": lambda x, y: x / y,
        "%": lambda x, y: x % y,
    }
    try:
        return _finite(ways[op](a, b))
    except OverflowError:
        return None


def _call(name: str, args: list[Any]) -> Any:
    function = FUNCTIONS[name]
    if not function.nulls and any(arg is None for arg in args):
        return None
    return _finite(function.kernel(*args))


def _table_row(table: Mapping[Any, Mapping[str, Any]], name: Any) -> Mapping[str, Any] | None:
    for key, row in table.items():
        if _same(key, name):
            return row
    return None


def _text_match(kind: str, subject: Any, needle: Any, fold: bool) -> bool | None:
    if subject is None or needle is None:
        return None
    if kind == "regex":
        return re.search(needle, subject, re.IGNORECASE if fold else 0) is not None
    if fold:
        subject, needle = subject.lower(), needle.lower()
    if kind == "glob":
        pattern = "".join({"*": ".*", "?": "."}.get(c, re.escape(c)) for c in needle)
        return re.fullmatch(pattern, subject, re.DOTALL) is not None
    found: dict[str, bool] = {
        "contains": needle in subject,
        "startswith": subject.startswith(needle),
        "endswith": subject.endswith(needle),
    }
    return found[kind]


# ---------------------------------------------------------------- events, keys, registers


def fits(select: Select, event: Seen, tables: Tables) -> bool:
    """Whether the event is of the type and its event-only condition is true."""
    return event.type == select.type and holds(select.where, Scope(event.row, event.time_us, tables=tables))


def key_parts(plan: KeyPlan, event: Seen, tables: Tables) -> tuple[Any, ...] | None:
    """The parts of the event's key; None when one of them is null or the rule has no key for this type."""
    for name, exprs in plan.by_type:
        if name == event.type:
            parts = tuple(value(expr, Scope(event.row, event.time_us, tables=tables)) for expr in exprs)
            return None if any(part is None for part in parts) else parts
    return None


def as_key(parts: tuple[Any, ...]) -> Key:
    """The key as matches carry it: one part bare, a bool marked."""
    exactly = tuple(marked(part) for part in parts)
    return exactly[0] if len(exactly) == 1 else exactly


def register_value(register: Register, events: Sequence[Seen], tables: Tables, now_us: int = 0) -> Any:
    """What the register reads over these events: those taken by its step, or those in the window, in order. `now_us`: when it is
    read; a score has decayed by then."""
    counted = [e for e in events if holds(register.where, Scope(e.row, e.time_us, tables=tables))]
    if register.kind is RegisterKind.COUNT and register.expr is None:
        return len(counted)
    assert register.expr is not None
    values = [value(register.expr, Scope(e.row, e.time_us, tables=tables)) for e in counted]
    known = [v for v in values if v is not None]
    match register.kind:
        case RegisterKind.FIRST | RegisterKind.LAST:
            told = known if register.skip_nulls else values
            return (told[0] if register.kind is RegisterKind.FIRST else told[-1]) if told else None
        case RegisterKind.NTH:
            return values[register.nth] if -len(values) <= register.nth < len(values) else None
        case RegisterKind.COUNT:
            return len(known)
        case RegisterKind.SUM:
            return exact_sum(known)
        case RegisterKind.AVG:
            total = exact_sum(known)
            return _calculate("/", total, len(known)) if known else None
        case RegisterKind.MIN:
            return min(known) if known else None
        case RegisterKind.MAX:
            return max(known) if known else None
        case RegisterKind.DISTINCT:
            return len({marked(v) for v in known})
        case RegisterKind.LIST:
            return known[:LONGEST_LIST]
        case RegisterKind.STDDEV:
            return exact_stddev(known)
        case RegisterKind.PERCENTILE:
            return exact_percentile(known, register.argument)
        case RegisterKind.TOP:
            counts = Counter(marked(v) for v in known)  # most_common keeps the order in which equals were met
            firsts = {marked(v): v for v in reversed(known)}
            return [firsts[one] for one, _ in counts.most_common(int(register.argument))]
        case RegisterKind.DECAY:
            ages = [(v, now_us, e.time_us) for v, e in zip(values, counted, strict=True) if v is not None]
            return exact_score(ages, int(register.argument))
        case RegisterKind.ROW | RegisterKind.LABEL:
            raise AssertionError("rows are made of the events of a match, not of registers")


def exact_sum(numbers: Sequence[int | float]) -> int | float | None:
    """Ints stay ints; with a float among them the sum is exact and rounded once; beyond what a float holds it is null."""
    if all(isinstance(n, int) for n in numbers):
        return sum(numbers)
    try:
        return float(sum((Fraction(n) for n in numbers), Fraction(0)))
    except OverflowError:
        return None


def exact_mean(numbers: Sequence[int | float]) -> Any:
    return _calculate("/", exact_sum(numbers), len(numbers))


def exact_stddev(numbers: Sequence[int | float]) -> float | None:
    """Of a sample; to sixty digits, then rounded."""
    if len(numbers) < 2:
        return None
    exact = [Fraction(n) for n in numbers]
    mean = sum(exact) / len(exact)
    variance = sum((n - mean) ** 2 for n in exact) / (len(exact) - 1)
    with localcontext() as context:
        context.prec = 800
        root = (Decimal(variance.numerator) / Decimal(variance.denominator)).sqrt()
    return _finite(float(root))


def exact_percentile(numbers: Sequence[int | float], percent: int | float) -> int | float | None:
    """At percent / 100 * (n - 1) of the values in order; between two in proportion. A float if one of them is."""
    if not numbers:
        return None
    order = sorted(numbers)
    place = Fraction(str(percent)) / 100 * (len(order) - 1)
    low = order[math.floor(place)]
    part = place - math.floor(place)
    if not part and all(isinstance(n, int) for n in order):
        return low
    try:
        return float(Fraction(low) + (Fraction(order[math.ceil(place)]) - Fraction(low)) * part)
    except OverflowError:
        return None


def exact_score(ages: Sequence[tuple[int | float, int, int]], half_life_us: int) -> float | int | None:
    """The sum of value * 2 ** (-age / half-life), each power taken apart into a whole one and a float between 1 and 2."""

    def power(time_us: int) -> Fraction:
        return Fraction(2.0 ** (time_us % half_life_us / half_life_us)) * Fraction(2) ** (time_us // half_life_us)

    if not ages:
        return 0
    try:
        return float(sum(Fraction(v) * power(then_us) for v, _, then_us in ages) / power(ages[0][1]))
    except OverflowError:
        return None


def emitted(plan: RulePlan, scope: Scope) -> dict[str, Any]:
    """The fields of an alert."""
    return {name: value(expr, scope) for name, expr in plan.emit}


def told(one: Verdict | Match) -> tuple[Any, ...]:
    """All that a match says, in one shape for the judge's and the matchers' ("1" and 1 differ, so do true and 1)."""
    if isinstance(one, Verdict):
        half = MAX_EVIDENCE // 2
        ids = one.ids if len(one.ids) <= MAX_EVIDENCE else one.ids[:half] + one.ids[-half:]
        many = len(one.ids)
    else:
        ids, many = one.evidence, one.events
    fields = {name: marked(field_value) for name, field_value in one.fields.items()}
    transition = getattr(one, "transition", "opened")
    return (one.time_us, one.key, one.first_us, one.last_us, one.first_id, one.last_id, many, ids, fields, transition)
