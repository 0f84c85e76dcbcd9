"""Every row of the table of syntax codes: `before` earns exactly its code, `after` is clean."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cep.codes import CODES, syntax
from cep.codes.code import Code
from cep.lang.read import read_rules

WITH_EXAMPLE = [code for code in syntax.CODES if code.before]
# what no text can show: bytes, sizes, names of files
WITHOUT_EXAMPLE = {
    "E0138": ("a.test", b"rule a\n  from b\n"),
    "E0140": ("a.cep", b"rule a\xff"),
    "E0142": ("a.cep", b"#" * (1 << 20) + b"#"),
    "E0143": ("a.txt", b"rule a\n  from b\n"),
}
CEP = Path(__file__).resolve().parents[2] / "cep"


def _name(code: Code) -> str:
    return "rules.yml" if code.yaml else "rules.cep"


@pytest.mark.parametrize("code", WITH_EXAMPLE, ids=lambda code: code.code)
def test_before_earns_its_code_and_no_other(code: Code) -> None:
    _, faults = read_rules(_name(code), code.before)
    assert {fault.code for fault in faults} == {code.code}


@pytest.mark.parametrize("code", WITH_EXAMPLE, ids=lambda code: code.code)
def test_after_is_clean(code: Code) -> None:
    file, faults = read_rules(_name(code), code.after)
    assert faults == []
    assert file.rules


@pytest.mark.parametrize("code", [code for code in syntax.CODES if not code.before], ids=lambda code: code.code)
def test_code_without_an_example_is_earned_by_a_file(code: Code) -> None:
    path, source = WITHOUT_EXAMPLE[code.code]
    _, faults = read_rules(path, source)
    assert [fault.code for fault in faults] == [code.code]


def test_every_code_that_the_front_end_says_is_in_the_table() -> None:
    said = {code for path in CEP.rglob("*.py") for code in re.findall(r'"(E01\d\d)"', path.read_text(encoding="utf-8"))}
    assert said == {code.code for code in syntax.CODES}
    assert said <= set(CODES)


@pytest.mark.parametrize("code", syntax.CODES, ids=lambda code: code.code)
def test_every_fault_of_the_examples_says_how_to_mend_it(code: Code) -> None:
    path, source = WITHOUT_EXAMPLE.get(code.code, (_name(code), code.before.encode()))
    _, faults = read_rules(path, source)
    assert all(fault.help or fault.code == "E0100" for fault in faults)
    assert all(fault.span.line >= 1 and fault.span.col >= 1 for fault in faults)
