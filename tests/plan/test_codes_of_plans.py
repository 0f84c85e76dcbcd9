"""Each code of names, types, bounds and tests is earned by the example of its page and mended as the page says."""

from __future__ import annotations

import pytest

from cep.codes import bounds, names, types
from cep.codes.code import Code
from cep.errors import Diagnostic
from cep.lang.parser import parse_text
from cep.plan.rulebook import build_rulebook

SCHEMAS = {"telemetry": {"truck": "text", "speed": "number", "driver": "text"}}
TABLES = {"customers": {"c1": {"name": "Ana", "tier": "gold"}}}
CODES = [*names.CODES, *types.CODES, *bounds.CODES]


def faults_of(source: str) -> list[Diagnostic]:
    file, syntax = parse_text(source, "r.cep")
    assert syntax == []
    return build_rulebook([file], schemas=SCHEMAS, tables=TABLES, channels={"ops", "soc"})[1]


@pytest.mark.parametrize("code", CODES, ids=lambda code: code.code)
def test_the_example_earns_its_code_and_no_other(code: Code) -> None:
    found = faults_of(code.before)
    assert {fault.code for fault in found} == {code.code}
    assert {fault.level for fault in found} == {"error" if code.code.startswith("E") else "warning"}


@pytest.mark.parametrize("code", CODES, ids=lambda code: code.code)
def test_the_mended_example_is_sound(code: Code) -> None:
    assert faults_of(code.after) == []


def test_every_code_is_used_once_and_says_how_to_mend_it() -> None:
    said = [code.code for code in CODES]
    assert len(set(said)) == len(said)
    assert all(code.title and code.what and code.mend and code.before and code.after for code in CODES)
