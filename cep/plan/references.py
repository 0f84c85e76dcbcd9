"""What a name means: a field of the event, of an event taken, a part of the key, an emitted field."""

from __future__ import annotations

from cep.errors import Fix, Span
from cep.lang import tree
from cep.plan import bound
from cep.plan.check_window import kind_of
from cep.plan.draft import Shape, StepDraft
from cep.plan.faults import did_you_mean, rename
from cep.plan.plan import ANY_STEP, Path, RegisterKind, WindowKind
from cep.plan.scope import Place, Scope

TIME: Path = ("ts",)  # of every event


def say_path(path: Path) -> str:
    return ".".join(part if part.isidentifier() else f"`{part}`" for part in path)


def bind_path(path: tree.Path, scope: Scope) -> bound.Bound:
    """The meaning of a (dotted) name that is no `let`."""
    parts, span = path.parts, path.span
    if scope.element is not None and parts[0] == "x":
        if len(parts) > 1:
            scope.rule.faults.error("E0203", span, "the items of a list have no fields", help="write `x` for the item itself")
            return bound.Broken(span)
        return scope.element
    if len(parts) == 1 and parts[0] in scope.emitted:
        return bound.EmittedRef(span, parts[0], scope.emitted[parts[0]])
    if scope.place is Place.ROW:
        return bind_column(scope.table, bound.KeyRef(span, 0), parts, span, scope)
    if scope.place is Place.RESULT:
        index = _key_part(path, scope)
        if index is not None:
            return bound.KeyRef(span, index)
    if scope.shape is Shape.SEQUENCE and scope.place is not Place.EVENT and parts[0] in scope.rule.labels:
        step = scope.rule.labels[parts[0]]
        return bind_label(step, parts[1:], span, scope, RegisterKind.LAST, 0, parts[0])
    if parts[0] == "prev" and len(parts) > 1 and scope.place is Place.STEP:
        return _previous(parts[1:], span, scope)
    return _bare(parts, span, scope)


def bind_column(table: str, key: bound.Bound, names: Path, span: Span, scope: Scope) -> bound.Bound:
    """A column of the row that the key finds in a table that exists."""
    rows = scope.book.tables[table]
    columns = {column for row in rows.values() for column in row}
    if len(names) > 1:
        scope.rule.faults.error("E0209", span, f"column `{names[0]}` has no fields", help="a column holds plain values")
        return bound.Broken(span)
    if rows and names[0] not in columns:
        scope.rule.faults.error(
            "E0209",
            span,
            f"table `{table}` has no column `{names[0]}`",
            help=did_you_mean(names[0], columns),
        )
        return bound.Broken(span)
    return bound.Column(span, table, key, names[0])


def _previous(path: Path, span: Span, scope: Scope) -> bound.Bound:
    """`prev.path`: of the event that the run took just before, of whatever step."""
    rule = scope.rule
    before = [rule.steps[index] for index in sorted(rule.follows.previous.get(scope.step, ()))]
    if not before:
        ours = rule.steps[scope.step].label
        rule.faults.error(
            "E0217", span, f"nothing comes before `{ours}`, so there is no `prev`", help="`prev` is the event taken just before"
        )
        return bound.Broken(span)
    for event_type in dict.fromkeys(step.type for step in before):
        if isinstance(bind_field(event_type, path, span, scope), bound.Broken):
            return bound.Broken(span)
    said = f"prev.{say_path(path)}"
    # The register is kept of every event, so all that have the field must agree: first those that are meant.
    types = dict.fromkeys((*(step.type for step in before), *_types_that_have(path, scope)))
    each = bound.Each(span, tuple(types), path, said)
    return bound.Aggregate(span, said, RegisterKind.LAST, ANY_STEP, each, skip_nulls=False)


def _each(path: Path, span: Span, scope: Scope) -> bound.Bound:
    """In `emit rows`: a field of each event, or the label of the step that took it."""
    if path == ("label",):
        return bound.Aggregate(span, "label", RegisterKind.LABEL, ANY_STEP, skip_nulls=False)
    types = _types_that_have(path, scope)
    if not types:
        return bind_field(scope.rule.positive[0].type, path, span, scope)
    for event_type in types:
        bind_field(event_type, path, span, scope)
    said = say_path(path)
    return bound.Aggregate(span, said, RegisterKind.ROW, ANY_STEP, bound.Each(span, types, path, said), skip_nulls=False)


def _types_that_have(path: Path, scope: Scope) -> tuple[str, ...]:
    """The types of events that the pattern takes, without those whose declared fields do not have this one."""
    types = dict.fromkeys(step.type for step in scope.rule.positive if step.type)
    schemas = scope.book.schemas
    return tuple(name for name in types if path == TIME or ".".join(path) in schemas.get(name, {".".join(path): ""}))


def _key_part(path: tree.Path, scope: Scope) -> int | None:
    """The part of the key that goes by this name, or is this very field in every event type of the rule."""
    key = scope.rule.key
    if len(path.parts) == 1 and path.parts[0] in key.names:
        return key.names.index(path.parts[0])
    if scope.shape is Shape.SEQUENCE:
        return None  # there a dotted name begins with a label
    for index in range(len(key.names)):
        if all(parts[index] == path for parts in key.trees.values() if index < len(parts)):
            return index
    return None


def _bare(parts: Path, span: Span, scope: Scope) -> bound.Bound:
    if scope.rows:
        return _each(parts, span, scope)
    if scope.place is not Place.RESULT or scope.shape is Shape.FILTER:
        _suspect_label(parts, span, scope)
        return bind_field(scope.event_type, parts, span, scope)
    only = scope.rule.steps[0]
    said = say_path(parts)
    if scope.shape is Shape.ABSENCE:
        return taken(only, parts, span, scope, RegisterKind.LAST, 0, said)
    if scope.shape is Shape.WINDOW and kind_of(scope.rule.tree) is WindowKind.NONE:
        return taken(only, parts, span, scope, RegisterKind.LAST, 0, said)
    if scope.shape is Shape.WINDOW:
        near = _emitted_help(said, scope) or did_you_mean(said, scope.known_names(), " ").strip()
        fix = Fix(span, f"last({said})", safe=False)
        scope.rule.faults.error(
            "E0211",
            span,
            f"`{said}` is a field of single events, and a window holds many",
            label="which one?",
            help=near or f"write `last({said})` for the latest, or `first max min distinct({said})`",
            fix=None if near else fix,
        )
        return bound.Broken(span)
    labels = [step.label for step in scope.rule.positive]
    helps = _emitted_help(said, scope) or did_you_mean(parts[0], scope.known_names(), " ").strip()
    if not helps:
        helps = f"say of which step: `{labels[-1]}.{said}`" if labels else ""
    scope.rule.faults.error(
        "E0203",
        span,
        f"`{said}` is neither a label, a part of the key nor a `let`",
        help=helps,
        fix=rename(span, parts[0], scope.known_names()) if len(parts) == 1 else None,
    )
    return bound.Broken(span)


def _emitted_help(said: str, scope: Scope) -> str:
    """`emit n = count(), half = n / 2`: the fields of `emit` do not see each other."""
    emitted = any(field.name == said and not field.bare for field in scope.rule.tree.emit)
    return f"`emit` cannot use its own fields: `let {said}: ...`, then use `{said}` as often as you like" if emitted else ""


def _suspect_label(parts: Path, span: Span, scope: Scope) -> None:
    """`okk.ip` is a field of the event like any other, but where a label is called `ok` it may be a slip of the finger."""
    if len(parts) < 2 or scope.shape is not Shape.SEQUENCE or scope.event_type in scope.book.schemas:
        return
    near = did_you_mean(parts[0], scope.rule.labels, " ").strip()
    if near:
        message = f"`{say_path(parts)}` is read as a field of `{scope.event_type}`, since no label is called `{parts[0]}`"
        scope.rule.faults.warning("W0204", span, message, help=near)


def bind_field(event_type: str, path: Path, span: Span, scope: Scope) -> bound.Bound:
    """A field of the event being judged; told when the schema of its type does not have it."""
    declared = scope.book.schemas.get(event_type, {})
    name = ".".join(path)
    if event_type in scope.book.alerts:
        return _alert_field(event_type, path, span, scope)
    if not event_type:  # a label without `where`: told already
        return bound.Broken(span)
    if path == TIME or not declared or name in declared:
        if path != TIME:
            scope.rule.fields.setdefault((event_type, path), span)
        return bound.Field(span, event_type, path)
    inner = sorted(other for other in declared if other.startswith(name + "."))
    outer = next((name[:at] for at in range(len(name)) if name[at] == "." and name[:at] in declared), None)
    if inner:
        scope.rule.faults.error(
            "E0305", span, f"`{name}` of `{event_type}` is an object, not a value", help=f"pick one of its fields: `{inner[0]}`"
        )
    elif outer is not None:
        scope.rule.faults.error(
            "E0305",
            span,
            f"`{outer}` of `{event_type}` is declared as {declared[outer]}: it has no fields",
            help=f"write `{outer}`",
        )
    else:
        scope.rule.faults.error(
            "E0202",
            span,
            f"unknown field `{name}` in event type `{event_type}`",
            label="not in the declared fields",
            help=did_you_mean(name, declared),
            fix=rename(span, name, declared) if span.line == span.end_line and span.end_col - span.col == len(name) else None,
        )
    return bound.Broken(span)


def _alert_field(event_type: str, path: Path, span: Span, scope: Scope) -> bound.Bound:
    """A field of another rule's alert, taken as an event: what that rule emits, its key, and `ts`."""
    told = scope.book.alerts[event_type]
    known = {field.name for field in told.emit} | set(told.key.names) | {"ts"}
    name = path[0]
    if told.faults.broken or (len(path) == 1 and name in known):
        return bound.Field(span, event_type, path)
    if name in known:
        scope.rule.faults.error("E0305", span, f"`{name}` of `{event_type}` is a value: it has no fields", help=f"write `{name}`")
    else:
        scope.rule.faults.error(
            "E0202",
            span,
            f"alerts of rule `{told.tree.id.text}` have no field `{say_path(path)}`",
            label="neither emitted nor a part of its key",
            help=did_you_mean(name, known),
            fix=rename(span, name, known) if len(path) == 1 and span.end_col - span.col == len(name) else None,
        )
    return bound.Broken(span)


def bind_label(step: StepDraft, path: Path, span: Span, scope: Scope, kind: RegisterKind, nth: int, said: str) -> bound.Bound:
    """`LABEL.path`, `first(LABEL).path`, `LABEL[n].path`: a field of an event that the step took, or of the one being tried."""
    if not path:
        scope.rule.faults.error(
            "E0216",
            span,
            f"`{said}` is an event, not a value",
            help=f"pick one of its fields, as in `{said}.ts`"
            + ("" if step.single else f", or count them: `count({step.label})`"),
        )
        return bound.Broken(span)
    own = scope.place is not Place.RESULT and step.index == scope.step
    if scope.place is Place.TAKEN and not own:
        ours = scope.rule.steps[scope.step].label
        scope.rule.faults.error(
            "E0413",
            span,
            f"an aggregate over `{ours}` sees the events of `{ours}` only",
            help=f"take `{said}` out of it, or compare in the `where` of `{ours}`",
        )
        return bound.Broken(span)
    if own and (scope.place is Place.TAKEN or step.single or step.negated or kind is RegisterKind.LAST or nth == -1):
        return bind_field(step.type, path, span, scope)
    if not own and not may_refer(step, span, scope):
        return bound.Broken(span)
    return taken(step, path, span, scope, kind, nth, f"{said}.{say_path(path)}")


def may_refer(step: StepDraft, span: Span, scope: Scope) -> bool:
    """Whether events of the step can be known here; told when they cannot."""
    if not step.taken:
        scope.rule.faults.error(
            "E0217",
            span,
            f"`{step.label}` only closes a loop: no event of it is part of a match",
            help=f"a condition on it belongs in the `where` of `{step.label}`",
        )
        return False
    if step.negated:
        scope.rule.faults.error(
            "E0217",
            span,
            f"`{step.label}` is forbidden by `!{step.label}`: no event of it is part of a match",
            help=f"a condition on it belongs in the `where` of `{step.label}`",
        )
        return False
    follows = scope.rule.follows
    if scope.place is Place.STEP and step.index not in follows.before.get(scope.step, ()):
        ours = scope.rule.steps[scope.step].label
        if scope.step not in follows.before.get(step.index, ()) and scope.rule.steps[scope.step] in scope.rule.positive:
            scope.rule.faults.error(
                "E0217",
                span,
                f"where `{ours}` is tried, `{step.label}` was never taken: they are alternatives",
                help="compare in `when`, where the one that was left out is null",
            )
            return False
        scope.rule.faults.error(
            "E0217",
            span,
            f"`{step.label}` comes after `{ours}`, so nothing is known of it here",
            help=f"compare in the `where` of `{step.label}`: there `{ours}` is known; or in `when`",
        )
        return False
    return True


def taken(step: StepDraft, path: Path, span: Span, scope: Scope, kind: RegisterKind, nth: int, said: str) -> bound.Bound:
    """A register that holds the field of one event the step took. Of a step that takes one event, first is last."""
    field = bind_field(step.type, path, span, scope)
    if isinstance(field, bound.Broken):
        return field
    if (kind is RegisterKind.NTH and nth == -1) or (step.single and (kind is RegisterKind.FIRST or nth == 0)):
        kind, nth = RegisterKind.LAST, 0
    elif kind is RegisterKind.NTH and nth == 0:
        kind = RegisterKind.FIRST
    return bound.Aggregate(span, said, kind, step.index, field, nth=nth, skip_nulls=False)
