"""From expressions of the tree to bound ones: every name gets its meaning, every form of the language its plain shape."""

from __future__ import annotations

from typing import assert_never

from cep.errors import Span
from cep.functions import FUNCTIONS
from cep.functions.regex import refuse_regex
from cep.lang import tree
from cep.plan import bound
from cep.plan.aggregates import AGGREGATES, is_aggregate, open_aggregate, whole_label
from cep.plan.check_window import kind_of, length_of
from cep.plan.draft import Shape
from cep.plan.faults import did_you_mean, rename
from cep.plan.itself import warn_of_itself
from cep.plan.looking_back import bind_baseline, bind_seen
from cep.plan.parameters import needs_length, take_parameter
from cep.plan.plan import RegisterKind, WindowKind
from cep.plan.references import bind_column, bind_label, bind_path
from cep.plan.scope import Scope
from cep.types import Type

COMPARISONS = ("==", "!=", "<", "<=", ">", ">=")
TEXT_MATCHES = {
    "~": ("glob", False), "~i": ("glob", True), "=~": ("regex", False), "=~i": ("regex", True),
    "contains": ("contains", False), "icontains": ("contains", True), "startswith": ("startswith", False),
    "istartswith": ("startswith", True), "endswith": ("endswith", False), "iendswith": ("endswith", True),
}  # fmt: skip
FORMS = ("exists", "any", "all")


def bind(expr: tree.Expr, scope: Scope) -> bound.Bound:
    """The bound expression. What cannot be bound is told and becomes Broken.

    raises  TooBig
    """
    scope = scope.deeper(expr.span)
    span = expr.span
    match expr:
        case tree.Const(value=value):
            return bound.Const(span, value, _type_of(value))
        case tree.Duration(us=us):
            return bound.Const(span, us, Type.SPAN)
        case tree.Size(number_of_bytes=number):
            return bound.Const(span, number, Type.NUMBER)
        case tree.Path():
            return _path(expr, scope)
        case tree.Member():
            return _member(expr, scope)
        case tree.Index():
            return _index(expr, scope)
        case tree.Call():
            return _call(expr, scope)
        case tree.Lookup(table=table):
            scope.rule.faults.error("E0216", span, f"`lookup {table}[..]` is a row, not a value", help="pick a column: `.name`")
            return bound.Broken(span)
        case tree.Unary(op="not", operand=x):
            return bound.Not(span, bind(x, scope))
        case tree.Unary(operand=x):
            return _negative(bind(x, scope), span)
        case tree.Binary():
            return _binary(expr, scope)
        case tree.Logic(op=op, operands=xs):
            return bound.Logic(span, op, tuple(bind(x, scope) for x in xs))
        case tree.In():
            return _in(expr, scope)
        case tree.Between(operand=x, low=low, high=high, negated=negated):
            subject = bind(x, scope)
            ends = (bound.Compare(span, ">=", subject, bind(low, scope)), bound.Compare(span, "<=", subject, bind(high, scope)))
            inside = bound.Logic(span, "and", ends)
            return bound.Not(span, inside) if negated else inside
        case tree.IsNull(operand=x, negated=negated):
            missing = _is_null(x, span, scope)
            return bound.Not(span, missing) if negated else missing
        case tree.ListOf():
            return _list(expr, scope)
        case tree.Seen():
            return bind_seen(expr, scope, bind)
        case tree.Baseline():
            return bind_baseline(expr, scope, bind)
        case _:
            assert_never(expr)


def _type_of(value: object) -> Type | None:
    match value:
        case None:
            return None
        case bool():
            return Type.BOOL
        case str():
            return Type.TEXT
        case _:
            return Type.NUMBER


def _negative(operand: bound.Bound, span: Span) -> bound.Bound:
    if isinstance(operand, bound.Const) and operand.type in (Type.NUMBER, Type.SPAN):
        return bound.Const(span, -operand.value, operand.type)
    return bound.Neg(span, operand)


def _list(expr: tree.ListOf, scope: Scope) -> bound.Bound:
    items = [bind(item, scope) for item in expr.items]
    if all(isinstance(item, bound.Const) for item in items):
        return bound.Const(expr.span, tuple(item.value for item in items if isinstance(item, bound.Const)), Type.LIST)
    scope.rule.faults.error("E0309", expr.span, "a list outside `in [..]` holds constants only")
    return bound.Broken(expr.span)


# ---------------------------------------------------------------- names


def _path(path: tree.Path, scope: Scope) -> bound.Bound:
    let = scope.naming.lets.get(path.parts[0])
    if let is None or (scope.element is not None and path.parts[0] == "x"):
        return bind_path(path, scope)
    if let in scope.naming.open:
        chain = [one.name for one in scope.naming.open[scope.naming.open.index(let) :]] + [let.name]
        if let.name in scope.naming.circular:
            return bound.Broken(path.span)
        scope.naming.circular.update(chain)
        scope.rule.faults.error(
            "E0206",
            let.span,
            f"`let {let.name}` is defined by itself: {' -> '.join(chain)}",
            help="take one of them out of the circle",
        )
        return bound.Broken(path.span)
    scope.naming.used.add(let.name)
    expr = let.expr
    for name in path.parts[1:]:  # `let customer: lookup customers[id]` and then `customer.name`
        expr = tree.Member(path.span, expr, name)
    scope.naming.open.append(let)
    try:
        return bind(expr, scope)
    finally:
        scope.naming.open.pop()


def _member(member: tree.Member, scope: Scope) -> bound.Bound:
    """A field of an event that is no plain path, or a column of a looked-up row."""
    names: list[str] = []
    base: tree.Expr = member
    while isinstance(base, tree.Member):
        names.insert(0, base.name)
        base = base.base
    span = member.span
    match base:
        case tree.Call(name="first" | "last", args=(one,), where=None):
            step = whole_label(one, scope)
            if step is not None:
                kind = RegisterKind.FIRST if base.name == "first" else RegisterKind.LAST
                return bind_label(step, tuple(names), span, scope, kind, 0, f"{base.name}({step.label})")
        case tree.Index(base=inner, index=index):
            step = whole_label(inner, scope)
            if step is not None:
                return bind_label(step, tuple(names), span, scope, RegisterKind.NTH, index, f"{step.label}[{index}]")
        case tree.Lookup():
            return _column(base, names, span, scope)
        case tree.Path():
            return _path(tree.Path(span, (*base.parts, *names)), scope)
    scope.rule.faults.error(
        "E0203",
        span,
        f"nothing here has a field `{names[0]}`",
        help="fields belong to labels: `ok.ip`, `first(fail).ip`, `fail[0].ip`",
    )
    return bound.Broken(span)


def _column(lookup: tree.Lookup, names: list[str], span: Span, scope: Scope) -> bound.Bound:
    key = bind(lookup.key, scope)
    if not table_exists(lookup.table, lookup.span, scope):
        return bound.Broken(span)
    return bind_column(lookup.table, key, tuple(names), span, scope)


def table_exists(name: str, span: Span, scope: Scope) -> bool:
    if name in scope.book.tables:
        return True
    helps = did_you_mean(name, scope.book.tables, f'declare it: `table {name} from "{name}.csv" key COLUMN`')
    scope.rule.faults.error("E0208", span, f"unknown table `{name}`", help=helps)
    return False


def _index(expr: tree.Index, scope: Scope) -> bound.Bound:
    step = whole_label(expr.base, scope)
    if step is not None:
        return bind_label(step, (), expr.span, scope, RegisterKind.NTH, expr.index, f"{step.label}[{expr.index}]")
    return bound.Item(expr.span, bind(expr.base, scope), expr.index)


# ---------------------------------------------------------------- operators


def _binary(expr: tree.Binary, scope: Scope) -> bound.Bound:
    left, right = bind(expr.left, scope), bind(expr.right, scope)
    faults = scope.rule.faults
    if expr.op in COMPARISONS:
        for side, other in ((expr.left, expr.right), (expr.right, expr.left)):
            if isinstance(side, tree.Const) and side.value is None:
                form = "is null" if expr.op == "==" else "is not null"
                faults.error(
                    "E0308",
                    expr.span,
                    f"`{expr.op} null` is never true",
                    help=f"write `{say_tree(other)} {form}`" if expr.op in ("==", "!=") else "null has no order",
                )
                return bound.Broken(expr.span)
        warn_of_itself(expr, left, right, scope)
        return bound.Compare(expr.span, expr.op, left, right)
    if expr.op not in TEXT_MATCHES:
        return bound.Arith(expr.span, expr.op, left, right)
    kind, fold = TEXT_MATCHES[expr.op]
    if kind in ("glob", "regex") and not isinstance(right, bound.Broken):
        if not isinstance(right, bound.Const) or not isinstance(right.value, str):
            helps = "write it in quotes; compare two fields with `==` or `contains`"
            faults.error("E0309", expr.right.span, f"what stands right of `{expr.op}` must be a constant text", help=helps)
            return bound.Broken(expr.span)
        reason = refuse_regex(right.value) if kind == "regex" else None
        if reason is not None:
            faults.error("E0307", expr.right.span, f"this regular expression is refused: {reason.what}", help=reason.mend)
            return bound.Broken(expr.span)
    return bound.TextMatch(expr.span, expr.op, kind, fold, left, right)


def say_tree(expr: tree.Expr) -> str:
    """A plain name as written; anything longer is `...`."""
    return ".".join(expr.parts) if isinstance(expr, tree.Path) else "..."


def _in(expr: tree.In, scope: Scope) -> bound.Bound:
    operand = bind(expr.operand, scope)
    if expr.table is not None:
        if not table_exists(expr.table, expr.span, scope):
            return bound.Broken(expr.span)
        member: bound.Bound = bound.InTable(expr.span, operand, expr.table)
    else:
        items = tuple(bind(item, scope) for item in expr.items)
        for item in items:
            if isinstance(item, bound.Const) and item.value is None:
                scope.rule.faults.error(
                    "E0308", item.span, "null equals nothing, so it is in no list", help="write `.. or x is null`"
                )
                return bound.Broken(expr.span)
        member = bound.InList(expr.span, operand, items)
    return bound.Not(expr.span, member) if expr.negated else member


def _is_null(operand: tree.Expr, span: Span, scope: Scope) -> bound.Bound:
    step = whole_label(operand, scope)
    if step is None:
        return bound.IsNull(span, bind(operand, scope))
    # An optional step that was left out: `b is null` is `count(b) == 0`.
    counted = _call(tree.Call(operand.span, "count", (operand,)), scope)
    return bound.Compare(span, "==", counted, bound.Const(span, 0, Type.NUMBER))


# ---------------------------------------------------------------- calls


def _call(call: tree.Call, scope: Scope) -> bound.Bound:
    if is_aggregate(call):
        return _aggregate(call, scope)
    if call.where is not None:
        helps = "a condition with `where` belongs to aggregates: " + ", ".join(sorted(AGGREGATES))
        scope.rule.faults.error("E0306", call.where.span, f"`{call.name}` takes no `where`", help=helps)
    if call.name in FORMS:
        return _form(call, scope)
    function = FUNCTIONS.get(call.name)
    if function is None:
        told = len(scope.rule.faults.found)
        for given in call.args:
            bind(given, scope)  # its names are used, and may be wrong too; whether an event fits there, nobody knows
        scope.rule.faults.found[told:] = [fault for fault in scope.rule.faults.found[told:] if fault.code != "E0216"]
        known = {*FUNCTIONS, *AGGREGATES, *FORMS, *scope.book.shared.macros}
        name_span = Span(call.span.file, call.span.line, call.span.col, call.span.line, call.span.col + len(call.name))
        scope.rule.faults.error(
            "E0201",
            name_span,
            f"unknown function `{call.name}`",
            help=did_you_mean(call.name, known, "the functions are listed in docs/language.md"),
            fix=rename(name_span, call.name, known),
        )
        return bound.Broken(call.span)
    args = tuple(bind(arg, scope) for arg in call.args)
    least, most = len(function.params) - function.optional, None if function.rest else len(function.params)
    if not _arity(call, least, most, scope):
        return bound.Broken(call.span)
    if function.constants_from is not None:
        for arg in args[function.constants_from :]:
            if isinstance(arg, bound.Broken):
                return arg
            reason = function.refuse(arg.value) if isinstance(arg, bound.Const) and function.refuse else None
            if not isinstance(arg, bound.Const):
                reason = "it must be a constant, in quotes"
            if reason is not None:
                scope.rule.faults.error("E0309", arg.span, f"`{call.name}` cannot take this: {reason}")
                return bound.Broken(call.span)
    return bound.Call(call.span, call.name, args)


def _arity(call: tree.Call, least: int, most: int | None, scope: Scope) -> bool:
    given = len(call.args)
    if least <= given and (most is None or given <= most):
        return True
    if most is None:
        wanted = f"at least {least}"
    else:
        wanted = str(least) if least == most else f"{least} to {most}"
    function = FUNCTIONS.get(call.name)
    helps = f"{function.doc} For example: {function.examples[0][0]}" if function else ""
    scope.rule.faults.error(
        "E0306", call.span, f"`{call.name}` takes {wanted} argument{'' if wanted == '1' else 's'}, not {given}", help=helps
    )
    return False


def _form(call: tree.Call, scope: Scope) -> bound.Bound:
    if call.name == "exists":
        if not _arity(call, 1, 1, scope):
            return bound.Broken(call.span)
        return bound.Not(call.span, _is_null(call.args[0], call.span, scope))
    if not _arity(call, 2, 2, scope):
        return bound.Broken(call.span)
    element = bound.Element(call.args[1].span)
    items = bind(call.args[0], scope)
    return bound.Quantified(call.span, call.name, items, bind(call.args[1], scope.with_element(element)), element)


def _aggregate(call: tree.Call, scope: Scope) -> bound.Bound:
    kind, faults = AGGREGATES[call.name], scope.rule.faults
    if kind in (RegisterKind.FIRST, RegisterKind.LAST) and scope.shape is Shape.SEQUENCE and len(call.args) == 1:
        event = whole_label(call.args[0], scope)
        if event is not None:
            return bind_label(event, (), call.span, scope, kind, 0, f"{call.name}({event.label})")
    opened = open_aggregate(call, scope)
    if opened is None:
        return bound.Broken(call.span)
    inside, step = opened
    taken = take_parameter(call, scope)
    if taken is None:
        return bound.Broken(call.span)
    call, argument = taken
    if call.name == "rate":
        return _rate(call, argument, inside, scope)
    if call.name == "decay" and not needs_length(call, scope):
        return bound.Broken(call.span)
    if not _arity(call, 0 if kind is RegisterKind.COUNT else 1, 1, scope):
        return bound.Broken(call.span)
    where = bind(call.where, inside) if call.where is not None else None
    if not call.args or (kind is RegisterKind.COUNT and whole_label(call.args[0], scope) is step):
        return bound.Aggregate(call.span, call.name, kind, step.index, None, where)
    if whole_label(call.args[0], scope) is step:
        faults.error(
            "E0216", call.args[0].span, f"`{step.label}` is an event, not a value", help=f"pick a field: `{step.label}.ts`"
        )
        return bound.Broken(call.span)
    expr = bind(call.args[0], inside)
    # Of one event `last(x)` is its field, null or not.
    own_event = scope.shape is Shape.ABSENCE or (scope.shape is Shape.WINDOW and kind_of(scope.rule.tree) is WindowKind.NONE)
    return bound.Aggregate(call.span, call.name, kind, step.index, expr, where, skip_nulls=not own_event, argument=argument)


def _rate(call: tree.Call, unit_us: int | float, inside: Scope, scope: Scope) -> bound.Bound:
    """`rate(1m)`: how many events per minute of the window."""
    length_us = length_of(scope.rule.tree.window)
    if not needs_length(call, scope) or not length_us:
        return bound.Broken(call.span)
    where = bind(call.where, inside) if call.where is not None else None
    counted = bound.Aggregate(call.span, call.name, RegisterKind.COUNT, 0, None, where)
    unit, length = (bound.Const(call.span, us, Type.NUMBER) for us in (unit_us, length_us))
    return bound.Arith(call.span, "/", bound.Arith(call.span, "*", counted, unit), length)
