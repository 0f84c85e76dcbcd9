"""Plans are plain data: they travel as JSON and come back equal. The version says what decides, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings

from cep.lang.parser import parse_text
from cep.plan.ir import Expr
from cep.plan.plan import Rulebook
from cep.plan.rulebook import build_rulebook
from cep.plan.wire import from_wire, rule_from_wire, rulebook_from_wire, to_wire
from tests.plan.generated import conditions
from tests.plan.golden_files import build, cases

ROOT = Path(__file__).parents[2]
STARTERS = sorted((ROOT / "rules").glob("*.cep"))
RULE = """rule r  severity high
  "{tries} for {user}"
  tags one
  by user
  match fail{3,} -> ok
  where fail: login where outcome == "denied" and tries < 9
        ok: login where outcome == "granted" and ok.ip != fail.ip
  within 10m
  emit user, tries = count(fail)
  once per user every 1h
  to ops
"""


def over_json(book: Rulebook) -> Rulebook:
    return rulebook_from_wire(json.loads(json.dumps(to_wire(book))))


def version(source: str) -> str:
    book, faults = build(source)
    assert faults == []
    return book["r"].version


@pytest.mark.parametrize("path", STARTERS, ids=lambda path: path.stem)
def test_the_starter_rules_come_back_equal(path: Path) -> None:
    book, _ = build_rulebook([parse_text(path.read_text(), path.name)[0]])
    assert repr(over_json(book)) == repr(book)
    assert rule_from_wire(to_wire(book.plans[0])) == book.plans[0]


@pytest.mark.parametrize("case", cases("plans.txt"), ids=lambda case: case.name)
def test_every_kind_of_plan_comes_back_equal(case: object) -> None:
    book, _ = build(case.source)  # type: ignore[attr-defined]  # a Case
    assert repr(over_json(book)) == repr(book)


@given(condition=conditions())
@settings(max_examples=200, deadline=None)
def test_any_expression_comes_back_equal(condition: Expr) -> None:
    # repr, because Python holds 1 == 1.0 == True
    assert repr(from_wire(json.loads(json.dumps(to_wire(condition))))) == repr(condition)


def test_other_data_is_refused() -> None:
    for data in ({"@": "plan.Nothing"}, {"x": 1}, {"@": "plan.Rule"}):
        with pytest.raises(ValueError, match="plan"):
            from_wire(data)
    with pytest.raises(ValueError, match="rulebook"):
        rulebook_from_wire([1])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("severity high", "severity low"),
        ('"{tries} for {user}"', '"other words"'),
        ("tags one", "tags one, two"),
        ("  to ops\n", "  to soc\n"),
        ("  to ops\n", "  to ops\n  mode disabled\n"),
        ("fail", "refused"),
        ("within 10m", "within 600s"),
        ("tries < 9", "tries < 3 * 3"),
    ],
)
def test_words_do_not_change_the_version(old: str, new: str) -> None:
    assert old in RULE
    assert version(RULE.replace(old, new)) == version(RULE)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("tries < 9", "tries < 8"),
        ("tries < 9", "tries < 9.5"),
        ("{3,}", "{4,}"),
        ("->", "=>"),
        ("within 10m", "within 10m exclusive"),
        ("within 10m", "within 10m and 9 events"),
        ("ok.ip != fail.ip", "ok.ip != first(fail).ip"),
        ("ok: login", "ok: logins"),
        ("by user", "by user = account"),
        ("tries = count", "attempts = count"),
        ("every 1h", "every 2h"),
    ],
)
def test_what_decides_changes_the_version(old: str, new: str) -> None:
    assert old in RULE
    changed = RULE.replace(old, new).replace("{tries} for", "{user} for")
    assert version(changed) != version(RULE)


def test_what_other_rules_say_of_a_field_changes_no_version() -> None:
    # alone, nothing tells what `ip` is; beside the second rule it is text
    other = '\nrule s\n  from login where ip startswith "10."\n'
    assert version(RULE + other) == version(RULE)
