"""Makes expressions while the parser runs: one method per rule of the grammar, named as the grammar names it.

What is well formed and still wrong (half a character, a duration of a thousand years) is kept as a fault and parsing goes on.
`cep.lang.build` goes on with patterns, clauses and tests.
"""

from __future__ import annotations

from typing import Any, TypeVar

from cep.errors import Diagnostic, Fix, Span
from cep.lang import literals, tree
from cep.lang.lalr import Token
from cep.lang.literals import LiteralFault
from cep.lang.pieces import Word, part_name
from cep.lang.places import Place

MAX_DEPTH = 64
Made = TypeVar("Made")


class ExpressionBuilder:
    """Callbacks of the parser. `begin` before each parse; `faults` and `comments` are what it found besides the tree."""

    def begin(self, place: Place) -> None:
        self.place, self.span = place, place.span
        self.faults: list[Diagnostic] = []
        self.comments: list[Word] = []
        self._depth: dict[int, tuple[int, Any]] = {}  # by id; the node is kept so that no id is used twice
        self._named_lists: dict[int, tuple[tree.ListOf, tuple[tree.KeyPart, ...]]] = {}

    def finish(self) -> list[Diagnostic]:
        """The faults; a list with named items that no `by` has taken is one of them."""
        for listed, parts in self._named_lists.values():
            named = next(part for part in parts if part.name != part_name(part.expr))
            self._fault(
                "E0115", "only the parts of a key are named like this", named.span, f"`{named.name} =` here", "leave the name out"
            )
            del listed
        return self.faults

    def comment(self, token: Token) -> Token:
        self.comments.append(Word(token.text.rstrip(), self._at(token)))
        return token

    # ------------------------------------------------------------ small parts

    def _at(self, token: Token) -> Span:
        return self.span(token.start_pos, token.end_pos)

    def _fault(self, code: str, message: str, span: Span, label: str = "", help: str = "") -> None:
        self.faults.append(Diagnostic(code, message, span, label=label, help=help))

    def _literal(self, token: Token, read: Any, code: str, instead: Any) -> Any:
        """What the token says; a fault and `instead` if it says nothing."""
        try:
            return read(token.text)
        except LiteralFault as fault:
            start = token.start_pos
            span = self._at(token) if fault.end is None else self.place.span(start + fault.at, start + fault.end)
            self._fault(code, fault.message, span, help=fault.mend)
            return instead

    def _deep(self, node: Made, span: Span, *children: Any) -> Made:
        """Count how deep `node` is; the fault is told once, where the limit is met."""
        depth = 1 + max((self._depth[id(child)][0] if id(child) in self._depth else 1 for child in children), default=0)
        self._depth[id(node)] = depth, node
        if depth == MAX_DEPTH + 1:
            self._fault("E0119", f"nested deeper than {MAX_DEPTH} levels", span, help="take parts of it out into `let` clauses")
        return node

    def name(self, token: Token) -> Word:
        return Word(token.text.strip("`"), self._at(token), not token.text.startswith("`"))

    label = label_use = table_name = list_name = name

    def rule_id(self, token: Token) -> tree.Name:
        return tree.Name(self._at(token), token.text.strip("`"))

    rule_name = rule_id

    def text(self, token: Token) -> Word:
        return Word(self._literal(token, literals.read_string, "E0112", ""), self._at(token))

    test_name = staticmethod(lambda text: text)

    def duration(self, token: Token) -> tree.Duration:
        return tree.Duration(self._at(token), self._literal(token, literals.read_duration, "E0106", 1))

    def type_name(self, *parts: Any) -> Word:
        if isinstance(parts[0], Token):  # `rule ID`
            return Word(f"rule {parts[1].text}", self._at(parts[0]).to(parts[1].span))
        return Word(".".join(part.text for part in parts), parts[0].span.to(parts[-1].span))

    field_name = type_name

    # ------------------------------------------------------------ values

    def path(self, word: Word) -> tree.Path:
        meant = literals.SHOUTED.get(word.text)
        if meant and word.bare:
            fix = Fix(word.span, meant)
            help = f"write `{meant}`; a field of that name stands in backquotes"
            self.faults.append(Diagnostic("E0105", f"`{word.text}` is written `{meant}`", word.span, help=help, fix=fix))
        return tree.Path(word.span, (word.text,))

    def integer(self, token: Token) -> tree.Const:
        return tree.Const(self._at(token), self._literal(token, literals.read_integer, "E0107", 1))

    def real(self, token: Token) -> tree.Const:
        return tree.Const(self._at(token), self._literal(token, literals.read_real, "E0107", 1.0))

    time_span = duration

    def size(self, token: Token) -> tree.Size:
        return tree.Size(self._at(token), self._literal(token, literals.read_size, "E0107", 1))

    def text_const(self, token: Token) -> tree.Const:
        return tree.Const(self._at(token), self._literal(token, literals.read_string, "E0112", ""))

    def true(self, token: Token) -> tree.Const:
        return tree.Const(self._at(token), True)

    def false(self, token: Token) -> tree.Const:
        return tree.Const(self._at(token), False)

    def null(self, token: Token) -> tree.Const:
        return tree.Const(self._at(token), None)

    def group(self, expr: tree.Expr) -> tree.Expr:
        return expr

    def call(self, word: Word, *rest: Any) -> tree.Call:
        args, end = rest[:-1], rest[-1]
        span = word.span.to(self._at(end))
        return self._deep(tree.Call(span, word.text, tuple(args)), span, *args)

    def filtered_call(self, word: Word, *rest: Any) -> tree.Call:
        args, where, end = rest[:-3], rest[-2], rest[-1]
        span = word.span.to(self._at(end))
        return self._deep(tree.Call(span, word.text, tuple(args), where), span, where, *args)

    def baseline(self, start: Token, aggregate: tree.Expr, *rest: Any) -> tree.Baseline:
        _, per, _, over, end = rest
        span = self._at(start).to(self._at(end))
        return self._deep(tree.Baseline(span, aggregate, per.us, over.us), span, aggregate)

    def lookup(self, start: Token, table: Word, key: tree.Expr, end: Token) -> tree.Lookup:
        span = self._at(start).to(self._at(end))
        return self._deep(tree.Lookup(span, table.text, key), span, key)

    def list_of(self, start: Token, *rest: Any) -> tree.ListOf:
        items, span = rest[:-1], self._at(start).to(self._at(rest[-1]))
        exprs = tuple(item.expr if isinstance(item, tree.KeyPart) else item for item in items)
        made = tree.ListOf(span, exprs)
        if any(isinstance(item, tree.KeyPart) for item in items):
            parts = tuple(item if isinstance(item, tree.KeyPart) else self.bare_key_part(item) for item in items)
            self._named_lists[id(made)] = made, parts
        return self._deep(made, span, *exprs)

    def named_key_part(self, name: Word, expr: tree.Expr) -> tree.KeyPart:
        return tree.KeyPart(name.span.to(expr.span), name.text, expr)

    named_item = named_key_part

    def bare_key_part(self, expr: tree.Expr) -> tree.KeyPart:
        name = part_name(expr)
        if name is None and not isinstance(expr, tree.ListOf):
            self._fault("E0115", "this part of the key needs a name", expr.span, help="write `NAME =` before it")
        return tree.KeyPart(expr.span, name or "", expr)

    def member(self, base: tree.Expr, word: Word) -> tree.Expr:
        span = base.span.to(word.span)
        if isinstance(base, tree.Path):
            if len(base.parts) == MAX_DEPTH:
                if not any(fault.code == "E0119" for fault in self.faults):
                    self._fault(
                        "E0119", f"a path of more than {MAX_DEPTH} parts", span, help="no event is nested as deep as this"
                    )
                return base
            return tree.Path(span, (*base.parts, word.text))
        return self._deep(tree.Member(span, base, word.text), span, base)

    def index(self, base: tree.Expr, *tokens: Token) -> tree.Index:
        number = self._literal(tokens[-2], literals.read_integer, "E0107", 0)
        span = base.span.to(self._at(tokens[-1]))
        return self._deep(tree.Index(span, base, -number if len(tokens) == 3 else number), span, base)

    # ------------------------------------------------------------ operators

    def binary(self, left: tree.Expr, op: Any, right: tree.Expr) -> tree.Binary:
        span = left.span.to(right.span)
        return self._deep(tree.Binary(span, op.text, left, right), span, left, right)

    def negated_text(self, left: tree.Expr, word: Token, op: Token, right: tree.Expr) -> tree.Unary:
        inner = self.binary(left, op, right)
        return self._deep(tree.Unary(inner.span, "not", inner), inner.span, inner)

    def negative(self, minus: Token, operand: tree.Expr) -> tree.Expr:
        span = self._at(minus).to(operand.span)
        value = operand.value if isinstance(operand, tree.Const) else None
        if isinstance(value, int | float) and not isinstance(value, bool) and not str(value).startswith("-"):
            return tree.Const(span, -value)
        return self._deep(tree.Unary(span, "-", operand), span, operand)

    def negate(self, word: Token, operand: tree.Expr) -> tree.Unary:
        span = self._at(word).to(operand.span)
        return self._deep(tree.Unary(span, "not", operand), span, operand)

    def _logic(self, op: str, children: tuple[Any, ...]) -> tree.Logic:
        operands: list[tree.Expr] = []
        for child in children[::2]:
            operands.extend(child.operands if isinstance(child, tree.Logic) and child.op == op else (child,))
        span = children[0].span.to(children[-1].span)
        return self._deep(tree.Logic(span, op, tuple(operands)), span, *operands)  # type: ignore[arg-type]  # "and" or "or"

    def logic_or(self, *children: Any) -> tree.Logic:
        return self._logic("or", children)

    def logic_and(self, *children: Any) -> tree.Logic:
        return self._logic("and", children)

    def in_list(self, operand: tree.Expr, *rest: Any, negated: bool = False) -> tree.In:
        items, span = rest[1:-1], operand.span.to(self._at(rest[-1]))
        return self._deep(tree.In(span, operand, tuple(items), negated), span, operand, *items)

    def not_in_list(self, operand: tree.Expr, word: Token, *rest: Any) -> tree.In:
        return self.in_list(operand, *rest, negated=True)

    def in_table(self, operand: tree.Expr, *rest: Any, negated: bool = False) -> tree.In:
        span = operand.span.to(rest[-1].span)
        return self._deep(tree.In(span, operand, (), negated, rest[-1].text), span, operand)

    def not_in_table(self, operand: tree.Expr, *rest: Any) -> tree.In:
        return self.in_table(operand, *rest, negated=True)

    def in_named(self, operand: tree.Expr, *rest: Any, negated: bool = False) -> tree.In:
        span = operand.span.to(rest[-1].span)
        return self._deep(tree.In(span, operand, (), negated, None, rest[-1].text), span, operand)

    def not_in_named(self, operand: tree.Expr, *rest: Any) -> tree.In:
        return self.in_named(operand, *rest, negated=True)

    def seen(self, word: Token, *rest: Any) -> tree.Seen:
        values, duration = rest[:-2], rest[-1]
        span = self._at(word).to(duration.span)
        return self._deep(tree.Seen(span, word.text, values, duration.us), span, *values)  # type: ignore[arg-type]  # the grammar admits no other

    def between(self, operand: tree.Expr, *rest: Any, negated: bool = False) -> tree.Between:
        low, high = rest[-3], rest[-1]
        span = operand.span.to(high.span)
        return self._deep(tree.Between(span, operand, low, high, negated), span, operand, low, high)

    def not_between(self, operand: tree.Expr, *rest: Any) -> tree.Between:
        return self.between(operand, *rest, negated=True)

    def is_null(self, operand: tree.Expr, *words: Token) -> tree.IsNull:
        span = operand.span.to(self._at(words[-1]))
        return self._deep(tree.IsNull(span, operand, len(words) == 3), span, operand)

    is_not_null = is_null
