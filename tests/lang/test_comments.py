"""Comments stay with what they belong to, and printing what was printed moves none."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from cep.lang.printer import print_rules, print_text, print_yaml
from cep.lang.read import read_rules

ROOT = Path(__file__).resolve().parents[2]

TEXT = """\
# who owns these rules

# about the rule
rule late_parcel  severity high  # beside the head
  # about the title
  "Late"
  by      parcel  # beside by
  # about match
  match   scan -> load
  where   scan: scanned  where weight > 1  # beside scan
          # about load
          load: loaded
  within  2h
  # about when
  when    scan.weight > 5 over 1h  # beside over
  # after the last clause

# about the test
test late_parcel "t"
  # about the event
  at 0s  scanned {}  # beside the event
  expect nothing  # beside nothing
  # after the test

# the end
"""

YAML = """\
# yaml-language-server: $schema=rules.json

# about the rule
rule: late_parcel  # beside the head
# about severity
severity: high
by: parcel  # beside by
match: scan -> load
where:
  # about scan
  scan: scanned where weight > 1  # beside scan
  load: loaded
within: 2h
emit: {parcel: parcel, weight: scan.weight}  # beside emit
tests:
  # about the test
  - name: t  # beside the name
    given:
      # about the event
      - {at: 0s, event: {type: scanned}}  # beside the event
    expect: []  # beside nothing
      # after the test
---
# about another
rule: other
from: x

# the end
"""


def comments_of(text: str) -> list[str]:
    return sorted(line[line.index("#") :] for line in text.split("\n") if "#" in line)


@pytest.mark.parametrize(("name", "source"), [("a.cep", TEXT), ("a.yml", YAML)])
def test_a_file_in_the_layout_keeps_every_comment_in_its_place(name: str, source: str) -> None:
    file, faults = read_rules(name, source)
    assert faults == []
    assert print_rules(_named(file, name)) == source


@pytest.mark.parametrize(("name", "source"), [("a.cep", TEXT), ("a.yml", YAML)])
def test_no_comment_is_lost_on_the_way_to_the_other_spelling(name: str, source: str) -> None:
    file, _ = read_rules(name, source)
    text, yaml = print_text(file), print_yaml(file)
    assert comments_of(text) == comments_of(yaml) == comments_of(source)
    for other, printed in (("b.cep", text), ("b.yml", yaml)):
        again, faults = read_rules(other, printed)
        assert faults == []
        assert (again.rules, again.tests) == (file.rules, file.tests)
        assert (print_text if other == "b.cep" else print_yaml)(again) == printed


@pytest.mark.parametrize("name", ["a.cep", "a.yml"])
def test_an_empty_line_after_the_head_comment_stays(name: str) -> None:
    source = "# events of the depot\n\n" + ("rule a\n  from  x\n" if name == "a.cep" else "rule: a\nfrom: x\n")
    assert print_rules(read_rules(name, source)[0]) == source


def _named(file, name):  # type: ignore[no-untyped-def]
    assert file.path == name
    return file


SEEDS = sorted(path for ending in ("*.cep", "*.yml") for path in (ROOT / "rules").glob(ending))


@pytest.mark.parametrize("path", SEEDS, ids=lambda path: path.name)
def test_comments_anywhere_survive_and_stay(path: Path) -> None:
    """Comments put at random places between lines and at ends of lines: none is lost, and the second print is the first."""
    rng = random.Random(path.name)
    rows = path.read_text(encoding="utf-8").split("\n")
    for _ in range(8):
        made = []
        for at, row in enumerate(rows):
            inside = _opens_block(rows, at)
            if rng.random() < 0.3 and not inside:
                made.append(" " * rng.choice((0, 2, 4, 7)) + f"# own {at}")
            made.append(
                row + (f"  # beside {at}" if row.strip() and "#" not in row and not inside and rng.random() < 0.3 else "")
            )
        source = "\n".join(made)
        file, faults = read_rules(path.name, source)
        assert faults == [], source
        printed = print_rules(file)
        assert comments_of(printed) == comments_of(source)
        again, faults = read_rules(path.name, printed)
        assert faults == []
        assert print_rules(again) == printed


def _opens_block(rows: list[str], at: int) -> int:
    """Whether the line is part of a YAML block scalar, where `#` is text, or goes on from a value of several lines."""
    for start in range(at, -1, -1):
        row = rows[start]
        if row.rstrip().endswith(("|", ">", ">-", "|-")):
            indent = len(row) - len(row.lstrip())
            between = rows[start + 1 : at + 1]
            return int(all(not line.strip() or len(line) - len(line.lstrip()) > indent for line in between))
    return 0
