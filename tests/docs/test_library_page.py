"""Every Python example of docs/library.md prints what the page says."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "library.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```python\n(.*?)```\n\n```text\n(.*?)```", PAGE, re.DOTALL)


def test_the_page_has_no_example_that_is_not_run() -> None:
    assert PAGE.count("```python\n") == len(EXAMPLES) == 4


@pytest.mark.parametrize(("code", "printed"), EXAMPLES, ids=[f"example {n}" for n in range(1, len(EXAMPLES) + 1)])
def test_the_example_prints_what_the_page_says(code: str, printed: str, tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert (done.stderr, done.stdout) == ("", printed)
