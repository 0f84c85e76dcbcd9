"""Broken files beside what is said of them: tests/lang/broken/NAME.cep or NAME.yml, and NAME.expected.

`python -m tests.lang.test_broken` writes the expectations anew, to be read as a diff.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from cep.errors import Diagnostic, Span
from cep.lang.read import read_rules
from cep.report import render_text

BROKEN = Path(__file__).parent / "broken"
FILES = sorted(path for path in BROKEN.iterdir() if path.suffix in (".cep", ".yml"))


def _where(span: Span) -> str:
    return f"{span.line}:{span.col}-{span.end_line}:{span.end_col}"


def said_of(path: Path) -> str:
    """Codes with exact places, then the pictures."""
    source = path.read_bytes()
    file, faults = read_rules(path.name, source)
    lines = [_line(fault) for fault in faults]
    lines.append("rules " + " ".join(rule.id.text for rule in file.rules) if file.rules else "no rules")
    return "\n".join(lines) + "\n\n" + render_text(faults, {path.name: source.decode()}, color=False) + "\n"


def _line(fault: Diagnostic) -> str:
    fix = "" if fault.fix is None else f" fix {_where(fault.fix.span)} {fault.fix.text!r}"
    return f"{fault.code} {_where(fault.span)}{fix}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_broken_file_is_told_exactly(path: Path) -> None:
    assert said_of(path) == path.with_suffix(path.suffix + ".expected").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_caret_stands_in_the_file(path: Path) -> None:
    rows = path.read_text(encoding="utf-8").split("\n")
    _, faults = read_rules(path.name, path.read_bytes())
    assert faults
    for fault in faults:
        assert 1 <= fault.span.line <= len(rows)
        assert 1 <= fault.span.col <= len(rows[fault.span.line - 1]) + 1
        assert (fault.span.end_line, fault.span.end_col) >= (fault.span.line, fault.span.col)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_safe_fix_takes_its_fault_away(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    _, faults = read_rules(path.name, source)
    for fault in faults:
        if fault.fix is not None and fault.fix.safe:
            _, left = read_rules(path.name, _mended(source, fault.fix.span, fault.fix.text))
            assert (fault.code, fault.span) not in {(other.code, other.span) for other in left}


def _mended(source: str, span: Span, text: str) -> str:
    rows = source.split("\n")
    assert span.line == span.end_line
    row = rows[span.line - 1]
    rows[span.line - 1] = row[: span.col - 1] + text + row[span.end_col - 1 :]
    return "\n".join(rows)


if __name__ == "__main__":
    for broken in FILES:
        broken.with_suffix(broken.suffix + ".expected").write_text(said_of(broken), encoding="utf-8")
