"""docs/configuration.md: its examples are read, its keys and defaults are those of the code."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from cep.cli import main, send
from cep.config import ChannelSpec, Config, StreamSpec
from cep.loader.config import FIELD_TYPES, STREAM, TABLE, TOP, WEBHOOK, parse_config
from cep.loader.watch import AT_START
from cep.match.timefield import NAMES
from cep.run import failpoints, process
from tests.docs.pages import ROOT, Block, Row, blocks, code, rows, text_of

PAGE = "configuration.md"
BASE = Path("/somewhere")
KEYS = rows(PAGE, "key", "if left out")


def read(text: str) -> Config:
    return parse_config(text, "cep.yml", BASE)


def keys_under(section: str) -> list[Row]:
    return [row for row in KEYS if row.section == section]


@pytest.mark.parametrize("block", blocks(PAGE, "yaml"), ids=lambda block: block.name)
def test_an_example_can_be_read(block: Block) -> None:
    assert read(block.text) != Config(base=BASE)


@pytest.mark.parametrize(("section", "known"), [("All keys", TOP), ("streams", STREAM), ("channels", WEBHOOK)])
def test_all_keys_are_told_and_no_others(section: str, known: tuple[str, ...]) -> None:
    assert {code(row.cells[0]) for row in keys_under(section)} == set(known)


def test_the_keys_of_tables_and_the_types_of_fields_are_told() -> None:
    text = text_of(PAGE)
    assert "`file` is CSV" in text and "`key` is the column" in text and TABLE == ("file", "key")
    for kind in FIELD_TYPES:
        assert f"`{kind}`" in text.split("Types are ")[1].split(".")[0]


@pytest.mark.parametrize("row", [row for row in KEYS if row.cells[1]], ids=lambda row: f"{row.section}-{row.cells[0]}")
def test_a_default_written_out_changes_nothing(row: Row) -> None:
    line = f"{code(row.cells[0])}: {code(row.cells[1])}"
    if row.section == "streams":
        assert read(f"streams: {{event: {{{line}}}}}").streams["event"] == StreamSpec()
    elif row.section == "channels":
        made = read(f"channels: {{c: {{webhook: https://h.example, {line}}}}}").channels["c"]
        assert made == ChannelSpec("c", "webhook", url="https://h.example")
    else:
        assert read(line) == Config(base=BASE)


@pytest.mark.parametrize("row", [row for row in KEYS if not row.cells[1]], ids=lambda row: f"{row.section}-{row.cells[0]}")
def test_a_key_without_a_default_is_nothing_until_it_is_set(row: Row) -> None:
    holder = {"streams": StreamSpec(), "channels": ChannelSpec("c", "webhook"), "All keys": Config()}[row.section]
    field = {"webhook": "url"}.get(code(row.cells[0]), code(row.cells[0]))
    assert getattr(holder, field) is None


def test_the_time_is_looked_for_in_the_fields_told() -> None:
    said = text_of(PAGE).split("the first of these fields that an event has: ")[1].split(".\n")[0]
    assert tuple(re.findall(r"`([^`]+)`", said)) == NAMES


def test_what_waits_for_a_restart_is_told_as_such() -> None:
    changed = rows(PAGE, "changed", "counts")
    (waits,) = [row for row in changed if "at the next start" in row.cells[1]]
    assert set(re.findall(r"`(\w+)`", waits.cells[0])) == set(AT_START)
    live = {name for row in changed if row is not waits for name in re.findall(r"`(\w+)`", row.cells[0])}
    assert live | set(AT_START) == set(TOP)


def test_a_type_is_read_as_the_table_says() -> None:
    assert [code(row.cells[0]) for row in rows(PAGE, "written", "the type of an event")][1:] == [
        "type: kind", "type: {field: kind}", "type: {fixed: reading}",
    ]  # fmt: skip
    usual = StreamSpec(name="s")
    assert read("streams: {s: {type: kind}}").streams["s"] == replace(usual, type="kind")
    assert read("streams: {s: {type: {field: kind}}}").streams["s"] == replace(usual, type_field="kind")
    assert read("streams: {s: {type: {fixed: reading}}}").streams["s"] == replace(usual, type_fixed="reading")


def test_every_environment_variable_that_is_read_is_told() -> None:
    told = {code(row.cells[0]) for row in rows(PAGE, "name") if row.section == "Environment variables"}
    token = next(option.envvar for option in send.command.params if option.name == "token")
    sources = [path.read_text(encoding="utf-8") for path in (ROOT / "cep").rglob("*.py")]
    by_name = {name for source in sources for name in re.findall(r"""environ(?:\.get\(|\[)"(\w+)\"""", source)}
    assert told == {process.LOG_VARIABLE, failpoints.VARIABLE, token, *by_name}
    assert "NO_COLOR" in by_name


def test_the_exit_codes_are_those_of_the_command() -> None:
    told = [row.cells[0] for row in rows(PAGE, "code") if row.section == "Exit codes"]
    assert told == ["0", str(main.FINDINGS), str(main.RULE_FAULT), str(main.CONFIG_FAULT), "130"]
