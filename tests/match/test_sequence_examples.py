"""Patterns, told by example: one letter an event, its place in the text its time in microseconds; `.` lets a moment pass."""

from __future__ import annotations

import pytest

from cep.event import MAX_EVIDENCE, TIMER, Batch, Match
from cep.match.matcher import Hits, Matcher
from cep.match.planner import choose_matcher, make_matcher
from cep.match.sequence import SequenceMatcher
from cep.plan.ir import Compare, Const, Expr, InSet, Reg
from cep.plan.kernels import compile_rule
from cep.plan.plan import Node, Register, RegisterKind, RulePlan, Select, SequenceBody, StepPlan
from cep.types import Type
from tests.judge.patterns import LETTER, one_of, run_matcher, sequence_rule
from tests.judge.runs import judge_pattern
from tests.judge.values import Seen, told
from tests.match.garbage import garbage_of

QUANTIFIERS = {"?": (0, 1), "+": (1, None), "*": (0, None), "2": (2, 2), "3+": (3, None), "2-3": (2, 3)}


def pattern(text: str, within: int | None = 9, *, exclusive: bool = False, when: Expr | None = None) -> RulePlan:
    """`a{2} -> !x => b+`: the letter is the label and what the step asks for; a register counts each step's events."""
    steps: list[StepPlan] = []
    nodes: list[Node] = []
    forbids: list[int] = []
    strict = False
    for word in text.split():
        if word in ("->", "=>"):
            strict = word == "=>"
            continue
        letters = word.lstrip("!")[0]
        wanted = {"c": ("b", "c")}.get(letters, (letters,))  # c fits what b fits as well
        steps.append(StepPlan(letters, Select("e", InSet(LETTER, wanted))))
        if word[0] == "!":
            forbids.append(len(steps) - 1)
            continue
        low, high = QUANTIFIERS[word[1:].strip("{}")] if word[1:] else (1, 1)
        nodes.append(Node(len(steps) - 1, low, high, strict, tuple(forbids)))
        forbids, strict = [], False
    registers = tuple(Register(RegisterKind.COUNT, i, Type.NUMBER) for i in range(len(steps)))
    body = SequenceBody(tuple(steps), tuple(nodes), within, exclusive, tuple(forbids), bool(forbids) and strict, registers, when)
    return sequence_rule(body)


def written(text: str) -> list[Seen]:
    return [Seen(t, "e", {"k": "p", "l": letter, "v": 1}, t) for t, letter in enumerate(text) if letter != "."]


def runs(plan: RulePlan, text: str, end_us: int = 50) -> list[tuple[int, str]]:
    """(alert time, letters of the events with their times) as every matcher that accepts the plan, and the judge, say."""
    events = written(text)
    letters = {event.id: event.row["l"] for event in events}
    answers = [run_matcher(plan, make, events, end_us) for make in (SequenceMatcher, make_matcher)]
    verdicts = judge_pattern(plan, events, end_us)
    assert [told(match) for match in answers[0]] == [told(match) for match in answers[1]] == [told(one) for one in verdicts]
    return [(match.time_us, " ".join(f"{letters[one]}{one}" for one in match.evidence)) for match in answers[0]]


@pytest.mark.parametrize(
    ("text", "events", "alerts"),
    [
        ("a -> b", "axb", [(2, "a0 b2")]),
        ("a -> b", "aab.b", [(2, "a0 b2")]),  # a fresh start: the second a is used up
        ("a -> b", "abab", [(1, "a0 b1"), (3, "a2 b3")]),
        ("a => b", "axab", [(3, "a2 b3")]),
        ("a{2} -> b", "aaab", [(3, "a0 a1 b3")]),
        ("a{2} => b", "aaab", [(3, "a1 a2 b3")]),  # b is not next after the first two
        ("a{3+} -> b", "aab.ab", [(5, "a0 a1 a4 b5")]),
        ("a{3+} -> b", "aaaaab", [(5, "a0 a1 a2 a3 a4 b5")]),
        ("a+ => b", "axab", [(3, "a0 a2 b3")]),  # x closes the way to b, not the loop
        ("a -> b? -> c", "acb", [(1, "a0 c1")]),
        ("a{3+}", "aaaaaaa", [(2, "a0 a1 a2"), (5, "a3 a4 a5")]),  # a trailing loop matches at its minimum
        ("a{2-3} -> b", "aaaab", [(4, "a0 a1 a2 b4")]),
        ("a? -> b", "b.ab", [(0, "b0"), (3, "a2 b3")]),
        ("a+ -> b+ -> c", "abc", [(2, "a0 b1 c2")]),
        ("a -> b? -> c", "ab", [(1, "a0 b1")]),  # b1 fits both: the fork that takes it as c has matched
        ("a -> b -> c", "abb", [(2, "a0 b1 b2")]),
        ("a -> b+ -> c", "abb", [(2, "a0 b1 b2")]),
    ],
)
def test_runs_take_what_they_must(text: str, events: str, alerts: list[tuple[int, str]]) -> None:
    assert runs(pattern(text), events) == alerts


@pytest.mark.parametrize(
    ("text", "events", "alerts"),
    [
        ("a -> !x -> b", "axb", []),
        ("a -> !x -> b", "axab", [(3, "a2 b3")]),
        ("a{2} -> !x -> b", "axab", [(3, "a0 a2 b3")]),  # an x below the minimum is no x after it
        ("a -> !x", "a", [(9, "a0")]),
        ("a -> !x", "a........x", []),  # at the deadline is in time
        ("a -> !x", "a.........x", [(9, "a0")]),
        ("a -> !x", "a.a", [(9, "a0"), (11, "a2")]),  # each that waits is told
        ("a -> b -> !x", "aab", [(9, "a0 b2")]),
        ("a => !x", "ax", []),
        ("a => !x", "ab", [(1, "a0")]),  # b is none of the rule's steps, yet of its types: it decides
        ("a => !x", "a", []),
        ("a{2} => !x", "aaax", [(2, "a0 a1")]),
    ],
)
def test_negation_strikes_where_it_stands(text: str, events: str, alerts: list[tuple[int, str]]) -> None:
    assert runs(pattern(text), events) == alerts


@pytest.mark.parametrize(("exclusive", "events", "found"), [(False, "a...b", 1), (True, "a...b", 0), (True, "a..b", 1)])
def test_the_bound_is_inclusive_unless_told(exclusive: bool, events: str, found: int) -> None:
    assert len(runs(pattern("a -> b", 4, exclusive=exclusive), events)) == found


def test_an_exclusive_deadline_is_told_after_an_event_that_no_longer_strikes() -> None:
    assert runs(pattern("a -> !x", 4, exclusive=True), "a...x") == [(4, "a0")]


def test_a_complete_run_that_may_not_match_goes_on_while_it_can_grow() -> None:
    at_least_3 = Compare(">=", Reg(0, Type.NUMBER), Const(3, Type.NUMBER))
    assert runs(pattern("a+", when=at_least_3), "aaaa") == [(2, "a0 a1 a2")]
    assert runs(pattern("a{2}", when=at_least_3), "aaaa") == []


def test_of_runs_with_one_start_the_one_with_the_most_events_wins() -> None:
    # At b1 the run forks. The fork that keeps it in the first loop stands first, but an x closes its way to the second one
    # until the next a; the other fork takes both d meanwhile.
    steps = (StepPlan("p", one_of("ab")), StepPlan("q", one_of("bd")), StepPlan("r", one_of("c")))
    nodes = (Node(0, 1, None), Node(1, 1, None, strict=True), Node(2, 1, 1))
    plan = sequence_rule(SequenceBody(steps, nodes, 20))
    assert runs(plan, "abxddabc") == [(7, "a0 b1 d3 d4 b6 c7")]


def test_evidence_is_the_first_half_and_the_last_half_and_the_count_is_exact() -> None:
    plan = pattern("a{3+} -> b", 1000)
    events = written("a" * 100 + "b")
    for make in (SequenceMatcher, make_matcher):
        [match] = run_matcher(plan, make, events, 200)
        assert match.events == 101
        assert match.evidence == (*range(32), *range(69, 101))
        assert len(match.evidence) == MAX_EVIDENCE
        assert (match.first_id, match.last_id, match.fields) == (0, 100, {"r0": 100, "r1": 1})


@pytest.mark.parametrize(
    ("text", "within", "name"),
    [
        ("a{3+} -> b", 9, "tally"),
        ("a -> b", 9, "tally"),
        ("a{2-3} -> !x -> b", 9, "tally"),
        ("a -> !x", 9, "pending"),
        ("a -> b", None, "run list"),
        ("a => b", 9, "run list"),
        ("a -> b -> c", 9, "run list"),
        ("a{2} -> !x", 9, "run list"),
        ("a => !x", 9, "run list"),
    ],
)
def test_the_planner_names_the_matcher_and_says_why(text: str, within: int | None, name: str) -> None:
    chosen, why = choose_matcher(pattern(text, within))
    assert chosen == name
    assert why


def test_a_timer_fires_once_the_watermark_is_beyond_it() -> None:
    for plan in (pattern("a -> !x", 4), pattern("a{2} -> !x", 4)):
        matcher = make_matcher(plan, compile_rule(plan, {}, rows="dict"))
        out: list[Match] = []
        events = written("aa")
        rows = [dict(event.row) for event in events]
        matcher.feed(Batch(rows, [0, 1], [0, 1], ["e", "e"]), Hits([0, 1], ["p", "p"], [1, 1]), out)
        assert matcher.next_due() == 4
        matcher.advance(4, out)
        assert out == []
        matcher.advance(5, out)
        assert [(match.time_us, match.cause) for match in out] == [(4, TIMER)]


@pytest.mark.parametrize("text", ["a{3+} -> b", "a -> !x", "a{2} => b+ -> !x", "a+ -> b? -> c"])
def test_the_collector_finds_nothing(text: str) -> None:
    plan = pattern(text)
    kernels = compile_rule(plan, {}, rows="dict")
    events = written("aabaa.xaaabbcaaax.ab" * 5)
    masks = [sum(1 << i for i, step in enumerate(plan.selects) if e.row["l"] in step.where.values) for e in events]  # type: ignore[union-attr]

    def work(matcher: Matcher) -> None:
        out: list[Match] = []
        batch = Batch([dict(e.row) for e in events], [e.time_us for e in events], [e.id for e in events], ["e"] * len(events))
        matcher.feed(batch, Hits(list(range(len(events))), ["p"] * len(events), masks), out)
        matcher.advance(1000, out)
        assert out

    assert garbage_of(lambda: make_matcher(plan, kernels), work) == 0


@pytest.mark.parametrize("text", ["a{2} -> b", "a -> !x", "a -> b -> !x"])
def test_a_delta_holds_the_keys_touched_since_and_those_gone(text: str) -> None:
    plan = pattern(text)
    matcher = make_matcher(plan, compile_rule(plan, {}, rows="dict"))
    row = {"k": "?", "l": "a", "v": 1}

    def feed(time_us: int, keys: list[str]) -> None:
        batch = Batch([row] * len(keys), [time_us] * len(keys), keys, ["e"] * len(keys))
        matcher.feed(batch, Hits(list(range(len(keys))), list(keys), [1] * len(keys)), [])

    feed(0, ["p", "q"])
    assert matcher.touched() == 2
    whole = matcher.snapshot(delta=False)
    assert ({key for key, _ in whole.keys}, whole.delta, matcher.touched()) == ({"p", "q"}, False, 0)
    feed(3, ["r"])
    assert matcher.touched() == 1
    delta = matcher.snapshot(delta=True)
    assert ([key for key, _ in delta.keys], delta.delta) == (["r"], True)
    matcher.advance(10, [])
    assert matcher.size() == 1
    matcher.advance(30, [])
    gone = matcher.snapshot(delta=True)
    assert dict(gone.keys) == {"p": None, "q": None, "r": None}
    assert matcher.size() == 0
