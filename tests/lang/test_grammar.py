"""The grammar: found wherever the package lies, without conflicts, and not loaded before it is needed."""

from __future__ import annotations

import importlib.resources
import logging
import subprocess
import sys
from pathlib import Path

import lark
import pytest

from cep.lang import grammar, tables
from cep.lang.blocks import RULE_WORDS, TEST_WORDS

ROOT = Path(__file__).resolve().parents[2]


def test_grammar_is_the_file_at_the_top_of_the_tree() -> None:
    assert tables.grammar_text() == (ROOT / "grammar.lark").read_text(encoding="utf-8")


def test_grammar_packed_beside_the_code_is_preferred(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "grammar.lark").write_text("packed", encoding="utf-8")
    monkeypatch.setattr(importlib.resources, "files", lambda package: tmp_path)
    assert tables.grammar_text() == "packed"


def test_grammar_has_no_conflicts(caplog: pytest.LogCaptureFixture) -> None:
    level = lark.logger.level
    lark.logger.setLevel(logging.DEBUG)
    lark.logger.addHandler(caplog.handler)
    try:
        lark.Lark(tables.grammar_text(), parser="lalr", start=list(grammar.STARTS), debug=True)
    finally:
        lark.logger.removeHandler(caplog.handler)
        lark.logger.setLevel(level)
    assert [record.message for record in caplog.records if "conflict" in record.message.lower()] == []


def test_every_clause_word_is_a_word_of_the_grammar() -> None:
    text = tables.grammar_text()
    for word in (*RULE_WORDS, *TEST_WORDS):
        assert f"{word.upper()}.5: /{word}(?!\\w)/" in text


def test_reading_nothing_loads_no_parser() -> None:
    script = "import sys, cep.lang.read, cep.lang.printer, cep.report; sys.exit('lark' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=False).returncode == 0
