"""Which fields of which events the plans read: all that decoding needs to make of an event."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from cep.plan import ir
from cep.plan.plan import ANY_STEP, FilterBody, Path, PatternBody, RulePlan, SequenceBody, WindowBody, taking
from cep.types import Type

TIME: Path = ("ts",)  # known of every event without reading a field


def project(plans: Iterable[RulePlan]) -> dict[str, dict[Path, Type]]:
    """Per event type the fields any plan reads, with their types; in order of names."""
    found: dict[str, dict[Path, Type]] = {}
    for plan in plans:
        for event_type, expr in _read_by(plan):
            here = found.setdefault(event_type, {})
            stack = [] if expr is None else [expr]
            while stack:
                node = stack.pop()
                if isinstance(node, ir.Field) and node.path != TIME:
                    here[node.path] = node.type
                stack.extend(ir.children(node))
    return {event_type: dict(sorted(paths.items())) for event_type, paths in sorted(found.items())}


def _read_by(plan: RulePlan) -> Iterator[tuple[str, ir.Expr | None]]:
    """(type of event, expression that is judged on events of that type)."""
    for event_type, parts in plan.key.by_type:
        yield from ((event_type, part) for part in parts)
    yield from ((select.type, select.where) for select in plan.selects)
    types = [select.type for select in plan.selects]
    if isinstance(plan.body, SequenceBody | PatternBody):
        yield from ((step.select.type, step.cond) for step in plan.body.steps)
    if isinstance(plan.body, FilterBody):
        yield from ((types[0], expr) for _, expr in plan.emit)
        yield from ((types[0], part.expr) for part in plan.title)
        return
    every = sorted(taking(plan.body.pattern)) if isinstance(plan.body, PatternBody) else []
    for register in plan.body.registers:
        for step in every if register.step == ANY_STEP else (register.step,):
            yield types[step], register.expr
            yield types[step], register.where
    if isinstance(plan.body, WindowBody):
        for recall in plan.body.recalls:
            yield from ((types[0], expr) for expr in recall.values)
            if recall.register is not None:
                yield types[0], recall.register.expr
                yield types[0], recall.register.where
