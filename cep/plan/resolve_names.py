"""The second pass: every name gets its meaning. Leaves bound expressions in the drafts; `let`s are written out."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace

from cep.errors import Fix, Span
from cep.lang import tree
from cep.plan import bound
from cep.plan.aggregates import whole_label
from cep.plan.check_window import kind_of
from cep.plan.draft import BookDraft, EmitDraft, RuleDraft, Shape
from cep.plan.expressions import bind, table_exists
from cep.plan.faults import did_you_mean, rename
from cep.plan.keys import bind_key, draft_key
from cep.plan.plan import RegisterKind, WindowKind
from cep.plan.scope import Naming, Place, Scope, TooBig
from cep.plan.titles import bind_title

# What a test may claim of any alert besides its fields: a field of that name could not be told from it.
RESERVED = {"key": "the key", "severity": "the severity", "title": "the title", "events": "the number of events"}


def resolve_names(book: BookDraft) -> None:
    """Bind every expression of every rule."""
    for draft in book.reading:
        draft_key(draft)
        if any(fault.code == "E0412" for fault in draft.faults.found):
            continue  # its macros could not be written out
        naming = Naming({let.name: let for let in draft.tree.lets})
        scope = Scope(book, draft, naming, Place.EVENT)
        try:
            _check_lets(draft, naming)
            _bind_rule(draft, scope)
        except TooBig as fault:
            helps = "split the rule, or keep long lists in a table: `x in table NAME`"
            draft.faults.error("E0412", fault.span, str(fault), help=helps)
            continue
        for let in draft.tree.lets:
            if let.name not in naming.used:
                draft.faults.warning("W0201", let.span, f"`let {let.name}` is used nowhere", help="take it away")
    _check_channels(book)
    _check_event_types(book)


def _bind_rule(draft: RuleDraft, scope: Scope) -> None:
    bind_key(draft, scope)
    labelled = draft.shape is Shape.SEQUENCE
    for step in draft.steps:
        if step.where is not None:
            place = Place.STEP if labelled else Place.EVENT
            step.bound = bind(step.where, replace(scope, place=place, event_type=step.type, step=step.index))
    if draft.resolve is not None and draft.resolve.where is not None:
        draft.resolve.bound = bind(draft.resolve.where, replace(scope, event_type=draft.resolve.type, step=draft.resolve.index))
    _bind_expect(draft, scope)
    result = replace(scope, place=Place.RESULT, event_type="" if labelled else draft.steps[0].type)
    if draft.tree.when is not None and draft.shape in (Shape.WINDOW, Shape.SEQUENCE):
        draft.when = bind(draft.tree.when, result)
    if draft.tree.until is not None and draft.shape is Shape.WINDOW:
        draft.until = bind(draft.tree.until, result)
    if draft.tree.emit_rows and labelled:
        draft.rows = list(_bound_fields(draft.tree.emit, draft, replace(result, rows=True)))
    else:
        _bind_emit(draft, result)
    if draft.tree.on_timeout and labelled:
        draft.timeout = list(_bound_fields(draft.tree.on_timeout, draft, result))
    emitted = {field.name: field.bound for field in draft.emit}
    bind_title(draft, replace(result, emitted=emitted))
    _bind_once(draft, emitted)
    _check_suppress(draft, emitted)


def _bind_expect(draft: RuleDraft, scope: Scope) -> None:
    """`expect KEY in table T where P`: the table's key is the rule's, and P reads the columns of a row."""
    expect = draft.tree.expect
    if expect is None or not table_exists(expect.table, expect.span, scope):
        return
    names = draft.key.names
    if expect.names != names or len(names) != 1:
        said, key = ", ".join(expect.names), ", ".join(names)
        only = names[0] if len(names) == 1 else expect.names[0] if expect.names else "KEY"
        near = did_you_mean(said, names, " ").strip() if len(names) == 1 else ""
        draft.faults.error(
            "E0440",
            expect.span,
            f"`expect {said}`, and the rule is `by {key}`" if names else f"`expect {said}`, and the rule has no key",
            help=near or f"the key of the table is the key of the rule, one part: `by {only}` and `expect {only} in table ...`",
        )
        return
    if expect.where is not None:
        draft.expect = bind(expect.where, replace(scope, place=Place.ROW, table=expect.table))


def _check_suppress(draft: RuleDraft, emitted: dict[str, bound.Bound]) -> None:
    suppress = draft.tree.suppress
    for name in suppress.fields if suppress is not None else ():
        if suppress is not None and name not in emitted:
            helps = did_you_mean(name, emitted, " ").strip() or f"emit it: `emit {name} = ...`"
            draft.faults.error("E0215", suppress.span, f"`{name}` is not emitted", help=helps)


def _check_lets(draft: RuleDraft, naming: Naming) -> None:
    for let in draft.tree.lets:
        clash = "a label of the pattern" if let.name in draft.labels else ""
        clash = clash or ("a part of the key" if let.name in draft.key.names else "")
        if clash:
            draft.faults.error(
                "E0207",
                let.span,
                f"`{let.name}` is already {clash}",
                help=f"give the `let` another name, as in `{let.name}_value`",
            )
            del naming.lets[let.name]
            naming.used.add(let.name)


def _bind_emit(draft: RuleDraft, scope: Scope) -> None:
    if not draft.tree.emit:
        _default_emit(draft)
        return
    draft.emit = list(_bound_fields(draft.tree.emit, draft, scope))


def _bound_fields(fields: Iterable[tree.EmitField], draft: RuleDraft, scope: Scope) -> Iterator[EmitDraft]:
    for field in fields:
        label = whole_label(field.expr, scope) if field.bare else None
        if label is not None:
            draft.faults.error(
                "E0216",
                field.span,
                f"`{label.label}` is an event, not a value",
                help=f"pick one of its fields, as in `{label.label}.ts`",
            )
            continue
        if field.name in RESERVED and not scope.rows:
            draft.faults.error(
                "E0212",
                field.span,
                f"no emitted field can be called `{field.name}`: that is {RESERVED[field.name]} of every alert",
                help=f"give it another name, as in `event_{field.name} = ...`",
            )
        yield EmitDraft(field.name, field.span, bind(field.expr, scope))


def _default_emit(draft: RuleDraft) -> None:
    """Without `emit` an alert says its key, and of a window how many events it holds."""
    span = draft.tree.id.span
    draft.emit = [
        EmitDraft(name, span, bound.KeyRef(span, index)) for index, name in enumerate(draft.key.names) if name not in RESERVED
    ]
    if draft.shape is Shape.WINDOW and kind_of(draft.tree) is not WindowKind.NONE and "count" not in draft.key.names:
        draft.emit.append(EmitDraft("count", span, bound.Aggregate(span, "count", RegisterKind.COUNT, 0)))


def _bind_once(draft: RuleDraft, emitted: dict[str, bound.Bound]) -> None:
    if draft.tree.once is None:
        return
    for per in draft.tree.once.per:
        name = per.parts[0] if isinstance(per, tree.Path) and len(per.parts) == 1 else None
        if name in emitted:
            draft.once.append(bound.EmittedRef(per.span, name, emitted[name]))
        elif name in draft.key.names:
            draft.once.append(bound.KeyRef(per.span, draft.key.names.index(name)))
        else:
            known = {*emitted, *draft.key.names}
            said = ".".join(per.parts) if isinstance(per, tree.Path) else "this"
            helps = did_you_mean(said, known, " ").strip() or f"emit it: `emit {name or 'NAME'} = ...`"
            draft.faults.error(
                "E0215",
                per.span,
                f"`{said}` is neither a part of the key nor emitted",
                help=helps,
                fix=rename(per.span, said, known),
            )
            draft.once.append(bound.Broken(per.span))


def _check_channels(book: BookDraft) -> None:
    if book.channels is None:
        return
    for draft in book.rules:
        rule = draft.tree
        for index, name in enumerate(rule.to):
            span = rule.to_spans[index] if index < len(rule.to_spans) else rule.id.span
            if name not in book.channels:
                helps = did_you_mean(name, book.channels, "declare it under `channels` in cep.yml")
                draft.faults.error(
                    "E0210", span, f"unknown channel `{name}`", help=helps, fix=_rename_at(span, name, book.channels)
                )


def _rename_at(span: Span, name: str, known: Collection[str]) -> Fix | None:
    return rename(span, name, known) if span.line == span.end_line and span.end_col - span.col == len(name) else None


def _check_event_types(book: BookDraft) -> None:
    """A type nobody declared, but for a slip of the finger: the rule would wait for ever."""
    if not book.schemas:
        return
    for draft in book.rules:
        for step in draft.selections:
            if step.type and step.type not in book.alerts and step.type not in book.schemas:
                helps = did_you_mean(step.type, book.schemas, " ").strip()
                if helps:
                    draft.faults.warning("W0202", step.span, f"no schema declares the event type `{step.type}`", help=helps)
