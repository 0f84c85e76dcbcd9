"""Where the characters of a YAML scalar stand: exactly, through quotes, escapes, folding and indentation."""

from __future__ import annotations

import random

import pytest

from cep.lang.places import Lines
from cep.lang.yaml_form import parse_yaml
from cep.lang.yaml_nodes import Mapping, Scalar, compose
from cep.lang.yaml_scalars import place_of

STYLES = {
    "plain": "when: count() > 5 and FAULT = 7",
    "plain, two lines": "when: count() > 5\n  and FAULT = 7",
    "plain, an empty line between": "when: count() > 5\n\n    and FAULT = 7",
    "single quotes": "when: 'x == ''a'' and FAULT = 7'",
    "single quotes, two lines": "when: 'x == ''a''\n   and FAULT = 7'",
    "double quotes": 'when: "x == \\"a\\" and \\u0041 > 1 and FAULT = 7"',
    "double quotes, two lines": 'when: "x > 1\n   and FAULT = 7"',
    "double quotes, escaped line end": 'when: "x > 1 \\\n   and FAULT = 7"',
    "literal": "when: |\n  x > 1\n  and FAULT = 7\n",
    "literal, comment and empty lines": "when: |-  # why\n\n  x > 1\n\n  and FAULT = 7\n",
    "literal, said indentation": "when: |2\n    x > 1\n  and FAULT = 7\n",
    "folded": "when: >\n  x > 1\n  and FAULT = 7\n",
    "folded, deeper line": "when: >-\n  x > 1\n    and FAULT = 7\n",
    "folded, deeper and empty lines": "when: >+\n\n  x > 1\n\n   and\n  FAULT = 7\n\n",
    "wide characters": 'when: "名前 > 1 and 😀 > 1 and FAULT = 7"'.replace("😀", "größe"),
    "windows line ends": "when: |\r\n  x > 1\r\n  and FAULT = 7\r\n",
}


@pytest.mark.parametrize("style", STYLES)
def test_a_fault_in_a_value_points_at_its_character(style: str) -> None:
    source = f"rule: a\nfrom: b\n{STYLES[style]}\n"
    _, (fault,) = parse_yaml(source, "a.yml")
    assert fault.code == "E0105"
    rows = source.split("\n")
    assert rows[fault.span.line - 1][fault.span.col - 1 :].startswith("= 7")
    assert rows[fault.span.line - 1][: fault.span.col - 1].endswith("FAULT ")


@pytest.mark.parametrize("style", STYLES)
def test_spans_of_the_tree_cover_the_words_of_the_file(style: str) -> None:
    source = f"rule: a\nfrom: b\n{STYLES[style]}\n".replace("FAULT = 7", "FAULT > 7")
    file, faults = parse_yaml(source, "a.yml")
    assert faults == []
    last = file.rules[0].when.operands[-1].left  # type: ignore[union-attr]
    row = source.split("\n")[last.span.line - 1]
    assert row[last.span.col - 1 : last.span.end_col - 1] == "FAULT"


ALPHABET = [*"abx y:#'\"\\|>-{}[],!&*?%@`\t\n\n  ", "é", "😀", "\\n", "\\u00e9", "''", "\\\n", "\n\n", "\r\n"]


def _scalar(rng: random.Random) -> str:
    """A value that YAML may or may not take, in any of the five styles."""
    body = "".join(rng.choice(ALPHABET) for _ in range(rng.randrange(25)))
    kind = rng.randrange(5)
    if kind == 0:
        return body.replace("\n", "\n  ")
    if kind == 1:
        return "'" + body.replace("'", "''").replace("\n", "\n  ") + "'"
    if kind == 2:
        return '"' + body.replace('"', '\\"').replace("\n", "\n  ") + '"'
    rows = [rng.choice(["  ", "   ", "    "] if row.strip() else ["", "  ", "    "]) + row for row in body.split("\n")]
    return rng.choice("|>") + rng.choice(["", "-", "+", "2", "2-", "+3"]) + rng.choice(["", "  # c"]) + "\n" + "\n".join(rows)


@pytest.mark.parametrize("seed", range(5))
def test_every_character_of_every_style_is_found(seed: int) -> None:
    rng = random.Random(seed)
    seen = 0
    for _ in range(1500):
        source = "k: " + _scalar(rng) + rng.choice(["", "\n", "\n\n"]) + rng.choice(["", "m: 1\n", "# c\n"])
        lines = Lines("a.yml", source)
        for document in compose(lines, []).documents:
            pairs = document.pairs if isinstance(document, Mapping) else []
            for scalar in (value for _, value in pairs if isinstance(value, Scalar)):
                seen += 1
                place = place_of(lines, scalar)
                at = [place.offset(index) for index in range(len(scalar.value))]
                assert at == sorted(set(at)), source  # each has a place of its own, in order
                for offset, character in zip(at, scalar.value, strict=True):
                    written = source[offset]
                    assert written == character or written in "\\\r\n" or (written == "'" and character == "'"), source
    assert seen > 800
