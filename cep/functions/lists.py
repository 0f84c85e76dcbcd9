"""Functions of lists. `any(xs, x > 3)` and `all(...)` are forms of the language: their second argument is a condition."""

from __future__ import annotations

from typing import Any

from cep.functions.function import Function
from cep.functions.text import LONGEST_TEXT
from cep.types import Type


def has(items: list[Any], value: Any) -> bool:
    """Whether the value is in the list, by type and value: 1 is 1.0, but neither "1" nor true."""
    flag = isinstance(value, bool)
    return any(item == value and isinstance(item, bool) == flag for item in items)


def join(items: list[Any], separator: str) -> str | None:
    """The texts of a list with a separator between them; null when an item is no text."""
    if not all(isinstance(item, str) for item in items):
        return None
    if sum(map(len, items)) + len(separator) * len(items) > LONGEST_TEXT:
        return None
    return separator.join(items)


FUNCTIONS = (
    Function(
        "has",
        (Type.LIST, Type.ANY),
        Type.BOOL,
        has,
        "Whether a list holds a value.",
        (('has(split("a,b", ","), "b")', "true"), ('has(split("a,b", ","), "c")', "false")),
    ),
    Function(
        "join",
        (Type.LIST, Type.TEXT),
        Type.TEXT,
        join,
        "The texts of a list put together, with a separator between them; null when an item is no text.",
        (('join(split("a,b", ","), " and ")', '"a and b"'),),
    ),
)
