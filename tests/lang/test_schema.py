"""The JSON Schema admits what the reader admits and refuses what it refuses, as far as shapes go."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from cep.lang.places import Lines
from cep.lang.read import read_rules
from cep.lang.schema import yaml_schema
from cep.lang.yaml_nodes import Items, Mapping, Node, compose
from cep.lang.yaml_reader import YamlReader

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = yaml_schema()
KINDS = {"string": str, "object": dict, "array": list, "null": type(None), "boolean": bool}


def fits(value: Any, schema: dict[str, Any]) -> bool:
    """Whether the value is valid: the part of JSON Schema that ours uses."""
    if "$ref" in schema:
        return fits(value, SCHEMA["$defs"][schema["$ref"].removeprefix("#/$defs/")])
    if "oneOf" in schema and sum(fits(value, one) for one in schema["oneOf"]) != 1:
        return False
    if "type" in schema and not any(_is(value, kind) for kind in _listed(schema["type"])):
        return False
    if "enum" in schema and value not in schema["enum"]:
        return False
    if isinstance(value, str):
        return re.search(schema.get("pattern", ""), value) is not None
    if isinstance(value, list):
        return len(value) >= schema.get("minItems", 0) and all(fits(item, schema.get("items", {})) for item in value)
    return _fits_map(value, schema) if isinstance(value, dict) else True


def _listed(kinds: str | list[str]) -> list[str]:
    return [kinds] if isinstance(kinds, str) else kinds


def _is(value: Any, kind: str) -> bool:
    if kind in ("number", "integer"):
        return isinstance(value, int if kind == "integer" else (int, float)) and not isinstance(value, bool)
    return isinstance(value, KINDS[kind])


def _fits_map(value: dict[str, Any], schema: dict[str, Any]) -> bool:
    known, more = schema.get("properties", {}), schema.get("additionalProperties", True)
    if not set(schema.get("required", [])) <= set(value) or len(value) < schema.get("minProperties", 0):
        return False
    if len(value) > schema.get("maxProperties", len(value)):
        return False
    if any(key in value and not set(needed) <= set(value) for key, needed in schema.get("dependentRequired", {}).items()):
        return False
    others = [item for key, item in value.items() if key not in known]
    if others and (more is False or (isinstance(more, dict) and not all(fits(item, more) for item in others))):
        return False
    return all(fits(item, known[key]) for key, item in value.items() if key in known)


def documents(source: str) -> list[Any]:
    lines = Lines("a.yml", source)
    reader = YamlReader(lines)
    return [_plain(reader, node) for node in compose(lines, reader.faults).documents]


def _plain(reader: YamlReader, node: Node) -> Any:
    if isinstance(node, Mapping):
        return {key.value: _plain(reader, value) for key, value in node.pairs}
    return [_plain(reader, item) for item in node.items] if isinstance(node, Items) else reader.data(node)


@pytest.mark.parametrize("path", sorted((ROOT / "rules").glob("*.yml")), ids=lambda path: path.name)
def test_shipped_rules_fit_the_schema(path: Path) -> None:
    found = documents(path.read_text(encoding="utf-8"))
    assert found
    assert all(fits(document, SCHEMA) for document in found)


RULE = "rule: a\nfrom: b\n"
GOOD = [
    RULE,
    "rule: a\nabsent: b\nfor: 5m\nby: host\n",
    "rule: a\nmatch: x -> y\nwhere: {x: t, y: u where z}\nby: {t: k, u: [k, l]}\nwithin: 5m exclusive and 9 events\n",
    RULE + "when: count() > 5\nover: 5m\nfire: each\nthen: reset\n"
    "let: {one: 1}\nemit: {one: 1, a: b}\nto: [x, y]\ntags: x\nmode: disabled\n",
    RULE + "where: x > 5\nemit: x, y = count()\nonce: per x every 1h\nmeta: {owner: me, prio: 1}\ntitle: 5\n",
    RULE + "tests:\n- {given: [{at: 0s, repeat: 2, every: 1m, event: {type: b, x: [1]}}],"
    " expect: [{at: 0s, count: 2, y: 1}], until: 5m}\n",
    "rule: a\ntests:\n- {expect: []}\n",
    "- {rule: a, from: b}\n- {rule: c, from: d}\n",
    "rules:\n- {rule: a, from: b}\ntests:\n- {rule: a, expect: []}\n",
]
BAD = [
    "from: b\n",
    "rule: a\n",
    RULE + "absent: c\nfor: 5m\n",
    RULE + "severty: high\n",
    RULE + "severity: urgent\n",
    RULE + "over: [5m]\n",
    RULE + "fire: once\n",
    RULE + "tests:\n- {given: []}\n",
    RULE + "tests:\n- {given: [{at: 0s, every: 5m, event: {type: b}}], expect: []}\n",
    RULE + "tests:\n- {given: [{at: 0s, event: {x: 1}}], expect: []}\n",
    RULE + "tests:\n- {expect: [], name: [x]}\n",
    "text\n",
]


@pytest.mark.parametrize("source", GOOD)
def test_what_the_reader_takes_fits(source: str) -> None:
    assert read_rules("a.yml", source)[1] == []
    assert all(fits(document, SCHEMA) for document in documents(source))


@pytest.mark.parametrize("source", BAD)
def test_what_the_reader_refuses_does_not_fit(source: str) -> None:
    assert read_rules("a.yml", source)[1]
    assert not all(fits(document, SCHEMA) for document in documents(source))


def test_every_property_is_described() -> None:
    properties = [*SCHEMA["$defs"].values(), SCHEMA["oneOf"][2]]
    assert all(found["description"] for schema in properties for found in schema["properties"].values())
