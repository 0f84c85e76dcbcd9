"""Rules as an author writes them, over streams of letters: what the language says is told, by the judge and by the engine,
of the plan that the compiler makes."""

from __future__ import annotations

import pytest

from cep.event import Match
from cep.match.planner import make_matcher
from tests.judge.patterns import run_matcher, same
from tests.judge.runs import judge_pattern
from tests.judge.values import Seen
from tests.match.written import MINUTE, rule

ROWS = [
    # arrows
    ("a ->> b -> c", "abbc", [(3, "013")], "where it matters which b, each is tried"),
    ("a -> (b -> c)+ -> d", "abcbcd", [(5, "012345")], "a group may come again"),
    ("a -> (b -> c)+ -> d", "abcbd", [], "amid a pass it is not complete"),
    ("(a -> b){2}", "aabb.ab", [(6, "0256")], "a pass begins after the one before it"),
    ("a | (b -> c)", "bxc", [(2, "02")], "one of the options"),
    ("(a | b) -> c", "bc", [(1, "01")], "an alternative in parentheses"),
    ("a -> b | c -> d", "acd", [(2, "012")], "| binds tighter than arrows"),
    ("all(a, b, c)", "cab", [(2, "012")], "any order"),
    ("all(a, b, c)", "caab", [(3, "013")], "one event for each label"),
    ("2 of (a, b, c) => d", "a.cd", [(3, "023")], "two of three, and right after it d"),
    # loops
    ("a+? -> b", "aaab", [(3, "03")], "lazy: it has its minimum"),
    ("a+? => b", "aaab", [(3, "0123")], "lazy, where => would kill"),
    ("a?? -> b", "ab", [(1, "01")], "an event that fits the first step starts a run"),
    ("s -> a?? -> b", "sab", [(2, "02")], "a lazy optional step is passed over"),
    ("a{3,}[=>] -> b", "aa.aaab", [(6, "3456")], "strict passes"),
    ("a{2}[->>] -> b", "aaab", [(3, "013")], "combinations; ties: taken before left"),
    ("a{2,} gap 2m -> b", "a...aab", [(6, "456")], "beyond the gap the run is dead"),
    ("a{2,} gap 2m -> b", "aa...ab", [(6, "016")], "beyond the gap the loop is closed"),
    ("a{2,} until y -> b", "aayab", [(4, "014")], "what closes the loop"),
    ("a{2,} until y -> b", "ayab", [], "below its minimum it kills"),
    ("a{2,} until y -> y", "aay", [(2, "012")], "closed, and offered to the next step"),
    # bounds
    ("a ->[2m..4m] b", "abb", [(2, "02")], "too early does not fit"),
    ("a ->[2m..4m] b", "a....b", [], "too late"),
    ("a ->[..1m] b -> c", "ab...c", [(5, "015")], "each arrow has its own"),
    ("(a -> b within 2m){2}", "a.b.ab", [(5, "0245")], "the bound is of each pass"),
    ("(a -> b within 1m){2}", "a.bab", [], "of the first one, too"),
    ("(a -> b within 5m and 2 events){2}", "a.baxbabab", [(9, "6789")], "of each pass, in time and in events"),
    ("(a -> b within 1m exclusive and 5 events){2}", "abab", [], "exclusive is about the time"),
    # negations
    ("a => !x -> b", "a.xb", [(3, "03")], "the very next event only"),
    ("a => !x -> b", "axb", [], "it is x"),
    ("a -> !x -> b", "ayxb", [], "anywhere between"),
    ("a ->[..1m] !x -> b", "a.xb", [(3, "03")], "x later than its arrow says"),
    ("a ->[..3m] !x", "a", [(3, "0")], "a deadline of its own"),
    ("a ->[..3m] !x", "a..x", [], "both ends in"),
    ("!x ->[..3m] a", "x..a", [], "before the first step"),
    ("!x ->[..3m] a", "x...a", [(4, "4")], "long enough before it"),
]  # fmt: skip
WITHIN = "within 40m"
PICKED = [
    ("a -> b", "aab", ["pick latest"], [(2, "12")]),
    ("a+", "aaa", ["within 2m", "pick longest"], [(2, "012")]),
    ("a+", "a.a", ["within 4m", "pick longest"], [(4, "02")]),
    ("a{1,2}", "aaa", ["pick longest"], [(1, "01"), (42, "2")]),
    ("a+ until y", "a.ay", ["pick longest"], [(3, "02")]),
    ("a+[=>]", "aa.", ["pick longest"], [(2, "01")]),
    ("a+ gap 2m", "aa", ["pick longest"], [(3, "01")]),
    ("a -> !x -> b*", "ax", ["pick longest"], [(1, "0")]),
    ("a -> b", "a.b", ["within 3 events"], [(2, "02")]),
    ("a -> b", "a..b", ["within 3 events"], []),
    ("a -> b", "ab", ["within 2 events"], [(1, "01")]),
    ("a -> b", "a..b", ["within 9m and 3 events"], []),
    ("a -> b", "a..b", ["within 2m and 9 events"], []),
    ("a -> b", "a..b", ["within 3m exclusive and 9 events"], []),
    ("a -> b", "a..b", ["within 4 events and 3m"], [(3, "03")]),
    ("a+", "aaa.", ["within 9m and 2 events", "pick longest"], [(1, "01"), (3, "2")]),
    ("a+", "aaa", ["within 1m and 9 events", "pick longest"], [(1, "01"), (3, "2")]),
    ("a -> !x", "a.x", ["within 4m and 2 events"], [(4, "0")]),
    ("a -> !x", "a.x", ["within 4m and 3 events"], []),
    ("a -> !x", "a...x", ["within 3m and 9 events"], [(3, "0")]),
    ("a => !x", "a.", ["within 4m and 1 events"], []),
    ("!x -> a", "x.a", ["within 9m and 2 events"], [(2, "2")]),
    ("!x -> a", "x.a", ["within 1m and 9 events"], [(2, "2")]),
    ("!x -> a", "x.a", ["within 2m and 3 events"], []),
    ("a -> b", "ab.b", ["within 9m and 2 events", "pick all"], [(1, "01")]),
    ("a+", "aaaa", ["when count(a) >= 3"], [(2, "012")]),
    ("!x -> a", "x..a", ["within 3m"], []),
    ("!x -> a", "x..a", ["within 3m exclusive"], [(3, "3")]),
    ("a -> !x", "aa", ["within 4m"], [(4, "0"), (5, "1")]),
    ("a ->> b", "abb", ["pick all"], [(1, "01"), (2, "02")]),
    ("a ->> b", "aabb", ["pick all limit 1"], [(2, "02"), (3, "03")]),
]


@pytest.mark.parametrize(("pattern", "letters", "meant", "why"), ROWS, ids=[f"{row[0]}: {row[3]}" for row in ROWS])
def test_a_written_pattern_means_what_the_language_says(
    pattern: str, letters: str, meant: list[tuple[int, str]], why: str
) -> None:
    _tells(pattern, letters, [WITHIN], meant)


@pytest.mark.parametrize(
    ("pattern", "letters", "clauses", "meant"), PICKED, ids=[f"{row[0]} {row[2]} {row[1]}" for row in PICKED]
)
def test_clauses_say_which_match_is_told(pattern: str, letters: str, clauses: list[str], meant: list[tuple[int, str]]) -> None:
    bounded = [*clauses] if any("within" in clause for clause in clauses) else [WITHIN, *clauses]
    _tells(pattern, letters, bounded, meant)


def _tells(pattern: str, letters: str, clauses: list[str], meant: list[tuple[int, str]]) -> None:
    plan, events = rule(pattern, *clauses), _stream(letters)
    end_us = 100 * MINUTE
    matches = run_matcher(plan, make_matcher, events, end_us)
    assert _said(matches) == meant
    if not any("pick all" in clause for clause in clauses):
        verdicts = judge_pattern(plan, events, end_us)
        same(matches, verdicts)


def _stream(letters: str) -> list[Seen]:
    """One letter a minute; a dot is an own event that fits no step."""
    return [Seen(at * MINUTE, "e", {"k": "k", "l": letter, "n": at}, at) for at, letter in enumerate(letters)]


def _said(matches: list[Match]) -> list[tuple[int, str]]:
    return [(match.time_us // MINUTE, "".join(map(str, match.evidence))) for match in matches]
