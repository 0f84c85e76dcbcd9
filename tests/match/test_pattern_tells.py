"""What a match of a pattern tells, what its conditions may look at, and what is kept meanwhile."""

from __future__ import annotations

import pytest

from cep.event import Match
from cep.match.pattern import PatternMatcher
from cep.match.planner import choose_matcher
from cep.plan.kernels import compile_rule
from cep.plan.plan import PatternBody
from tests.match.written import MINUTE, batch, feed, hits, rule, said, stream, told

TEN = "within 10m"


def only(matches: list[Match]) -> Match:
    (match,) = matches
    return match


def test_rows_tell_each_event_and_the_match_as_a_whole() -> None:
    plan = rule("a{2} -> b", TEN, "emit rows n, label, l, tries = count(a), share = n / b.n, at = ts")
    rows = only(feed(plan, "a.ab")).fields["rows"]
    assert [(row["n"], row["label"], row["l"], row["tries"], row["share"]) for row in rows] == [
        (0, "a", "a", 2, 0), (1, "a", "a", 2, 0.5), (2, "b", "b", 2, 1)
    ]  # fmt: skip
    assert [row["at"] for row in rows] == [f"1970-01-01T00:0{minute}:00.000Z" for minute in (0, 2, 3)]


def test_rows_of_the_whole_match_alone_are_as_many_as_its_events() -> None:
    rows = only(feed(rule("a{2} -> b", TEN, "emit rows tries = count(a)"), "aab")).fields["rows"]
    assert rows == [{"tries": 2}] * 3


def test_at_most_a_thousand_rows_are_told() -> None:
    plan = rule("a{2,} -> b", "within 2d", "emit rows n")
    match = only(feed(plan, "a" * 1200 + "b", until=9000))
    assert len(match.fields["rows"]) == 1000
    assert match.events == 1201


def test_a_run_that_lapses_tells_fields_of_its_own() -> None:
    plan = rule("a -> b -> c", TEN, "emit a.n", "on timeout emit first = a.n, second = b.n, third = c.n, both = count(b)")
    match = only(feed(plan, "ab"))
    assert (match.transition, match.fields) == ("timeout", {"first": 0, "second": 1, "third": None, "both": 1})


@pytest.mark.parametrize(
    ("pattern", "letters", "text", "expected"),
    [
        ("a -> b", {"b": "l == 'b' and n > prev.n + 1"}, "abb", ["2: a0 b2"]),
        ("a -> (b | c) -> d", {"d": "l == 'd' and n == prev.n + 1"}, "acd", ["2: a0 c1 d2"]),
        ("a -> (b | c) -> d", {"d": "l == 'd' and n == prev.n + 1"}, "ac.xd", []),
        ("a{3}", {"a": "prev.n is null or n == prev.n + 2"}, "axaxa", ["4: a0 a2 a4"]),  # null on the first
        # A condition on its own loop counts the event that is tried; `prev` is the one before it all the same.
        ("a{3}", {"a": "count(a) <= 3 and (prev.n is null or n == prev.n + 2)"}, "axaxa", ["4: a0 a2 a4"]),
    ],
)
def test_prev_is_the_event_taken_just_before(pattern: str, letters: dict[str, str], text: str, expected: list[str]) -> None:
    said_in_full = {label: condition.replace("'", '"') for label, condition in letters.items()}
    assert told(rule(pattern, TEN, letters=said_in_full), text) == expected


def test_what_was_not_taken_is_null() -> None:
    plan = rule("(a | b) -> c? -> d", TEN, "emit a = a.n, b = b.n, c = c.n, d = d.n, left_out = a is null")
    assert only(feed(plan, "bd")).fields == {"a": None, "b": 0, "c": None, "d": 1, "left_out": True}


def test_aggregates_run_over_all_passes_of_a_group() -> None:
    plan = rule(
        "(a -> b){2} -> c", TEN, "emit n = count(a), all = list(b.n), first = first(a).n, second = a[1].n, last = a[-1].n"
    )
    assert only(feed(plan, "ababc")).fields == {"n": 2, "all": [1, 3], "first": 0, "second": 2, "last": 2}


def test_a_complete_run_whose_condition_is_not_true_goes_on() -> None:
    plan = rule("a{2,}", TEN, "when sum(a.n) >= 3")
    assert told(plan, "aaa") == ["2: a0 a1 a2"]


def test_hundreds_of_candidates_that_nothing_tells_apart_are_one_run() -> None:
    plan = rule("a ->> b -> c", "within 1d", "emit b.n")
    matcher = PatternMatcher(plan, compile_rule(plan, {}, rows="dict"))
    out: list[Match] = []
    events = stream("a" + "b" * 300)
    matcher.feed(batch(events), hits(plan, events), out)
    assert [len(state.runs) for state in matcher.keys.values()] == [2]  # one that took a b, one that took none
    assert told(plan, "a" + "b" * 300 + "c") == ["301: a0 b1 c301"]


def test_candidates_that_a_condition_tells_apart_stay() -> None:
    plan = rule("a ->> b -> c", "within 1d", letters={"c": 'l == "c" and b.n == n - 2'})
    assert told(plan, "abbbc") == ["4: a0 b2 c4"]


@pytest.mark.parametrize(
    ("on_full", "expected"),
    [("oldest", ["4: a2 b4"]), ("newest", ["4: a0 b4"])],
)
def test_a_full_budget_lets_runs_go_and_counts_them(on_full: str, expected: list[str]) -> None:
    plan = rule("a -> b", f"budget 2 runs, on full drop {on_full}", letters={"b": 'l == "b" and n > a.n + 1'})
    matcher = PatternMatcher(plan, compile_rule(plan, {}, rows="dict"))
    out: list[Match] = []
    events = stream("aaa.b") if on_full == "newest" else stream("aaaab")
    matcher.feed(batch(events), hits(plan, events), out)
    assert [said(match) for match in out] == expected
    assert matcher.budget is not None
    assert matcher.budget.evicted == (1 if on_full == "newest" else 2)


def test_what_is_new_in_a_pattern_asks_for_the_run_list() -> None:
    assert choose_matcher(rule("a -> b", TEN))[0] == "tally"
    for plan in (rule("(a -> b){2}", TEN), rule("a ->[..3m] b", TEN), rule("a -> b", TEN, "pick latest"), rule("a ->> b", TEN)):
        assert choose_matcher(plan)[0] == "run list"
        assert isinstance(plan.body, PatternBody)


@pytest.mark.parametrize(
    ("within", "why"),
    [("10 events", "its `within` counts events"), ("10m and 10 events", "its `within` counts events beside the time")],
)
def test_a_line_bounded_in_events_asks_for_the_run_list(within: str, why: str) -> None:
    assert choose_matcher(rule("a -> b", f"within {within}")) == ("run list", f"every run of a key on its own, because {why}")
    assert "counts events" not in choose_matcher(rule("(a -> b){2}", f"within {within}"))[1]


def test_one_time_holds_many_events_and_the_deadline_comes_after_all_of_them() -> None:
    assert told(rule("a -> b{2} -> !x", "within 2m"), "a.[bb]") == ["2: a0 b2 b2"]
    assert told(rule("a -> b{2} -> !x", "within 2m"), "a.[bbx]") == []
    assert feed(rule("a{2,}", "within 2m", "pick longest"), "aaa")[0].time_us == 2 * MINUTE
