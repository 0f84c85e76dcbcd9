"""Events as plain field-value pairs of text: made into the same nested form as JSON, by the types that fields must have.

`process.parent.name` is one field with dots in its name. Text that is no number where a number is meant stays text, and is
then refused like any other wrong type. An empty text is null, except where text is meant.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Any

import msgspec

from cep.plan.plan import Path
from cep.types import Type

_BOOLS = {"true": True, "false": False, "1": True, "0": False}
LONGEST_NUMBER = 4000  # digits: Python reads no longer ints


def nested(fields: Mapping[str, str], types: Mapping[Path, Type | None]) -> dict[str, Any]:
    """The fields of these paths as nested objects of typed values. A type of None means a number if it looks like one."""
    root: dict[str, Any] = {}
    for path, want in types.items():
        text = fields.get(".".join(path))
        value = None if text is None else typed(text, want)
        if value is None:
            continue
        here = root
        for name in path[:-1]:
            inner = here.setdefault(name, {})
            if not isinstance(inner, dict):
                break  # `a` and `a.b` both given: the shorter name stands
            here = inner
        else:
            here[path[-1]] = value
    return root


def typed(text: str, want: Type | None) -> Any:
    """The text as a value of the type, None for null; text that cannot be read so stays text."""
    match want:
        case Type.TEXT | Type.ANY:
            return text
        case _ if not text:
            return None
        case Type.NUMBER | Type.SPAN | Type.TIME | None:
            return _number(text)
        case Type.BOOL:
            return _BOOLS.get(text.lower(), text)
        case Type.LIST:
            return _list(text)


def _number(text: str) -> int | float | str:
    if len(text) > LONGEST_NUMBER or not text.isascii() or "_" in text:
        return text
    try:
        return int(text)
    except ValueError:
        pass
    try:
        number = float(text)
    except ValueError:
        return text
    return number if isfinite(number) else text


def _list(text: str) -> Any:
    try:
        return msgspec.json.decode(text, type=list[Any])
    except (msgspec.MsgspecError, RecursionError):
        return text
