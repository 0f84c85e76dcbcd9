"""Registers of some events joined with those of the next one, as if one list had taken them all.

A matcher that keeps one small register list per event can then say what any stretch of them holds, once, when it is told,
instead of keeping a list for every run in progress. The forms of the slots are those of `cep.plan.registers`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from operator import add
from typing import Any

from cep.plan.exact import Total, add_to
from cep.plan.kernels import Registers
from cep.plan.plan import Register, RegisterKind
from cep.plan.registers import LONGEST_LIST
from cep.plan.spread import Spread

SlotJoin = Callable[[Any, Any], Any]


def joins_of(registers: Iterable[Register], step: int) -> tuple[tuple[int, SlotJoin], ...]:
    """Per register of that step its index, and how its slot takes in the slot of one more event."""
    return tuple((i, _slot_join(register)) for i, register in enumerate(registers) if register.step == step)


def can_join(register: Register) -> bool:
    """Whether one list per event says enough: it does not where a value's place among all events decides."""
    return register.kind not in (RegisterKind.NTH, RegisterKind.ROW, RegisterKind.LABEL)


def join_all(joins: tuple[tuple[int, SlotJoin], ...], g: Registers, following: Iterable[Registers]) -> None:
    """Bring `g` up to date with the events of the other lists, one event each. They stay as they are."""
    for one in following:
        for i, join in joins:
            g[i] = join(g[i], one[i])


def _slot_join(register: Register) -> SlotJoin:
    match register.kind:
        case RegisterKind.FIRST if not register.skip_nulls:
            return lambda a, b: a or b
        case RegisterKind.FIRST:
            return lambda a, b: b if a is None else a
        case RegisterKind.LAST if not register.skip_nulls:
            return lambda a, b: b
        case RegisterKind.LAST:
            return lambda a, b: a if b is None else b
        case RegisterKind.MIN:
            return lambda a, b: b if a is None or (b is not None and b < a) else a
        case RegisterKind.MAX:
            return lambda a, b: b if a is None or (b is not None and b > a) else a
        case RegisterKind.COUNT:
            return add
        case RegisterKind.SUM:
            return _join_totals
        case RegisterKind.AVG:
            return lambda a, b: [a[0] + b[0], _join_totals(a[1], b[1])]
        case RegisterKind.DISTINCT:
            return _join_members
        case RegisterKind.LIST:
            return _join_lists
        case RegisterKind.STDDEV:
            return _join_spreads
        case RegisterKind.PERCENTILE:
            return add  # lists of values
        case RegisterKind.TOP:
            return _join_counts
        case RegisterKind.DECAY:
            raise ValueError("only windows have it")
        case RegisterKind.NTH | RegisterKind.ROW | RegisterKind.LABEL:
            raise ValueError("one list per event does not tell the place of a value")


def _join_totals(a: Total, b: Total) -> Total:
    floats = a[1] + b[1]
    a[0] += b[0]
    for part in b[2:]:
        add_to(a, part)
    a[1] = floats  # parts of a sum are no values of their own
    return a


def _join_spreads(a: Spread, b: Spread) -> Spread:
    a.join(b)
    return a


def _join_counts(a: dict[Any, int], b: dict[Any, int]) -> dict[Any, int]:
    for member, count in b.items():
        a[member] = a.get(member, 0) + count
    return a


def _join_members(a: dict[Any, None], b: dict[Any, None]) -> dict[Any, None]:
    a.update(b)
    return a


def _join_lists(a: list[Any], b: list[Any]) -> list[Any]:
    if len(a) < LONGEST_LIST:
        a += b
    return a
