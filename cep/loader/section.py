"""A mapping of a YAML configuration, read key by key: each value is asked for by the type it must have, keys that nobody
asked for are faults, and every fault names its line and column.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TypeVar

from cep.errors import ConfigError, Diagnostic
from cep.lang.literals import LiteralFault, read_duration
from cep.lang.places import Lines
from cep.lang.yaml_nodes import Items, Mapping, Node, Scalar, compose
from cep.spelling import closest

T = TypeVar("T")
NULLS = frozenset({"", "~", "null", "Null", "NULL"})
DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:us|ms|s|m|h|d|w))+")
_BOOLS = {"true": True, "false": False}


def compose_one(lines: Lines) -> Node | None:
    """The one document of a YAML file; None if it is empty.

    raises  ConfigError E0952: what is not YAML, keys that stand twice, more than one document; the first fault
    """
    faults: list[Diagnostic] = []
    documents = compose(lines, faults).documents
    if len(documents) > 1 and not faults:
        second = documents[1]
        faults.append(Diagnostic("E0952", "a second document begins here", lines.span(second.start, second.end), help="keep one"))
    for fault in sorted(faults, key=lambda fault: fault.span):
        raise ConfigError(fault.message, fault.help, "E0952", fault.span)
    return documents[0] if documents else None


def is_null(node: Node) -> bool:
    """Whether the value is left empty or says null without quotes."""
    return isinstance(node, Scalar) and not node.style and node.value in NULLS


class Section:
    """A mapping and the words to speak of it: `streams.event`, say. Each `take_...` gives the default when the key is absent."""

    def __init__(self, node: Node, lines: Lines, path: str = "", known: tuple[str, ...] = ()) -> None:
        """`known`: the keys that may stand in it; none: any (names that the author chose)."""
        self.node, self.lines, self.path = node, lines, path
        if not isinstance(node, Mapping):
            raise self.fault(node, f"{path or 'cep.yml'} must be a mapping", "write `key: value` lines below it", "E0954")
        self._values: dict[str, Node] = {}
        for key_node, value in node.pairs:
            key = self._text(key_node, "a key")
            if known and key not in known:
                raise self._unknown(key_node, key, known)
            self._values[key] = value

    def __contains__(self, key: str) -> bool:
        return key in self._values and not is_null(self._values[key])

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def node_of(self, key: str) -> Node:
        return self._values[key]

    def name_of(self, key: str) -> str:
        return f"{self.path}.{key}" if self.path else key

    def section(self, key: str, known: tuple[str, ...] = ()) -> Section:
        return Section(self._values[key], self.lines, self.name_of(key), known)

    def sections(self, key: str) -> Iterator[tuple[str, Node]]:
        """The named entries below `key`, none if it is absent."""
        if key in self:
            below = self.section(key)
            for name in below:
                yield name, below.node_of(name)

    def take(self, key: str, default: T, read: Callable[[Node, str], T]) -> T:
        return read(self._values[key], self.name_of(key)) if key in self else default

    def take_text(self, key: str, default: T) -> str | T:
        return self._text(self._values[key], self.name_of(key)) if key in self else default

    def take_duration_us(self, key: str, default: int) -> int:
        return self.take(key, default, self._duration_us)

    def take_seconds(self, key: str, default: float) -> float:
        return self._duration_us(self._values[key], self.name_of(key)) / 1e6 if key in self else default

    def take_bool(self, key: str, default: bool) -> bool:
        return self.take(key, default, self._bool)

    def take_count(self, key: str, default: int) -> int:
        return self.take(key, default, self._count)

    def take_word(self, key: str, default: str, words: tuple[str, ...]) -> str:
        """One of a few words."""
        found = self.take_text(key, default)
        if found not in words:
            raise self._no_such_word(self._values[key], self.name_of(key), found, words)
        return found

    def take_texts(self, key: str, default: tuple[str, ...]) -> tuple[str, ...]:
        """One text or a list of them."""
        return self.take(key, default, lambda node, name: tuple(self._text(item, name) for item in items_of(node)))

    def take_durations_s(self, key: str, default: tuple[float, ...]) -> tuple[float, ...]:
        return self.take(key, default, lambda node, name: tuple(self._duration_us(item, name) / 1e6 for item in items_of(node)))

    def take_mapping(self, key: str) -> dict[str, str]:
        """Text -> text, in the order written."""
        if key not in self:
            return {}
        below = self.section(key)
        return {name: self._text(below.node_of(name), below.name_of(name)) for name in below}

    def fault(self, node: Node, message: str, help: str, code: str) -> ConfigError:
        return ConfigError(message, help, code, self.lines.span(node.start, node.end))

    def _text(self, node: Node, name: str) -> str:
        if not isinstance(node, Scalar) or is_null(node):
            raise self.fault(node, f"{name} must be text", f"it is {_shape(node)}", "E0954")
        return node.value

    def _duration_us(self, node: Node, name: str) -> int:
        text = self._text(node, name).strip()
        if text == "0":
            return 0
        if not DURATION.fullmatch(text):
            mend = "write numbers and units: 500ms, 5s, 1h30m, 7d"
            raise self.fault(node, f"{name}: `{text}` is not a duration", mend, "E0955")
        try:
            return read_duration(text)
        except LiteralFault as fault:
            raise self.fault(node, f"{name}: {fault.message}", fault.mend, "E0955") from None

    def _bool(self, node: Node, name: str) -> bool:
        text = self._text(node, name)
        if text not in _BOOLS:
            raise self.fault(node, f"{name} must be true or false", f"it is `{text}`", "E0954")
        return _BOOLS[text]

    def _count(self, node: Node, name: str) -> int:
        text = self._text(node, name)
        if not text.isascii() or not text.isdigit() or int(text) == 0:
            raise self.fault(node, f"{name} must be a whole number above 0", f"it is `{text}`", "E0954")
        return int(text)

    def _unknown(self, node: Node, key: str, known: tuple[str, ...]) -> ConfigError:
        near = closest(key, known)
        where = f" in {self.path}" if self.path else ""
        mend = f"did you mean `{near}`?" if near else f"known here: {', '.join(known)}"
        return self.fault(node, f"unknown key `{key}`{where}", mend, "E0953")

    def _no_such_word(self, node: Node, name: str, found: str, words: tuple[str, ...]) -> ConfigError:
        near = closest(found, words)
        mend = f"did you mean `{near}`?" if near else f"write one of {', '.join(words)}"
        return self.fault(node, f"{name} cannot be `{found}`", mend, "E0954")


def items_of(node: Node) -> list[Node]:
    """The items of a list; a single value is a list of itself."""
    return list(node.items) if isinstance(node, Items) else [node]


def _shape(node: Node) -> str:
    if isinstance(node, Mapping):
        return "a mapping"
    return "a list" if isinstance(node, Items) else "left empty"
