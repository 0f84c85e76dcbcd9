"""Plans as plain data that JSON can hold, and back; the version of a rule is a hash of it.

A dataclass is {"@": its name, field: ...}, a tuple a list, a dict a list of pairs under "@dict", an enum its value under
"@Type". All else is a scalar.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import fields, is_dataclass
from enum import StrEnum
from typing import Any

from cep.plan import ir, plan
from cep.plan.ir import Expr
from cep.plan.plan import Body, KeyPlan, OncePlan, PickKind, RegisterKind, Rulebook, RulePlan, SkipKind, WindowKind
from cep.types import Type

NODES: dict[str, type] = {
    f"{kind.__module__.rpartition('.')[2]}.{kind.__name__}": kind
    for module in (ir, plan)
    for kind in vars(module).values()
    if isinstance(kind, type) and is_dataclass(kind) and kind.__module__ == module.__name__
}
NAMES = {kind: name for name, kind in NODES.items()}
FIELDS = {kind: tuple(field.name for field in fields(kind)) for kind in NAMES}
_ENCODE = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True, check_circular=False).encode
ENUMS: dict[str, Any] = {kind.__name__: kind for kind in (Type, RegisterKind, WindowKind, PickKind, SkipKind)}
_SCALARS = frozenset({str, int, float, bool, type(None)})
# Words, not decisions: another label or name of a part, and types (which other rules may tell of a field), change no answer.
WORDS = frozenset({"type", "types", "label", "names", "words"})


def to_wire(value: Any, leave_out: frozenset[str] = frozenset()) -> Any:
    """Plain data of a plan or any part of it. `leave_out` names fields of expressions and plans not to be said."""
    kind = value.__class__
    if kind in _SCALARS:
        return value
    if kind in NAMES:
        said: dict[str, Any] = {"@": NAMES[kind]}
        for name in FIELDS[kind]:
            # The type of events a Select takes is no word: it decides.
            if name not in leave_out or kind is plan.Select:
                said[name] = to_wire(getattr(value, name), leave_out)
        return said
    if isinstance(value, StrEnum):
        return {f"@{value.__class__.__name__}": value.value}
    if isinstance(value, tuple | list):
        return [to_wire(item, leave_out) for item in value]
    if isinstance(value, dict):
        return {"@dict": [[to_wire(key, leave_out), to_wire(item, leave_out)] for key, item in value.items()]}
    return value


def from_wire(data: Any) -> Any:
    """What `to_wire` was given. Lists come back as tuples: plans hold no lists.

    raises  ValueError for data that names no part of a plan
    """
    if isinstance(data, list):
        return tuple(from_wire(item) for item in data)
    if not isinstance(data, dict):
        return data
    if "@" in data:
        kind = NODES.get(data["@"])
        if kind is None:
            raise ValueError(f"no part of a plan is called {data['@']!r}")
        return kind(**{name: from_wire(item) for name, item in data.items() if name != "@"})
    if "@dict" in data:
        return {from_wire(key): from_wire(item) for key, item in data["@dict"]}
    for name, enum in ENUMS.items():
        if f"@{name}" in data:
            return enum(data[f"@{name}"])
    raise ValueError("a map of a plan is tagged")


def rule_from_wire(data: Any) -> RulePlan:
    """A rule's plan again. raises ValueError when the data is something else."""
    made = from_wire(data)
    if not isinstance(made, RulePlan):
        raise ValueError("this is no plan of a rule")
    return made


def rulebook_from_wire(data: Any) -> Rulebook:
    """A rulebook again. raises ValueError when the data is something else."""
    made = from_wire(data)
    if not isinstance(made, Rulebook):
        raise ValueError("this is no rulebook")
    return made


def version_of(key: KeyPlan, body: Body, emit: tuple[tuple[str, Expr], ...], once: OncePlan | None, *more: Any) -> str:
    """Hash of what decides in a rule: 16 hex digits. `more`: what few rules have (None: this one has not)."""
    rest = {str(n): to_wire(part, WORDS) for n, part in enumerate(more) if part is not None}
    return digest([*(to_wire(part, WORDS) for part in (key, body, emit, once)), *([rest] if rest else [])])


def digest(data: Any) -> str:
    """16 hex digits of plain data."""
    text = _ENCODE(data)
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
