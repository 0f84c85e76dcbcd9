"""The language server as an editor meets it: a real process, asked over its pipes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.lsp.client import Editor

SHARED = """\
schema login {user: text, ip: text, tries: number, geo.city: text}
list eu: ["DE", "FR"]
macro inside(ip): cidr(ip, "10.0.0.0/8")
"""
RULE = """\
rule guessed
  by    user
  match fail{3,} -> okay
  where fail: login where tries > 2
        okay: login where not inside(ip)
  within 10m
  emit user, city = okay.geo.city, n = count(fail)
"""


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Editor]:
    root = tmp_path_factory.mktemp("rules")
    (root / "shared.cep").write_text(SHARED, encoding="utf-8")
    with Editor(root) as made:
        yield made


@pytest.fixture
def editor(process: Editor) -> Iterator[Editor]:
    yield process
    process.close_all()


def labels(found: Any) -> set[str]:
    return {item["label"] for item in found["items"]}


def place(text: str, mark: str) -> tuple[int, int]:
    """Line and character just behind `mark`, from 0."""
    before = text[: text.index(mark) + len(mark)]
    return before.count("\n"), len(before) - before.rfind("\n") - 1


def test_faults_are_those_of_check_and_go_when_they_are_mended(editor: Editor) -> None:
    editor.open("a.cep", RULE.replace("tries > 2", "trys > 2 and user == 5"))
    found = editor.faults("a.cep")
    assert {fault["code"] for fault in found} == {"E0202", "E0301"}
    first = next(fault for fault in found if fault["code"] == "E0202")
    assert first["range"] == {"start": {"line": 3, "character": 26}, "end": {"line": 3, "character": 30}}
    assert "tries" in first["message"] and first["source"] == "cep"
    editor.write("a.cep", RULE)
    assert editor.faults("a.cep") == []


def test_characters_beyond_the_first_plane_count_as_the_protocol_says(editor: Editor) -> None:
    editor.open("a.cep", 'rule a\n  from login where user == "😀" and usr == "x"\n')
    (fault,) = editor.faults("a.cep")
    assert fault["range"]["start"] == {"line": 1, "character": 36}


def test_a_change_of_one_file_is_told_of_the_others(editor: Editor) -> None:
    editor.open("a.cep", RULE)
    assert editor.faults("a.cep") == []
    editor.open("shared.cep", SHARED.replace("inside(ip)", "inside(ip, more)"))
    assert [fault["code"] for fault in editor.faults("a.cep")] == ["E0306"]


@pytest.mark.parametrize(
    ("typed", "offered", "not_offered"),
    [
        ("rule a\n  fr", {"from", "match", "severity", "pick"}, {"user", "count"}),
        ("rule a\n  severity ", {"high", "low"}, {"from"}),
        ("rule a\n  from lo", {"login", "rule guessed"}, {"user"}),
        ("rule a\n  from login where u", {"user", "tries", "geo.city", "lower", "inside", "not"}, {"from"}),
        ("rule a\n  from login where user in ", {"eu"}, {"user"}),
        ("rule a\n  match fail -> okay\n  where fail: login\n        okay: login where fail.", {"ip", "geo.city"}, {"fail"}),
        ("rule a\n  match fa", {"all"}, {"from"}),
        ("rule a\n  match a -> b\n  where a: login\n        b: login\n  within 5m\n  emit n = count(", {"a", "b"}, {"from"}),
        ("rule a\n  from login\n  when count() > 5 ov", {"over", "per", "session", "bucket", "and"}, {"user"}),
        ("rule a\n  match a\n  pick ", {"first", "longest"}, {"from"}),
        ("rule a\n  match a\n  within 10m ", {"exclusive", "and", "when"}, {"events", "or"}),
        ("rule a\n  match a\n  within 10m and 200 ", {"events"}, {"and", "when"}),
        ("rule a\n  from login where user = = 5\n  sever", {"severity"}, set()),
        ("ru", {"rule", "test", "macro", "schema"}, {"from"}),
    ],
)
def test_completion_in_text(editor: Editor, typed: str, offered: set[str], not_offered: set[str]) -> None:
    editor.open("b.cep", RULE)
    editor.faults("b.cep")
    editor.open("a.cep", typed)
    editor.faults("a.cep")
    found = labels(editor.at("completion", "a.cep", *place(typed, typed)))
    assert offered <= found
    assert not not_offered & found


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("rule: a\nse", {"severity", "session", "resolve when"}),
        ("rule: a\nseverity: ", {"high"}),
        ("rule: a\nfrom: lo", {"login"}),
        ("rule: a\nfrom: login where u", {"user", "lower"}),
        ("rule: a\nmatch: x\nwhere:\n  x: lo", {"login"}),
        ("rule: a\nfrom: login\nemit:\n  n: co", {"count", "user"}),
        ("rule: a\nfrom: login\nwhen: count() > 5 o", {"over", "and"}),
    ],
)
def test_completion_in_yaml(editor: Editor, typed: str, offered: set[str]) -> None:
    editor.open("a.yml", typed)
    editor.faults("a.yml")
    assert offered <= labels(editor.at("completion", "a.yml", *place(typed, typed)))


@pytest.mark.parametrize(
    ("mark", "says"),
    [
        ("match", "pattern of a sequence"),
        ("match fail", "fail: login where tries > 2"),
        ("not inside", "macro inside(ip): cidr"),
        ("tries", "`tries` of `login`: number"),
        ("okay.geo.city", "`geo.city` of `login`: text"),
        ("n = count", "How many events"),
    ],
)
def test_hover_says_what_a_word_means(editor: Editor, mark: str, says: str) -> None:
    editor.open("a.cep", RULE)
    assert editor.faults("a.cep") == []
    line, character = place(RULE, mark)
    found = editor.at("hover", "a.cep", line, character - 1)
    assert says in found["contents"]["value"]


def test_hover_on_a_fault_is_the_page_of_its_code(editor: Editor) -> None:
    text = RULE.replace("tries >", "trys >")
    editor.open("a.cep", text)
    assert editor.faults("a.cep")
    line, character = place(text, "trys")
    assert "E0202" in editor.at("hover", "a.cep", line, character - 1)["contents"]["value"]


def test_formatting_writes_the_one_layout_and_leaves_broken_files_alone(editor: Editor) -> None:
    options = {"tabSize": 2, "insertSpaces": True}
    editor.open("a.cep", "rule a\n from   login where tries>2\n")
    request = {"textDocument": {"uri": editor.uri("a.cep")}, "options": options}
    (edit,) = editor.ask("textDocument/formatting", request)
    assert edit["newText"] == "rule a\n  from  login where tries > 2\n"
    editor.write("a.cep", edit["newText"])
    assert not editor.ask("textDocument/formatting", request)
    editor.write("a.cep", "rule a\n from login where (\n", 3)
    assert not editor.ask("textDocument/formatting", request)


def test_a_mend_is_offered_where_there_is_one(editor: Editor) -> None:
    editor.open("a.cep", "rule a\n  severty high\n  from login\n")
    (fault,) = editor.faults("a.cep")
    request = {"textDocument": {"uri": editor.uri("a.cep")}, "range": fault["range"], "context": {"diagnostics": [fault]}}
    (action,) = editor.ask("textDocument/codeAction", request)
    (edit,) = action["edit"]["changes"][editor.uri("a.cep")]
    assert (edit["newText"], edit["range"]) == ("severity", fault["range"])


def test_without_its_package_the_command_names_the_extra(tmp_path: Path) -> None:
    script = (
        "import sys; sys.modules['pygls'] = None; sys.modules['lsprotocol'] = None; sys.argv = ['cep', 'lsp']\n"
        "from cep.cli.main import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 3
    assert "E0981" in done.stderr and "cepheid[lsp]" in done.stderr
    assert "Traceback" not in done.stderr
