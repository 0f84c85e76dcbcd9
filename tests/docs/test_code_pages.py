"""docs/codes is the table of codes, and `cep explain` prints the same words."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from cep.cli.explain import command
from cep.codes import CODES
from cep.codes.code import Code
from tests.docs.code_pages import FOLDER, code_pages


def words(text: str) -> list[str]:
    """The words of a page without what dresses them."""
    kept = [line for line in text.splitlines() if not line.startswith(("```", "[All codes]", "Next: "))]
    return " ".join(kept).replace("#", " ").replace(":", " ").split()


def test_the_pages_are_those_of_the_table() -> None:
    there = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.iterdir()}
    assert there == code_pages(), "python -m tests.docs.code_pages writes them anew"


@pytest.mark.parametrize("code", CODES.values(), ids=lambda code: code.code)
def test_the_command_prints_the_page(code: Code) -> None:
    done = CliRunner().invoke(command, [code.code], standalone_mode=False)
    page = (FOLDER / f"{code.code}.md").read_text(encoding="utf-8")
    assert done.return_value == 0
    assert words(done.stdout) == words(page)


def test_every_code_stands_in_the_list_once() -> None:
    listed = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert all(listed.count(f"| [{code}]({code}.md) |") == 1 for code in CODES)
    assert listed.count("\n| [") == len(CODES)
