"""Rules and streams in the short form of tables: an event is a letter, one second after the other; a label takes the events of
its letters.

    a -> b within 9s pick all       aa.b        3s: 0 3; 3s: 1 3
"""

from __future__ import annotations

import json
import re
from typing import Any

from cep.alert import Alert
from cep.config import StreamSpec
from cep.lang.read import read_rules
from cep.match.pipeline import Pipeline
from cep.plan.rulebook import build_rulebook

TABLES = {"hosts": {"web-1": {"host": "web-1", "owner": "ana", "active": True}}}  # the table that the page speaks of
SECOND_US = 1_000_000
_CLAUSES = r"within|pick|after match|once|suppress|over|per|session|bucket|for|until|fire|then|on timeout|budget"
_CLAUSE = re.compile(rf"\s+(?=(?:{_CLAUSES})\b)(?![^(]*\))")
_NO_LABEL = re.compile(r"\[[^\]]*\]|\{[^}]*\}|\b(?:gap|within|and) \w+(?: events)?|\b\d+ of\b|\ball(?=\()|\buntil\b")


def run(rule: str, documents: list[dict[str, Any]], until_us: int | None = None, **stream: Any) -> list[Alert]:
    """The alerts that are told of these events, as they open or time out."""
    return [alert for alert in everything(rule, documents, until_us, **stream) if alert.transition in ("opened", "timeout")]


def everything(rule: str, documents: list[dict[str, Any]], until_us: int | None = None, **stream: Any) -> list[Alert]:
    """All that is told of these events: openings, updates, resolves."""
    file, faults = read_rules("rule.cep", rule)
    rulebook, found = build_rulebook([file], tables=TABLES)
    errors = [fault.message for fault in (*faults, *found) if fault.level == "error"]
    assert not errors, (rule, errors)
    pipeline = Pipeline(rulebook, {"e": StreamSpec(name="e", **stream)})
    outcome = pipeline.push("e", [json.dumps(one).encode() for one in documents], list(range(len(documents))))
    assert not outcome.dead and not outcome.late
    told = (*outcome.alerts, *pipeline.finish(until_us).alerts)
    return [alert for alert in told if not alert.muted]


def stream(letters: str) -> list[dict[str, Any]]:
    """An event a second; `_` is a second without one."""
    return [{"ts": at, "type": "e", "v": letter} for at, letter in enumerate(letters) if letter != "_"]


def rule_of(text: str) -> str:
    """The whole rule that a row's short form stands for."""
    if text.startswith(("when ", "bucket ")):
        return "\n  ".join(["rule r", "from e", *_CLAUSE.split(text)]) + "\n"
    if text.startswith("absent "):
        letter, duration = text.split()[1::2]
        return f'rule r\n  absent e where v == "{letter}" for {duration}\n'
    if re.match(r"\w+ once ", text):
        letter, _, once = text.partition(" once ")
        return f'rule r\n  from e where v == "{letter}"\n  once {once}\n'
    pattern, *clauses = _split_pattern(text)
    labels = dict.fromkeys(re.findall(r"[a-z]+", _NO_LABEL.sub(" ", pattern)))
    where = "\n        ".join(f"{label}: e where v in [{', '.join(map(repr, label))}]" for label in labels)
    return "\n  ".join(["rule r", f"match {pattern}", f"where {where}", *clauses]) + "\n"


def _split_pattern(text: str) -> list[str]:
    """The pattern, which may hold `until` and `within` of its own, then the clauses."""
    parts = _CLAUSE.split(text)
    while len(parts) > 1 and parts[1].startswith("until"):
        parts[:2] = [f"{parts[0]} {parts[1]}"]
    return parts


def seconds(alert: Alert) -> float:
    return alert.time_us / SECOND_US


def told(rule: str, letters: str) -> str:
    """`4s: 0 1 4; 7s: 5 6`, or `none`: the alerts of a rule in short form, on a stream of letters."""
    found = run(rule_of(rule), stream(letters), until_us=100 * SECOND_US, id="ts")
    return "; ".join(f"{seconds(alert):g}s: {' '.join(map(str, alert.evidence))}" for alert in found) or "none"
