"""YAML text to nodes that know their place; strict, and bounded on hostile input. What the nodes mean is `yaml_form`.

Nothing here gives a scalar a type: `on`, `NO` and `12:30:45` stay the text they are.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import yaml

from cep.errors import Diagnostic
from cep.lang.places import Lines

MAX_DEPTH = 64
MAX_ALIASES = 100
MAX_NODES = 100_000  # of one document, aliases expanded

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the C one where PyYAML was built with it: 10 times as fast
_NEXT_DOCUMENT = re.compile(r"^---(?=\s|$)", re.MULTILINE)
_ANCHOR = re.compile(r"&[0-9A-Za-z_-]+(?:\s|#[^\n]*)*")
_KEEP_ONE = {"within": "keep one of the two; a time and a number of events stand in one: `within: 10m and 200 events`"}
_QUOTE_IT = "put the whole value in quotes"
_HELP = (
    ("mapping values are not allowed", f"a value that holds `: ` must be quoted: {_QUOTE_IT}, or write it as a block (`|`)"),
    ("cannot start any token", f"values that begin with @, ` or % must be quoted: {_QUOTE_IT}; indent with spaces, not tabs"),
    ("found a tab character", "indent with spaces, not tabs"),
    ("could not find expected ':'", "a key is followed by `:` and a space; align it with the keys around it"),
    ("unexpected end of stream", "close the quote"),
    ("unknown escape character", "in \"...\" a backslash is written \\\\; '...' takes it as it stands"),
    (
        "did not find expected key",
        f"align keys with each other; a value that goes on after a quote or a bracket must be quoted: {_QUOTE_IT}",
    ),
    ("did not find expected ',' or", "close the bracket, or put a comma between the entries"),
    ("did not find expected '-'", "align the `-` of all entries of the list"),
    ("did not find expected <document start>", "put `---` between documents, or align this line with those above"),
)


@dataclass(slots=True)
class Scalar:
    """Text. source[start:end] is how it is written; style is "" (plain), ', ", | or >."""

    value: str
    style: str
    start: int
    end: int
    depth: int = 1
    size: int = 1


@dataclass(slots=True)
class Mapping:
    """Keys and values in order; of a key that stands twice, the first."""

    pairs: list[tuple[Scalar, Node]] = field(default_factory=list)
    keys: dict[str, Scalar] = field(default_factory=dict)
    broken: bool = False  # a key stands twice in it, or in a map inside of it
    start: int = 0
    end: int = 0
    depth: int = 1
    size: int = 1


@dataclass(slots=True)
class Items:
    items: list[Node] = field(default_factory=list)
    broken: bool = False
    start: int = 0
    end: int = 0
    depth: int = 1
    size: int = 1


Node = Scalar | Mapping | Items


class _Refused(Exception):
    """The document goes beyond what is read; the fault is told, and the next document is tried."""

    def __init__(self, fault: Diagnostic, at: int) -> None:
        super().__init__(fault.message)
        self.fault = fault
        self.at = at


@dataclass(slots=True)
class Composed:
    """The documents of a file, and the extents of all scalars (a `#` inside of one begins no comment)."""

    documents: list[Node] = field(default_factory=list)
    scalars: list[tuple[int, int]] = field(default_factory=list)


def compose(lines: Lines, faults: list[Diagnostic]) -> Composed:
    """All documents that can be read. After a fault reading goes on at the next `---`."""
    made = Composed()
    base = 0
    while base is not None and base < len(lines.source):
        base = _compose_from(lines, base, made, faults)  # type: ignore[assignment]  # None ends the loop
    return made


def _compose_from(lines: Lines, base: int, made: Composed, faults: list[Diagnostic]) -> int | None:
    """Read documents from `base` on; returns where to go on after a fault, None at the end."""
    composer = _Composer(lines, base, made, faults)
    try:
        for event in yaml.parse(lines.source[base:], Loader=_LOADER):
            composer.take(event)
        return None
    except yaml.YAMLError as error:
        fault, at = _yaml_fault(lines, base, error)
    except _Refused as refused:
        fault, at = refused.fault, refused.at
    faults.append(fault)
    found = _NEXT_DOCUMENT.search(lines.source, max(at, base + 1))
    return found.start() if found else None


def _yaml_fault(lines: Lines, base: int, error: Any) -> tuple[Diagnostic, int]:
    mark = getattr(error, "problem_mark", None)
    if mark is None or "unexpected" in (getattr(error, "problem", None) or ""):
        mark = getattr(error, "context_mark", None) or mark  # where the quote was opened, not where its end was missed
    at = min(base + mark.index, len(lines.source)) if mark is not None else base
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "it cannot be read"
    help = next((mend for part, mend in _HELP if part in problem), "check indentation and quotes around here")
    line_start = lines.source.rfind("\n", 0, at) + 1
    if "mapping values are not allowed" in problem and ":" not in lines.source[line_start:at]:
        help = "this key is indented otherwise than those around it: indent the keys of one map alike"
    while at == len(lines.source) and at > base and lines.source[at - 1].isspace():
        at -= 1  # the end of the file: point at the last thing written
    return Diagnostic("E0130", f"this is not YAML: {problem}", lines.span(at, at + 1), help=help), at


class _Composer:
    """Builds nodes from parser events with a stack of its own, so that no nesting can exhaust Python's."""

    def __init__(self, lines: Lines, base: int, made: Composed, faults: list[Diagnostic]) -> None:
        self.lines = lines
        self.base = base
        self.made = made
        self.faults = faults
        self._start_document()

    def _start_document(self) -> None:
        self.open: list[tuple[Mapping | Items, Scalar | None, str | None]] = []  # node, key that waits, anchor
        self.anchors: dict[str, Node] = {}
        self.aliases = 0
        self.nodes = 0

    def take(self, event: Any) -> None:
        start, end = self.base + event.start_mark.index, self.base + event.end_mark.index
        if isinstance(event, yaml.ScalarEvent):
            self._refuse_tag(event, start, end)
            style = "" if event.style is None or event.style == ":" else event.style
            if event.anchor is not None:  # the loader's mark stands before `&name`
                found = _ANCHOR.match(self.lines.source, start)
                start = min(found.end(), end) if found else start
            scalar = Scalar(event.value, style, start, end)
            self.made.scalars.append((start, end))
            self._place(scalar, event.anchor)
        elif isinstance(event, yaml.AliasEvent):
            self._place(self._alias(event.anchor or "", start, end), None)
        elif isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
            self._refuse_tag(event, start, end)
            if len(self.open) >= MAX_DEPTH:
                self._refuse("E0135", f"nested deeper than {MAX_DEPTH} levels", start, end, "no rule needs this; flatten it")
            made: Mapping | Items = Mapping(start=start) if isinstance(event, yaml.MappingStartEvent) else Items(start=start)
            self.open.append((made, None, event.anchor))
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            node, _, anchor = self.open.pop()
            node.end = max(end, node.start) if self.lines.source[start:end] in ("}", "]") else _last_end(node)
            self._place(node, anchor)
        elif isinstance(event, yaml.DocumentStartEvent):
            self._start_document()

    def _place(self, node: Node, anchor: str | None) -> None:
        """Put a finished node where it belongs: into the open collection, or it is a document."""
        if anchor is not None:
            self.anchors[anchor] = node
        self.nodes += 1
        if not self.open:
            self.made.documents.append(node)
            return
        parent, key, parent_anchor = self.open[-1]
        parent.depth = max(parent.depth, node.depth + 1)
        parent.size += node.size
        parent.broken |= not isinstance(node, Scalar) and node.broken
        if parent.size > MAX_NODES:
            self._refuse("E0135", f"more than {MAX_NODES:,} values in one document", node.start, node.start + 1, "split the file")
        if len(self.open) + node.depth > MAX_DEPTH:
            self._refuse(
                "E0135", f"nested deeper than {MAX_DEPTH} levels", node.start, node.start + 1, "no rule needs this; flatten it"
            )
        if isinstance(parent, Items):
            parent.items.append(node)
        elif key is not None:
            self._pair(parent, key, node)
            self.open[-1] = (parent, None, parent_anchor)
        elif isinstance(node, Scalar):
            self.open[-1] = (parent, node, parent_anchor)
        else:
            self._refuse("E0133", "a key is a word, not a list or a map", node.start, node.start + 1, "write `KEY: VALUE`")

    def _pair(self, parent: Mapping, key: Scalar, value: Node) -> None:
        first = parent.keys.setdefault(key.value, key)
        if first is key:
            parent.pairs.append((key, value))
            return
        parent.broken = True
        where = self.lines.span(first.start, first.end)
        self.faults.append(
            Diagnostic(
                "E0132",
                f"the key `{key.value}` stands twice",
                self.lines.span(key.start, key.end),
                label="here again",
                help=_KEEP_ONE.get(key.value, "keep one of the two"),
                labels=((where, "first here"),),
            )
        )

    def _alias(self, name: str, start: int, end: int) -> Node:
        self.aliases += 1
        if self.aliases > MAX_ALIASES:
            self._refuse("E0135", f"more than {MAX_ALIASES} aliases in one document", start, end, "write the values out")
        if name not in self.anchors:
            own = any(anchor == name for _, _, anchor in self.open)
            why = "holds itself" if own else "names no anchor before it"
            self._refuse(
                "E0136", f"the alias `*{name}` {why}", start, end, f"text that begins with `*` must be quoted: {_QUOTE_IT}"
            )
        return self.anchors[name]

    def _refuse_tag(self, event: Any, start: int, end: int) -> None:
        if event.tag is not None:
            tag = self.lines.source[start:end].split(None, 1)[0] if start < end else event.tag
            self._refuse(
                "E0136",
                f"the tag `{tag}` is not read",
                start,
                start + len(tag),
                f"text that begins with `!` must be quoted: {_QUOTE_IT}",
            )

    def _refuse(self, code: str, message: str, start: int, end: int, help: str) -> None:
        raise _Refused(Diagnostic(code, message, self.lines.span(start, max(end, start + 1)), help=help), start)


def _last_end(node: Mapping | Items) -> int:
    """Where a block collection ends: with its last entry, not with the blank lines after it."""
    if isinstance(node, Mapping):
        return node.pairs[-1][1].end if node.pairs else node.start
    return node.items[-1].end if node.items else node.start
