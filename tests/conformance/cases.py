"""A case of another engine's tests, said as a rule of ours: what is run, and what should come of it.

The cases themselves lie outside of the project, in ../shared/conformance; CEP_CONFORMANCE names another folder.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cep.alert import Alert
from cep.config import StreamSpec
from cep.lang.read import read_rules
from cep.match.pipeline import Pipeline
from cep.plan.rulebook import build_rulebook

FOLDER = Path(os.environ.get("CEP_CONFORMANCE") or Path(__file__).parents[3] / "shared" / "conformance")
BASE_US = 1_767_225_600_000_000  # 2026-01-01, where the time of a case begins that has none of its own
STREAM = {"event": StreamSpec(time="ts", unit="us", type="type")}


@dataclass(frozen=True)
class Case:
    """rule      as text; empty where it cannot be said, for the reason in `cannot`
    events    in order, each with `type` and `ts` in microseconds
    until_us  the clock runs on to here
    matches   whether the alerts are those expected
    """

    name: str
    rule: str = ""
    events: tuple[dict[str, Any], ...] = ()
    until_us: int = 0
    matches: Callable[[Sequence[Alert]], bool] = lambda _: False
    cannot: str = ""
    expected: str = ""


@dataclass(frozen=True)
class Verdict:
    """`how` is pass, different (by design, for `reason`), cannot (be said, for `reason`), or unexplained."""

    case: Case
    how: str
    reason: str = ""
    told: tuple[str, ...] = ()


class Refused(Exception):
    """The rule has faults."""


def read_cases(name: str) -> Any:
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def run(case: Case) -> list[Alert]:
    """The alerts that are told: openings, and none that is muted.

    raises  Refused: the rule is none
    """
    file, faults = read_rules("case.cep", case.rule)
    rulebook, more = build_rulebook([file])
    errors = [one.message for one in (*faults, *more) if one.level == "error"]
    if errors:
        raise Refused(errors[0])
    pipeline = Pipeline(rulebook, STREAM, rows="dict")
    alerts = list(pipeline.push("event", list(case.events), range(1, len(case.events) + 1)).alerts)
    alerts += pipeline.finish(case.until_us).alerts
    return [alert for alert in alerts if alert.transition == "opened" and not alert.muted]


def judge(cases: Iterable[Case], different: dict[str, str]) -> list[Verdict]:
    """Run all. `different`: case -> why it is otherwise here; told only where it is."""
    found = []
    for case in cases:
        if not case.rule:
            found.append(Verdict(case, "cannot", case.cannot))
            continue
        try:
            alerts = run(case)
        except Refused as refused:
            found.append(Verdict(case, "cannot", f"refused: {refused}"))
            continue
        told = tuple(f"{(alert.time_us - BASE_US) / 1000:g}ms {alert.key} {alert.fields}" for alert in alerts)
        if case.matches(alerts):
            found.append(Verdict(case, "pass", told=told))
        else:
            reason = different.get(case.name, "")
            found.append(Verdict(case, "different" if reason else "unexplained", reason, told))
    return found
