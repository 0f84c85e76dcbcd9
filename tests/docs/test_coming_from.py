"""docs/coming-from.md: what is said of other engines is run here, row by row."""

from __future__ import annotations

import pytest

from cep.lang.read import read_rules
from cep.loader.script import run_tests
from cep.plan.rulebook import build_rulebook
from tests.docs.letters import told
from tests.docs.pages import Block, Row, blocks, code, rows

PAGE = "coming-from.md"
ENGINES = ("Flink", "Esper", "Siddhi", "EQL", "Sigma correlation", "ElastAlert")
TABLE = [row for engine in ENGINES for row in rows(PAGE, engine, "here", "events", "alerts")]


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row.section}: {row.cells[0]}")
def test_a_row_alerts_as_the_table_says(row: Row) -> None:
    assert told(code(row.cells[1]), code(row.cells[2])) == row.cells[3]


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
