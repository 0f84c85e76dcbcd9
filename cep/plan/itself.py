"""A field compared with itself: mostly an author who took `last(up).x` for the event before the one being tried."""

from __future__ import annotations

from cep.lang import tree
from cep.plan import bound
from cep.plan.references import say_path
from cep.plan.scope import Place, Scope


def warn_of_itself(expr: tree.Binary, left: bound.Bound, right: bound.Bound, scope: Scope) -> None:
    """Warn if both sides of a comparison come from one field of one event, so that its answer is always the same."""
    fields = _fields(left)
    if len(fields) != 1 or fields != _fields(right):
        return
    ((event_type, path),) = fields
    own = next((side for side in (expr.left, expr.right) if _by_label(side, path)), None)
    if own is None and not (isinstance(left, bound.Field) and isinstance(right, bound.Field)):
        return
    said = say_path(path)
    helps = "one of the two sides is another field, or another event's"
    if own is not None and scope.place is Place.STEP:
        label = scope.rule.steps[scope.step].label
        before = f"{label}[-2].{said}"
        helps = f"`{before}` is of the event taken before this one (null at the first): `{before} is null or {said} > {before}`"
    scope.rule.faults.warning(
        "W0205",
        expr.span,
        f"this compares `{said}` of an event of `{event_type}` with itself",
        label="both sides are of the event being tried" if own is not None else "both sides are the same",
        help=helps,
    )


def _fields(side: bound.Bound) -> set[tuple[str, tuple[str, ...]]]:
    """The fields of the event being judged that a calculation reads; none if it reads anything else, too."""
    match side:
        case bound.Field():
            return {(side.event_type, side.path)}
        case bound.Neg(operand=x):
            return _fields(x)
        case bound.Arith(left=a, right=bound.Const()):
            return _fields(a)
        case bound.Arith(left=bound.Const(), right=b):
            return _fields(b)
    return set()


def _by_label(side: tree.Expr, path: tuple[str, ...]) -> bool:
    """Whether a side names the field by way of a label or a `let`."""
    match side:
        case tree.Path(parts=parts):
            return parts != path
        case tree.Unary(operand=x):
            return _by_label(x, path)
        case tree.Binary(left=a, right=b):
            return any(_by_label(one, path) for one in (a, b) if not isinstance(one, tree.Const))
    return isinstance(side, tree.Member)
