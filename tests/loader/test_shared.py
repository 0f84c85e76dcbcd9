"""What rules share, on disk: it holds for every file of the set, is watched like rules, and its faults end nothing that runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from cep.config import Config, StreamSpec, TableSpec
from cep.loader.files import Loaded, load, load_texts
from cep.loader.scan import scan

RULE = 'rule far\n  from login where not near(ip) and country in eu and lookup hosts[host].owner == "ana"\n'
SHARED = 'macro near(ip): cidr(ip, "10.0.0.0/8")\nlist eu: ["DE"]\ntable hosts from "data/hosts.csv" key host\n'


class Folder:
    def __init__(self, base: Path) -> None:
        self.base = base
        (base / "rules" / "data").mkdir(parents=True)
        self.config = Config(base=base)
        self.last: Loaded | None = None
        self.write("a.cep", RULE)
        self.write("shared.cep", SHARED)
        self.write("data/hosts.csv", "host,owner\nh1,ana\n")

    def write(self, name: str, text: str) -> None:
        (self.base / "rules" / name).write_text(text, encoding="utf-8")

    def load(self) -> Loaded:
        self.last = load(None, self.config, self.last)
        return self.last


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def said(loaded: Loaded) -> list[tuple[str, str]]:
    return [(Path(one.span.file).name, one.code) for one in loaded.diagnostics]


def body(loaded: Loaded) -> str:
    (plan,) = loaded.rulebook.plans
    return repr(plan.body)


def test_it_holds_whatever_file_it_stands_in(folder: Folder) -> None:
    loaded = folder.load()
    assert said(loaded) == []
    assert "10.0.0.0/8" in body(loaded) and "'DE'" in body(loaded)
    assert loaded.rulebook.tables == {"hosts": {"h1": {"host": "h1", "owner": "ana"}}}
    assert not loaded.degraded


def test_yaml_declares_the_same(folder: Folder) -> None:
    text = folder.load()
    folder.write("shared.cep", "")
    folder.write(
        "shared.yml",
        "macros: {near(ip): 'cidr(ip, \"10.0.0.0/8\")'}\nlists: {eu: [DE]}\ntables: {hosts: {file: data/hosts.csv, key: host}}\n",
    )
    assert said(folder.load()) == []
    assert folder.last is not None and folder.last.rulebook == text.rulebook


def test_a_table_in_yaml_is_no_file_of_rules(folder: Folder) -> None:
    folder.write("hosts.yml", "h1: {owner: ana}\n")
    folder.write("shared.cep", SHARED.replace("data/hosts.csv", "hosts.yml"))
    loaded = folder.load()
    assert said(loaded) == []
    assert loaded.rulebook.tables == {"hosts": {"h1": {"host": "h1", "owner": "ana"}}}


def test_the_watcher_sees_the_table_and_its_folder(folder: Folder) -> None:
    before = scan(folder.config.rules, folder.config)
    assert folder.base / "rules" / "data" in before.folders
    folder.write("data/hosts.csv", "host,owner\nh1,bob\n")
    assert scan(folder.config.rules, folder.config).hash != before.hash


def test_a_table_that_is_not_there_is_told_where_it_is_declared_and_nowhere_else(folder: Folder) -> None:
    (folder.base / "rules" / "data" / "hosts.csv").unlink()
    loaded = folder.load()
    assert said(loaded) == [("shared.cep", "E0958")]
    assert (loaded.diagnostics[0].span.line, loaded.diagnostics[0].span.col) == (3, 1)


def test_a_table_that_goes_keeps_its_content(folder: Folder) -> None:
    first = folder.load()
    (folder.base / "rules" / "data" / "hosts.csv").unlink()
    second = folder.load()
    assert said(second) == [("shared.cep", "E0958")]
    assert second.rulebook.tables == first.rulebook.tables


def test_a_table_of_the_name_of_one_in_the_configuration_is_told(folder: Folder) -> None:
    folder.config = Config(base=folder.base, tables={"hosts": TableSpec("hosts", "rules/data/hosts.csv", "owner")})
    loaded = folder.load()
    assert ("shared.cep", "E0127") in said(loaded)
    assert "ana" in loaded.rulebook.tables["hosts"]


def test_a_macro_that_breaks_lets_its_rules_run_on_as_they_were(folder: Folder) -> None:
    first = folder.load()
    folder.write("shared.cep", SHARED.replace("near(ip): cidr(ip,", "near(ip): cdr(ip,"))
    second = folder.load()
    assert said(second) == [("shared.cep", "E0201")]
    assert body(second) == body(first)
    assert second.degraded
    again = load_texts(second.texts, folder.config, second.tables)
    assert body(again) == body(first)


def test_a_file_of_macros_that_goes_lets_its_rules_run_on_as_they_were(folder: Folder) -> None:
    first = folder.load()
    (folder.base / "rules" / "shared.cep").unlink()
    second = folder.load()
    assert {code for _, code in said(second)} == {"E0201", "E0240", "E0208"}
    assert [plan.id for plan in second.rulebook.plans] == []  # the table went too
    folder.write("shared.cep", SHARED)
    assert body(folder.load()) == body(first)


def test_a_macro_that_changes_changes_only_the_rules_that_use_it(folder: Folder) -> None:
    folder.write("b.cep", "rule other\n  from login where n > 1\n")
    first = {plan.id: plan.version for plan in folder.load().rulebook.plans}
    folder.write("shared.cep", SHARED.replace("10.0.0.0/8", "10.0.0.0/9"))
    second = {plan.id: plan.version for plan in folder.load().rulebook.plans}
    assert first["other"] == second["other"]
    assert first["far"] != second["far"]


def test_what_runs_can_be_made_again_from_its_texts(folder: Folder) -> None:
    loaded = folder.load()
    assert load_texts(loaded.texts, folder.config, loaded.tables).rulebook == loaded.rulebook


def test_a_schema_and_a_stream_that_disagree_are_told(folder: Folder) -> None:
    spec = StreamSpec(name="login", type="login", type_fixed="login", fields={"n": "text"})
    folder.config = Config(base=folder.base, streams={"login": spec})
    folder.write("shared.cep", SHARED + "schema login {n: number, ip: text, country: text, host: text}\n")
    assert said(folder.load()) == [("shared.cep", "E0244")]
