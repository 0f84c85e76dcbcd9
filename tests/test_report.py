"""How a fault looks: under the text it speaks of, whatever stands there, and for machines."""

from __future__ import annotations

import json
from xml.etree import ElementTree

import pytest

from cep.errors import Diagnostic, Fix, Span
from cep.report import MAX_SHOWN, render, render_text

FILE = "rules/doors.cep"


def span(line: int, col: int, end_col: int, file: str = FILE) -> Span:
    return Span(file, line, col, line, end_col)


def fault(where: Span, **more: object) -> Diagnostic:
    return Diagnostic("E0105", "`=` is written `==`", where, **more)  # type: ignore[arg-type]


def drawn(source: str, *faults: Diagnostic) -> list[str]:
    return render_text(faults, {FILE: source}, color=False).split("\n")


def test_a_fault_is_drawn_whole() -> None:
    told = fault(
        span(9, 25, 31),
        label="not seen in the last 12 events",
        help="did you mean `door`?",
        notes=("this can never be true",),
        fix=Fix(span(9, 25, 31), "door"),
        labels=((span(7, 3, 5), "the key is this"),),
    )
    source = "\n" * 6 + "  by site\n\n       where: x == 1 and dooor > 5\n"
    assert drawn(source, told) == [
        "error[E0105]: `=` is written `==`",
        "  --> rules/doors.cep:9:25",
        "   |",
        " 7 |   by site",
        "   |   -- the key is this",
        "...",
        " 9 |        where: x == 1 and dooor > 5",
        "   |                         ^^^^^^ not seen in the last 12 events",
        "   = help: did you mean `door`?  (cep check --fix)",
        "   = note: this can never be true",
        "   = see: cep explain E0105",
    ]


def test_a_warning_says_so_and_a_fix_that_is_not_safe_is_not_offered() -> None:
    told = Diagnostic("W0100", "odd", span(1, 1, 2), level="warning", help="look", fix=Fix(span(1, 1, 2), "y", safe=False))
    lines = drawn("x", told)
    assert lines[0] == "warning[W0100]: odd"
    assert "   = help: look" in lines


@pytest.mark.parametrize(
    ("source", "col", "end", "under"),
    [
        ("ab cd", 4, 6, "cd"),
        ("\tab", 2, 3, "a"),
        ("a\tb", 3, 4, "b"),
        ("名前 x", 4, 5, "x"),
        ("名前 x", 1, 3, "名前"),
        ("e\u0301 x", 4, 5, "x"),
        ("😀x", 2, 3, "x"),
        ("ab", 3, 3, ""),
        ("", 1, 1, ""),
    ],
)
def test_the_caret_stands_under_its_text(source: str, col: int, end: int, under: str) -> None:
    lines = drawn(source, fault(span(1, col, end)))
    row, marks = lines[3][5:], lines[4][5:]
    start = len(marks) - len(marks.lstrip())
    shown = _cells(row)
    assert "".join(cell for cell in shown[start : start + marks.count("^")] if cell).strip() == under


def _cells(row: str) -> list[str]:
    """One entry per column of a terminal; the second half of a wide character is empty."""
    cells: list[str] = []
    for character in row:
        if character == "\u0301":
            cells[-1] += character
        else:
            cells += [character, ""] if ord(character) > 0x2FFF else [character]
    return cells


def test_a_long_line_is_cut_around_the_caret() -> None:
    source = "x" * 500 + "HERE" + "y" * 500
    lines = drawn(source, fault(span(1, 501, 505)))
    row, marks = lines[3][5:], lines[4][5:]
    assert row.startswith("...") and row.endswith("...") and len(row) < 160
    assert row[marks.index("^") : marks.rindex("^") + 1] == "HERE"


def test_a_fault_over_several_lines_is_drawn_on_its_first() -> None:
    lines = drawn("ab cd\nef", fault(Span(FILE, 1, 4, 2, 3)))
    assert lines[4] == "   |    ^^"


def test_two_places_on_one_line_share_it() -> None:
    lines = drawn("(a]", fault(span(1, 3, 4), labels=((span(1, 1, 2), "opened here"),)))
    assert lines[3:6] == [" 1 | (a]", "   |   ^", "   | - opened here"]


def test_a_place_in_another_file_is_drawn_there() -> None:
    told = fault(span(1, 1, 2), labels=((span(2, 1, 2, "b.cep"), "first here"),))
    lines = render_text([told], {FILE: "x", "b.cep": "\ny"}, color=False).split("\n")
    assert "  ::: b.cep:2:1" in lines
    assert " 2 | y" in lines


def test_without_the_source_the_place_is_named() -> None:
    lines = render_text([fault(span(3, 1, 2))], {}, color=False).split("\n")
    assert lines[:2] == ["error[E0105]: `=` is written `==`", "  --> rules/doors.cep:3:1"]


def test_a_fault_of_no_place_has_no_arrow() -> None:
    assert render_text([fault(Span("", 0, 0, 0, 0), help="do it")], {}, color=False).split("\n")[1] == "   = help: do it"


def test_a_file_cannot_paint_on_the_terminal() -> None:
    told = Diagnostic("E0100", "found `\x1b[31m`", span(1, 1, 3), help="\r\nodd\u202e")
    text = render_text([told], {FILE: "\x1b[2J\x9b31m\u202ex"}, color=False)
    assert not any(ord(character) < 32 and character != "\n" for character in text)
    assert not {"\x9b", "\u202e"} & set(text)


def test_color_paints_and_says_the_same() -> None:
    told = fault(span(1, 1, 2), label="x")
    plain, painted = (render_text([told], {FILE: "a = b"}, color=color) for color in (False, True))
    assert "\x1b[" in painted
    cleared = painted
    for code in ("1;31", "1;33", "1;34", "36", "1", "0"):
        cleared = cleared.replace(f"\x1b[{code}m", "")
    assert cleared == plain


def test_at_most_fifty_are_shown_and_the_rest_counted() -> None:
    text = render_text([fault(span(1, 1, 2))] * (MAX_SHOWN + 7), {FILE: "a"}, color=False)
    assert text.count("error[") == MAX_SHOWN
    assert text.endswith("... and 7 more: mend these first")


TOLD = fault(
    span(2, 3, 4), label="here", help="mend, it", notes=("n",), labels=((span(1, 1, 2), "there"),), fix=Fix(span(2, 3, 4), "==")
)
SOURCES = {FILE: "x\n  = y", "rules/good.cep": ""}


def test_json_holds_everything() -> None:
    (found,) = json.loads(render([TOLD], SOURCES, "json"))
    assert found == {
        "code": "E0105",
        "severity": "error",
        "file": FILE,
        "line": 2,
        "col": 3,
        "end": {"line": 2, "col": 4},
        "message": "`=` is written `==`",
        "label": "here",
        "labels": [{"file": FILE, "line": 1, "col": 1, "end": {"line": 1, "col": 2}, "message": "there"}],
        "help": "mend, it",
        "notes": ["n"],
        "fix": {"edit": {"file": FILE, "line": 2, "col": 3, "end": {"line": 2, "col": 4}, "text": "=="}, "safe": True},
        "explain": "cep explain E0105",
    }


def test_sarif_names_rule_place_and_fix() -> None:
    made = json.loads(render([TOLD, TOLD], SOURCES, "sarif"))
    (run,) = made["runs"]
    assert made["version"] == "2.1.0"
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["E0105"]
    assert run["tool"]["driver"]["rules"][0]["shortDescription"]["text"]
    first = run["results"][0]
    assert (first["ruleId"], first["ruleIndex"], first["level"]) == ("E0105", 0, "error")
    place = first["locations"][0]["physicalLocation"]
    assert place == {
        "artifactLocation": {"uri": FILE},
        "region": {"startLine": 2, "startColumn": 3, "endLine": 2, "endColumn": 4},
    }
    assert first["relatedLocations"][0]["message"]["text"] == "there"
    assert first["fixes"][0]["artifactChanges"][0]["replacements"][0]["insertedContent"]["text"] == "=="


def test_github_annotations_are_one_escaped_line_each() -> None:
    line = render([TOLD], SOURCES, "github")
    assert line == (
        "::error file=rules/doors.cep,line=2,endLine=2,col=3,endColumn=4,title=E0105::`=` is written `==`%0Ahere%0Amend, it"
    )


def test_junit_has_a_suite_per_file_and_a_failure_per_error() -> None:
    warning = Diagnostic("W0100", "odd \x07", span(1, 1, 2, "rules/good.cep"), level="warning")
    suites = ElementTree.fromstring(render([TOLD, warning], SOURCES, "junit"))
    told = {
        suite.get("name"): (suite.get("tests"), suite.get("failures"), len(suite.findall("testcase/failure"))) for suite in suites
    }
    assert told == {FILE: ("1", "1", 1), "rules/good.cep": ("1", "0", 0)}


def test_nothing_to_tell_is_valid_in_every_format() -> None:
    assert render_text([], {}, color=False) == ""
    assert json.loads(render([], {}, "json")) == []
    assert json.loads(render([], {}, "sarif"))["runs"][0]["results"] == []
    assert render([], {}, "github") == ""
    assert ElementTree.fromstring(render([], {}, "junit")).tag == "testsuites"
