"""Reference data of rules: CSV and YAML files -> {key: {column: value}}, with a hash of the content as version.

Values of a CSV file are text. A column is of numbers only if every cell of it that is not empty is one (`007` is none: it
would lose its zeros), of truth values only if every one is `true` or `false`; an empty cell is null. A YAML table is a mapping
of keys to rows, or a list of rows.
"""

from __future__ import annotations

import csv
import hashlib
import io
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from cep.config import Config, TableSpec
from cep.errors import ConfigError, Span
from cep.lang import tree
from cep.lang.places import Lines
from cep.lang.yaml_nodes import Items, Mapping, Node, Scalar
from cep.loader.paths import shown
from cep.loader.section import compose_one

Table = dict[Any, dict[str, Any]]
Rows = list[tuple[int, dict[str, Any]]]  # line of the file, row

MAX_TABLE_BYTES = 256 * 1024 * 1024
MAX_DIGITS = 4000  # Python refuses to read longer integers
_INT = re.compile(r"-?(0|[1-9][0-9]*)\Z", re.ASCII)
_FLOAT = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?\Z", re.ASCII)
_WORDS = {"true": True, "false": False, "null": None, "~": None, "": None}


@dataclass(frozen=True, slots=True)
class Tables:
    """All tables of a configuration: what rules look up, a hash of each file, and what could not be read."""

    content: dict[str, Table] = field(default_factory=dict)
    hashes: dict[str, str] = field(default_factory=dict)
    faults: tuple[ConfigError, ...] = ()

    @property
    def version(self) -> str:
        """A hash of all files; the same files give the same version everywhere."""
        return hashlib.sha256(repr(sorted(self.hashes.items())).encode()).hexdigest()[:16]


def tables_of(file: tree.File) -> list[TableSpec]:
    """The tables that a file of rules declares; their files lie beside it."""
    folder = Path(file.path).absolute().parent
    blocks = [block for block in file.declarations if isinstance(block, tree.TableBlock)]
    return [TableSpec(block.name.text, block.file, block.key, block.span, folder) for block in blocks]


def all_tables(config: Config, declared: Iterable[TableSpec]) -> tuple[dict[str, TableSpec], list[ConfigError]]:
    """The tables of cep.yml and of the rules by name, and the faults of names that both use. Twice in the rules is told by
    who plans them."""
    specs = dict(config.tables)
    faults = []
    for spec in declared:
        if spec.name in config.tables:
            help = "give it another name, or take one of the two away"
            faults.append(ConfigError(f"table `{spec.name}` is declared in cep.yml already", help, "E0127", spec.span))
        specs.setdefault(spec.name, spec)
    return specs, faults


def read_tables(config: Config, previous: Tables | None = None, declared: Iterable[TableSpec] = ()) -> Tables:
    """Read every table, those that the rules declare too. One that cannot be read keeps its content of `previous`, and the
    fault is noted."""
    specs, twice = all_tables(config, declared)
    content: dict[str, Table] = {}
    hashes: dict[str, str] = {}
    faults = twice
    for name, spec in specs.items():
        try:
            content[name], hashes[name] = read_table(spec, config.base)
        except ConfigError as fault:
            faults.append(fault)
            if previous is not None and name in previous.content:
                content[name], hashes[name] = previous.content[name], previous.hashes[name]
    return Tables(content, hashes, tuple(faults))


def read_table(spec: TableSpec, base: Path) -> tuple[Table, str]:
    """The rows by key, and the hash of the file.

    raises  ConfigError: missing file or column, a key that stands twice, rows that do not fit the head
    """
    path = (spec.base or base) / spec.file
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_TABLE_BYTES + 1)
    except OSError as error:
        message = f"table {spec.name}: cannot read {path}: {error.strerror}"
        start = "cep.yml" if spec.base is None else "the folder of this file"
        raise ConfigError(message, f"mend the path; relative ones start at {start}", "E0958", spec.span) from error
    spec = replace(spec, file=shown(path))  # so faults in it name the place that can be opened from here
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _fault(spec, f"{spec.file} is not UTF-8 text", "save it as UTF-8") from error
    if len(data) > MAX_TABLE_BYTES:
        raise _fault(spec, f"{spec.file} is larger than {MAX_TABLE_BYTES >> 20} MiB", "keep only the columns that rules look up")
    if path.suffix in (".yml", ".yaml"):
        rows = _yaml_rows(spec, text)
    elif path.suffix == ".csv":
        rows = _csv_rows(spec, text)
    else:
        raise _fault(spec, f"{spec.file} is neither .csv nor .yml", "name a CSV or YAML file")
    return _by_key(spec, rows), hashlib.sha256(data).hexdigest()


def _csv_rows(spec: TableSpec, text: str) -> Rows:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        head = [name.strip() for name in next(reader, [])]
        _check_head(spec, head)
        lines: list[int] = []
        cells: list[list[str]] = []
        for row in reader:
            if not row:
                continue
            if len(row) != len(head):
                message = f"cells in this row: {len(row)}, in the head: {len(head)}"
                help = "quote cells that hold a comma" if len(row) > len(head) else "an empty cell still has its comma"
                raise _fault(spec, message, help, reader.line_num)
            lines.append(reader.line_num)
            cells.append(row)
    except csv.Error as error:
        raise _fault(spec, f"not CSV: {error}", "quotes inside a quoted cell are written twice", reader.line_num) from error
    columns = [_typed(column) for column in zip(*cells)]
    return [(line, dict(zip(head, row))) for line, row in zip(lines, zip(*columns))]


def _check_head(spec: TableSpec, head: list[str]) -> None:
    if spec.key not in head:
        known = f"its columns: {', '.join(head)}" if head else "the file is empty"
        for sign, words in (("\t", "tabs"), (";", "`;`"), ("|", "`|`")):
            if len(head) == 1 and spec.key in map(str.strip, head[0].split(sign)):
                known = f"write commas instead of {words} between its cells"
        raise _fault(spec, f"{spec.file} has no column `{spec.key}`", known, 1)
    for name in head:
        if not name or head.count(name) > 1:
            what = f"has two columns `{name}`" if name else "has a column without a name"
            raise _fault(spec, f"{spec.file} {what}", "give each column a name of its own", 1)


_TRUTH = {"true": True, "false": False}


def _typed(column: Iterable[str]) -> list[Any]:
    """Text cells as numbers or truth values if all of them are; empty ones as null."""
    cells = [cell.strip() for cell in column]
    filled = [cell for cell in cells if cell]
    if filled and all(_FLOAT.match(cell) for cell in filled):
        return [_number(cell) if cell else None for cell in cells]
    if filled and all(cell in _TRUTH for cell in filled):
        return [_TRUTH.get(cell) for cell in cells]
    return [cell or None for cell in cells]


def _number(text: str) -> int | float | None:
    """An integer of any size, or a float; one beyond all bounds is null."""
    if _INT.match(text):
        return int(text) if len(text) <= MAX_DIGITS else None
    number = float(text)
    return number if math.isfinite(number) else None


def _yaml_rows(spec: TableSpec, text: str) -> Rows:
    lines = Lines(spec.file, text)
    node = compose_one(lines)
    if isinstance(node, Items):
        return [(lines.position(item.start)[0], _row(spec, lines, item)) for item in node.items]
    if isinstance(node, Mapping):
        found = []
        for name, row in node.pairs:
            found.append((lines.position(name.start)[0], {spec.key: _plain(spec, lines, name), **_row(spec, lines, row)}))
        return found
    raise _fault(spec, f"{spec.file} must be a mapping of keys to rows, or a list of rows", "write `ana: {country: PT}`", 1)


def _row(spec: TableSpec, lines: Lines, node: Node) -> dict[str, Any]:
    if not isinstance(node, Mapping):
        line, _ = lines.position(node.start)
        raise _fault(spec, "a row must be a mapping of columns to values", "write `{country: PT, tier: gold}`", line)
    return {name.value: _plain(spec, lines, value) for name, value in node.pairs}


def _plain(spec: TableSpec, lines: Lines, node: Node) -> Any:
    """A scalar as YAML 1.2 reads it: numbers, true, false, null; anything else, and anything quoted, is text."""
    if not isinstance(node, Scalar):
        raise _fault(spec, "a cell must be a single value", "tables are flat", lines.position(node.start)[0])
    if node.style:
        return node.value
    if node.value in _WORDS:
        return _WORDS[node.value]
    return _number(node.value) if _FLOAT.match(node.value) else node.value


def _by_key(spec: TableSpec, rows: Rows) -> Table:
    table: Table = {}
    first: dict[Any, int] = {}
    for line, row in rows:
        key = row.get(spec.key)
        if key is None:
            raise _fault(spec, f"a row has no `{spec.key}`", "give it one, or remove it", line)
        # a truth value is no number to a lookup, but Python holds True == 1
        known = ("bool", key) if isinstance(key, bool) else key
        if known in first:
            raise _fault(spec, f"`{key}` stands twice, first in line {first[known]}", "remove one of the rows", line, "E0959")
        first[known] = line
        table[known] = row
    return table


def _fault(spec: TableSpec, message: str, help: str, line: int = 0, code: str = "E0958") -> ConfigError:
    place = Span(spec.file, line, 1, line, 2) if line else Span(spec.file, 1, 1, 1, 2)
    return ConfigError(f"table {spec.name}: {message}", help, code, place)
