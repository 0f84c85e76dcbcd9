"""What looks at events before those of the window: `first_seen`, `changed`, `baseline`."""

from __future__ import annotations

from collections.abc import Callable

from cep.errors import Span
from cep.lang import tree
from cep.plan import bound
from cep.plan.aggregates import is_aggregate
from cep.plan.check_window import kind_of
from cep.plan.draft import Shape
from cep.plan.plan import WindowKind
from cep.plan.scope import Place, Scope
from cep.plan.words import say_duration

MOST_PARTS = 10_000  # of a baseline: one number is kept of each
Bind = Callable[[tree.Expr, Scope], bound.Bound]


def bind_seen(expr: tree.Seen, scope: Scope, bind: Bind) -> bound.Bound:
    if not _has_place(expr.kind, expr.span, scope):
        return bound.Broken(expr.span)
    if expr.us <= 0:
        scope.rule.faults.error("E0414", expr.span, f"`{expr.kind}` in no time", help="say how far back, as in `in 30d`")
        return bound.Broken(expr.span)
    if not expr.values:
        helps = f"name a field, as in `{expr.kind}(country) in 30d`"
        scope.rule.faults.error("E0306", expr.span, f"`{expr.kind}` of nothing", help=helps)
        return bound.Broken(expr.span)
    inside = scope.inside_aggregate(scope.rule.steps[0].type, 0)
    return bound.Recall(expr.span, expr.kind, tuple(bind(value, inside) for value in expr.values), None, expr.us)


def bind_baseline(expr: tree.Baseline, scope: Scope, bind: Bind) -> bound.Bound:
    faults, span = scope.rule.faults, expr.span
    if not _has_place("baseline", span, scope):
        return bound.Broken(span)
    if kind_of(scope.rule.tree) not in (WindowKind.SLIDE, WindowKind.HOP):
        helps = "as in `when count() > 3 * baseline(count() per 5m, over 7d) over 5m`"
        faults.error("E0404", span, "`baseline` is compared with a window of a set length", help=helps)
        return bound.Broken(span)
    if expr.per_us <= 0 or expr.over_us <= 0:
        faults.error("E0414", span, "`baseline` of no length", help="as in `baseline(count() per 5m, over 7d)`")
        return bound.Broken(span)
    if not expr.per_us <= expr.over_us <= MOST_PARTS * expr.per_us:
        parts = f"{say_duration(expr.over_us)} hold no whole {say_duration(expr.per_us)}"
        if expr.per_us <= expr.over_us:
            parts = f"{say_duration(expr.over_us)} hold more than {MOST_PARTS:,} times {say_duration(expr.per_us)}"
        faults.error(
            "E0450",
            span,
            parts,
            help="`baseline(AGGREGATE per SHORT, over LONG)` is the mean over the short ones in the long one",
        )
        return bound.Broken(span)
    if not isinstance(expr.aggregate, tree.Call) or not is_aggregate(expr.aggregate):
        faults.error(
            "E0404",
            expr.aggregate.span,
            "`baseline` is the mean of an aggregate",
            help="as in `baseline(count() per 5m, over 7d)`",
        )
        return bound.Broken(span)
    return _over_parts(expr, bind(expr.aggregate, scope), scope, span)


def _over_parts(expr: tree.Baseline, aggregate: bound.Bound, scope: Scope, span: Span) -> bound.Bound:
    match aggregate:
        case bound.Aggregate(name="top" | "decay" | "first" | "last"):
            message = f"`{aggregate.name}` has no mean"
            scope.rule.faults.error(
                "E0404", aggregate.span, message, help="`count distinct sum avg min max stddev median percentile rate` have"
            )
            return bound.Broken(span)
        case bound.Aggregate():
            return bound.Recall(span, "baseline", (), aggregate, expr.over_us, expr.per_us)
        case bound.Arith(op="/", left=bound.Arith(left=bound.Aggregate() as counted, right=unit)):
            # `rate(1m)` is count() * 1m / the window's length: here that of a part
            mean = bound.Recall(span, "baseline", (), counted, expr.over_us, expr.per_us)
            length = bound.Const(span, expr.per_us, bound.NUMBER)
            return bound.Arith(span, "/", bound.Arith(span, "*", mean, unit), length)
        case _:
            return bound.Broken(span)


def _has_place(name: str, span: Span, scope: Scope) -> bool:
    if scope.place is Place.RESULT and scope.shape is Shape.WINDOW:
        return True
    helps = "in `when`, `until`, `emit` or the title of a rule with `from`"
    if scope.place is Place.TAKEN:
        helps += ", outside of aggregates"
    scope.rule.faults.error("E0404", span, f"`{name}` looks at events before, and has no place here", help=f"it stands {helps}")
    return False
