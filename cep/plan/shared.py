"""What all rules of a set share: macros, lists and schemas by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from cep.errors import Diagnostic, Span
from cep.lang import tree


@dataclass(frozen=True, slots=True)
class Shared:
    """circles: macros that are defined by themselves, and the circle as it is told; none of them is in `macros`."""

    macros: Mapping[str, tree.Macro] = field(default_factory=dict)
    lists: Mapping[str, tree.ListBlock] = field(default_factory=dict)
    schemas: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    circles: Mapping[str, str] = field(default_factory=dict)
    places: tuple[Span, ...] = ()  # of all macros and lists

    def __bool__(self) -> bool:
        return bool(self.macros or self.lists or self.circles)


def of_shared(faults: Iterable[tuple[str, Diagnostic]], shared: Shared) -> list[Diagnostic]:
    """Faults of rules, those inside of a macro or list once for all rules that use it. Takes (rule, fault) in order."""
    users: dict[tuple[str, Span, str], list[str]] = {}
    kept: list[Diagnostic] = []
    for rule, fault in faults:
        if not any(_within(fault.span, place) for place in shared.places):
            kept.append(fault)
            continue
        rules = users.setdefault((fault.code, fault.span, fault.message), [])
        rules += [rule] if rule not in rules else []
        if len(rules) == 1:
            kept.append(fault)
    return [_with_users(fault, users.get((fault.code, fault.span, fault.message), [])) for fault in kept]


def _within(span: Span, place: Span) -> bool:
    return span.file == place.file and (place.line, place.col) <= (span.line, span.col) < (place.end_line, place.end_col)


def _with_users(fault: Diagnostic, rules: list[str]) -> Diagnostic:
    if not rules:
        return fault
    more = f" and {len(rules) - 1} more" if len(rules) > 1 else ""
    notes = (*fault.notes, f"found in rule `{rules[0]}`{more}, where this is written out")
    return Diagnostic(fault.code, fault.message, fault.span, fault.level, fault.label, fault.help, notes, fault.labels, fault.fix)
