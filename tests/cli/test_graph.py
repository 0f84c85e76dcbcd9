"""`cep graph` as a user meets it."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.cli.test_command_line import RULE, cep
from tests.docs.pages import ROOT

OTHER = "rule slow\n  from telemetry where speed < 5\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "fast.cep").write_text(RULE)
    (tmp_path / "rules" / "slow.cep").write_text(OTHER)
    return tmp_path


def test_all_rules_are_drawn_as_text_and_the_last_line_names_the_next_step(folder: Path) -> None:
    done = cep("graph", "rules", cwd=folder)
    assert done.returncode == 0
    assert "fast: window" in done.stdout and "slow: filter" in done.stdout
    assert done.stderr.splitlines()[-1].startswith("Next: cep graph")


def test_the_name_of_the_file_says_what_is_drawn(folder: Path) -> None:
    for name, start in (("a.svg", "<svg "), ("a.dot", "digraph "), ("a.gv", "digraph "), ("a.txt", "fast: window")):
        done = cep("graph", "rules", "fast", "-o", name, cwd=folder)
        assert (done.returncode, done.stdout) == (0, "")
        assert (folder / name).read_text().startswith(start)
        assert "1 rule drawn" in done.stderr
    ElementTree.parse(folder / "a.svg")
    assert cep("graph", "rules", "-o", "a.svg", "--format", "dot", cwd=folder).returncode == 0
    assert (folder / "a.svg").read_text().startswith("digraph ")


def test_one_rule_is_named_behind_the_files_or_with_an_option(folder: Path) -> None:
    behind, option = cep("graph", "rules", "slow", cwd=folder), cep("graph", "rules", "--rule", "slow", cwd=folder)
    alone = cep("graph", "slow", cwd=folder)
    assert behind.stdout == option.stdout == alone.stdout
    assert behind.stdout.startswith("slow: filter") and "fast" not in behind.stdout


def test_a_rule_that_is_not_there_gets_the_nearest_name(folder: Path) -> None:
    done = cep("graph", "rules", "fats", cwd=folder)
    assert done.returncode == 3
    assert "there is no rule fats" in done.stderr and "did you mean fast?" in done.stderr


def test_faults_are_told_and_the_sound_rules_drawn(folder: Path) -> None:
    (folder / "rules" / "slow.cep").write_text("rule slow\n  from telemetry where speeed < \n")
    done = cep("graph", "rules", cwd=folder)
    assert done.returncode == 2
    assert "slow.cep:2" in done.stderr and done.stdout.startswith("fast: window")


def test_a_file_that_cannot_be_written_is_told(folder: Path) -> None:
    done = cep("graph", "rules", "-o", "nowhere/a.svg", cwd=folder)
    assert done.returncode == 3
    assert "cannot write nowhere/a.svg" in done.stderr and "E0918" in done.stderr


def test_the_page_shows_a_picture_that_is_there() -> None:
    page = (ROOT / "docs" / "graph.md").read_text(encoding="utf-8")
    assert "pictures/deploy_then_errors.svg" in page
    assert (ROOT / "docs" / "pictures" / "deploy_then_errors.svg").is_file()


def test_no_picture_is_written_in_a_form_there_is_not(folder: Path) -> None:
    done = cep("graph", "rules", "-o", "rules.png", cwd=folder)
    assert (done.returncode, (folder / "rules.png").exists()) == (3, False)
    assert "rules are not drawn as .png" in done.stderr and ".svg" in done.stderr
