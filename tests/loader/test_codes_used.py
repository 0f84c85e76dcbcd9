"""Each code that loading and the sources speak of has its page."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import cep
from cep.codes import CODES

FOLDER = Path(cep.__file__).parent
FILES = sorted([*FOLDER.glob("loader/*.py"), *FOLDER.glob("sources/*.py"), FOLDER / "config.py"])


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.name}")
def test_each_code_has_its_page(file: Path) -> None:
    used = set(re.findall(r"\b[EW]\d{4}\b", file.read_text(encoding="utf-8")))
    assert sorted(used - set(CODES)) == []
