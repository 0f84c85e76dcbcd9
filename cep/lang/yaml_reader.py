"""What all readers of YAML share: a value of the wrong shape, an unknown key or a fragment that does not parse is told at its
place in the file, and reading goes on."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from cep.errors import Diagnostic, Fix, Span
from cep.lang.grammar import parse
from cep.lang.literals import name_can_be_written
from cep.lang.mistakes import diagnose
from cep.lang.pieces import Word
from cep.lang.places import Lines
from cep.lang.scan import lone_brackets, scan
from cep.lang.yaml_nodes import Items, Mapping, Node, Scalar
from cep.lang.yaml_scalars import place_of
from cep.spelling import closest

MAX_FRAGMENT_CHARS = 64 * 1024
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?")
_KINDS = {Scalar: "one value", Mapping: "a map", Items: "a list"}
_PLAIN = {"null": None, "~": None, "": None, "true": True, "false": False}


class YamlReader:
    """One file; collects faults."""

    def __init__(self, lines: Lines) -> None:
        self.lines = lines
        self.faults: list[Diagnostic] = []
        self.comments: list[Word] = []  # inside of values

    def span(self, node: Node) -> Span:
        return self.lines.span(node.start, max(node.end, node.start))

    def caret(self, node: Node) -> Span:
        """The span of a scalar, or of the first line of a map or list."""
        end = self.lines.source.find("\n", node.start)
        return self.lines.span(node.start, max(node.start + 1, min(node.end, len(self.lines.source) if end < 0 else end)))

    def fault(self, code: str, message: str, span: Span, help: str = "", label: str = "", fix: Fix | None = None) -> None:
        self.faults.append(Diagnostic(code, message, span, label=label, help=help, fix=fix))

    # ------------------------------------------------------------ shapes

    def wrong_shape(self, key: str, node: Node, wanted: str) -> None:
        self.fault("E0133", f"`{key}` asks for {wanted}, not {_KINDS[type(node)]}", self.caret(node), help=f"write {wanted}")

    def unknown_key(self, key: Scalar, known: Iterable[str], what: str) -> None:
        word, known = key.value.lower(), list(dict.fromkeys(known))
        begun = next((name for name in known if name.startswith(f"{word} ")), None)  # `after` for `after match`
        near = word if word in known else begun or closest(word, known)
        span = self.span(key)
        help = f"did you mean `{near}`?" if near else f"{what} may hold {', '.join(known)}"
        self.fault("E0131", f"`{key.value}` is not a key of {what}", span, help, fix=Fix(span, near) if near else None)

    def scalar(self, key: str, node: Node, wanted: str = "one value") -> Scalar | None:
        """The node if it is a scalar that holds something; else None, and a fault."""
        if not isinstance(node, Scalar):
            self.wrong_shape(key, node, wanted)
            return None
        if node.style == "" and node.value == "":
            if self.faults and lone_brackets(scan(key))[1]:
                return None  # the rest of a value that a comma ended, which is told already
            self.fault(
                "E0137",
                f"`{key}` is empty",
                self.lines.span(node.start - 1, node.start),
                help=f"write {wanted} after it, or take the key away",
            )
            return None
        return node

    def word(self, key: str, node: Node) -> Word | None:
        found = self.scalar(key, node, "a word")
        return None if found is None else Word(found.value, self.span(found))

    def words(self, key: str, node: Node) -> list[Word]:
        """`a`, `a, b` or `[a, b]`."""
        if isinstance(node, Items):
            return [word for item in node.items if (word := self.word(key, item)) is not None]
        found = self.scalar(key, node, "a word or a list of words")
        if found is None:
            return []
        if found.style or "," not in found.value:
            return [Word(found.value, self.span(found))]
        place = place_of(self.lines, found)
        return [
            Word(piece[0].strip(), place.span(piece.start(), piece.end())) for piece in re.finditer(r"[^,\s][^,]*", found.value)
        ]

    def mapping(self, key: str, node: Node, wanted: str) -> list[tuple[Scalar, Node]]:
        if not isinstance(node, Mapping):
            self.wrong_shape(key, node, wanted)
            return []
        return node.pairs

    def items(self, key: str, node: Node, wanted: str) -> list[Node]:
        if not isinstance(node, Items):
            self.wrong_shape(key, node, wanted)
            return []
        return node.items

    def name(self, key: Scalar) -> Word:
        """A key that becomes a name of the rule."""
        if not name_can_be_written(key.value):
            self.fault(
                "E0133",
                "this key cannot be a name",
                self.caret(key),
                help="a name is not empty and holds neither a backquote nor a line end",
            )
        return Word(key.value, self.span(key))

    # ------------------------------------------------------------ contents

    def fragment(self, kind: str, key: str, node: Node) -> Any:
        """The value of a scalar that holds a piece of the language; None and a fault if it is none."""
        found = self.scalar(key, node)
        if found is None:
            return None
        if len(found.value) > MAX_FRAGMENT_CHARS:
            self.fault(
                "E0135",
                f"`{key}` is longer than {MAX_FRAGMENT_CHARS:,} characters",
                self.caret(found),
                help="split the rule, or use a table",
            )
            return None
        place = place_of(self.lines, found)
        parsed = parse(f"fragment_{kind}", found.value, place)
        if parsed.halt is not None and self._split_by_comma(found):
            self.fault(
                "E0103",
                "the comma ends this value, since it stands in a map `{..}` or a list `[..]`",
                self.span(found),
                help="put the whole value in quotes, or write the map with a line for each key",
            )
        elif parsed.halt is not None:
            self.faults.append(diagnose(parsed.halt, found.value, place, f"fragment_{kind}"))
        self.faults.extend(parsed.faults)
        self.comments.extend(parsed.comments)
        return parsed.value if parsed.halt is None and not parsed.faults else None

    def _split_by_comma(self, node: Scalar) -> bool:
        """Whether a value ends in the middle of brackets, at a comma that YAML takes for its own."""
        following = self.lines.source[node.end :].lstrip()[:1]
        return not node.style and following == "," and bool(lone_brackets(scan(node.value))[0])

    def data(self, node: Node) -> Any:
        """Plain data: null, true, false and numbers as JSON writes them; everything else is the text it is."""
        if isinstance(node, Mapping):
            return {key.value: self.data(value) for key, value in node.pairs}
        if isinstance(node, Items):
            return [self.data(item) for item in node.items]
        if node.style:
            return node.value
        if node.value in _PLAIN:
            return _PLAIN[node.value]
        number = _NUMBER.fullmatch(node.value)
        if number is None:
            return node.value
        if number[1] is None and number[2] is None:
            return self._whole(node)
        value = float(node.value)
        if value in (float("inf"), float("-inf")):
            self.fault(
                "E0107", "this number is too large", self.span(node), help="the largest is about 1.8e308; in quotes it is text"
            )
            return 0.0
        return value

    def _whole(self, node: Scalar) -> int:
        if len(node.value) > 400:
            self.fault(
                "E0107",
                f"a number of {len(node.value)} digits",
                self.caret(node),
                help="at most 400 digits are read; in quotes it is text",
            )
            return 0
        return int(node.value)
