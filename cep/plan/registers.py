"""How each kind of register is kept while a run takes events: one slot of the list `g`, and the source that handles it.

FIRST       () before the first, then (value,): a first value may be null     (skip_nulls: the value itself)
LAST MIN MAX  the value, None for nothing
COUNT       int
SUM         exact total (`cep.plan.exact`)            AVG  [count, exact total]
DISTINCT    dict of hashable values, in order         LIST list, at most LONGEST_LIST
ROW LABEL   list, at most MOST_ROWS
NTH         [events seen, value]; counted from the end: the last values, oldest first
STDDEV      `cep.plan.spread.Spread`                  PERCENTILE  the values, put in order when they are read
TOP         dict of hashable values to how often      DECAY  `cep.plan.score.Score`; what it reads is asked `at` a time
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cep.plan.codegen import Writer
from cep.plan.exact import add_to, fresh_total, value_of
from cep.plan.operations import divide, plain
from cep.plan.plan import Register, RegisterKind
from cep.plan.ranks import percentile_of
from cep.plan.score import Score
from cep.plan.spread import Spread
from cep.types import Type

LONGEST_LIST = 1000
MOST_ROWS = 1000  # told of one match
Average = list[Any]  # [count, total]


def average(slot: Average) -> int | float | None:
    return divide(value_of(slot[1]), slot[0]) if slot[0] else None


def add_to_average(slot: Average, value: int | float) -> None:
    slot[0] += 1
    add_to(slot[1], value)


def copy_average(slot: Average) -> Average:
    return [slot[0], slot[1][:]]


def members(values: list[Any]) -> dict[Any, None]:
    """Distinct values from a snapshot, in which the mark of a bool came back as a list."""
    return {tuple(one) if isinstance(one, list) else one: None for one in values}


def spread_of(data: list[Any]) -> Spread:
    return Spread(*data)


def score_of(data: list[Any]) -> Score:
    return Score(*data)


def count_in(counts: dict[Any, int], member: Any) -> None:
    counts[member] = counts.get(member, 0) + 1


def counted(pairs: list[Any]) -> dict[Any, int]:
    """How often each value came, from a snapshot."""
    return {tuple(one) if isinstance(one, list) else one: count for one, count in pairs}


def most_frequent(counts: dict[Any, int], many: int) -> list[Any]:
    """The values met most often; of equals those met first."""
    return [plain(one) for one in sorted(counts, key=counts.__getitem__, reverse=True)[:many]]  # a stable sort, reversed too


CALLED: dict[str, Any] = {
    "add_to": add_to,
    "fresh_total": fresh_total,
    "value_of": value_of,
    "average": average,
    "add_to_average": add_to_average,
    "copy_average": copy_average,
    "members": members,
    "Spread": Spread,
    "spread_of": spread_of,
    "percentile_of": percentile_of,
    "count_in": count_in,
    "counted": counted,
    "most_frequent": most_frequent,
    "Score": Score,
    "score_of": score_of,
}


@dataclass(frozen=True, slots=True)
class Slot:
    """Source for one register: `g[i]` in `{}`.

    fresh  its value before any event      copy  an independent copy
    read   what `when` and `emit` see      dump, load  plain data and back
    """

    fresh: str
    read: str = "{}"
    copy: str = "{}"
    dump: str = "{}"
    load: str = "{}"
    nullable: bool = True


_SLOTS = {
    RegisterKind.FIRST: Slot("()", "({} or (None,))[0]", dump="list({})", load="tuple({})"),
    RegisterKind.LAST: Slot("None"),
    RegisterKind.MIN: Slot("None"),
    RegisterKind.MAX: Slot("None"),
    RegisterKind.COUNT: Slot("0", nullable=False),
    RegisterKind.SUM: Slot("fresh_total()", "value_of({})", "{}[:]", "{}[:]", "{}[:]"),
    RegisterKind.AVG: Slot("[0, fresh_total()]", "average({})", "copy_average({})", "copy_average({})", "copy_average({})"),
    RegisterKind.DISTINCT: Slot("{}", "len({})", "{}.copy()", "list({})", "members({})", nullable=False),
    RegisterKind.LIST: Slot("[]", "{}[:]", "{}[:]", "{}[:]", "{}[:]"),
    RegisterKind.ROW: Slot("[]", "{}[:]", "{}[:]", "{}[:]", "{}[:]"),
    RegisterKind.LABEL: Slot("[]", "{}[:]", "{}[:]", "{}[:]", "{}[:]"),
    RegisterKind.NTH: Slot("[0, None]", "{}[1]", "{}[:]", "{}[:]", "{}[:]"),
    RegisterKind.STDDEV: Slot("Spread()", "{}.read()", "{}.copy()", "{}.dump()", "spread_of({})"),
}
NOTHING = Slot("None")  # what stands beside registers in `when` and is filled in by the matcher


def slot_of(register: Register) -> Slot:
    if register.kind is RegisterKind.FIRST and register.skip_nulls:
        return _SLOTS[RegisterKind.MIN]  # None is "nothing yet"
    if register.kind is RegisterKind.NTH and register.nth < 0:
        length = -register.nth
        return Slot("[]", f"({{0}}[0] if len({{0}}) == {length} else None)", "{}[:]", "{}[:]", "{}[:]")
    match register.kind:
        case RegisterKind.PERCENTILE:
            return Slot("[]", f"percentile_of({{}}, {register.argument!r})", "{}[:]", "{}[:]", "{}[:]")
        case RegisterKind.TOP:
            return Slot(
                "{}", f"most_frequent({{0}}, {register.argument})", "{}.copy()", "[*map(list, {}.items())]", "counted({})"
            )
        case RegisterKind.DECAY:
            return Slot(f"Score({register.argument})", "{}", "{}.copy()", "{}.dump()", "score_of({})", nullable=True)
    return _SLOTS[register.kind]


def is_row(register: Register) -> bool:
    """Whether it lists something of every event, for `emit rows`."""
    return register.kind in (RegisterKind.ROW, RegisterKind.LABEL)


def fill(code: str, slot: str) -> str:
    """The code with the slot in its places (`{}` of an empty dict has no place)."""
    return code.replace("{0}", slot).replace("{}", slot)


def take_lines(register: Register, index: int, write: Writer, label: str) -> list[str]:
    """Statements that bring the register up to date with an event taken by the step of that label."""
    if register.kind is RegisterKind.LABEL:
        return [f"if len(g[{index}]) < {MOST_ROWS}: g[{index}].append({write.names.slot(label)})"]
    guard = f"if {write.true(register.where)}:" if register.where is not None else ""
    body = _take(register, f"g[{index}]", write)
    return [guard, *(f"    {line}" for line in body)] if guard else body


def only_value(register: Register, write: Writer) -> str:
    """What the register holds after one event, where that is its value and no more; "" where it takes statements."""
    if register.where is not None or register.kind is RegisterKind.LABEL:
        return ""
    if register.expr is None:
        return "1"
    value = write.value(register.expr)
    if register.kind is RegisterKind.FIRST and not register.skip_nulls:
        return f"({value},)"
    return value if register.kind in (RegisterKind.FIRST, RegisterKind.LAST, RegisterKind.MIN, RegisterKind.MAX) else ""


def _take(register: Register, g: str, write: Writer) -> list[str]:
    kind, expr = register.kind, register.expr
    if expr is None:
        return [f"{g} += 1"]
    value = write.value(expr)
    match kind:
        case RegisterKind.ROW:
            return [f"if len({g}) < {MOST_ROWS}: {g}.append({value})"]
        case RegisterKind.FIRST if not register.skip_nulls:
            return [f"if not {g}: {g} = ({value},)"]
        case RegisterKind.FIRST:
            return [f"if {g} is None: {g} = {value}"]
        case RegisterKind.LAST if not register.skip_nulls:
            return [f"{g} = {value}"]
        case RegisterKind.NTH if register.nth < 0:
            return [f"{g}.append({value})", f"if len({g}) > {-register.nth}: del {g}[0]"]
        case RegisterKind.NTH:
            return [f"if {g}[0] == {register.nth}: {g}[1] = {value}", f"{g}[0] += 1"]
        case _:
            return [f"y = {value}", "if y is not None:", *(f"    {line}" for line in _take_value(register, g, write))]


def _take_value(register: Register, g: str, write: Writer) -> list[str]:
    """Of kinds that skip nulls: `y` is the value, not null."""
    match register.kind:
        case RegisterKind.COUNT:
            return [f"{g} += 1"]
        case RegisterKind.SUM:
            return [f"add_to({g}, y)"]
        case RegisterKind.AVG:
            return [f"add_to_average({g}, y)"]
        case RegisterKind.MIN:
            return [f"if {g} is None or y < {g}: {g} = y"]
        case RegisterKind.MAX:
            return [f"if {g} is None or y > {g}: {g} = y"]
        case RegisterKind.DISTINCT:
            return [f"{g}[{'y' if register.expr and register.expr.type is Type.TEXT else 'hashable(y)'}] = None"]
        case RegisterKind.STDDEV:
            return [f"{g}.add(y)"]
        case RegisterKind.PERCENTILE:
            return [f"{g}.append(y)"]
        case RegisterKind.TOP:
            return [f"count_in({g}, hashable(y))"]
        case RegisterKind.DECAY:
            return [f"{g}.add((y, t))"]
        case RegisterKind.LIST:
            return [f"if len({g}) < {LONGEST_LIST}: {g}.append(y)"]
        case _:
            return [f"{g} = y"]
