"""The file that keeps the parser's tables: used if it is of this grammar, made again otherwise, and never needed."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from cep.lang import tables

GRAMMAR = 'one: "a" INT\nINT: /[0-9]+/\n%ignore " "\n'
STARTS = ("one",)
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def grammar(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "grammar_text", lambda: GRAMMAR)


def load(file: Path) -> dict[str, Any]:
    return tables.load_tables(STARTS, file)


def test_what_was_made_is_kept_and_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "tables.json"
    made = load(file)
    monkeypatch.setattr(tables, "_made", lambda *given: pytest.fail("made again"))
    assert load(file) == made
    assert [path.name for path in tmp_path.iterdir()] == ["tables.json"]


def test_building_the_package_writes_the_same_file(tmp_path: Path) -> None:
    load(tmp_path / "first.json")
    tables.keep_tables(STARTS, GRAMMAR, tmp_path / "second.json")
    assert (tmp_path / "first.json").read_bytes() == (tmp_path / "second.json").read_bytes()


@pytest.mark.parametrize("spoil", [b"", b"{", b"\xff\xfe", b"[]", b"null", b'"x"', b'{"key": 3}'])
def test_broken_file_is_made_again(tmp_path: Path, spoil: bytes) -> None:
    file = tmp_path / "tables.json"
    made = load(file)
    sound = file.read_bytes()
    file.write_bytes(spoil)
    assert load(file) == made
    assert file.read_bytes() == sound


def test_file_of_another_grammar_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "tables.json"
    before = load(file)
    monkeypatch.setattr(tables, "grammar_text", lambda: GRAMMAR.replace('"a"', '"b"'))
    after = load(file)
    assert after != before
    assert json.loads(file.read_bytes())["tables"] == json.loads(json.dumps(after))


@pytest.mark.parametrize("place", ["missing/tables.json", "file/tables.json", "folder"])
def test_place_that_cannot_be_written_costs_only_time(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "folder").mkdir()
    before = sorted(path.name for path in tmp_path.iterdir())
    assert load(tmp_path / place)["starts"]
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_many_may_write_at_once(tmp_path: Path) -> None:
    file = tmp_path / "tables.json"
    made = load(file)
    whole = file.read_bytes()
    key, seen = json.loads(whole)["key"], set()

    def write() -> None:
        for _ in range(50):
            tables._keep(made, key, file)
            seen.add(file.read_bytes())

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == {whole}
    assert [path.name for path in tmp_path.iterdir()] == ["tables.json"]


def test_reading_rules_needs_no_lark_once_the_tables_are_kept() -> None:
    script = (
        "import sys; from cep.lang.read import read_rules; read_rules('a.cep', 'rule a\\n from x where'); "
        "assert not read_rules('a.cep', 'rule a\\n from x')[1]; sys.exit('lark' in sys.modules)"
    )
    for _ in range(2):  # the first may have to make them
        done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=False)
    assert done.returncode == 0
