"""Every table of docs/language.md with a result in it is computed: expressions, patterns letter by letter, arrivals, limits."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from cep import event as events
from cep.config import StreamSpec
from cep.functions import FUNCTIONS, regex
from cep.lang import literals, read, yaml_tests
from cep.lang.assemble import CHOICES
from cep.lang.blocks import RULE_WORDS
from cep.lang.read import read_rules
from cep.lang.yaml_form import RULE_KEYS
from cep.match.openrows import LARGEST_DOCUMENT
from cep.match.pipeline import Pipeline
from cep.plan import check_pattern, registers, scope
from cep.plan.aggregates import AGGREGATES
from cep.plan.rulebook import build_rulebook
from tests.docs.functions_table import functions_table
from tests.docs.letters import SECOND_US, everything, rule_of, run, seconds, stream, told
from tests.docs.pages import Row, blocks, code, rows, text_of

PAGE = "language.md"
EVENT = json.loads(blocks(PAGE, "json")[0].text)


def value_of(expression: str) -> Any:
    (alert,) = run(f"rule r\n  from e\n  emit value = {expression}\n", [EVENT])
    return alert.fields["value"]


# ---------------------------------------------------------------- expressions


@pytest.mark.parametrize("row", rows(PAGE, "expression", "result"), ids=lambda row: row.cells[0])
def test_an_expression_has_the_result_beside_it(row: Row) -> None:
    assert json.dumps(value_of(code(row.cells[0]))) == json.dumps(json.loads(code(row.cells[1])))


FUNCTION_EXAMPLES = [(name, *example) for name, function in FUNCTIONS.items() for example in function.examples]


@pytest.mark.parametrize(("name", "expression", "result"), FUNCTION_EXAMPLES)
def test_the_examples_of_a_function_are_true(name: str, expression: str, result: str) -> None:
    assert name in expression
    assert value_of(expression) == json.loads(result)


def test_the_table_of_functions_is_that_of_the_code() -> None:
    written = text_of(PAGE).split("<!-- functions -->\n")[1].split("<!-- /functions -->")[0]
    assert written == functions_table(), "run: python -m tests.docs.functions_table"


def test_every_aggregate_is_in_the_table_and_no_other() -> None:
    names = {code(cell).split("(")[0] for row in rows(PAGE, "written in a window") for cell in row.cells[:2] if cell}
    assert names == set(AGGREGATES)


# ---------------------------------------------------------------- clauses


def test_every_clause_of_the_grammar_is_in_the_table_and_no_other() -> None:
    named = {word for row in rows(PAGE, "clause", "stands in") for cell in re.findall(r"`(\w+)", row.cells[0]) for word in [cell]}
    assert named | {"title"} == set(RULE_WORDS) | {"rule"}
    assert named | {"title", "tests"} == {key.split()[0] for key in RULE_KEYS}


def test_every_word_of_severity_is_named() -> None:
    said = text_of(PAGE).split("`severity` is ")[1].split(";")[0]
    assert tuple(re.findall(r"`(\w+)`", said)) == CHOICES["severity"]
    assert run("rule r\n  from e\n", [EVENT])[0].severity == "medium"


# ---------------------------------------------------------------- meaning


@pytest.mark.parametrize("row", rows(PAGE, "rule", "events", "alerts"), ids=lambda row: f"{row.cells[0]} on {row.cells[1]}")
def test_a_rule_alerts_as_the_table_says(row: Row) -> None:
    assert told(code(row.cells[0]), code(row.cells[1])) == row.cells[2]


@pytest.mark.parametrize("row", rows(PAGE, "rule", "events", "told"), ids=lambda row: row.cells[0])
def test_noise_control_tells_what_the_table_says(row: Row) -> None:
    found = run(rule_of(code(row.cells[0])), stream(code(row.cells[1])), until_us=100 * SECOND_US)
    assert " ".join(f"{seconds(alert):g}s" for alert in found) == row.cells[2]


def test_events_wait_for_the_watermark_as_the_table_says() -> None:
    file, _ = read_rules("rule.cep", "rule r\n  from e\n  emit at = ts\n")
    pipeline = Pipeline(build_rulebook([file])[0], {"e": StreamSpec(name="e", lateness_us=5 * SECOND_US)})
    table = rows(PAGE, "arrives", "watermark then")
    assert len(table) == 6
    for number, row in enumerate(table):
        outcome = pipeline.push("e", [json.dumps({"ts": int(row.cells[0])}).encode()], [number])
        assert pipeline.watermark_us == int(row.cells[1]) * SECOND_US
        judged = re.findall(r"\d+", row.cells[2]) if "judged" in row.cells[2] else []
        assert [f"{seconds(alert):g}" for alert in outcome.alerts] == judged
        assert bool(outcome.late) == (row.cells[2] == "late")


# ---------------------------------------------------------------- limits, and who cites what


def test_the_limits_are_those_of_the_code() -> None:
    said = [row.cells[1] for row in rows(PAGE, "what", "at most")]
    assert said == [
        f"{read.MAX_BYTES >> 20} MiB",
        f"{LARGEST_DOCUMENT >> 20} MiB",
        f"{check_pattern.MOST_REPEATS:,}",
        f"{check_pattern.MOST_STEPS}",
        f"{check_pattern.MOST_OF_ANY_ORDER}",
        f"{check_pattern.DEEPEST}",
        f"{registers.MOST_ROWS:,}",
        f"{registers.LONGEST_LIST:,}",
        f"{events.MAX_EVIDENCE}",
        f"{scope.DEEPEST}",
        f"{scope.MOST_NODES:,}",
        f"{regex.LONGEST_PATTERN:,} characters",
        f"{yaml_tests.MAX_REPEAT:,}",
        f"{literals.MAX_SPAN_US // literals.UNITS_US['d']:,} days",
    ]


@pytest.mark.parametrize("row", rows(PAGE, "rule", "events", "life"), ids=lambda row: f"{row.cells[0]} on {row.cells[1]}")
def test_an_alert_lives_as_the_table_says(row: Row) -> None:
    found = everything(rule_of(code(row.cells[0])), stream(code(row.cells[1])), until_us=100 * SECOND_US, id="ts")
    assert "; ".join(f"{seconds(alert):g}s {alert.transition}" for alert in found) == row.cells[2]
