"""docs/coming-from.md: what is said of other engines is run here, row by row."""

from __future__ import annotations

import re

import pytest

from cep.lang.read import read_rules
from cep.loader.script import run_tests
from cep.plan.rulebook import build_rulebook
from tests.docs.pages import Block, Row, blocks, code, rows
from tests.docs.test_tables import SECOND_US, run, seconds, stream

PAGE = "coming-from.md"
ENGINES = ("Flink", "Esper", "Siddhi", "EQL", "Sigma correlation", "ElastAlert")
TABLE = [row for engine in ENGINES for row in rows(PAGE, engine, "here", "events", "alerts")]
WORDS = ("all", "of", "until", "gap", "within")
_CLAUSE = re.compile(r"\s+(?=(?:within|pick|after match|once|over|per|fire|then)\b)")


def rule_of(text: str) -> str:
    """The whole rule that a row's short form stands for; a label takes the events of its letter."""
    if text.startswith("when "):
        body, *clauses = _CLAUSE.split(text)
        return "\n  ".join(["rule r", 'from e where v != "."', body, *clauses]) + "\n"
    if text.startswith("absent "):
        letter, duration = text.split()[1::2]
        return f'rule r\n  absent e where v == "{letter}" for {duration}\n'
    pattern, *clauses = _CLAUSE.split(text)
    letters = dict.fromkeys(re.findall(r"(?<![\w.])[a-z](?!\w)", re.sub(r"\[[^\]]*\]", "", pattern)))
    where = "\n        ".join(f'{letter}: e where v == "{letter}"' for letter in letters)
    return "\n  ".join(["rule r", f"match {pattern}", f"where {where}", *clauses]) + "\n"


def told(row: Row) -> str:
    found = run(rule_of(code(row.cells[1])), stream(code(row.cells[2])), until_us=100 * SECOND_US, id="ts")
    opened = [alert for alert in found if alert.transition == "opened"]
    return "; ".join(f"{seconds(alert):g}s: {' '.join(map(str, alert.evidence))}" for alert in opened) or "none"


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row.section}: {row.cells[0]}")
def test_a_row_alerts_as_the_table_says(row: Row) -> None:
    assert told(row) == row.cells[3]


def test_every_engine_has_its_table() -> None:
    assert all(len(rows(PAGE, engine, "here", "events", "alerts")) >= 4 for engine in ENGINES)


@pytest.mark.parametrize("block", blocks(PAGE, "cep"), ids=lambda block: block.name)
def test_an_example_plans_without_faults_and_its_tests_pass(block: Block) -> None:
    file, faults = read_rules("example.cep", block.text)
    rulebook, more = build_rulebook([file])
    assert not [fault.message for fault in (*faults, *more)]
    results = run_tests(rulebook, [file])
    assert len(results) == 2
    assert all(result.passed for result in results), [(result.problems, result.timeline) for result in results]
