"""Tables: what a CSV or YAML file gives, when a column is of numbers, and what is said of a file that is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from cep.config import Config, TableSpec
from cep.errors import ConfigError
from cep.loader.tables import Table, read_table, read_tables


def table(folder: Path, text: str, key: str = "id", name: str = "t.csv") -> Table:
    (folder / name).write_text(text, encoding="utf-8")
    return read_table(TableSpec("t", name, key), folder)[0]


def test_a_csv_file_is_found_by_its_key(tmp_path: Path) -> None:
    found = table(tmp_path, 'id,name,tier\nc1,"Costa, Ana",gold\n\nc2, Ben ,\n')
    assert found == {
        "c1": {"id": "c1", "name": "Costa, Ana", "tier": "gold"},
        "c2": {"id": "c2", "name": "Ben", "tier": None},
    }


def test_a_column_is_of_numbers_only_if_all_of_it_is(tmp_path: Path) -> None:
    found = table(tmp_path, "id,whole,mixed,zip,real,huge\n1,5,5,01067,1.50,12345678901234567890123\n2,,five,99999,-2e3,-1\n")
    assert found == {
        1: {"id": 1, "whole": 5, "mixed": "5", "zip": "01067", "real": 1.5, "huge": 12345678901234567890123},
        2: {"id": 2, "whole": None, "mixed": "five", "zip": "99999", "real": -2000.0, "huge": -1},
    }


def test_a_column_of_true_and_false_is_of_truth_values(tmp_path: Path) -> None:
    found = table(tmp_path, "id,active,note\na,true,true\nb,false,maybe\nc,,true\n")
    assert [row["active"] for row in found.values()] == [True, False, None]
    assert [row["note"] for row in found.values()] == ["true", "maybe", "true"]


@pytest.mark.parametrize("cell", ["inf", "nan", "0x10", "1_000", "+5", "1e", "٣", "1.", ".5", "- 1"])
def test_what_only_looks_like_a_number_stays_text(tmp_path: Path, cell: str) -> None:
    assert table(tmp_path, f"id,x\na,{cell}\n")["a"]["x"] == cell


def test_a_number_beyond_all_bounds_is_null(tmp_path: Path) -> None:
    assert table(tmp_path, f"id,x\na,1e999\nb,{'9' * 5000}\nc,1\n") == {
        "a": {"id": "a", "x": None}, "b": {"id": "b", "x": None}, "c": {"id": "c", "x": 1},
    }  # fmt: skip


def test_yaml_tables_are_mappings_or_lists_of_rows(tmp_path: Path) -> None:
    expected: Table = {"ana": {"id": "ana", "country": "NO", "limit": 5}, "ben": {"id": "ben", "country": None, "limit": "5"}}
    assert table(tmp_path, "ana: {country: NO, limit: 5}\nben: {country: ~, limit: '5'}\n", name="t.yml") == expected
    assert (
        table(tmp_path, "- {id: ana, country: NO, limit: 5}\n- {id: ben, country: null, limit: '5'}\n", name="t.yaml") == expected
    )
    assert table(tmp_path, "7: {on: true}\n", name="t.yml") == {7: {"id": 7, "on": True}}


@pytest.mark.parametrize(
    ("name", "text", "code", "line", "words"),
    [
        ("t.csv", "key,name\na,b\n", "E0958", 1, "t.csv has no column `id`; its columns: key, name"),
        ("t.csv", "id;name\na;b\n", "E0958", 1, "t.csv has no column `id`; write commas instead of `;` between its cells"),
        ("t.csv", "id\tname\na\tb\n", "E0958", 1, "t.csv has no column `id`; write commas instead of tabs between its cells"),
        ("t.csv", "", "E0958", 1, "t.csv has no column `id`; the file is empty"),
        ("t.csv", "id,x,x\n", "E0958", 1, "has two columns `x`"),
        ("t.csv", "id,,x\n", "E0958", 1, "has a column without a name"),
        ("t.csv", "id,x\na,1\nb\n", "E0958", 3, "cells in this row: 1, in the head: 2; an empty cell still"),
        ("t.csv", 'id,x\na,"b\n', "E0958", 2, "not CSV"),
        ("t.csv", "id,x\na,1\n,2\n", "E0958", 3, "a row has no `id`"),
        ("t.csv", "id,x\na,1\nb,2\na,3\n", "E0959", 4, "`a` stands twice, first in line 2"),
        ("t.csv", "id,x\n1,1\n1.0,2\n", "E0959", 3, "`1.0` stands twice"),
        ("t.yml", "a: {x: 1}\n'a': {x: 2}\n", "E0952", 2, "stands twice"),
        ("t.yml", "- {id: a}\n- {id: a}\n", "E0959", 2, "`a` stands twice, first in line 1"),
        ("t.yml", "- {x: 1}\n", "E0958", 1, "a row has no `id`"),
        ("t.yml", "a: 5\n", "E0958", 1, "a row must be a mapping"),
        ("t.yml", "a: {x: [1]}\n", "E0958", 1, "a cell must be a single value"),
        ("t.yml", "just text\n", "E0958", 1, "must be a mapping of keys to rows"),
        ("t.yml", "", "E0958", 1, "must be a mapping of keys to rows"),
        ("t.yml", "a: {\n", "E0952", 1, "not YAML"),
        ("t.txt", "id\n", "E0958", 1, "neither .csv nor .yml"),
    ],
)
def test_each_fault_is_told_with_its_line(tmp_path: Path, name: str, text: str, code: str, line: int, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        table(tmp_path, text, name=name)
    assert words in f"{caught.value.message}; {caught.value.help}"
    assert (caught.value.code, caught.value.span.line, caught.value.span.file) == (code, line, str(tmp_path / name))


def test_a_fault_names_the_file_as_it_is_found_from_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "t.csv").write_text("name\na\n")
    with pytest.raises(ConfigError, match=r"rules/t\.csv has no column `id`") as caught:
        read_table(TableSpec("t", "t.csv", "id", base=tmp_path / "rules"), tmp_path)
    assert caught.value.span.file == "rules/t.csv"


def test_a_missing_file_and_one_that_is_no_text_are_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"cannot read .*: No such file"):
        read_table(TableSpec("t", "nothing.csv", "id"), tmp_path)
    (tmp_path / "t.csv").write_bytes(b"id\n\xff\n")
    with pytest.raises(ConfigError, match="not UTF-8"):
        read_table(TableSpec("t", "t.csv", "id"), tmp_path)


def test_the_hash_follows_the_content_and_nothing_else(tmp_path: Path) -> None:
    spec = TableSpec("t", "t.csv", "id")
    hashes = []
    for text in ("id\na\n", "id\nb\n", "id\na\n"):
        (tmp_path / "t.csv").write_text(text)
        hashes.append(read_table(spec, tmp_path)[1])
    assert hashes[0] == hashes[2] != hashes[1]


def test_a_table_that_breaks_keeps_what_it_held(tmp_path: Path) -> None:
    config = Config(tables={"t": TableSpec("t", "t.csv", "id"), "u": TableSpec("u", "u.csv", "id")}, base=tmp_path)
    (tmp_path / "t.csv").write_text("id\na\n")
    (tmp_path / "u.csv").write_text("id\nx\n")
    good = read_tables(config)
    assert good.faults == ()
    (tmp_path / "t.csv").write_text("ident\nb\n")
    (tmp_path / "u.csv").write_text("id\ny\n")
    partly = read_tables(config, good)
    assert partly.content == {"t": {"a": {"id": "a"}}, "u": {"y": {"id": "y"}}}
    assert partly.hashes["t"] == good.hashes["t"]
    assert [fault.code for fault in partly.faults] == ["E0958"]
    assert read_tables(config).content == {"u": {"y": {"id": "y"}}}
