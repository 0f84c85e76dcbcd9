"""The pass before all others: macros and lists are written out where they are used, so that no other pass knows of them.

What is written out keeps the places of the macro's text; what stands for its parameters keeps those of the rule's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar, assert_never

from cep.errors import Span
from cep.lang import tree
from cep.lang.print_expressions import show
from cep.plan.draft import BookDraft
from cep.plan.faults import Faults, did_you_mean, rename
from cep.plan.gather import gather
from cep.plan.shared import Shared
from cep.plan.titles import pieces_of, title_expression

MOST_PARTS = 20_000  # of one rule, all macros written out
DEEPEST = 64  # macros inside of macros, and expressions
Arguments = Mapping[str, tree.Expr]
Item = TypeVar("Item")
_NONE: Arguments = {}


def write_out(book: BookDraft) -> None:
    """Fill `book.shared`, and put rules without macros and lists in the place of those that use them."""
    book.shared = gather(book.files, book.schemas, book.faults)
    book.schemas = book.shared.schemas
    book.files = [replace(file, rules=tuple(_rule(rule, book) for rule in file.rules)) for file in book.files]


def _rule(rule: tree.Rule, book: BookDraft) -> tree.Rule:
    faults = Faults()
    made = written_out(rule, book.shared, faults)
    if faults.found:
        book.early[id(made)] = faults
    return made


def written_out(rule: tree.Rule, shared: Shared, faults: Faults) -> tree.Rule:
    """The rule without macros and lists; the same object if it uses none."""
    writer = _Writer(rule, shared, faults)
    try:
        return writer.rule()
    except _TooBig as fault:
        help = "macros are written out where they are used: use fewer of them inside of each other"
        faults.error("E0412", fault.span, str(fault), help=help)
        return rule


class _TooBig(Exception):
    def __init__(self, span: Span, message: str) -> None:
        super().__init__(message)
        self.span = span


class _Writer:
    """Writes out the expressions of one rule. A node in which nothing is to be done is given back as it is."""

    def __init__(self, rule: tree.Rule, shared: Shared, faults: Faults) -> None:
        self.tree, self.shared, self.faults = rule, shared, faults
        self.parts = 0
        self.heads: set[str] = set()  # names that this rule reads as fields, labels or lets
        self.lists: list[tree.In] = []

    def rule(self) -> tree.Rule:
        rule = self.tree
        parts = {
            "body": self._body(rule.body),
            "by": self._by(rule.by),
            "when": self._maybe(rule.when),
            "until": self._maybe(rule.until),
            "resolve": self._select(rule.resolve),
            "expect": self._with(rule.expect, "where"),
            "lets": self._each(rule.lets, lambda let: self._with(let, "expr")),
            "emit": self._each(rule.emit, lambda field: self._with(field, "expr")),
            "on_timeout": rule.on_timeout and self._each(rule.on_timeout, lambda field: self._with(field, "expr")),
            "title": self._title(rule.title),
        }
        self._check_lists()
        changed = {name: part for name, part in parts.items() if part is not getattr(rule, name)}
        return replace(rule, **changed) if changed else rule  # type: ignore[arg-type]  # each is of its field's type

    # ------------------------------------------------------------ clauses

    def _body(self, body: tree.From | tree.MatchClause | tree.Absent) -> tree.From | tree.MatchClause | tree.Absent:
        match body:
            case tree.MatchClause(where=where):
                selects = self._each(where, self._select)
                return body if selects is where else replace(body, where=selects)
            case _:
                select = self._select(body.select)
                return body if select is body.select else replace(body, select=select)

    def _by(self, by: tree.By | None) -> tree.By | None:
        if by is None:
            return None
        parts = self._each(by.parts, lambda part: self._with(part, "expr"))
        types = self._each(by.types, self._typed_key)
        return by if parts is by.parts and types is by.types else replace(by, parts=parts, types=types)

    def _typed_key(self, typed: tuple[str, tuple[tree.KeyPart, ...]]) -> tuple[str, tuple[tree.KeyPart, ...]]:
        parts = self._each(typed[1], lambda part: self._with(part, "expr"))
        return typed if parts is typed[1] else (typed[0], parts)

    def _select(self, select: Item) -> Item:
        return self._with(select, "where")

    def _with(self, node: Item, name: str) -> Item:
        """The node with the expression under `name` written out."""
        old = None if node is None else getattr(node, name)
        new = self._maybe(old)
        return node if new is old else replace(node, **{name: new})  # type: ignore[type-var]  # a node of the tree

    def _each(self, items: tuple[Item, ...], work: Callable[[Item], Item]) -> tuple[Item, ...]:
        made = tuple(map(work, items))
        return items if all(new is old for new, old in zip(made, items)) else made

    def _maybe(self, expr: tree.Expr | None) -> tree.Expr | None:
        return None if expr is None else self.write(expr, _NONE, 0)

    def _title(self, title: str | None) -> str | None:
        """Braces that use a macro are written out in the text; what cannot be read is told by who reads titles."""
        if title is None or "{" not in title or not self.shared:
            return title
        made, changed = "", False
        for text, is_expression in pieces_of(title):
            expr = title_expression(text, self.tree) if is_expression else None
            new = None if expr is None else self.write(expr, _NONE, 0)
            changed |= new is not expr
            made += f"{{{text if new is expr or new is None else show(new)}}}" if is_expression else text
        return made if changed else title

    # ------------------------------------------------------------ expressions

    def write(self, expr: tree.Expr, arguments: Arguments, depth: int) -> tree.Expr:
        """The expression with macros and lists written out, and `arguments` in the place of parameters.

        raises  _TooBig
        """
        self.parts += 1
        if self.parts > MOST_PARTS:
            raise _TooBig(expr.span, f"with its macros written out this rule has more than {MOST_PARTS:,} parts")
        if depth > 4 * DEEPEST:
            raise _TooBig(expr.span, f"macros are used inside of each other more than {DEEPEST} levels deep")

        def go(part: tree.Expr) -> tree.Expr:
            return self.write(part, arguments, depth + 1)

        match expr:
            case tree.Const() | tree.Duration() | tree.Size():
                return expr
            case tree.Path():
                return self._path(expr, arguments)
            case tree.Call():
                return self._call(expr, arguments, depth)
            case tree.In():
                return self._in(expr, go)
            case tree.Member(base=base) | tree.Index(base=base):
                new = go(base)
                if isinstance(new, tree.Path) and isinstance(expr, tree.Member):
                    return tree.Path(expr.span, (*new.parts, expr.name))
                return expr if new is base else replace(expr, base=new)
            case tree.Lookup(key=key):
                new = go(key)
                return expr if new is key else replace(expr, key=new)
            case tree.Unary(operand=operand) | tree.IsNull(operand=operand):
                new = go(operand)
                return expr if new is operand else replace(expr, operand=new)
            case tree.Binary(left=left, right=right):
                a, b = go(left), go(right)
                return expr if a is left and b is right else replace(expr, left=a, right=b)
            case tree.Logic(op=op, operands=operands):
                made = self._each(operands, go)
                return expr if made is operands else replace(expr, operands=_flat(op, made))
            case tree.Between(operand=operand, low=low, high=high):
                new, least, most = go(operand), go(low), go(high)
                same = new is operand and least is low and most is high
                return expr if same else replace(expr, operand=new, low=least, high=most)
            case tree.ListOf(items=items):
                made = self._each(items, go)
                return expr if made is items else replace(expr, items=made)
            case tree.Seen(values=values):
                made = self._each(values, go)
                return expr if made is values else replace(expr, values=made)
            case tree.Baseline(aggregate=aggregate):
                new = go(aggregate)
                return expr if new is aggregate else replace(expr, aggregate=new)
            case _ as never:
                assert_never(never)

    def _path(self, path: tree.Path, arguments: Arguments) -> tree.Expr:
        head, *names = path.parts
        if head not in arguments:
            self.heads.add(head)
            return path
        made = arguments[head]
        for name in names:
            made = (
                tree.Path(made.span, (*made.parts, name)) if isinstance(made, tree.Path) else tree.Member(made.span, made, name)
            )
        return made

    def _call(self, call: tree.Call, arguments: Arguments, depth: int) -> tree.Expr:
        # the `x` of `any(xs, x > 3)` is the item, whatever a parameter is called
        inner = {name: arg for name, arg in arguments.items() if name != "x"} if call.name in ("any", "all") else arguments
        args = tuple(self.write(arg, inner if at else arguments, depth + 1) for at, arg in enumerate(call.args))
        where = None if call.where is None else self.write(call.where, arguments, depth + 1)
        if call.name in self.shared.circles:
            circle = self.shared.circles[call.name]
            self.faults.error("E0242", call.span, f"macro `{call.name}` is defined by itself: {circle}", help="mend the macro")
            return tree.Const(call.span, None)
        macro = self.shared.macros.get(call.name)
        if macro is None:
            same = where is call.where and all(new is old for new, old in zip(args, call.args))
            return call if same else replace(call, args=args, where=where)
        if not self._fits(call, macro):
            return tree.Const(call.span, None)
        return self.write(macro.expr, dict(zip(macro.parameters, args)), depth + 4)

    def _fits(self, call: tree.Call, macro: tree.Macro) -> bool:
        shown = f"{macro.name.text}({', '.join(macro.parameters)})"
        place = ((macro.name.span, "declared here"),)
        if call.where is not None:
            message = f"`{call.name}` is a macro and takes no `where`"
            self.faults.error("E0306", call.where.span, message, help=f"write `{shown}`", labels=place)
            return False
        wanted, given = len(macro.parameters), len(call.args)
        if wanted == given:
            return True
        message = f"`{call.name}` takes {wanted} argument{'' if wanted == 1 else 's'}, not {given}"
        self.faults.error("E0306", call.span, message, help=f"the macro is `{shown}`", labels=place)
        return False

    # ------------------------------------------------------------ lists

    def _in(self, expr: tree.In, go: Callable[[tree.Expr], tree.Expr]) -> tree.Expr:
        operand, items = go(expr.operand), self._each(expr.items, go)
        if expr.named is None:
            return expr if operand is expr.operand and items is expr.items else replace(expr, operand=operand, items=items)
        found = self.shared.lists.get(expr.named)
        if found is None:
            self._unknown_list(expr, expr.named)
            return tree.Const(expr.span, None)
        self.lists.append(expr)
        return tree.In(expr.span, operand, found.items, expr.negated)

    def _unknown_list(self, expr: tree.In, name: str) -> None:
        span = expr.span
        end = Span(span.file, span.end_line, max(1, span.end_col - len(name)), span.end_line, span.end_col)
        lists = self.shared.lists
        near = did_you_mean(name, lists, " ").strip() if lists else ""
        help = near or f'declare it: `list {name}: ["a", "b"]`; of a table write `in table {name}`'
        self.faults.error("E0240", end, f"no list is called `{name}`", help=help, fix=rename(end, name, lists))

    def _check_lists(self) -> None:
        """A name that is a list and, in this rule, something else too."""
        for expr in self.lists:
            name = expr.named or ""
            what = self._other_meaning(name)
            if what:
                place = ((self.shared.lists[name].name.span, "the list is declared here"),)
                help = "give the list another name"
                self.faults.error("E0241", expr.span, f"`{name}` is a list and {what}", help=help, labels=place)

    def _other_meaning(self, name: str) -> str:
        if any(let.name == name for let in self.tree.lets):
            return "a `let` of this rule"
        selects = _selects(self.tree)
        if any(select.label == name for select in selects):
            return "a step of this rule"
        for select in selects:
            if name in self.shared.schemas.get(select.type, {}):
                return f"a field of `{select.type}`"
        return "a field that this rule reads" if name in self.heads else ""


def _selects(rule: tree.Rule) -> Sequence[tree.Select]:
    return rule.body.where if isinstance(rule.body, tree.MatchClause) else (rule.body.select,)


def _flat(op: str, operands: Iterable[tree.Expr]) -> tuple[tree.Expr, ...]:
    """`and` inside of `and` is one, as the parser makes it."""
    made: list[tree.Expr] = []
    for operand in operands:
        made.extend(operand.operands if isinstance(operand, tree.Logic) and operand.op == op else (operand,))
    return tuple(made)
