"""Makes patterns, clauses and tests while the parser runs: one method per rule of the grammar, named as the grammar names it.

Rules and tests leave here as lists of clauses, in the order written; `cep.lang.assemble` puts them together.
"""

from __future__ import annotations

from typing import Any, Literal

from lark import Token, v_args

from cep.errors import Span
from cep.lang import literals, tree
from cep.lang.build_expressions import ExpressionBuilder
from cep.lang.pieces import Block, Clause, Listing, Word


@v_args(inline=True)
class Builder(ExpressionBuilder):
    """Callbacks of the parser for everything that is not an expression."""

    # ------------------------------------------------------------ patterns

    def pattern(self, first: tree.Step, *rest: Any) -> tree.Sequence:
        parts, arrows = (first, *rest[1::2]), rest[0::2]
        return tree.Sequence(first.span.to(parts[-1].span), parts, arrows)

    def arrow(self, token: Token) -> tree.Arrow:
        return tree.Arrow(self._at(token), "->" if token == "->" else "=>")

    def step(self, label: Word, quantifier: tree.Quantifier | None = None) -> tree.Step:
        span = label.span if quantifier is None else label.span.to(quantifier.span)
        repeat = None if quantifier is None else tree.Repeat(quantifier.span, quantifier)
        return tree.Step(span, label.text, False, repeat)

    def negated_step(self, bang: Token, label: Word) -> tree.Step:
        return tree.Step(self._at(bang).to(label.span), label.text, True)

    def maybe(self, token: Token) -> tree.Quantifier:
        return tree.Quantifier(self._at(token), 0, 1)

    def some(self, token: Token) -> tree.Quantifier:
        return tree.Quantifier(self._at(token), 1, None)

    def any(self, token: Token) -> tree.Quantifier:
        return tree.Quantifier(self._at(token), 0, None)

    def exactly(self, number: Token, end: Token) -> tree.Quantifier:
        return self._times(number, number, end)

    def at_least(self, low: Token, end: Token) -> tree.Quantifier:
        return self._times(low, None, end)

    def between_times(self, low: Token, high: Token, end: Token) -> tree.Quantifier:
        return self._times(low, high, end)

    def _times(self, low: Token, high: Token | None, end: Token) -> tree.Quantifier:
        span = self.place.span((low.start_pos or 1) - 1, end.end_pos or 0)
        least = self._literal(low, literals.read_integer, "E0107", 1)
        most = None if high is None else self._literal(high, literals.read_integer, "E0107", 1)
        if most is not None and most < least:
            self._fault("E0114", f"at least {least} and at most {most} cannot both hold", span, help=f"write {{{most},{least}}}")
        elif most == 0:
            self._fault("E0114", "a step that is taken no time", span, help="leave the step out, or write `!` before it")
        return tree.Quantifier(span, least, most)

    # ------------------------------------------------------------ pieces of clauses

    def open_words(self, *words: Any) -> Listing:
        made = tuple(self._as_word(word) for word in words)
        return Listing(made, made[0].span.to(made[-1].span))

    def closed_words(self, *words: Any) -> Listing:
        end = self._at(words[-1])
        made = tuple(self._as_word(word) for word in words[:-1])
        return Listing(made, made[0].span.to(end) if made else end)

    def _as_word(self, word: Token | Word) -> Word:
        return Word(str(word), self._at(word)) if isinstance(word, Token) else word

    def meta_pair(self, name: Word, text: Word) -> tuple[Word, Word]:
        return name, text

    def select(self, type_name: Word, *rest: Any) -> tree.Select:
        return self._select("", type_name.span, type_name, rest)

    def labelled(self, label: Word, type_name: Word, *rest: Any) -> tree.Select:
        return self._select(label.text, label.span, type_name, rest)

    def _select(self, label: str, start: Span, type_name: Word, rest: tuple[Any, ...]) -> tree.Select:
        where = rest[1] if rest else None
        return tree.Select(start.to(where.span if where else type_name.span), label, type_name.text, where)

    def within(self, duration: tree.Duration, exclusive: Token | None = None) -> tree.Within:
        span = duration.span if exclusive is None else duration.span.to(self._at(exclusive))
        return tree.Within(span, duration.us, exclusive is not None)

    def once(self, *rest: Any) -> tree.Once:
        per = tuple(item for item in rest[:-1] if not isinstance(item, Token))
        return tree.Once(self._at(rest[0]).to(rest[-1].span), per, rest[-1].us)

    def by_parts(self, *parts: tree.KeyPart) -> tree.By:
        for part in parts:
            if isinstance(part.expr, tree.ListOf):
                self._fault(
                    "E0115", "a list is no part of a key", part.span, help="write the parts without brackets: `by user, host`"
                )
        return tree.By(parts[0].span.to(parts[-1].span), parts)

    def typed_key(self, type_name: Word, part: tree.KeyPart) -> tuple[Word, tuple[tree.KeyPart, ...]]:
        if not isinstance(part.expr, tree.ListOf):
            return type_name, (part,)
        named = self._named_lists.pop(id(part.expr), None)
        parts = named[1] if named else tuple(self.bare_key_part(expr) for expr in part.expr.items)
        if not parts:
            self._fault("E0115", f"no key for `{type_name.text}`", part.span, help="name at least one field")
        return type_name, parts

    def by_types(self, *rest: Any) -> tree.By:
        typed = rest[:-1]
        self._distinct([type_name for type_name, _ in typed], "the key map")
        types = tuple((type_name.text, parts) for type_name, parts in typed)
        return tree.By(typed[0][0].span.to(self._at(rest[-1])), (), types)

    def _distinct(self, words: list[Word], where: str) -> None:
        """Fault every name that an earlier one of the same map has taken."""
        seen: dict[str, Word] = {}
        for word in words:
            if word.text in seen:
                self._fault("E0117", f"`{word.text}` stands twice in {where}", word.span, "here again", "keep one of the two")
            seen.setdefault(word.text, word)

    def named_emit_item(self, name: Word, expr: tree.Expr) -> tree.EmitField:
        return tree.EmitField(name.span.to(expr.span), name.text, expr)

    def bare_emit_item(self, expr: tree.Expr) -> tree.EmitField:
        if isinstance(expr, tree.Path):
            return tree.EmitField(expr.span, expr.parts[-1], expr, True)
        like = f": `{expr.name} = ...`" if isinstance(expr, tree.Call) else ""
        self._fault("E0115", "this value needs a name in the alert", expr.span, help=f"write `NAME =` before it{like}")
        return tree.EmitField(expr.span, "", expr)

    def emit_list(self, *items: tree.EmitField) -> Listing:
        return Listing(items, items[0].span.to(items[-1].span))

    # ------------------------------------------------------------ clauses of a rule

    def _clause(self, kind: str, start: Token, value: Any, end: Span | None = None) -> Clause:
        return Clause(kind, self._at(start).to(end or value.span), value)

    def title(self, *rest: Any) -> Clause:
        start = self._at(rest[0]) if len(rest) == 2 else rest[0].span
        return Clause("title", start.to(rest[-1].span), rest[-1])

    def _word_clause(self, start: Token, word: Token) -> Clause:
        return self._clause(str(start), start, self._as_word(word))

    severity = mode = fire_clause = then_clause = _word_clause

    def _value_clause(self, start: Token, value: Any) -> Clause:
        return self._clause(str(start), start, value)

    tags = description = by_clause = from_clause = within_clause = over_clause = when_clause = once_clause = _value_clause
    to_clause = emit_clause = _value_clause

    def meta(self, start: Token, *rest: Any) -> Clause:
        self._distinct([name for name, _ in rest[:-1]], "meta")
        return self._clause("meta", start, rest[:-1], self._at(rest[-1]))

    def match_clause(self, start: Token, pattern: tree.Sequence) -> Clause:
        return self._clause("match", start, pattern)

    def where_clause(self, start: Token, *selects: tree.Select) -> Clause:
        return self._clause("where", start, selects, selects[-1].span)

    def absent_clause(self, start: Token, select: tree.Select, word: Token, duration: tree.Duration) -> Clause:
        return self._clause("absent", start, (select, duration), duration.span)

    def let_clause(self, start: Token, label: Word, expr: tree.Expr) -> Clause:
        let = tree.Let(self._at(start).to(expr.span), label.text, expr)
        return self._clause("let", start, let)

    def rule_block(self, start: Token, name: tree.Name, *clauses: Clause) -> Block:
        end = clauses[-1].span if clauses else name.span
        return Block("rule", name, self._at(start).to(end), clauses, self._at(start).to(name.span))

    # ------------------------------------------------------------ clauses of a test

    def test_block(self, start: Token, name: tree.Name, *rest: Any) -> Block:
        end = rest[-1].span if rest else name.span
        clauses = tuple(item if isinstance(item, Clause) else Clause("name", item.span, item) for item in rest)
        head = self._at(start).to(clauses[0].span if clauses and clauses[0].kind == "name" else name.span)
        return Block("test", name, self._at(start).to(end), clauses, head)

    def repeat(self, times: Token, every_word: Token | None = None, every: tree.Duration | None = None) -> tuple[int, int, Span]:
        digits = str(times)[1:]
        count = int(digits) if len(digits) < 7 else 0
        if not 1 <= count <= 100_000:
            self._fault("E0107", "an event is repeated 1 to 100,000 times", self._at(times), help="write a number in that range")
            count = 1
        return count, every.us if every else 0, every.span if every else self._at(times)

    def given(self, start: Token, at: Token, type_name: Word, *rest: Any) -> Clause:
        event: dict[str, Any] = {}
        end = type_name.span
        repeat, every_us = 1, 0
        for item in rest:
            if isinstance(item, Listing):
                event, end = item.items[0], item.span
            else:
                repeat, every_us, end = item
        if "type" in event:
            self._fault(
                "E0117", "the type of the event is told twice", end, help="it stands before the braces: leave `type` out of them"
            )
        span = self._at(start).to(end)
        return Clause("given", span, tree.Given(span, self.duration(at).us, type_name.text, event, repeat, every_us))

    def expect_alerts(self, start: Token, count: Token, alert: Token, *rest: Any) -> Clause:
        at = next((item for item in rest if isinstance(item, tree.Duration)), None)
        checks = next((item for item in rest if isinstance(item, Listing)), None)
        end = checks.span if checks else at.span if at else self._at(alert)
        number = self._literal(count, literals.read_integer, "E0107", 1)
        span = self._at(start).to(end)
        transition: Literal["opened", "resolved"] = "resolved" if alert.startswith("resolve") else "opened"
        claims = checks.items if checks else ()
        return Clause("expect", span, tree.ExpectAlerts(span, number, at.us if at else None, claims, transition))

    expect_at = expect_alerts

    def expect_nothing(self, start: Token, nothing: Token, until: tree.Duration | None = None) -> Clause:
        span = self._at(start).to(until.span if until else self._at(nothing))
        return Clause("expect", span, tree.ExpectNothing(span, until.us if until else None))

    expect_nothing_until = expect_nothing

    def until_line(self, start: Token, until: tree.Duration) -> Clause:
        return self._clause("until", start, until)

    def checks(self, *rest: Any) -> Listing:
        items = tuple(item for item in rest if isinstance(item, tree.Check))
        return Listing(items, items[0].span.to(items[-1].span))

    def check(self, field: Word, op: Token, value: Listing) -> tree.Check:
        return tree.Check(field.span.to(value.span), field.text, str(op), value.items[0])  # type: ignore[arg-type]  # the grammar admits no other

    # ------------------------------------------------------------ plain data: Listing((value,), where)

    def _plain(self, value: Any, span: Span, *children: Listing) -> Listing:
        return self._deep(Listing((value,), span), span, *children)

    def object(self, start: Token, *rest: Any) -> Listing:
        pairs, span = rest[:-1], self._at(start).to(self._at(rest[-1]))
        self._distinct([word for word, _ in pairs], "the object")
        return self._plain({word.text: value.items[0] for word, value in pairs}, span, *(value for _, value in pairs))

    def pair(self, word: Word, value: Listing) -> tuple[Word, Listing]:
        return word, value

    def array(self, start: Token, *rest: Any) -> Listing:
        span = self._at(start).to(self._at(rest[-1]))
        return self._plain([value.items[0] for value in rest[:-1]], span, *rest[:-1])

    def plain_text(self, token: Token) -> Listing:
        return self._plain(self._literal(token, literals.read_string, "E0112", ""), self._at(token))

    def plain_integer(self, token: Token) -> Listing:
        return self._plain(self._literal(token, literals.read_integer, "E0107", 1), self._at(token))

    def plain_real(self, token: Token) -> Listing:
        return self._plain(self._literal(token, literals.read_real, "E0107", 1.0), self._at(token))

    def minus_integer(self, minus: Token, token: Token) -> Listing:
        return self._plain(-self.plain_integer(token).items[0], self._at(minus).to(self._at(token)))

    def minus_real(self, minus: Token, token: Token) -> Listing:
        return self._plain(-self.plain_real(token).items[0], self._at(minus).to(self._at(token)))

    def plain_true(self, token: Token) -> Listing:
        return self._plain(True, self._at(token))

    def plain_false(self, token: Token) -> Listing:
        return self._plain(False, self._at(token))

    def plain_null(self, token: Token) -> Listing:
        return self._plain(None, self._at(token))

    # ------------------------------------------------------------ fragments with an optional bound: (value, duration or None)

    def fragment_when(self, expr: tree.Expr, *over: Any) -> tuple[tree.Expr, tree.Duration | None]:
        return expr, over[1] if over else None

    def fragment_absent(self, select: tree.Select, *bound: Any) -> tuple[tree.Select, tree.Duration | None]:
        return select, bound[1] if bound else None
