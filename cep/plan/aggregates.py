"""Aggregates: values over the events of a window, or over those a step of a pattern has taken."""

from __future__ import annotations

from collections.abc import Iterator

from cep.lang import tree
from cep.plan.check_window import kind_of, looks_back, parts_of
from cep.plan.draft import Shape, StepDraft
from cep.plan.faults import did_you_mean
from cep.plan.plan import RegisterKind, WindowKind
from cep.plan.references import may_refer
from cep.plan.scope import Place, Scope

_NO_CALLS = (RegisterKind.NTH, RegisterKind.ROW, RegisterKind.LABEL)
AGGREGATES = {str(kind): kind for kind in RegisterKind if kind not in _NO_CALLS} | {
    "median": RegisterKind.PERCENTILE,  # of 50
    "rate": RegisterKind.COUNT,  # per so much of the window's length
}
IN_WINDOWS = ("rate", "decay")


def is_aggregate(call: tree.Call) -> bool:
    """`min` and `max` of two or more arguments are functions of those."""
    return call.name in AGGREGATES and not (call.name in ("min", "max") and len(call.args) > 1)


def open_aggregate(call: tree.Call, scope: Scope) -> tuple[Scope, StepDraft] | None:
    """The scope of the aggregate's arguments and the step it runs over; None when it means nothing here (told)."""
    faults, name = scope.rule.faults, call.name
    if scope.place is Place.TAKEN:
        faults.error("E0404", call.span, f"`{name}` stands inside another aggregate", help="use a `let` for each, outside")
        return None
    if scope.place is Place.EVENT or scope.shape is Shape.FILTER:
        helps = "a condition over many events belongs in `when`, with a window: `when count() >= 5 over 10m`"
        faults.error("E0404", call.span, f"`{name}` needs several events, and here is one", help=helps)
        return None
    if scope.shape is Shape.SEQUENCE:
        if name in IN_WINDOWS:
            faults.error("E0404", call.span, f"`{name}` is of windows", help="a pattern has no length: `from TYPE` with `when`")
            return None
        return _over_label(call, scope)
    if scope.shape is Shape.ABSENCE and name != "last":
        helps = "its fields can be named as they are, or as `last(FIELD)`"
        faults.error("E0404", call.span, "an absence rule keeps the last event of each key only", help=helps)
        return None
    if name == "list":
        faults.error(
            "E0404",
            call.span,
            "a window keeps no list of values",
            help="`distinct(FIELD)` counts them; `list` is for the loop of a pattern",
        )
        return None
    if scope.shape is Shape.WINDOW and name != "last" and kind_of(scope.rule.tree) is WindowKind.NONE:
        rule = scope.rule.tree
        if rule.when is not None and looks_back(rule.when, rule.lets):  # else it has been told that there is no window
            helps = "say over how long, as in `when count() >= 5 over 10m`"
            faults.error("E0403", call.span, f"`{name}` needs a window, and here each event is judged by itself", help=helps)
        return None
    step = scope.rule.steps[0]
    return scope.inside_aggregate(step.type, 0), step


def _over_label(call: tree.Call, scope: Scope) -> tuple[Scope, StepDraft] | None:
    labels = list(dict.fromkeys(_labels_in(call, scope)))
    faults, example = scope.rule.faults, next((step.label for step in scope.rule.positive if not step.single), "")
    example = example or (scope.rule.positive[0].label if scope.rule.positive else "a")
    if not labels:
        suggestion = f"{call.name}({example})" if call.name == "count" else f"{call.name}({example}.FIELD)"
        heads = [head for arg in call.args if isinstance(arg, tree.Path) for head in arg.parts[:1]]
        near = [did_you_mean(head, scope.rule.labels, " ").strip() for head in heads]
        helps = next(filter(None, near), f"name its label: `{suggestion}`")
        faults.error("E0413", call.span, f"`{call.name}` does not say over which step", help=helps)
        return None
    if len(labels) > 1:
        both = " and ".join(f"`{label}`" for label in labels)
        faults.error("E0413", call.span, f"`{call.name}` runs over one step, not over {both}", help="use one aggregate for each")
        return None
    step = scope.rule.labels[labels[0]]
    own = scope.place is Place.STEP and step.index == scope.step
    if step.negated and own:
        faults.error(
            "E0217",
            call.span,
            f"`{step.label}` is negated: its events are never taken",
            help="name the field: it is the event's own",
        )
        return None
    if not own and not may_refer(step, call.span, scope):
        return None
    return scope.inside_aggregate(step.type, step.index), step


def _labels_in(call: tree.Call, scope: Scope) -> Iterator[str]:
    """Labels that stand at the head of a name in the arguments, `let`s written out."""
    stack: list[tree.Node] = [*reversed(call.args), *([call.where] if call.where else [])]
    opened: set[str] = set()
    while stack:
        node = stack.pop()
        if isinstance(node, tree.Path):
            head = node.parts[0]
            if head in scope.naming.lets and head not in opened:
                opened.add(head)
                stack.append(scope.naming.lets[head].expr)
            elif head in scope.rule.labels:
                yield head
        stack.extend(reversed(parts_of(node)))


def whole_label(expr: tree.Expr, scope: Scope) -> StepDraft | None:
    """The step, when the expression is nothing but its label."""
    if not isinstance(expr, tree.Path) or len(expr.parts) != 1 or expr.parts[0] in scope.naming.lets:
        return None
    if scope.place is Place.EVENT or scope.shape is not Shape.SEQUENCE:
        return None
    return scope.rule.labels.get(expr.parts[0])
