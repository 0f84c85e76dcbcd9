"""DOT as it is kept, and that no text of a rule can break out of it."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cep.draw.diagram import boxes, diagram_of
from cep.draw.dot import as_dot, quoted
from tests.draw.golden_files import SHIPPED, pictures
from tests.draw.plans import everything, filter_on

_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')


@pytest.mark.parametrize("path", pictures(), ids=lambda path: path.name)
def test_a_picture_is_as_it_was_kept(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == pictures()[path], "python -m tests.draw.golden_files draws it anew"


@given(st.text())
def test_a_text_stays_one_string(text: str) -> None:
    said = quoted(text)
    assert _STRING.fullmatch(said)
    assert not set(said) & set(map(chr, [*range(32), 0x7F]))


def test_a_label_with_quotes_backslashes_and_line_ends_breaks_nothing() -> None:
    odd = replace(SHIPPED["order_unpaid"], rule='a"]; evil [label="\\', facts=("x\ny", "\\"))
    outside = _STRING.sub("", as_dot([odd]))
    assert "evil" not in outside
    assert outside.count("{") == outside.count("}") == 3


def test_a_rule_on_a_rule_has_an_edge_from_its_alert() -> None:
    said = as_dot([diagram_of(filter_on("one", "login")), diagram_of(filter_on("two", "rule one"))])
    (edge,) = re.findall(r'(\w+) -> (\w+) \[style=bold, label="alerts"\]', said)
    assert edge == ("r0_n3", "r1_n2")


def test_every_step_stands_in_it() -> None:
    diagram = diagram_of(everything())
    said = as_dot([diagram])
    assert len(list(boxes(diagram.body))) > 13
    assert all(f"r0_{box.id} [" in said for box in boxes(diagram.body))


@pytest.mark.skipif(not shutil.which("dot"), reason="needs Graphviz, which nothing else here does")
@pytest.mark.parametrize("diagram", [*SHIPPED.values(), diagram_of(everything())], ids=lambda one: one.rule)
def test_graphviz_takes_it(diagram: object) -> None:
    done = subprocess.run(["dot", "-Tplain"], input=as_dot([diagram]), capture_output=True, text=True, check=True)  # type: ignore[list-item]
    assert not done.stderr
