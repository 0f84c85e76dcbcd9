"""Printing loses nothing: every tree, printed in either spelling and read again, is the same tree, and prints the same."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings

from cep.lang import tree
from cep.lang.printer import print_rules, print_text, print_yaml
from cep.lang.read import read_rules
from tests.lang.trees import files

ROOT = Path(__file__).resolve().parents[2]


def _same(one: tree.File, other: tree.File) -> None:
    assert one.rules == other.rules
    assert one.tests == other.tests
    assert one.declarations == other.declarations
    # dataclasses hold 1 == 1.0 == True inside of plain data; what is written must not
    assert [repr(given.event) for test in one.tests for given in test.given] == [
        repr(given.event) for test in other.tests for given in test.given
    ]


@settings(max_examples=120, deadline=None)
@given(files())
def test_text_tells_the_whole_tree(file: tree.File) -> None:
    printed = print_text(file)
    read, faults = read_rules("a.cep", printed)
    assert faults == []
    _same(read, file)
    assert print_text(read) == printed


@settings(max_examples=120, deadline=None)
@given(files())
def test_yaml_tells_the_whole_tree(file: tree.File) -> None:
    printed = print_yaml(file)
    read, faults = read_rules("a.yml", printed)
    assert faults == []
    _same(read, file)
    assert print_yaml(read) == printed


@settings(max_examples=50, deadline=None)
@given(files())
def test_text_to_yaml_and_back_is_the_same_text(file: tree.File) -> None:
    first = print_text(file)
    there, _ = read_rules("a.yml", print_yaml(read_rules("a.cep", first)[0]))
    assert print_text(there) == first


SHIPPED = sorted(path for ending in ("*.cep", "*.yml") for path in (ROOT / "rules").glob(ending))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_shipped_rules_convert_without_loss(path: Path) -> None:
    file, faults = read_rules(path.name, path.read_bytes())
    assert faults == []
    for name, printed in (("a.cep", print_text(file)), ("a.yml", print_yaml(file))):
        read, faults = read_rules(name, printed)
        assert faults == []
        _same(read, file)
        assert print_rules(read) == printed
