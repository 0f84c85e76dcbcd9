"""The rules we ship: each compiles without a warning, says what it is, and passes its own tests, which go both ways."""

from __future__ import annotations

from pathlib import Path

import pytest

from cep.config import Config
from cep.lang import tree
from cep.lang.printer import print_text, print_yaml
from cep.lang.read import read_rules
from cep.loader.files import load
from cep.loader.script import run_test

ROOT = Path(__file__).parent.parent
LOADED = load(["rules"], Config(base=ROOT))
FILES = {file.path: file for file in LOADED.files}
TESTS = [test for file in LOADED.files for test in file.tests]
RULES = {rule.id.text: rule for file in LOADED.files for rule in file.rules}


def test_there_are_a_dozen_of_them_in_both_spellings() -> None:
    assert len(RULES) >= 12
    assert len({path.rpartition(".")[2] for path in FILES}) == 2


def test_nothing_is_wrong_with_them_not_even_a_warning() -> None:
    assert [f"{one.span.file}:{one.span.line} {one.code} {one.message}" for one in LOADED.diagnostics] == []
    assert {plan.id for plan in LOADED.rulebook.plans} == set(RULES)
    assert not LOADED.degraded


@pytest.mark.parametrize("name", RULES)
def test_each_says_what_it_is(name: str) -> None:
    rule = RULES[name]
    assert rule.title
    assert rule.severity
    assert rule.tags
    assert rule.emit
    assert rule.mode == "enabled"


def test_each_file_is_named_after_its_rule_and_tells_the_events_it_reads() -> None:
    for path, file in FILES.items():
        assert [rule.id.text for rule in file.rules] == [Path(path).stem]
        assert LOADED.sources[path].startswith("# Events: ")


@pytest.mark.parametrize("name", RULES)
def test_each_is_tested_for_firing_and_for_staying_silent(name: str) -> None:
    expected = [expect for test in TESTS if test.rule.text == name for expect in test.expect]
    assert any(isinstance(expect, tree.ExpectAlerts) and expect.count for expect in expected)
    assert any(isinstance(expect, tree.ExpectNothing) for expect in expected)


@pytest.mark.parametrize("test", TESTS, ids=lambda test: f"{test.rule.text}: {test.name}")
def test_its_own_tests_pass(test: tree.RuleTest) -> None:
    result = run_test(LOADED.rulebook, test)
    assert result.passed, "\n".join([*result.problems, *result.timeline])


@pytest.mark.parametrize("path", FILES)
def test_each_reads_the_same_in_the_other_spelling(path: str) -> None:
    file = FILES[path]
    for name, text in (("other.yml", print_yaml(file)), ("other.cep", print_text(file))):
        again, faults = read_rules(name, text)
        assert faults == []
        assert (again.rules, again.tests) == (file.rules, file.tests)
