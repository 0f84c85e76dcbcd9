"""The shape of a function of the rule language."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cep.types import Type


@dataclass(frozen=True, slots=True)
class Function:
    """`kernel` is total for values of the declared types: it returns None rather than raise.

    params    types of the leading arguments; `optional` of them (counted from the end) may be left out
    rest      type of any further arguments, None if there may be none
    nulls     the kernel sees nulls itself (coalesce); otherwise a null argument makes the result null
    examples  (expression, result as JSON text): shown in docs and run as tests
    generic   what ANY among params, rest and result may stand for, all of them one type; empty: any scalar
    constants_from  arguments from this index on must be constants, and `refuse` says what is wrong with one (None: nothing)
    """

    name: str
    params: tuple[Type, ...]
    result: Type
    kernel: Callable[..., Any]
    doc: str
    examples: tuple[tuple[str, str], ...]
    optional: int = 0
    rest: Type | None = None
    nulls: bool = False
    generic: tuple[Type, ...] = ()
    constants_from: int | None = None
    refuse: Callable[[Any], str | None] | None = None
