"""Commands that write into files of rules: what they may not write is a message, and `--fix` goes on to the end."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from cep.cli import check, fmt, init
from cep.cli.rewrite import write_back
from cep.errors import ConfigError


def test_a_file_that_may_not_be_written_is_a_message(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot write") as raised:
        write_back(str(tmp_path), "")  # a folder: nobody, root neither, may write it as a file
    assert raised.value.code == "E0918" and raised.value.help


def test_fmt_says_which_file_it_may_not_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rule = tmp_path / "a.cep"
    rule.write_text("rule a\n\n\n  from b where x   > 1\n")
    written = Path.write_text

    def refuse(self: Path, *words: str, **options: str) -> int:
        if self.suffix == ".cep":
            raise PermissionError(13, "Permission denied")
        return written(self, *words, **options)

    monkeypatch.setattr(Path, "write_text", refuse)
    done = CliRunner().invoke(fmt.command, [str(rule)])
    assert isinstance(done.exception, ConfigError) and "Permission denied" in done.exception.message


def test_fix_goes_on_until_nothing_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.cep").write_text("rule a\n  from b where x = 1 && y = 2 and z <> 3\n")
    CliRunner().invoke(check.command, ["a.cep", "--fix"])
    assert Path("a.cep").read_text() == "rule a\n  from b where x == 1 and y == 2 and z != 3\n"


def test_init_has_a_code_of_its_own_for_what_exists(tmp_path: Path) -> None:
    (tmp_path / "cep.yml").write_text("")
    done = CliRunner().invoke(init.command, [str(tmp_path)])
    assert isinstance(done.exception, ConfigError) and done.exception.code == "E0919"
