"""Row classes made from a projection: msgspec structs that hold the fields some rule reads, and nothing else.

A path becomes a chain of attributes (`cep.plan.paths`), each nested object a struct of its own. What is absent is None.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from cep.plan.paths import attribute
from cep.plan.plan import Path
from cep.types import Type

Kind = Any  # what msgspec is to accept
_KINDS: dict[Type, Kind] = {
    Type.NUMBER: int | float | None,
    Type.SPAN: int | float | None,
    Type.TEXT: str | None,
    Type.BOOL: bool | None,
    Type.LIST: list[Any] | None,
    Type.TIME: int | float | str | None,
    Type.ANY: Any,
}


@dataclass(slots=True)
class _Node:
    kind: Kind = None
    is_leaf: bool = False
    required: bool = False
    inner: dict[str, _Node] = field(default_factory=dict)


def kind_of(types: set[Type]) -> Kind:
    """What a field may hold that different event types use as different types: any of these."""
    kinds = [_KINDS[one] for one in sorted(types)]
    if Type.ANY in types:
        return Any
    joined = kinds[0]
    for kind in kinds[1:]:
        joined = joined | kind
    return joined


def row_class(kinds: Mapping[Path, Kind], required: frozenset[Path] = frozenset()) -> type[msgspec.Struct]:
    """A struct class with a field per path; where one path goes on from another, the shorter one is the nested struct."""
    root = _Node()
    for path, kind in kinds.items():
        node = root
        for name in path:
            node = node.inner.setdefault(name, _Node())
            node.required |= path in required
        node.kind, node.is_leaf = kind, True
    return _struct(root)


def _struct(node: _Node) -> type[msgspec.Struct]:
    fields: list[Any] = []
    for name, inner in node.inner.items():
        kind = _struct(inner) if inner.inner else inner.kind
        if inner.inner and not inner.required:
            kind = kind | None
        fields.append((attribute(name), kind) if inner.required else (attribute(name), kind, None))
    names = {attribute(name): name for name in node.inner}
    # gc=False: decoded JSON holds no cycles, so the collector need not know of rows
    return msgspec.defstruct("Row", fields, kw_only=True, gc=False, rename=names)


def getter(path: Path) -> Callable[[Any], Any]:
    """Reads the field of a row; None where an object on the way is missing."""
    names = [attribute(name) for name in path]

    def read(row: Any) -> Any:
        for name in names:
            if row is None:
                return None
            row = getattr(row, name)
        return row

    return read


def column(path: Path, code: str = "{}") -> Callable[[list[Any]], list[Any]]:
    """Reads a field of all rows (one below the top must be required), `code` being what is made of each. A generated
    comprehension is five times as fast as calling `getter` on each."""
    scope: dict[str, Any] = {}
    exec(f"def column(rows): return [{value_code(path, code)} for r in rows]", scope)
    made: Callable[[list[Any]], list[Any]] = scope["column"]
    return made


def value_code(path: Path, code: str = "{}") -> str:
    """Code for what `code` makes of a field of the row `r` (one below the top must be required)."""
    return code.replace("{}", ".".join(["r", *(attribute(name) for name in path)]))


def name_of(value: Any) -> str:
    """What a value is, in the words of the language; of what JSON does not have, the name of its Python type."""
    for kind, name in _NAMES:
        if value.__class__ in kind:
            return name
    return "an object" if isinstance(value, dict | msgspec.Struct) else type(value).__name__


_NAMES = (
    ((type(None),), "null"),
    ((bool,), "true or false"),
    ((int, float), "number"),
    ((str,), "text"),
    ((list, tuple), "a list"),
)
