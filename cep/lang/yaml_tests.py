"""The tests of a YAML file: `given` events, `expect` alerts."""

from __future__ import annotations

from typing import Any

from cep.lang import tree
from cep.lang.pieces import Block, Clause, Word
from cep.lang.yaml_nodes import Items, Mapping, Node, Scalar
from cep.lang.yaml_reader import YamlReader

TEST_KEYS = ("name", "given", "expect", "until", "rule")
GIVEN_KEYS = ("at", "repeat", "every", "event")
EXPECT_KEYS = ("at", "count", "resolves", "with")  # every other key is a field of the alert
MAX_REPEAT = 100_000


class YamlTests:
    """Reads tests; the faults go to the reader of the file."""

    def __init__(self, reader: YamlReader) -> None:
        self.reader = reader

    def test(self, node: Node, rule: tree.Name | None) -> Block | None:
        """One test as a block of clauses; `rule` is the one it stands in."""
        reader = self.reader
        if not isinstance(node, Mapping):
            reader.wrong_shape("tests", node, "a map with `given` and `expect`")
            return None
        clauses: list[Clause] = []
        for key, value in node.pairs:
            if key.value == "rule":
                named = reader.word("rule", value)
                rule = tree.Name(named.span, named.text) if named else rule
            elif key.value == "name":
                word = reader.word("name", value)
                clauses += [Clause("name", reader.span(value), word)] if word else []
            elif key.value == "given":
                clauses += self._given(value)
            elif key.value == "expect":
                clauses += self._expect(key, value)
            elif key.value == "until":
                until = reader.fragment("duration", "until", value)
                clauses += [Clause("until", reader.span(key).to(reader.span(value)), until)] if until else []
            else:
                reader.unknown_key(key, TEST_KEYS, "a test")
        if rule is None:
            reader.fault(
                "E0134",
                "a test of no rule",
                reader.caret(node),
                help="add `rule: ID`, or write the test under `tests` of its rule",
            )
            return None
        named_at = node.keys.get("name")
        head = reader.span(named_at) if named_at else reader.lines.span(node.start, node.start)
        name = tree.Name(rule.span if "rule" in node.keys else reader.caret(node), rule.text)
        return Block("test", name, reader.span(node), tuple(clauses), head)

    # ------------------------------------------------------------ events

    def _given(self, node: Node) -> list[Clause]:
        items = self.reader.items("given", node, "a list of events")
        return [Clause("given", made.span, made) for item in items if (made := self._event(item)) is not None]

    def _event(self, node: Node) -> tree.Given | None:
        reader = self.reader
        if not isinstance(node, Mapping):
            reader.wrong_shape("given", node, "a map with `at` and `event`")
            return None
        at: Any = None
        every: Any = None
        repeat = 1
        event: tuple[str, dict[str, Any]] | None = None
        for key, value in node.pairs:
            if key.value == "at":
                at = reader.fragment("duration", "at", value)
            elif key.value == "every":
                every = reader.fragment("duration", "every", value)
            elif key.value == "repeat":
                repeat = self._count("repeat", value, 1, MAX_REPEAT)
            elif key.value == "event":
                event = self._document(value)
            else:
                reader.unknown_key(key, GIVEN_KEYS, "an event of a test")
        for missing in [key for key in ("at", "event") if key not in node.keys]:
            reader.fault(
                "E0134", f"an event without `{missing}`", reader.caret(node), help="write {at: 0s, event: {type: TYPE, ...}}"
            )
        if "every" in node.keys and "repeat" not in node.keys:
            reader.fault("E0134", "`every` without `repeat`", reader.span(node.keys["every"]), help="say how often: `repeat: 5`")
        if at is None or event is None:
            return None
        return tree.Given(reader.span(node), at.us, event[0], event[1], repeat, every.us if every else 0)

    def _document(self, node: Node) -> tuple[str, dict[str, Any]] | None:
        reader = self.reader
        pairs = reader.mapping("event", node, "a map of fields")
        kind: Word | None = None
        fields: dict[str, Any] = {}
        for key, value in pairs:
            if key.value == "type":
                kind = reader.word("type", value)
            else:
                fields[key.value] = reader.data(value)
        if kind is None:
            if isinstance(node, Mapping) and "type" not in node.keys:
                reader.fault("E0134", "an event without `type`", reader.caret(node), help="name its type: {type: TYPE, ...}")
            return None
        return kind.text, fields

    def _count(self, key: str, node: Node, low: int, high: int) -> int:
        found = self.reader.scalar(key, node, "a whole number")
        if found is None:
            return low
        number = int(found.value) if found.value.isascii() and found.value.isdigit() and len(found.value) < 12 else -1
        if not low <= number <= high:
            self.reader.fault(
                "E0107",
                f"`{key}` is a whole number from {low} to {high:,}",
                self.reader.span(found),
                help="write a number in that range",
            )
            return low
        return number

    # ------------------------------------------------------------ alerts

    def _expect(self, key: Scalar, node: Node) -> list[Clause]:
        span = self.reader.span(key).to(self.reader.span(node))
        if isinstance(node, Items) and not node.items:
            return [Clause("expect", span, tree.ExpectNothing(span))]
        items = self.reader.items("expect", node, "a list of alerts, [] for none")
        return [Clause("expect", made.span, made) for item in items if (made := self._alert(item)) is not None]

    def _alert(self, node: Node) -> tree.ExpectAlerts | None:
        reader = self.reader
        if not isinstance(node, Mapping):
            reader.wrong_shape("expect", node, "a map with `at` and fields of the alert")
            return None
        at: Any = None
        count = 1
        checks: list[tree.Check] = []
        for key, value in node.pairs:
            if key.value == "at":
                at = reader.fragment("duration", "at", value)
            elif key.value in ("count", "resolves"):
                count = self._count(key.value, value, 0, 10**9)
            elif key.value == "with":
                found = reader.fragment("checks", "with", value)
                checks += found.items if found else ()
            else:
                span = reader.span(key).to(reader.span(value))
                checks.append(tree.Check(span, reader.name(key).text, "==", reader.data(value)))
        if "count" in node.keys and "resolves" in node.keys:
            span = reader.span(node.keys["count"])
            reader.fault(
                "E0126", "`count` beside `resolves`", span, help="take `count` away: `resolves: 2` says how many resolve"
            )
        return tree.ExpectAlerts(reader.span(node), count, at.us if at else None, tuple(checks), "resolves" in node.keys)
