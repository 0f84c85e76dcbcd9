"""Functions that choose between values. They see nulls themselves."""

from __future__ import annotations

from typing import Any

from cep.functions.function import Function
from cep.types import Type


def coalesce(*values: Any) -> Any:
    return next((value for value in values if value is not None), None)


def choose(condition: bool | None, then: Any, otherwise: Any) -> Any:
    return then if condition is True else otherwise


FUNCTIONS = (
    Function(
        "coalesce",
        (Type.ANY, Type.ANY),
        Type.ANY,
        coalesce,
        "The first of the values that is not null.",
        (("coalesce(null, 2, 3)", "2"), ('coalesce(null, "none")', '"none"')),
        rest=Type.ANY,
        nulls=True,
    ),
    Function(
        "if",
        (Type.BOOL, Type.ANY, Type.ANY),
        Type.ANY,
        choose,
        "The second argument when the condition is true, else the third (also when the condition is unknown).",
        (('if(2 > 1, "yes", "no")', '"yes"'), ("if(1 / 0 > 1, 1, 2)", "2")),
        nulls=True,
    ),
)
