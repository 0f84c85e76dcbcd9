"""What patterns mean, sentence by sentence (docs/language.md, Meaning 7 to 11), on streams of one letter a minute."""

from __future__ import annotations

import pytest

from tests.match.written import rule, told

TEN = "within 10m"
Table = list[tuple[str, str, list[str]]]


def check(pattern: str, text: str, expected: list[str], *clauses: str, letters: dict[str, str] | None = None) -> None:
    assert told(rule(pattern, *(clauses or (TEN,)), letters=letters), text) == expected


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("a -> b within 3m", "a..b", ["3: a0 b3"]),
        ("a -> b within 3m exclusive", "a..b", []),
        ("a -> b within 3m exclusive", "a.b", ["2: a0 b2"]),
        ("a -> b within 3 events", "axb", ["2: a0 b2"]),
        ("a -> b within 3 events", "axxb", []),  # x is none of the steps, and yet an own event
        ("(a -> b within 2m){2} -> c", "ab....abc", ["8: a0 b1 a6 b7 c8"]),  # each pass, not all of them
        ("(a -> b within 2m) -> c", "a..b", []),
        ("(a -> b within 2m){2} -> c", "a..bab.ab.c", ["10: a4 b5 a7 b8 c10"]),
        ("a ->[2m..3m] b", "abbb", ["2: a0 b2"]),  # b1 comes too early and does not fit
        ("a ->[2m..] b", "abbb", ["2: a0 b2"]),
        ("a ->[..2m] b", "a..b", []),
        ("a ->[..2m] b", "a.ab", ["3: a2 b3"]),
        ("a -> b ->[..2m] c", "a....b.c", ["7: a0 b5 c7"]),  # since the last event before it
        ("a =>[2m..] b", "ab.b", []),  # too early: not taken, and so the run dies
        ("a{2,} gap 2m -> c", "a.a.ac", ["5: a0 a2 a4 c5"]),
        ("a{2,} gap 1m -> c", "aa..ac", ["5: a0 a1 c5"]),  # closed: the third comes too late
        ("a{2,} gap 1m -> c", "a..aac", ["5: a3 a4 c5"]),  # the first alone is dead
        ("(a -> b){2} gap 1m -> c", "abab.c", ["5: a0 b1 a2 b3 c5"]),
        ("(a -> b){2} gap 1m -> c", "a...bab.c", ["8: a0 b4 a5 b6 c8"]),  # between passes, not within one
    ],
)
def test_bounds(pattern: str, text: str, expected: list[str]) -> None:
    head, _, within = pattern.partition(" within ") if not pattern.startswith("(") else (pattern, "", "")
    check(head, text, expected, f"within {within}" if within else TEN)


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("a ->> b -> c", "abbc", ["3: a0 b1 c3"]),  # the fork that took the first b goes before the one that let it pass
        ("a ->> b => c", "abbc", ["3: a0 b2 c3"]),  # only that one lives
        ("a -> b => c", "abbc", []),  # took the first b and never lets pass what fits
        ("(a -> b){2} -> c", "aababbc", ["6: a0 b2 a3 b4 c6"]),
        ("(a => b){2} -> c", "abxabc", ["5: a0 b1 a3 b4 c5"]),
        ("(a -> b){2}[=>] -> c", "abxabc", []),
        ("(a -> b){2}[=>] -> c", "ababc", ["4: a0 b1 a2 b3 c4"]),
        ("a{2}[=>] -> c", "axaac", ["4: a2 a3 c4"]),
        ("a{2,}[->>] => c", "aaac", ["3: a0 a1 a2 c3"]),  # most events of the earliest start
        ("(a | b) -> c", "bc", ["1: b0 c1"]),
        ("(a{2} | b) -> c", "aabc", ["3: a0 a1 c3"]),
        ("((a -> b) | x) -> c", "axbc", ["3: a0 b2 c3"]),
        ("all(a, b, c)", "cab", ["2: c0 a1 b2"]),
        ("all(a, b, c)", "ccab", ["3: c0 a2 b3"]),  # one for each: the second c starts a run of its own
        ("2 of (a, b, c) -> x", "cax", ["2: c0 a1 x2"]),
        ("2 of (a, b, c) -> x", "ccx", []),
        ("a+ until y -> b", "aayab", ["4: a0 a1 b4"]),  # y closed it: the third is not taken
        ("a+ until y -> b", "yab", ["2: a1 b2"]),
        ("a{3,} until y -> b", "aayab", []),  # below its minimum: it is dead
        ("a{2,} until b -> b", "aab", ["2: a0 a1 b2"]),  # then offered to the next step
        ("(a -> b)+ until y -> c", "abayc", []),  # amid a pass: it is dead
    ],
)
def test_runs(pattern: str, text: str, expected: list[str]) -> None:
    check(pattern, text, expected)


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("x -> a+? -> b", "xaaab", ["4: x0 a1 b4"]),  # has its minimum: b alone is asked
        ("x -> a+ -> b", "xaaab", ["4: x0 a1 a2 a3 b4"]),
        ("x -> a+? => b", "xaaab", ["4: x0 a1 a2 a3 b4"]),  # where `=>` would kill, it takes it
        ("x -> a?? -> b", "xab", ["2: x0 b2"]),
        ("x => a?? => b", "xab", ["2: x0 a1 b2"]),
        ("a{2,}? -> b", "aaab", ["3: a0 a1 b3"]),
    ],
)
def test_lazy_loops_offer_the_event_to_what_comes_behind(pattern: str, text: str, expected: list[str]) -> None:
    check(pattern, text, expected)


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("a => !x -> b", "aob", ["2: a0 b2"]),
        ("a => !x -> b", "axb", []),  # the very next
        ("a => !x -> b", "aoxb", ["3: a0 b3"]),  # and no other
        ("a -> !x -> b", "aoxb", []),
        ("a ->[..2m] !x -> b", "a..xb", ["4: a0 b4"]),  # only within two minutes
        ("a ->[..2m] !x -> b", "a.xxb", []),
        ("a ->[2m..] !x -> b", "axb", ["2: a0 b2"]),
        ("a ->[..3m] !x", "a", ["3: a0"]),  # the arrow's own bound is earlier than that of the pattern
        ("a ->[..3m] !x", "a..x", []),
        ("a ->[..3m] !x", "a...x", ["3: a0"]),
        ("a+ ->[..3m] !x", "a.a", ["5: a0 a2"]),  # since the last event
        ("a -> !x", "a", ["10: a0"]),
        ("(a -> b){2} -> !x -> c", "abxab", []),  # too few passes: x does not strike yet
        ("(a -> b){2} -> !x -> c", "abxabc", ["5: a0 b1 a3 b4 c5"]),
        ("!x -> a", "xa", []),
        ("!x -> a", "x.........a", []),  # ten minutes ago, inclusive
        ("!x -> a", "x..........a", ["11: a11"]),
        ("!x ->[..2m] a", "x..a", ["3: a3"]),
        ("!x ->[..2m] a", "x.a", []),
        ("!x ->[2m..4m] a", "xa", ["1: a1"]),
        ("!x ->[2m..4m] a", "xxxa", []),
        ("!x => a", "xa", []),
        ("!x => a", "xoa", ["2: a2"]),
        ("!x -> a -> b", "axb", ["2: a0 b2"]),  # only before the first event
        ("!x -> a", "[ax]", ["0: a0"]),  # at one time the order of events decides
        ("!x -> a", "[xa]", []),
    ],
)
def test_negations(pattern: str, text: str, expected: list[str]) -> None:
    check(pattern, text, expected)


@pytest.mark.parametrize(
    ("pattern", "pick", "text", "expected"),
    [
        ("a -> b", "first", "aab", ["2: a0 b2"]),
        ("a -> b", "latest", "aab", ["2: a1 b2"]),
        ("a{2,} -> b", "latest", "aaab", ["3: a1 a2 b3"]),
        ("a? -> b", "latest", "ab", ["1: b1"]),  # the run that the event itself begins starts latest
        ("a{3,}", "first", "aaaaaaa", ["2: a0 a1 a2", "5: a3 a4 a5"]),
        ("a{3,}", "longest", "aaaaaaa", ["10: a0 a1 a2 a3 a4 a5 a6"]),
        ("a{2,3}", "longest", "aaaaaa", ["2: a0 a1 a2", "5: a3 a4 a5"]),  # at its maximum it is told at once
        ("a{2,} until y", "longest", "aaay.aa", ["3: a0 a1 a2", "15: a5 a6"]),
        ("a{2,}[=>]", "longest", "aaax", ["3: a0 a1 a2"]),  # a strict mismatch
        ("a -> b+ -> !x -> c?", "longest", "abbx", ["3: a0 b1 b2"]),  # a negation
        ("a -> b+", "longest", "abb.......b.a", ["10: a0 b1 b2 b10"]),
        ("a -> (b -> c)+", "longest", "abcb", ["10: a0 b1 c2"]),  # amid a pass: the last match
        ("a{2,} gap 1m", "longest", "aaa", ["3: a0 a1 a2"]),  # the gap has passed
    ],
)
def test_picks(pattern: str, pick: str, text: str, expected: list[str]) -> None:
    check(pattern, text, expected, TEN, f"pick {pick}")


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("a -> b", "a", ["lapsed 10: a0"]),
        ("a -> b", "aa", ["lapsed 10: a0", "lapsed 11: a1"]),
        ("a+ -> b", "aaa", ["lapsed 10: a0 a1 a2"]),  # the others lie in it
        ("a+ -> b", "aaab", ["3: a0 a1 a2 b3"]),
        ("a -> b -> !x -> c", "abx.ab", ["lapsed 14: a4 b5"]),  # a killed run does not lapse
        ("a ->[..3m] b", "a", []),  # dead at three minutes, before its time was over
    ],
)
def test_runs_that_lapse(pattern: str, text: str, expected: list[str]) -> None:
    check(pattern, text, expected, TEN, "on timeout emit n = count(a)")


def test_a_fresh_start_after_a_deadline_leaves_runs_begun_since() -> None:
    check("a -> b -> !x", "ab.ab", ["10: a0 b1", "13: a3 b4"], TEN, letters={"b": "prev.n == n - 1"})
