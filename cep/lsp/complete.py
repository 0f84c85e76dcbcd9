"""What may be written at a place: clauses and words by the grammar itself, names by what the rule set declares."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from cep.functions import FUNCTIONS
from cep.lang import tree
from cep.lang.assemble import CHOICES
from cep.lang.blocks import BLOCKS
from cep.lang.declared import FIELD_KINDS, KEYS
from cep.lang.expected import CLAUSE_PLACE, VALUE_PLACE, keywords
from cep.lang.samples import SAMPLES
from cep.lang.yaml_form import FILE_KEYS, RULE_KEYS
from cep.lang.yaml_tests import TEST_KEYS
from cep.lsp.cursor import Cursor
from cep.lsp.words import AGGREGATES, CLAUSES

Kind = Literal["keyword", "function", "field", "label", "type", "value", "name"]
_LABELS = re.compile(r"(?:\bwhere|^|,|\{)\s*(?:where\s+)?([^\W\d]\w*)\s*:\s*(rule [\w.:/@-]+|[^\W\d][\w.]*)", re.MULTILINE)
_TYPES = re.compile(r"(?:\bfrom:?|\babsent:?|:)\s+(rule [\w.:/@-]+|[^\W\d][\w.]*)(?=\s|$|,|\})", re.MULTILINE)
_LETS = re.compile(r"\blet:?\s+([^\W\d]\w*)\s*:")
_OF_SEVERAL_WORDS = ("on", "unless")  # clauses of which nothing else can stand behind the first word
_OF_SEVERAL_WORDS = ("on", "unless")  # clauses of which nothing else can stand behind the first word
_STEPS = re.compile(r"\bmatch:?\s+([^\n]*)")


@dataclass(frozen=True, slots=True)
class Offer:
    """One thing to write: how it reads, what it is, a word about it."""

    label: str
    kind: Kind
    says: str = ""
    insert: str | None = None


@dataclass(frozen=True, slots=True)
class Names:
    """What the rule set declares: event type -> fields, macros, lists, tables -> columns, rules, channels."""

    schemas: dict[str, dict[str, str]]
    macros: dict[str, tree.Macro]
    lists: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()


def offers(cursor: Cursor, names: Names, yaml: bool) -> list[Offer]:
    """All that may stand there, each once. Which of them fit the typed beginning, the editor sees itself."""
    found: dict[str, Offer] = {}
    for offer in _all(cursor, names, yaml):
        found.setdefault(offer.label, offer)
    return list(found.values())


def _all(cursor: Cursor, names: Names, yaml: bool) -> Iterator[Offer]:
    accepts, last = cursor.accepts, _last_word(cursor.before)
    if not accepts:
        yield from _keys(cursor) if yaml and cursor.key is None else _choices(cursor.key or last)
        if not yaml and not cursor.before.strip():
            yield from (Offer(word, "keyword", CLAUSES[word]) for word in BLOCKS)
        return
    if "." in cursor.word:
        yield from _fields_behind(cursor, names)
        return
    if accepts & {"RULE_OF"}:
        yield from (Offer(name, "type", "event type") for name in names.schemas)
        yield from (Offer(f"rule {name}", "type", "the alerts of a rule") for name in names.rules)
    elif accepts >= VALUE_PLACE:
        yield from _values(cursor, names)
    elif "TABLE" in accepts and last == "in":
        yield from (Offer(name, "name", "list") for name in names.lists)
        yield from (Offer(f"table {name}", "name", "table") for name in names.tables)
    elif last in ("table", "lookup"):
        yield from (Offer(name, "name", "table") for name in names.tables)
    elif last == "to" or (cursor.key == "to"):
        yield from (Offer(name, "name", "channel") for name in names.channels)
    elif accepts & {"BANG"}:
        yield from (Offer(label, "label", "step") for label in _labels(cursor.block))
    yield from _choices(last)
    if "LBRACE" not in accepts and ":" in cursor.before and cursor.before.startswith("schema"):
        yield from (Offer(kind, "value") for kind in FIELD_KINDS)
    for word in keywords(accepts):
        whole = SAMPLES[word].rpartition(" ")[0] if word in _OF_SEVERAL_WORDS and accepts & CLAUSE_PLACE else None
        yield Offer(word, "keyword", CLAUSES.get(word, ""), whole)


def _choices(word: str) -> Iterator[Offer]:
    yield from (Offer(choice, "value") for choice in CHOICES.get(word, ()))


def _keys(cursor: Cursor) -> Iterator[Offer]:
    """Keys of YAML. Which map it is, a person sees; those of rules come first."""
    yield from (Offer(key, "keyword", CLAUSES.get(key.split()[0], ""), f"{key}: ") for key in RULE_KEYS)
    yield from (Offer(key, "keyword", CLAUSES.get(KEYS.get(key, ""), ""), f"{key}: ") for key in (*FILE_KEYS, *TEST_KEYS))


def _values(cursor: Cursor, names: Names) -> Iterator[Offer]:
    labels = _labels(cursor.block)
    yield from (Offer(label, "label", f"step: {kind}") for label, kind in labels.items())
    yield from (Offer(name, "name", "let") for name in _LETS.findall(cursor.block))
    for kind in dict.fromkeys([*labels.values(), *_TYPES.findall(cursor.block)]):
        yield from (Offer(path, "field", f"{what}, of {kind}") for path, what in names.schemas.get(kind, {}).items())
    yield from (Offer(name, "function", what) for name, what in AGGREGATES.items())
    yield from (Offer(name, "function", function.doc) for name, function in FUNCTIONS.items())
    for name, macro in names.macros.items():
        yield Offer(name, "function", f"macro {name}({', '.join(macro.parameters)})")
    yield from (Offer(word, "keyword") for word in ("not", "true", "false", "null", "lookup", "prev"))


def _fields_behind(cursor: Cursor, names: Names) -> Iterator[Offer]:
    """Fields behind `label.` or behind the beginning of a path."""
    head, _, _ = cursor.word.rpartition(".")
    label, _, rest = head.partition(".")
    labels = _labels(cursor.block)
    if label in labels:
        fields, prefix = names.schemas.get(labels[label], {}), f"{rest}." if rest else ""
    else:
        kinds = [*labels.values(), *_TYPES.findall(cursor.block)]
        fields, prefix = {path: what for kind in kinds for path, what in names.schemas.get(kind, {}).items()}, f"{head}."
    for path, what in fields.items():
        if path.startswith(prefix):
            yield Offer(path.removeprefix(prefix), "field", what)


def _labels(block: str) -> dict[str, str]:
    """Steps of the rule and the types of their events; what stands in `match` counts before it is described."""
    found: dict[str, str] = {}
    where = re.search(r"\bwhere\b", block)
    if where is not None:
        found = {label: kind for label, kind in _LABELS.findall(block, where.start()) if label not in CLAUSES}
    for pattern in _STEPS.findall(block):
        for label in re.findall(r"[^\W\d]\w*", pattern):
            if label not in ("all", "of", "within", "gap", "until", "where") and not label[0].isdigit():
                found.setdefault(label, "")
    return found


def _last_word(text: str) -> str:
    found: Iterable[str] = re.findall(r"[^\W\d]\w*|[^\s\w]", text[-200:])
    return list(found)[-1] if found else ""
