"""A field that is compared with itself earns a warning; one fault does not earn further ones elsewhere."""

from __future__ import annotations

import pytest

from cep.errors import Diagnostic
from cep.lang.read import read_rules
from cep.plan.rulebook import build_rulebook

STEP = "rule r\n  by item\n  match first -> up{2}\n  where first: price\n        up: price where CONDITION\n  within 1h\n"


def found(text: str) -> list[Diagnostic]:
    file, faults = read_rules("r.cep", text)
    return [*faults, *build_rulebook([file])[1]]


@pytest.mark.parametrize(
    "condition",
    ["v > last(up).v", "up.v < v", "v != up[-1].v", "v > last(up).v * 1.1", "v > 3 and (up.v <= v or v is null)", "v == v"],
)
def test_one_event_against_itself_is_warned_of(condition: str) -> None:
    (told,) = found(STEP.replace("CONDITION", condition))
    assert (told.code, told.level) == ("W0205", "warning")
    assert "up[-2].v" in told.help or condition == "v == v"


@pytest.mark.parametrize(
    "condition",
    ["v > up[-2].v", "v > last(first).v", "v > first.v", "v > 3", "v > w", "v > v / 2", "v > max(up.v) - 1", "v * 2 > w"],
)
def test_two_events_or_two_fields_are_not(condition: str) -> None:
    assert found(STEP.replace("CONDITION", condition)) == []


def test_arguments_of_an_unknown_function_are_not_judged_but_their_names_count() -> None:
    rule = "rule r\n  let big: a.v > 3\n  match a -> b\n  where a: x\n        b: y\n  within 1h\n"
    rule += "  emit n = cuont(a), m = cuont(big)\n"
    assert [one.code for one in found(rule)] == ["E0201", "E0201"]
