"""Files by name: which spelling, what may stand in a file of tests, what is refused before it is read."""

from __future__ import annotations

import pytest

from cep.lang.read import MAX_BYTES, is_rule_file, read_rules

TEST_TEXT = b"test late\n  at 0s scan {}\n  expect nothing\n"
TEST_YAML = b"tests:\n- given: [{at: 0s, event: {type: scan}}]\n  expect: []\n"


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("late.test", TEST_TEXT),
        ("dir.d/late.test.yml", TEST_YAML),
        ("late.test.yaml", b"- given: [{at: 0s, event: {type: scan}}]\n  expect: []\n"),
        ("other.test.yml", b"rule: late\n" + TEST_YAML),
        ("other.yml", b"rule: late\n" + TEST_YAML),
        ("other.yml", b"tests:\n- rule: late\n  given: [{at: 0s, event: {type: scan}}]\n  expect: []\n"),
    ],
)
def test_tests_stand_beside_their_rule(path: str, source: bytes) -> None:
    file, faults = read_rules(path, source)
    assert faults == []
    assert file.rules == ()
    assert [(test.rule.text, test.given[0].type) for test in file.tests] == [("late", "scan")]


def test_tests_of_no_rule_are_told() -> None:
    _, faults = read_rules("rules.yml", TEST_YAML)
    assert [fault.code for fault in faults] == ["E0134"]


@pytest.mark.parametrize(
    ("path", "source"), [("a.test", b"rule a\n  from b\n" + TEST_TEXT), ("a.test.yml", b"rule: a\nfrom: b\n---\n" + TEST_YAML)]
)
def test_a_rule_among_tests_is_told_and_left_out(path: str, source: bytes) -> None:
    file, faults = read_rules(path, source)
    assert [fault.code for fault in faults] == ["E0138"]
    assert file.rules == ()
    assert len(file.tests) == 1


@pytest.mark.parametrize(
    ("path", "source", "code", "line", "col"),
    [
        ("a.cep", b"rule a\n  from b where x == \"\xff\"\n", "E0140", 2, 22),
        ("a.yml", b"rule: a\nfrom: \x00b\n", "E0141", 2, 7),
        ("a.cep", "rule a\n  \x1b[31m\n", "E0141", 2, 3),
        ("a.cep", "rule a\n  \ud800\n", "E0141", 2, 3),
        ("a.cep", b"rule a\r  from b\r", "E0141", 1, 7),
        ("a.cep", b"#" * (MAX_BYTES + 1), "E0142", 1, 1),
        ("a.txt", b"rule a\n  from b\n", "E0143", 1, 1),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_read_is_told_where(path: str, source: bytes | str, code: str, line: int, col: int) -> None:
    file, (fault,) = read_rules(path, source)
    assert (fault.code, fault.span.line, fault.span.col) == (code, line, col)
    assert file.rules == ()


def test_a_byte_order_mark_and_line_ends_of_windows_are_no_fault() -> None:
    for path, source in (
        ("a.cep", "\ufeffrule a\r\n  from b where x = 1\r\n"),
        ("a.yml", "\ufeffrule: a\r\nfrom: b where x = 1\r\n"),
    ):
        _, (fault,) = read_rules(path, source.encode())
        assert (fault.code, fault.span.line) == ("E0105", 2)


def test_an_empty_file_holds_nothing() -> None:
    for path in ("a.cep", "a.yml", "a.test", "a.test.yml"):
        for source in (b"", b"\n", b"# nothing here\n"):
            file, faults = read_rules(path, source)
            assert (file.rules, file.tests, faults) == ((), (), [])


def test_names_of_rule_files_are_known() -> None:
    names = ["a.cep", "a.yml", "a.yaml", "a.test", "a.test.yml", "a.txt", "yml", "a.py"]
    assert [name for name in names if is_rule_file(name)] == names[:5]
