"""The JSON Schema of the YAML form, for editors. It knows the keys and the shapes; what the fragments say is checked by
`cep check` alone, with positions."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from cep.lang.assemble import CHOICES
from cep.lang.declared import FIELD_KINDS, KEYS
from cep.lang.yaml_declarations import TABLE_KEYS
from cep.lang.yaml_form import FILE_KEYS, RULE_KEYS
from cep.lang.yaml_tests import EXPECT_KEYS, GIVEN_KEYS, TEST_KEYS

Schema = dict[str, Any]

# A value that is text to the rule language, whatever YAML takes it for (`when: true`, `emit: {one: 1}`)
_VALUE: Schema = {"type": ["string", "number", "boolean", "null"]}
_WORD: Schema = {"type": ["string", "number", "boolean"]}
_WORDS: Schema = {"oneOf": [_WORD, {"type": "array", "items": _WORD}]}
_DURATION: Schema = {"type": "string", "pattern": r"^(\d+(\.\d+)?(us|ms|s|m|h|d|w))+$", "examples": ["10m", "1h30m"]}
_VALUES: Schema = {"type": "object", "additionalProperties": _VALUE}
_FIELDS: Schema = {"oneOf": [{"type": "string"}, {"type": "array", "items": _VALUE}, _VALUES]}
_KEY: Schema = {"oneOf": [_VALUE, {"type": "array", "items": _VALUE, "minItems": 1}]}


def _text(pattern: str) -> Schema:
    return {"type": "string", "pattern": pattern}


_SAYS: dict[str, tuple[str, Schema]] = {
    "rule": ("The ID of the rule: its name in alerts, logs and metrics, for ever.", _WORD),
    "severity": ("How bad it is.", {"enum": list(CHOICES["severity"])}),
    "title": ("One line for people; {expressions} in braces are filled in.", _WORD),
    "tags": ("Words to find rules and alerts by.", _WORDS),
    "description": ("What the rule is for and what to do about an alert.", _WORD),
    "meta": ("Free pairs of words for people.", {"type": "object", "additionalProperties": _WORD}),
    "mode": (
        "Whether the rule runs: `enabled`, `shadow` (tells nobody), `canary 10%` (tells for a share of the keys), `disabled`.",
        {"oneOf": [{"enum": [word for word in CHOICES["mode"] if word != "canary"]}, _text(r"^canary +\d+%$")]},
    ),
    "by": (
        "The correlation key: the rule is matched per key. A map names it per event type.",
        {"oneOf": [*_KEY["oneOf"], {"type": "object", "additionalProperties": _KEY, "minProperties": 1}]},
    ),
    "match": ("The pattern of a sequence: `fail{10,} -> ok`, `placed -> !paid`.", {"type": "string"}),
    "from": ("Events of one type: `TYPE where CONDITION`.", {"type": "string"}),
    "absent": ("Events whose silence is told: `TYPE where CONDITION`.", {"type": "string"}),
    "where": (
        "With `match`: what each step takes, `STEP: TYPE where CONDITION`. Else the condition on the events.",
        {"oneOf": [_VALUES, {"type": ["string", "boolean"]}]},
    ),
    "expect": ("Keys that ought to be heard of: `host in table hosts where active`.", {"type": "string"}),
    "unless": ("A dead source makes no key silent.", {"enum": ["source silent"]}),
    "for": ("How long the events of `absent` may be missing, or how long `when` must hold.", _DURATION),
    "within": (
        "From the first to the last event: `10m`, `10m exclusive`, `200 events`, `10m and 200 events`.",
        {"type": "string"},
    ),
    "pick": (
        "Which matches are told: `first`, `latest`, `longest`, `all limit 10`.",
        _text(r"^(first|latest|longest|all( +limit +\d+)?)$"),
    ),
    "after match": (
        "With `pick all`, where the next match may begin: `skip none`, `skip to next`, `skip past last`, `skip to first STEP`.",
        _text(r"^skip +(none|to +next|past +last|to +(first|last) +\S.*)$"),
    ),
    "when": ("The condition on the window or on the whole match: `count() >= 5`.", _VALUE),
    "over": ("The window of `when`, sliding or hopping: `10m`, `10m every 1m`, `100 events`.", {"type": "string"}),
    "per": ('Windows side by side: `10m`, `1d in "Europe/Berlin"`.', {"type": "string"}),
    "session": ("A window that ends when nothing comes: `gap 5m max 1h`.", {"type": "string"}),
    "bucket": ("A leaking bucket, told when it runs over: `5 leak 1 per 10s`.", {"type": "string"}),
    "resolve when": ("An event that resolves an open alert: `TYPE where CONDITION`.", {"type": "string"}),
    "fire": ("`each`: an alert at each event after which `when` holds.", {"enum": list(CHOICES["fire"])}),
    "then": ("`reset`: the window is emptied by an alert.", {"enum": list(CHOICES["then"])}),
    "let": ("Named expressions, usable below.", _VALUES),
    "emit": ("The fields of the alert.", _FIELDS),
    "emit rows": ("The fields of the alert, a row for each event of the match.", _FIELDS),
    "on timeout emit": ("The fields told of a match that ran out of time.", _FIELDS),
    "once": ("After an alert, no other of the same key: `per user every 1h`.", {"type": "string"}),
    "suppress": ("After an alert, no other that emits the same: `same user, ip for 10m`.", {"type": "string"}),
    "budget": ("How much state the rule may hold: `1000 runs, on full drop oldest`.", {"type": "string"}),
    "to": ("Channels that get the alerts.", _WORDS),
    "tests": ("Tests of the rule.", {"type": "array", "items": {"$ref": "#/$defs/test"}}),
    "rules": ("Rules.", {"type": "array", "items": {"$ref": "#/$defs/rule"}}),
    "name": ("What the test shows.", _WORD),
    "given": ("The events, at times from the start of the test.", {"type": "array", "items": {"$ref": "#/$defs/given"}}),
    "until": ("Once open, only this resolves the alert: a condition.", _VALUE),
    "at": ("Time from the start of the test.", _DURATION),
    "repeat": ("How many such events.", {"type": "integer", "minimum": 1}),
    "every": ("Time between them.", _DURATION),
    "event": ("The event: its type and its fields.", {"type": "object", "required": ["type"], "properties": {"type": _WORD}}),
    "count": ("How many alerts fit; 1 if not said.", {"type": "integer", "minimum": 0}),
    "resolves": ("How many alerts that fit resolve.", {"type": "integer", "minimum": 0}),
    "with": ("Claims about the alert: `readings > 5 and top == 95`.", {"type": "string"}),
    "schemas": (
        "Fields of event types and their types.",
        {"type": "object", "additionalProperties": {"type": "object", "additionalProperties": {"enum": list(FIELD_KINDS)}}},
    ),
    "tables": (
        "Reference data from files beside the rules.",
        {"type": "object", "additionalProperties": {"$ref": "#/$defs/table"}},
    ),
    "lists": (
        "Constants by name, for `x in NAME`.",
        {"type": "object", "additionalProperties": {"type": "array", "items": _VALUE}},
    ),
    "macros": ("Predicates by name: `internal(ip): CONDITION`.", _VALUES),
    "file": ("A CSV or YAML file, its path from the folder of this file.", _WORD),
    "key": ("The column that finds a row.", _WORD),
}
# keys that say something else in a test than in a rule
_IN_TESTS: dict[str, tuple[str, Schema]] = {
    "expect": ("The alerts; [] for none.", {"type": "array", "items": {"$ref": "#/$defs/expect"}}),
    "until": ("The clock runs on to here; without it, it stops at the last time written.", _DURATION),
}


def yaml_schema() -> Schema:
    """The schema, JSON Schema 2020-12, as plain data."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Rules of cepheid",
        "description": "A rule, a list of rules, or `rules:` and `tests:`; several documents stand apart by ---.",
        "oneOf": [
            {"$ref": "#/$defs/rule"},
            {"type": "array", "items": {"$ref": "#/$defs/rule"}},
            {**_object(FILE_KEYS), "minProperties": 1},
        ],
        "$defs": {
            "rule": _rule(),
            "table": {**_object(TABLE_KEYS), "required": list(TABLE_KEYS)},
            "test": {**_object(TEST_KEYS, _IN_TESTS), "required": ["expect"]},
            "given": {**_object(GIVEN_KEYS), "required": ["at", "event"], "dependentRequired": {"every": ["repeat"]}},
            "expect": {**_object(EXPECT_KEYS), "additionalProperties": True},
        },
    }


def _rule() -> Schema:
    """A rule has one body; a document of tests for a rule of another file has none."""
    return {
        **_object((*RULE_KEYS, *KEYS)),
        "required": ["rule"],
        "oneOf": [
            {"required": ["from"]},
            {"required": ["match", "where"]},
            {"required": ["absent"]},
            {"required": ["tests"], "maxProperties": 2},
        ],
    }


def _object(keys: tuple[str, ...], others: Mapping[str, tuple[str, Schema]] = MappingProxyType({})) -> Schema:
    said = {**_SAYS, **others}
    described = {key: {"description": said[key][0], **said[key][1]} for key in keys}
    return {"type": "object", "properties": described, "additionalProperties": False}
