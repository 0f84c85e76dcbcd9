"""Plans compiled to Python functions: one set per rule, made once at load time from typed expressions only.

Registers are a list `g` (plan.Register order). `k` is the key as matchers hold it (cep.event.Key). `row` is a decoded row,
`t` its time. All functions are total: null-safe, no exceptions for any value of the declared types.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cep.event import Key

Registers = list[Any]


@dataclass(frozen=True, slots=True)
class RuleKernels:
    """What a matcher calls.

    fresh     () -> g                 registers before any event (sequences, absences)
    copy      (g) -> g                an independent copy, for a fork
    take      per step (g, row, t)    update g in place with an event taken by that step; None: the step has no registers
    cond      per step (g, k, row, t) -> bool   the run-dependent part; None: there is none
    values    (row, t) -> tuple       windows: per register the value that counts, None for nothing (where false, or null)
    read      (g) -> list             registers as `when` and `emit` see them (DISTINCT as a number, AVG divided, ...);
                                      for windows the matcher calculates this list itself from its own aggregates
    when      (v, k) -> bool          on read registers; None: no condition
    emit      (v, k, row, t) -> dict  on read registers; row and t only in filter rules (else None, 0)
    title     (fields, v, k, row, t) -> str
    once      (fields, v, k, row, t) -> Key     the `once per` key; None: the rule has no noise control
    dump, load  registers to plain data and back (snapshots)
    """

    fresh: Callable[[], Registers]
    copy: Callable[[Registers], Registers]
    take: tuple[Callable[[Registers, Any, int], None] | None, ...]
    cond: tuple[Callable[[Registers, Key, Any, int], bool] | None, ...]
    values: Callable[[Any, int], tuple[Any, ...]]
    read: Callable[[Registers], list[Any]]
    when: Callable[[list[Any], Key], bool] | None
    emit: Callable[[list[Any], Key, Any, int], dict[str, Any]]
    title: Callable[[dict[str, Any], list[Any], Key, Any, int], str]
    once: Callable[[dict[str, Any], list[Any], Key, Any, int], Key] | None
    dump: Callable[[Registers], list[Any]]
    load: Callable[[list[Any]], Registers]
