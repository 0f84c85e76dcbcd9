"""Conditions of a case in our words.

Flink's conditions have two values and ours three, so each is said twice: when it is true and when it is false, each text being
true exactly then. Fields stand in two forms, `n_x` (if it is a number) and `t_x` (as text), because a case compares two numbers
as numbers and anything else as text; null makes every comparison false.

A case folds over what a step has bound before the event under test; in its own step's condition our label means that event too.
So of its own loop `count(l) - 1`, `l[-2].n_x`, and for the least: p <= min(before) is min(l) == p, and p == min(before) is the
same where some earlier event has that value, which is asked value by value.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

INVERSE = {"<": ">=", ">=": "<", ">": "<=", "<=": ">", "==": "!=", "!=": "=="}
NEVER = "t_never == t_never"  # a field that no event has


class CannotSay(Exception):
    """The case has no equivalent in our words; the reason."""


@dataclass(frozen=True)
class Said:
    true: str
    false: str

    @property
    def opposite(self) -> Said:
        return Said(self.false, self.true)


@dataclass(frozen=True)
class Speaker:
    """Says conditions over these events.

    labels  of each step of the case        own  the step whose condition is said, if it repeats
    """

    events: list[dict[str, Any]]
    labels: dict[str, str]
    own: str = ""

    def say(self, condition: Any) -> Said:
        if condition is None or condition is True:
            return Said("true", "false")
        if condition is False:
            return Said("false", "true")
        if "and" in condition:
            return _joined([self.say(one) for one in condition["and"]], "and")
        if "or" in condition:
            return _joined([self.say(one) for one in condition["or"]], "or")
        if "not" in condition:
            parts = condition["not"] if isinstance(condition["not"], list) else [condition["not"]]
            return _joined([self.say(one) for one in parts], "or").opposite
        if "iterative" in condition:
            return self.say(_translated(condition["iterative"]))
        if "type" in condition:
            return Said("t_volume is not null", "t_volume is null")
        if "agg" in condition:
            return self._fold(condition)
        return self._compare(condition["field"], condition["op"], condition["value"])

    # -- one event

    def _values(self, field: str) -> list[Any]:
        return [event[field] for event in self.events if event.get(field) is not None]

    def _compare(self, field: str, op: str, value: Any) -> Said:
        number, text = f"n_{field}", f"t_{field}"
        if value is None:
            return Said("false", "true")
        said = json.dumps(as_text(value))
        if op in ("contains", "startswith"):
            return Said(f"{text} {op} {said}", f"({text} is null or not ({text} {op} {said}))")
        if op not in ("==", "!="):
            return _ordered(number, op, str(value)) if is_number(value) else Said("false", "true")
        if not is_number(value):
            same = Said(f"{text} == {said}", f"{text} != {said}")
        elif all(map(is_number, self._values(field))):
            same = Said(f"{number} == {value}", f"{number} != {value}")
        else:
            same = Said(
                f"({number} == {value} or ({number} is null and {text} == {said}))",
                f"({number} != {value} or ({number} is null and {text} != {said}))",
            )
        wanted, other = (same.true, same.false) if op == "==" else (same.false, same.true)
        return Said(wanted, f"({text} is null or {other})")

    # -- folds over a step

    def _fold(self, condition: dict[str, Any]) -> Said:
        var, fold = condition["var"], condition["agg"]
        label, own = self.labels[var], var == self.own
        empty, some = f"count({label}) == {int(own)}", f"count({label}) > {int(own)}"
        claim = self._claim(condition, label, own)
        verdict = condition.get("empty")
        if verdict is True:
            return Said(f"({empty} or {claim.true})", f"({some} and {claim.false})")
        if verdict is False or fold not in ("count", "sum"):
            return Said(f"({some} and {claim.true})", f"({empty} or {claim.false})")
        return claim

    def _claim(self, condition: dict[str, Any], label: str, own: bool) -> Said:
        """The comparison, of something that is there."""
        fold, field, op = condition["agg"], condition.get("of", ""), condition["op"]
        if fold != "count" and not all(map(is_number, self._values(field))):
            raise CannotSay(f"{fold} of a field that is not always a number")
        if own and fold != "count" and any(event.get(field) is None for event in self.events):
            raise CannotSay(f"{fold} over its own loop of a field that is sometimes null")
        if own and fold in ("min", "max"):
            return self._extreme(condition, label)
        value = self._value(condition, label, own)
        if "field" in condition:
            return _ordered(f"n_{condition['field']}", op, value)
        if not is_number(condition["value"]):
            raise CannotSay("a fold compared with text")
        return Said(f"{value} {op} {condition['value']}", f"{value} {INVERSE[op]} {condition['value']}")

    def _value(self, condition: dict[str, Any], label: str, own: bool) -> str:
        fold, field = condition["agg"], f"n_{condition.get('of', '')}"
        match fold:
            case "count":
                return f"(count({label}) - 1)" if own else f"count({label})"
            case "sum":
                mine = f" - coalesce({field}, 0)" if own else ""
                plus = f" + coalesce(n_{condition['plus']}, 0)" if "plus" in condition else ""
                return f"(sum({label}.{field}){mine}{plus})"
            case "avg" if own:
                return f"((sum({label}.{field}) - {field}) / (count({label}) - 1))"
            case "last" if own:
                return f"{label}[-2].{field}"
            case "first" if own:
                return f"{label}[0].{field}"
            case _:
                return f"{fold}({label}.{field})"

    def _extreme(self, condition: dict[str, Any], label: str) -> Said:
        """A value compared with the least or greatest before: of the event itself, for others nothing is known."""
        fold, of, op = condition["agg"], condition["of"], condition["op"]
        if condition.get("field") != of:
            raise CannotSay(f"{fold} over its own loop, compared with something else")
        field = f"n_{of}"
        known = sorted({event[of] for event in self.events})
        again = " or ".join(f"({field} == {v} and count({label} where {field} == {v}) > 1)" for v in known)
        reaches = f"{fold}({label}.{field}) == {field}"  # at least as extreme as all before
        passes = f"({reaches} and not ({again}))"
        beyond, inward = ("<", ">") if fold == "min" else (">", "<")
        falls = f"{fold}({label}.{field}) != {field}"
        claims = {
            beyond: Said(passes, f"not {passes}"),
            f"{beyond}=": Said(reaches, falls),
            inward: Said(falls, reaches),
            f"{inward}=": Said(f"not {passes}", passes),
            "==": Said(f"({reaches} and ({again}))", f"({falls} or not ({again}))"),
            "!=": Said(f"({falls} or not ({again}))", f"({reaches} and ({again}))"),
        }
        return claims[op]


_CLAIMS = (
    (r'(\w+) contains "(\w+)"', lambda f, v: {"field": f, "op": "contains", "value": v}),
    (r'(\w+) == "(\w+)"', lambda f, v: {"field": f, "op": "==", "value": v}),
    (r"first\((\w+)\)\.(\w+) == (\w+)", lambda s, f, g: {"agg": "first", "var": s, "op": "==", "of": f, "field": g}),
    (
        r"sum\((\w+)\.(\w+) so far\) \+ (\w+) < ([\d.]+)",
        lambda s, f, g, v: {"agg": "sum", "var": s, "op": "<", "of": f, "plus": g, "value": float(v)},
    ),
)


def _translated(text: str) -> dict[str, Any]:
    """A condition that was recorded in words, as data."""
    claims = []
    for part in text.split(" and "):
        found = [make(*match.groups()) for pattern, make in _CLAIMS if (match := re.fullmatch(pattern, part))]
        if not found:
            raise CannotSay(f"a condition recorded in words: {part}")
        claims += found
    return {"and": claims}


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def as_text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _ordered(left: str, op: str, right: str) -> Said:
    return Said(f"{left} {op} {right}", f"({left} is null or {left} {INVERSE[op]} {right})")


def _joined(parts: Iterable[Said], word: str) -> Said:
    parts = list(parts)
    other = {"and": "or", "or": "and"}[word]
    return Said(
        "(" + f" {word} ".join(one.true for one in parts) + ")", "(" + f" {other} ".join(one.false for one in parts) + ")"
    )
