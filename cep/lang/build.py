"""Makes patterns, clauses and tests while the parser runs: one method per rule of the grammar, named as the grammar names it.

Rules and tests leave here as lists of clauses, in the order written; `cep.lang.assemble` puts them together.
"""

from __future__ import annotations

import dataclasses
import itertools
from typing import Any

from cep.errors import Span
from cep.lang import literals, tree
from cep.lang.build_expressions import ExpressionBuilder
from cep.lang.declared import unknown_kind
from cep.lang.lalr import Token
from cep.lang.pieces import Block, Clause, Emit, Listing, Mode, Word


class Builder(ExpressionBuilder):
    """Callbacks of the parser for everything that is not an expression."""

    # ------------------------------------------------------------ patterns

    def pattern(self, first: tree.Part, *rest: Any) -> tree.Sequence:
        parts, arrows = (first, *rest[1::2]), rest[0::2]
        span = first.span.to(parts[-1].span)
        return self._deep(tree.Sequence(span, parts, arrows), span, *parts)

    def arrow(self, sign: Token) -> tree.Arrow:
        return tree.Arrow(self._at(sign), sign.text)  # type: ignore[arg-type]  # the grammar admits no other

    def arrow_from_to(self, sign: Token, *rest: Any) -> tree.Arrow:
        least, most = (part for part in rest if isinstance(part, tree.Duration))
        return self._bounded(sign, least, most, rest[-1])

    def arrow_from(self, sign: Token, *rest: Any) -> tree.Arrow:
        return self._bounded(sign, rest[1], None, rest[-1])

    def arrow_to(self, sign: Token, *rest: Any) -> tree.Arrow:
        return self._bounded(sign, None, rest[2], rest[-1])

    def _bounded(self, sign: Token, least: tree.Duration | None, most: tree.Duration | None, end: Token) -> tree.Arrow:
        span = self._at(sign).to(self._at(end))
        if least is not None and most is not None and most.us < least.us:
            low, high = literals.show_duration(most.us), literals.show_duration(least.us)
            self._fault("E0114", f"at least {high} and at most {low} cannot both hold", span, help=f"write {sign}[{low}..{high}]")
        return tree.Arrow(span, sign.text, least.us if least else None, most.us if most else None)  # type: ignore[arg-type]  # as above

    def step(self, label: Word, repeat: tree.Repeat | None = None) -> tree.Step:
        return tree.Step(label.span if repeat is None else label.span.to(repeat.span), label.text, False, repeat)

    def negated_step(self, bang: Token, label: Word) -> tree.Step:
        return tree.Step(self._at(bang).to(label.span), label.text, True)

    def step_group(self, start: Token, body: tree.Sequence, *rest: Any) -> tree.Group:
        within = next((part for part in rest if isinstance(part, tree.Within)), None)
        repeat = rest[-1] if isinstance(rest[-1], tree.Repeat) else None
        end = next(self._at(part) for part in rest if isinstance(part, Token) and part.type == "RPAR")
        span = self._at(start).to(repeat.span if repeat else end)
        return self._deep(tree.Group(span, body, within, repeat), span, body)

    def choice(self, *options: Any) -> tree.Choice:
        span = options[0].span.to(options[-1].span)
        return self._deep(tree.Choice(span, options), span, *options)

    def all_of(self, start: Token, *rest: Any) -> tree.AnyOrder:
        return self._any_order(start, rest, None)

    def some_of(self, number: Token, *rest: Any) -> tree.AnyOrder:
        return self._any_order(number, rest[1:], self._literal(number, literals.read_integer, "E0107", 1))

    def _any_order(self, start: Token, rest: tuple[Any, ...], count: int | None) -> tree.AnyOrder:
        words, span = rest[:-1], self._at(start).to(self._at(rest[-1]))
        self._distinct(list(words), "this part of the pattern")
        if count is not None and not 1 <= count <= len(words):
            help = f"write a number from 1 to {len(words)}"
            self._fault("E0114", f"{count} of {len(words)} steps", self._at(start), help=help)
        return tree.AnyOrder(span, tuple(tree.Name(word.span, word.text) for word in words), count)

    def passes(self, quantifier: tree.Quantifier, *rest: Any) -> tree.Repeat:
        end = quantifier.span
        inner: tree.ArrowKind = "->"
        gap: int | None = None
        until: str | None = None
        for part in rest:
            if isinstance(part, Token):  # the `?` of a lazy one
                end = self._at(part)
                span = quantifier.span.to(end)
                quantifier = tree.Quantifier(span, quantifier.min, quantifier.max, True)
            elif isinstance(part, tree.Arrow):
                inner, end = part.kind, part.span
            elif isinstance(part, tree.Duration):
                gap, end = part.us, part.span
            else:
                until, end = part.text, part.span
        return tree.Repeat(quantifier.span.to(end), quantifier, inner, gap, until)

    def inner(self, start: Token, sign: Token, end: Token) -> tree.Arrow:
        return tree.Arrow(self._at(start).to(self._at(end)), sign.text)  # type: ignore[arg-type]  # as above

    def gap(self, word: Token, token: Token) -> tree.Duration:
        return tree.Duration(self._at(word).to(self._at(token)), self.duration(token).us)

    def stop(self, word: Token, label: Word) -> Word:
        return label

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
        span = self.place.span(low.start_pos - 1, end.end_pos)
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
        return Word(word.text, self._at(word)) if isinstance(word, Token) else word

    def meta_pair(self, name: Word, text: Word) -> tuple[Word, Word]:
        return name, text

    def select(self, type_name: Word, *rest: Any) -> tree.Select:
        return self._select("", type_name.span, type_name, rest)

    def labelled(self, label: Word, type_name: Word, *rest: Any) -> tree.Select:
        return self._select(label.text, label.span, type_name, rest)

    def _select(self, label: str, start: Span, type_name: Word, rest: tuple[Any, ...]) -> tree.Select:
        where = rest[1] if rest else None
        return tree.Select(start.to(where.span if where else type_name.span), label, type_name.text, where)

    def within(self, *parts: Any) -> tree.Within:
        """A duration and `exclusive`, a number and `events`, with `and` between them; in either order."""
        words = {part.type: part for part in parts if isinstance(part, Token)}
        us = next((part.us for part in parts if isinstance(part, tree.Duration)), None)
        events = self._events(words["INT"]) if "INT" in words else None
        first, last = (part.span if isinstance(part, tree.Duration) else self._at(part) for part in (parts[0], parts[-1]))
        return tree.Within(first.to(last), us, "EXCLUSIVE" in words, events)

    def _events(self, number: Token) -> int:
        """Of `within 200 events` and `over 100 events`."""
        return self._count(number, "events are counted from 1 on")

    def _count(self, number: Token, why: str, most: int | None = None) -> int:
        """A whole number of at least 1, and at most `most`."""
        count = int(self._literal(number, literals.read_integer, "E0107", 1))
        if count < 1 or (most is not None and count > most):
            self._fault("E0107", why, self._at(number), help="write a number in that range" if most else "write 1 or more")
            return 1
        return count

    def sliding(self, duration: tree.Duration) -> tree.Over:
        return tree.Over(duration.span, duration.us)

    def hopping(self, duration: tree.Duration, word: Token, every: tree.Duration, zone: Word | None = None) -> tree.Over:
        span = duration.span.to(zone.span if zone else every.span)
        return tree.Over(span, duration.us, every.us, zone=zone.text if zone else None)

    def last_events(self, number: Token, word: Token) -> tree.Over:
        return tree.Over(self._at(number).to(self._at(word)), 0, events=self._events(number))

    def zone(self, word: Token, text: Word) -> Word:
        return text

    def per(self, duration: tree.Duration, zone: Word | None = None) -> tree.Per:
        return tree.Per(duration.span.to(zone.span) if zone else duration.span, duration.us, zone.text if zone else None)

    def session(self, word: Token, gap: tree.Duration, *most: Any) -> tree.Session:
        span = self._at(word).to(most[1].span if most else gap.span)
        return tree.Session(span, gap.us, most[1].us if most else None)

    def bucket(self, size: Token, word: Token, leak: Token, per: Token, duration: tree.Duration) -> tree.Bucket:
        span = self._at(size).to(duration.span)
        return tree.Bucket(span, self._count(size, "a bucket holds 1 or more"), self._count(leak, "1 or more leak"), duration.us)

    def expect(self, *rest: Any) -> tree.Expect:
        names = tuple(word for word in itertools.takewhile(lambda part: not isinstance(part, Token), rest))
        table, *where = [part for part in rest[len(names) :] if not isinstance(part, Token)]
        self._distinct(list(names), "`expect`")
        span = names[0].span.to((where[0] if where else table).span)
        return tree.Expect(span, tuple(word.text for word in names), table.text, where[0] if where else None)

    def unless(self, source: Token, silent: Token) -> Word:
        return Word("source silent", self._at(source).to(self._at(silent)))

    def pick(self, word: Token, *limit: Token) -> tuple[Word, int | None, Span]:
        span = self._at(word).to(self._at(limit[-1])) if limit else self._at(word)
        return self._as_word(word), self._count(limit[1], "a limit is 1 or more") if limit else None, span

    def skip_none(self, *words: Token) -> tree.AfterMatch:
        return tree.AfterMatch(self._at(words[0]).to(self._at(words[-1])), "none")

    def skip_to_next(self, *words: Token) -> tree.AfterMatch:
        return tree.AfterMatch(self._at(words[0]).to(self._at(words[-1])), "next")

    def skip_past_last(self, *words: Token) -> tree.AfterMatch:
        return tree.AfterMatch(self._at(words[0]).to(self._at(words[-1])), "past last")

    def skip_to_step(self, skip: Token, to: Token, end: Token, label: Word) -> tree.AfterMatch:
        return tree.AfterMatch(self._at(skip).to(label.span), end.text, label.text)  # type: ignore[arg-type]  # "first" or "last"

    def suppress(self, same: Token, *rest: Any) -> tree.Suppress:
        names, duration = rest[:-2], rest[-1]
        self._distinct(list(names), "`suppress`")
        return tree.Suppress(self._at(same).to(duration.span), tuple(word.text for word in names), duration.us)

    def budget(self, number: Token, runs: Token, *full: Token) -> tuple[int, Word | None, Span]:
        span = self._at(number).to(self._at(full[-1] if full else runs))
        return self._count(number, "a budget is 1 or more"), self._as_word(full[-1]) if full else None, span

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
        return self._clause(start.text, start, self._as_word(word))

    severity = fire_clause = then_clause = _word_clause

    def fragment_mode(self, word: Token, *share: Token) -> Mode:
        end = self._at(share[-1]) if share else self._at(word)
        percent = self._count(share[0], "a share is 1% to 100%", 100) if share else None
        return Mode(self._as_word(word), self._at(word).to(end), percent)

    def mode(self, start: Token, *rest: Token) -> Clause:
        return self._clause("mode", start, self.fragment_mode(*rest))

    def _value_clause(self, start: Token, value: Any) -> Clause:
        return self._clause(start.text, start, value)

    tags = description = by_clause = from_clause = within_clause = when_clause = once_clause = suppress_clause = _value_clause
    over_clause = per_clause = session_clause = bucket_clause = for_clause = until_clause = _value_clause
    expect_clause = unless_clause = to_clause = _value_clause

    def pick_clause(self, start: Token, value: tuple[Word, int | None, Span]) -> Clause:
        return self._clause("pick", start, value, value[2])

    def budget_clause(self, start: Token, value: tuple[int, Word | None, Span]) -> Clause:
        return self._clause("budget", start, value, value[2])

    def after_clause(self, start: Token, match: Token, value: tree.AfterMatch) -> Clause:
        return self._clause("after", start, value)

    def resolve_clause(self, start: Token, when: Token, value: tree.Select) -> Clause:
        return self._clause("resolve", start, value)

    def emit_clause(self, start: Token, fields: Listing) -> Clause:
        return self._clause("emit", start, Emit(fields.items, fields.span))

    def rows_clause(self, start: Token, rows: Token, fields: Listing) -> Clause:
        return self._clause("emit", start, Emit(fields.items, fields.span, True))

    def timeout_clause(self, start: Token, *rest: Any) -> Clause:
        return self._clause("timeout", start, Emit(rest[-1].items, rest[-1].span))

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
        digits = times.text[1:]
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
        return Clause("expect", span, tree.ExpectAlerts(span, number, at.us if at else None, checks.items if checks else ()))

    expect_at = expect_alerts

    def expect_resolves(self, start: Token, count: Token, resolve: Token, *rest: Any) -> Clause:
        made = self.expect_alerts(start, count, resolve, *rest)
        return Clause("expect", made.span, dataclasses.replace(made.value, resolves=True))

    expect_resolves_at = expect_resolves

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
        return tree.Check(field.span.to(value.span), field.text, op.text, value.items[0])  # type: ignore[arg-type]  # the grammar admits no other

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

    # ------------------------------------------------------------ what rules share

    def macro_block(self, start: Token, name: Word, *rest: Any) -> tree.Macro:
        parameters, expr = rest[:-1], rest[-1]
        named, words = self.fragment_macro(name, *parameters)
        return tree.Macro(self._at(start).to(expr.span), named, words, expr)

    def fragment_macro(self, name: Word, *parameters: Word) -> tuple[tree.Name, tuple[str, ...]]:
        self._distinct(list(parameters), f"the parameters of `{name.text}`")
        return tree.Name(name.span, name.text), tuple(word.text for word in parameters)

    def list_block(self, start: Token, name: Word, *rest: Any) -> tree.ListBlock:
        items = rest[1:-1]
        return tree.ListBlock(self._at(start).to(self._at(rest[-1])), tree.Name(name.span, name.text), items)

    def minus_const(self, minus: Token, token: Token) -> tree.Const:
        made = self.integer(token) if token.type == "INT" else self.real(token)
        return tree.Const(self._at(minus).to(made.span), -made.value)  # type: ignore[operator]  # a number

    def table_block(self, start: Token, name: Word, word: Token, file: Word, key: Token, column: Word) -> tree.TableBlock:
        return tree.TableBlock(self._at(start).to(column.span), tree.Name(name.span, name.text), file.text, column.text)

    def schema_block(self, start: Token, kind: Word, *rest: Any) -> tree.SchemaBlock:
        pairs = rest[:-1]
        self._distinct([path for path, _ in pairs], "the schema")
        fields = tuple((path.text, word.text) for path, word in pairs)
        spans = tuple(path.span.to(word.span) for path, word in pairs)
        return tree.SchemaBlock(self._at(start).to(self._at(rest[-1])), tree.Name(kind.span, kind.text), fields, spans)

    def schema_field(self, path: Word, token: Token) -> tuple[Word, Word]:
        word = self._as_word(token)
        self._faults_of_kind(word)
        return path, word

    def _faults_of_kind(self, word: Word) -> None:
        fault = unknown_kind(word)
        if fault is not None:
            self.faults.append(fault)

    # ------------------------------------------------------------ fragments with an optional bound

    def fragment_when(self, expr: tree.Expr, *clauses: Clause) -> tuple[tree.Expr, tuple[Clause, ...]]:
        return expr, clauses

    def fragment_absent(self, select: tree.Select, *bound: Any) -> tuple[tree.Select, tree.Duration | None]:
        return select, bound[1] if bound else None
