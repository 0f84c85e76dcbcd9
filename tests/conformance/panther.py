"""Panther's correlation rules with their own tests, said as rules of ours.

Group, in any order              match all(a, b)
EventEvaluationOrder             match a -> b
Absence                          match !before -> a -> !after: in the whole time around it
MinMatchCount                    a rule that counts, and a rule on its alerts
MatchCriteria                    by
LookbackWindowMinutes            within
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from cep.alert import Alert
from tests.conformance.cases import Case, read_cases

MINUTE_US = 60_000_000
Row = dict[str, Any]


def cases() -> list[Case]:
    return [_case(rule, test) for rule in read_cases("panther")["rules"] for test in rule["tests"]]


def _case(rule: Row, test: Row) -> Case:
    (detection,) = rule["detection"]
    minutes = detection["LookbackWindowMinutes"]
    events = sorted(_events(test), key=lambda event: event["ts"])
    wanted = test["ExpectedResult"]

    def same(alerts: Sequence[Alert]) -> bool:
        return any(alert.rule == "r" for alert in alerts) is wanted

    name = f"{rule['rule_id']}: {test['Name']}"
    until_us = events[-1]["ts"] + minutes * MINUTE_US
    return Case(name, _rule(detection, minutes), tuple(events), until_us, same, expected="an alert" if wanted else "none")


def _rule(detection: Row, minutes: int) -> str:
    steps = detection["Group"]
    many = [step for step in steps if step.get("MinMatchCount", 1) > 1]
    ordered = detection.get("EventEvaluationOrder") == "Chronological"
    lines = [_counting(step, minutes) for step in many]
    absent = [step for step in steps if step.get("Absence")]
    present = [step for step in steps if not step.get("Absence")]
    labels = {step["ID"]: f"s{number}" for number, step in enumerate(present)}
    where = [f"{labels[step['ID']]}: {_type(step, many)}" for step in present]
    if absent:
        where += [f"{when}{number}: {_type(step, many)}" for number, step in enumerate(absent) for when in ("before", "after")]
        before = [f"!before{number} -> " for number in range(len(absent))]
        after = [f" -> !after{number}" for number in range(len(absent))]
        pattern = "".join([*before, " -> ".join(labels.values()), *after])
    else:
        pattern = " -> ".join(labels.values()) if ordered else f"all({', '.join(labels.values())})"
    lines.append(
        f"rule r\n  by k\n  match {pattern}\n  where {where[0]}\n"
        + "".join(f"        {line}\n" for line in where[1:])
        + f"  within {minutes}m\n"
    )
    return "\n".join(lines)


def _counting(step: Row, minutes: int) -> str:
    return f"rule {_name(step)}\n  by k\n  from {_name(step)}\n  when count() >= {step['MinMatchCount']} over {minutes}m\n"


def _type(step: Row, many: Sequence[Row]) -> str:
    return f"rule {_name(step)}" if step in many else _name(step)


def _name(step: Row) -> str:
    return step["ID"].replace(" ", "_").lower()


def _events(test: Row) -> list[Row]:
    found = []
    for output in test["RuleOutputs"]:
        for values in output["Matches"].values():
            for value, times in values.items():
                for time in times:
                    ts = round(datetime.fromisoformat(time.replace("Z", "+00:00")).timestamp() * 1_000_000)
                    found.append({"type": _name(output), "ts": ts, "k": value})
    return found


DIFFERENT: dict[str, str] = {}
