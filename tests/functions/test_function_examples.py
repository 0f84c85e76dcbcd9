"""Every function's examples, through parser, planner and constant folding, are worth what they say."""

from __future__ import annotations

import json

import pytest

from cep.functions import FUNCTIONS
from cep.functions.time import EXAMPLE_TS_US
from cep.lang.parser import parse_text
from cep.plan.rulebook import build_rulebook
from cep.types import Type
from tests.judge.values import Scope, value

EXAMPLES = [(name, expr, worth) for name, function in FUNCTIONS.items() for expr, worth in function.examples]


@pytest.mark.parametrize(("name", "expr", "worth"), EXAMPLES, ids=lambda text: str(text)[:40])
def test_an_example_is_worth_what_it_says(name: str, expr: str, worth: str) -> None:
    file, syntax = parse_text(f"rule r\n  from e where user == 'ana'\n  emit found = {expr}\n", "r.cep")
    assert syntax == []
    book, faults = build_rulebook([file])
    assert [fault for fault in faults if fault.level == "error"] == []
    found = value(book["r"].emit[0][1], Scope(time_us=EXAMPLE_TS_US))
    assert json.loads(json.dumps(found)) == json.loads(worth)
    assert type(found) is type(json.loads(worth))
    assert name in expr


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=lambda function: function.name)
def test_a_function_says_what_it_is(function: object) -> None:
    assert function.doc.endswith(".")  # type: ignore[attr-defined]  # a Function
    assert function.examples  # type: ignore[attr-defined]
    assert function.optional <= len(function.params)  # type: ignore[attr-defined]
    if function.result is Type.ANY:  # type: ignore[attr-defined]
        assert Type.ANY in function.params  # type: ignore[attr-defined]
