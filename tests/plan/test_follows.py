"""What a step may know of the steps before it, and where a pattern bounds itself."""

from __future__ import annotations

import pytest

from cep.lang.parser import parse_text
from cep.plan.bounded import is_bounded
from cep.plan.check_shape import check_shape
from cep.plan.draft import BookDraft, RuleDraft


def drafted(pattern: str, labels: str) -> RuleDraft:
    where = "\n        ".join(f"{label}: {label}" for label in labels)
    file, syntax = parse_text(f"rule r\n  match {pattern}\n  where {where}\n", "r.cep")
    assert syntax == []
    book = BookDraft([file], {}, {}, {}, None)
    check_shape(book)
    assert book.rules[0].faults.found == []
    return book.rules[0]


@pytest.mark.parametrize(
    ("pattern", "labels", "step", "previous", "before"),
    [
        ("a -> b -> c", "abc", "c", "b", "ab"),
        ("a -> b? -> c", "abc", "c", "ab", "ab"),
        ("a -> (b | c) -> d", "abcd", "d", "bc", "abc"),
        ("a -> (b | c) -> d", "abcd", "c", "a", "a"),
        ("(a -> b)+ -> c", "abc", "a", "b", "ab"),  # of the pass before
        ("(a -> b){1} -> c", "abc", "a", "", ""),
        ("all(a, b) -> c", "abc", "a", "b", "ab"),
        ("all(a, b) -> c", "abc", "c", "ab", "ab"),
        ("a -> !x -> b", "axb", "x", "a", "a"),
        ("a -> b -> !x", "abx", "x", "b", "ab"),
        ("!x -> a", "xa", "x", "", ""),
        ("a -> (b -> c)+ until y -> d", "abcyd", "y", "bc", "abc"),
        ("a{2,} -> b", "ab", "a", "a", "a"),
    ],
)
def test_what_may_come_before(pattern: str, labels: str, step: str, previous: str, before: str) -> None:
    draft = drafted(pattern, labels)
    index = draft.labels[step].index
    names = {number: one.label for number, one in enumerate(draft.steps)}
    assert {names[other] for other in draft.follows.previous.get(index, ())} == set(previous)
    assert {names[other] for other in draft.follows.before.get(index, ())} == set(before)


@pytest.mark.parametrize(
    ("pattern", "labels", "bounded"),
    [
        ("a", "a", True),
        ("a -> b", "ab", False),
        ("a ->[..5m] b", "ab", True),
        ("a ->[5m..] b", "ab", False),
        ("a ->[..5m] b{2}", "ab", False),
        ("a ->[..5m] b{2} gap 1m", "ab", True),
        ("(a -> b within 5m)", "ab", True),
        ("(a -> b within 5m){2}", "ab", False),
        ("(a -> b within 5m){2} gap 1h", "ab", True),
        ("a ->[..5m] (b | c)", "abc", True),
        ("a ->[..5m] all(b, c)", "abc", False),
        ("a ->[..5m] 1 of (b, c)", "abc", True),
    ],
)
def test_a_pattern_bounds_itself_where_each_step_has_a_bound(pattern: str, labels: str, bounded: bool) -> None:
    chain = drafted(pattern, labels).pattern
    assert chain is not None
    assert is_bounded(chain) is bounded
