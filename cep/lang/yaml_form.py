"""YAML to the same tree as the text form: a rule is a map, its values are fragments of the grammar."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from cep.errors import Diagnostic, Span
from cep.lang import tree
from cep.lang.assemble import assemble_rule, assemble_test, in_file_order
from cep.lang.blocks import MAX_BLOCKS, too_many
from cep.lang.comments import attach, yaml_comments
from cep.lang.declared import KEYS, block_of, distinct, in_kind_order
from cep.lang.pieces import Block, Clause, Emit, Listing, Word
from cep.lang.places import Lines
from cep.lang.yaml_declarations import YamlDeclarations
from cep.lang.yaml_nodes import Items, Mapping, Node, Scalar, compose
from cep.lang.yaml_reader import YamlReader
from cep.lang.yaml_tests import YamlTests

RULE_KEYS = (
    "rule", "severity", "title", "tags", "description", "meta", "mode", "by", "match", "from", "absent", "where", "expect",
    "unless", "within", "pick", "after match", "when", "over", "per", "session", "bucket", "for", "until", "resolve when", "fire",
    "then", "let", "emit", "emit rows", "on timeout emit", "once", "suppress", "budget", "to", "tests",
)  # fmt: skip
FILE_KEYS = ("rules", "tests", *KEYS)
_KINDS = {"after match": "after", "resolve when": "resolve", "emit rows": "emit", "on timeout emit": "timeout"}


def parse_yaml(source: str, path: str, tests_of: str | None = None) -> tuple[tree.File, list[Diagnostic]]:
    """The rules and tests of a YAML file, without those that have faults; and the faults, in the order of the file.

    tests_of  the file holds only tests; those that name no rule are of this one
    """
    lines = Lines(path, source)
    reader = _RuleReader(lines, tests_of)
    composed = compose(lines, reader.faults)
    for document in composed.documents:
        if len(reader.rules) + len(reader.tests) > MAX_BLOCKS:
            reader.faults.append(too_many(lines, document.start))
            break
        reader.document(document)
    declarations = in_kind_order(distinct(reader.declarations, reader.faults))
    reader.faults.sort(key=lambda fault: fault.span)
    ordered = in_file_order([rule for rule, _ in reader.rules], [test for test, _ in reader.tests])
    place = {id(test): at for at, test in enumerate(ordered)}
    owners = [(("rule", at), block) for at, (_, block) in enumerate(reader.rules)]
    owners += [(("test", place[id(test)]), block) for test, block in reader.tests]
    owners += [(("declaration", at), block_of(declaration)) for at, declaration in enumerate(declarations)]
    kept = attach(owners, yaml_comments(lines, composed.scalars, reader.comments), lines)
    rules = tuple(rule for rule, _ in reader.rules)
    return tree.File(lines.span(0, len(source)), path, rules, ordered, kept, declarations), reader.faults


class _RuleReader(YamlReader):
    def __init__(self, lines: Lines, tests_of: str | None) -> None:
        super().__init__(lines)
        self.tests_of = tests_of
        self.rules: list[tuple[tree.Rule, Block]] = []
        self.tests: list[tuple[tree.RuleTest, Block]] = []
        self.declarations: list[tree.Declaration] = []

    # ------------------------------------------------------------ documents

    def document(self, node: Node) -> None:
        """One rule; a list of rules; `rules:` and `tests:`; or only tests."""
        if isinstance(node, Scalar) and node.style == "" and node.value == "":
            return
        if isinstance(node, Items):
            for item in node.items:
                if self.tests_of is None:
                    self._rule_item(item)
                else:
                    self._test(item, self._default_rule())
        elif isinstance(node, Mapping):
            if "rule" in node.keys:
                self._rule(node)
            elif any(key in node.keys for key in FILE_KEYS):
                self._lists(node)
            else:
                self._fault_no_rule(node)
        else:
            self.fault("E0133", "a file of rules holds maps", self.caret(node), help="begin with `rule: ID`")

    def _rule_item(self, item: Node) -> None:
        if isinstance(item, Mapping) and "rule" in item.keys:
            self._rule(item)
        elif isinstance(item, Mapping):
            self._fault_no_rule(item)
        else:
            self.wrong_shape("rules", item, "a map that begins with `rule: ID`")

    def _fault_no_rule(self, node: Mapping) -> None:
        before = len(self.faults)
        for key, _ in node.pairs:
            if key.value not in RULE_KEYS:
                self.unknown_key(key, (*RULE_KEYS, *FILE_KEYS), "a rule")
        if any(fault.fix and fault.fix.text in ("rule", *FILE_KEYS) for fault in self.faults[before:]):
            return  # only misspelt
        if not any(key.value in RULE_KEYS for key, _ in node.pairs):
            del self.faults[before:]  # no rule at all: its keys say nothing
        self.fault("E0134", "a rule without an ID", self.caret(node), help="begin with `rule: ID`")

    def _lists(self, node: Mapping) -> None:
        for key, value in node.pairs:
            if key.value == "rules":
                for item in self.items("rules", value, "a list of rules"):
                    self._rule_item(item)
            elif key.value == "tests":
                for item in self.items("tests", value, "a list of tests"):
                    self._test(item, self._default_rule())
            elif key.value in KEYS:
                self._declared(key, value)
            else:
                self.unknown_key(key, FILE_KEYS, "a file of rules")

    def _declared(self, key: Scalar, value: Node) -> None:
        before = len(self.faults)
        made = YamlDeclarations(self).read(key, value)
        broken = isinstance(value, Mapping) and value.broken
        self.declarations += made if len(self.faults) == before and not broken else []

    def _default_rule(self) -> tree.Name | None:
        return tree.Name(self.lines.span(0, 0), self.tests_of) if self.tests_of else None

    # ------------------------------------------------------------ a rule

    def _rule(self, node: Mapping) -> None:
        before = len(self.faults)
        named: Word | None = None
        clauses: list[Clause] = []
        tests: Node | None = None
        for key, value in node.pairs:
            if key.value == "rule":
                named = self.word("rule", value)
            elif key.value == "tests":
                tests = value
            elif key.value in RULE_KEYS:
                clauses.extend(self._clause(key, value, node))
            elif key.value not in KEYS:
                self.unknown_key(key, (*RULE_KEYS, *KEYS), "a rule")
        name = tree.Name(named.span, named.text) if named else tree.Name(self.caret(node), "?")
        if named is not None and not _is_id(named.text):
            self.fault(
                "E0123",
                f"`{named.text}` cannot be the ID of a rule",
                named.span,
                help="a letter, then letters, digits, `_`, `-` or `.`",
            )
        head = self.lines.span(node.keys["rule"].start, node.keys["rule"].end)
        if tests is None or clauses:  # else a rule of another file, and its tests
            block = Block("rule", name, self.span(node), tuple(clauses), head.to(name.span))
            rule = assemble_rule(block, self.faults) if len(self.faults) == before else None
            if rule is not None and len(self.faults) == before and not node.broken:
                self.rules.append((rule, block))
        if tests is not None:
            for item in self.items("tests", tests, "a list of tests"):
                self._test(item, name)
        for key, value in node.pairs:
            if key.value in KEYS:
                self._declared(key, value)

    def _test(self, node: Node, rule: tree.Name | None) -> None:
        before = len(self.faults)
        block = YamlTests(self).test(node, rule)
        test = assemble_test(block, self.faults) if block is not None and len(self.faults) == before else None
        broken = isinstance(node, Mapping) and node.broken
        if block is not None and test is not None and len(self.faults) == before and not broken:
            self.tests.append((test, block))

    def _clause(self, key: Scalar, value: Node, rule: Mapping) -> list[Clause]:
        """The clause or clauses that a key stands for; none if it has faults."""
        kind = key.value
        made: Any = getattr(self, f"_{kind.replace(' ', '_')}")(value, rule)
        span = self.lines.span(key.start, max(key.end, value.end))
        if made is None:
            return []
        if kind == "let":
            return [Clause("let", let.span, let) for let in made]
        if kind == "when":
            expr, others = made
            return [Clause("when", span if not others else span.to(expr.span), expr), *others]
        return [Clause(_KINDS.get(kind, kind), span, made)]

    # ------------------------------------------------------------ one method per key: the clause's value, or None

    def _severity(self, value: Node, rule: Mapping) -> Any:
        return self.word("severity", value)

    def _mode(self, value: Node, rule: Mapping) -> Any:
        return self.fragment("mode", "mode", value)

    def _fire(self, value: Node, rule: Mapping) -> Any:
        return self.word("fire", value)

    def _then(self, value: Node, rule: Mapping) -> Any:
        return self.word("then", value)

    def _title(self, value: Node, rule: Mapping) -> Any:
        return self.word("title", value)

    def _description(self, value: Node, rule: Mapping) -> Any:
        return self.word("description", value)

    def _tags(self, value: Node, rule: Mapping) -> Any:
        return Listing(tuple(self.words("tags", value)), self.span(value))

    def _to(self, value: Node, rule: Mapping) -> Any:
        return Listing(tuple(self.words("to", value)), self.span(value))

    def _meta(self, value: Node, rule: Mapping) -> Any:
        pairs = self.mapping("meta", value, "a map of words")
        words = [(Word(key.value, self.span(key)), self.word(f"meta.{key.value}", item)) for key, item in pairs]
        return tuple((key, word) for key, word in words if word is not None)

    def _by(self, value: Node, rule: Mapping) -> Any:
        if isinstance(value, Mapping):
            types = tuple((self.name(key).text, self._key_parts(f"by.{key.value}", item)) for key, item in value.pairs)
            if not types:
                self.wrong_shape("by", value, "a key for each event type")
            return tree.By(self.span(value), (), types)
        return tree.By(self.span(value), self._key_parts("by", value))

    def _key_parts(self, key: str, value: Node) -> tuple[tree.KeyPart, ...]:
        if isinstance(value, Items):
            parts = tuple(part for item in value.items if (part := self.fragment("key_part", key, item)) is not None)
            if not value.items:
                self.wrong_shape(key, value, "at least one field")
            for part in parts:
                if isinstance(part.expr, tree.ListOf):
                    self.fault("E0115", "a list is no part of a key", part.span, help="write the parts in one list: [user, host]")
            return parts
        found = self.fragment("by", key, value)
        if found is None:
            return ()
        if found.types:
            self.fault(
                "E0133",
                f"`{key}` asks for a key, not a map in text",
                found.span,
                help="write the map as YAML: `by: {TYPE: FIELD}`",
            )
        return tuple(found.parts)

    def _match(self, value: Node, rule: Mapping) -> Any:
        return self.fragment("pattern", "match", value)

    def _from(self, value: Node, rule: Mapping) -> Any:
        select = self.fragment("select", "from", value)
        return select and self._with_where(select, rule)

    def _absent(self, value: Node, rule: Mapping) -> Any:
        found = self.fragment("absent", "absent", value)
        if found is None:
            return None
        select, duration = found
        if "for" in rule.keys:
            bound = self.fragment("duration", "for", _value(rule, "for"))
            if duration is not None:
                self.fault("E0109", "`for` stands twice", self.span(rule.keys["for"]), help="keep one of the two")
            duration = bound
            if bound is None:
                return None
        if duration is None:
            self.fault(
                "E0134", "`absent` needs `for`", self.span(rule.keys["absent"]), help="say how long it may be silent: `for: 5m`"
            )
            return None
        return self._with_where(select, rule), duration

    def _for(self, value: Node, rule: Mapping) -> Any:
        return None if "absent" in rule.keys else self.fragment("duration", "for", value)  # of `absent`: `_absent` takes it

    def _where(self, value: Node, rule: Mapping) -> Any:
        if "from" in rule.keys or "absent" in rule.keys:
            return None  # `_with_where` takes it
        pairs = self.mapping("where", value, "a map of steps: `STEP: TYPE where CONDITION`")
        made = []
        for key, item in pairs:
            label, select = self.name(key), self.fragment("select", f"where.{key.value}", item)
            if select is not None:
                made.append(tree.Select(label.span.to(select.span), label.text, select.type, select.where))
        return tuple(made) or None

    def _with_where(self, select: tree.Select, rule: Mapping) -> tree.Select:
        """`from: TYPE` with a `where: CONDITION` beside it."""
        if "where" not in rule.keys:
            return select
        value = _value(rule, "where")
        condition = self.fragment("expression", "where", value)
        if select.where is not None:
            self.fault("E0109", "`where` stands twice", self.span(rule.keys["where"]), help="join the two conditions with `and`")
        return tree.Select(select.span, select.label, select.type, condition)

    def _within(self, value: Node, rule: Mapping) -> Any:
        return self.fragment("within", "within", value)

    def _expect(self, value: Node, rule: Mapping) -> Any:
        return self.fragment("expect", "expect", value)

    def _unless(self, value: Node, rule: Mapping) -> Any:
        return self.fragment("unless", "unless", value)

    def _pick(self, value: Node, rule: Mapping) -> Any:
        return self.fragment("pick", "pick", value)

    def _after_match(self, value: Node, rule: Mapping) -> Any:
        return self.fragment("after", "after match", value)

    def _over(self, value: Node, rule: Mapping) -> Any:
        return self.fragment("over", "over", value)

    def _per(self, value: Node, rule: Mapping) -> Any:
        return self.fragment("per", "per", value)

    def _session(self, value: Node, rule: Mapping) -> Any:
        return self.fragment("session", "session", value)

    def _bucket(self, value: Node, rule: Mapping) -> Any:
        return self.fragment("bucket", "bucket", value)

    def _until(self, value: Node, rule: Mapping) -> Any:
        return self.fragment("expression", "until", value)

    def _resolve_when(self, value: Node, rule: Mapping) -> Any:
        return self.fragment("select", "resolve when", value)

    def _suppress(self, value: Node, rule: Mapping) -> Any:
        return self.fragment("suppress", "suppress", value)

    def _budget(self, value: Node, rule: Mapping) -> Any:
        return self.fragment("budget", "budget", value)

    def _when(self, value: Node, rule: Mapping) -> Any:
        return self.fragment("when", "when", value)

    def _once(self, value: Node, rule: Mapping) -> Any:
        return self.fragment("once", "once", value)

    def _let(self, value: Node, rule: Mapping) -> Any:
        pairs = self.mapping("let", value, "a map of names: `NAME: EXPRESSION`")
        made = [(self.name(key), self.fragment("expression", f"let.{key.value}", item)) for key, item in pairs]
        return [tree.Let(name.span.to(expr.span), name.text, expr) for name, expr in made if expr is not None]

    def _emit(self, value: Node, rule: Mapping) -> Any:
        return self._fields("emit", value)

    def _emit_rows(self, value: Node, rule: Mapping) -> Any:
        fields = self._fields("emit rows", value)
        return fields and replace(fields, rows=True)

    def _on_timeout_emit(self, value: Node, rule: Mapping) -> Any:
        return self._fields("on timeout emit", value)

    def _fields(self, key: str, value: Node) -> Emit | None:
        span = self.span(value)
        if isinstance(value, Mapping):
            pairs = [(self.name(name), self.fragment("expression", f"{key}.{name.value}", item)) for name, item in value.pairs]
            return Emit(tuple(_emit_field(name, expr) for name, expr in pairs if expr is not None), span)
        if isinstance(value, Items):
            items = [self.fragment("emit_item", key, item) for item in value.items]
            return Emit(tuple(item for item in items if item is not None), span)
        found = self.fragment("emit_list", key, value)
        return None if found is None else Emit(found.items, found.span)


def _value(rule: Mapping, key: str) -> Node:
    return next(value for name, value in rule.pairs if name.value == key)


def _emit_field(name: Word, expr: tree.Expr) -> tree.EmitField:
    span: Span = name.span.to(expr.span)
    return tree.EmitField(span, name.text, expr, isinstance(expr, tree.Path) and expr.parts[-1] == name.text)


def _is_id(text: str) -> bool:
    return "`" not in text and "\n" not in text
