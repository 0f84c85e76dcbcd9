"""Every example of docs/language.md is read, planned and tested; what stands side by side in both spellings is one tree."""

from __future__ import annotations

from itertools import pairwise

import pytest

from cep.lang import tree
from cep.lang.printer import print_text, print_yaml
from cep.lang.read import read_rules
from cep.loader.script import run_tests
from cep.plan.rulebook import build_rulebook
from tests.docs.letters import TABLES
from tests.docs.pages import Block, blocks

PAGE = "language.md"
RULES = blocks(PAGE, "cep", "yaml")
PAIRS = [(above, below) for above, below in pairwise(RULES) if below.before == "As YAML:"]


def parsed(block: Block) -> tree.File:
    file, faults = read_rules("example.cep" if block.language == "cep" else "example.yml", block.text)
    assert not faults, [f"{block.name}+{fault.span.line}: {fault.message}" for fault in faults]
    return file


@pytest.mark.parametrize("block", RULES, ids=lambda block: block.name)
def test_an_example_plans_without_faults_and_its_tests_pass(block: Block) -> None:
    file = parsed(block)
    assert file.rules and file.tests
    rulebook, faults = build_rulebook([file], tables=TABLES)
    assert not faults, [f"{fault.code} {fault.message}" for fault in faults]
    results = run_tests(rulebook, [file])
    assert len(results) == len(file.tests)
    assert {result.test.rule.text for result in results} == {rule.id.text for rule in file.rules}
    for result in results:
        assert result.passed, (result.test.name, result.problems, result.timeline)


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair[0].name)
def test_both_spellings_side_by_side_are_one_tree(pair: tuple[Block, Block]) -> None:
    above, below = pair
    assert (above.language, below.language) == ("cep", "yaml")
    text, yaml = parsed(above), parsed(below)
    assert (text.rules, text.tests, text.declarations) == (yaml.rules, yaml.tests, yaml.declarations)


def test_each_kind_of_clause_stands_beside_its_yaml() -> None:
    """Every YAML block belongs to a pair: none stands alone, unseen by the test above."""
    assert len(PAIRS) == sum(block.language == "yaml" for block in RULES) >= 6


@pytest.mark.parametrize("block", RULES, ids=lambda block: block.name)
def test_an_example_says_the_same_when_it_is_converted_and_back(block: Block) -> None:
    file = parsed(block)
    for name, shown in (("example.cep", print_text(file)), ("example.yml", print_yaml(file))):
        again, faults = read_rules(name, shown)
        assert not faults
        assert (again.rules, again.tests, again.declarations) == (file.rules, file.tests, file.declarations)
