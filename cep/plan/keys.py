"""The key of a rule: its parts, by event type, and the names they go by."""

from __future__ import annotations

from dataclasses import replace

from cep.errors import Span
from cep.lang import tree
from cep.plan import bound
from cep.plan.draft import KeyDraft, RuleDraft
from cep.plan.expressions import bind
from cep.plan.faults import did_you_mean
from cep.plan.scope import Place, Scope


def draft_key(draft: RuleDraft) -> None:
    """Fill `draft.key` with names and trees, one entry per event type of the rule; nothing is bound yet."""
    by = draft.tree.by
    types = list(dict.fromkeys(step.type for step in draft.selections if step.type))
    if by is None:
        draft.key = KeyDraft(trees=dict.fromkeys(types, ()))
        return
    if not by.types:
        parts = dict.fromkeys(types, by.parts)
        names = _names([by.parts], by.span, draft)
    else:
        parts = _per_type(by, types, draft)
        names = _names([parts[event_type] for event_type in parts], by.span, draft)
    draft.key = KeyDraft(names, {event_type: tuple(part.expr for part in listed) for event_type, listed in parts.items()})


def _per_type(by: tree.By, types: list[str], draft: RuleDraft) -> dict[str, tuple[tree.KeyPart, ...]]:
    """The parts written for each type of the rule, in the order written; told: types left out, and of unequal length."""
    written = dict(by.types)
    unused = [event_type for event_type in written if event_type not in types]
    for event_type in types:
        if event_type not in written:
            helps = did_you_mean(event_type, unused, " ")  # a word misspelt in the map is proposed the other way round
            draft.faults.error(
                "E0219",
                by.span,
                f"the key does not say how events of type `{event_type}` are told apart",
                help=f"`{_nearest(event_type, unused)}` should read `{event_type}`"
                if helps.strip()
                else f"add `{event_type}: FIELD`",
            )
            unused = [other for other in unused if not did_you_mean(event_type, [other], " ").strip()]
    for event_type in unused:
        draft.faults.warning(
            "W0203", by.span, f"no step of the rule takes events of type `{event_type}`", help="take it out of `by`"
        )
    parts = {event_type: listed for event_type, listed in written.items() if event_type in types}
    if len({len(listed) for listed in parts.values()}) > 1:
        counts = ", ".join(f"{event_type} has {len(listed)}" for event_type, listed in parts.items())
        draft.faults.error(
            "E0219",
            by.span,
            f"the key has as many parts for every event type: {counts}",
            help="`by {auth: [user, host], dns: [client, name]}`",
        )
        shortest = min(map(len, parts.values()))
        parts = {event_type: listed[:shortest] for event_type, listed in parts.items()}
    return parts


def _nearest(word: str, among: list[str]) -> str:
    return next((other for other in among if did_you_mean(word, [other], " ").strip()), "")


def _names(listed: list[tuple[tree.KeyPart, ...]], span: Span, draft: RuleDraft) -> tuple[str, ...]:
    """The name of each part: the first that was given, else that of the first event type."""
    names: list[str] = []
    for parts in zip(*listed):
        given = [part.name for part in parts if part.name != _own_name(part.expr)]
        name = given[0] if given else parts[0].name
        if name in names:
            draft.faults.error(
                "E0218",
                parts[0].span,
                f"two parts of the key go by `{name}`",
                help=f"give this one another name, as in `{_longer_name(parts[0].expr, name)} = ...`",
            )
        names.append(name)
    return tuple(names)


def _longer_name(expr: tree.Expr, name: str) -> str:
    return "_".join(expr.parts) if isinstance(expr, tree.Path) and len(expr.parts) > 1 else f"{name}_2"


def _own_name(expr: tree.Expr) -> str | None:
    """The name a part goes by when none is given: the last part of the one path in it."""
    match expr:
        case tree.Path(parts=parts):
            return parts[-1]
        case tree.Call(args=(only,), where=None):
            return _own_name(only)
        case tree.Member(name=name):
            return name
        case _:
            return None


def bind_key(draft: RuleDraft, scope: Scope) -> None:
    """Bind the parts of the key for each event type: event-only expressions."""
    for event_type, parts in draft.key.trees.items():
        here = replace(scope, place=Place.EVENT, event_type=event_type)
        bounds: list[bound.Bound] = [bind(part, here) for part in parts]
        draft.key.bound[event_type] = tuple(bounds)
