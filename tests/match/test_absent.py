"""Absences by hand."""

from __future__ import annotations

from cep.event import TIMER, Batch, Match
from cep.match.absent import ARMED, OPEN, AbsentMatcher
from cep.match.filter import FilterMatcher
from cep.match.matcher import Hits, RuleState
from cep.plan.ir import Field, KeyPart, Reg
from cep.plan.kernels import compile_rule
from cep.plan.plan import AbsentBody, BudgetPlan, FilterBody, KeyPlan, Register, RegisterKind, RulePlan, Select, TitlePart
from cep.types import Type
from tests.match.garbage import garbage_of

KEY = KeyPlan(("host",), (("beat", (Field(("host",), Type.TEXT),)),), (Type.TEXT,))
LOAD = Register(RegisterKind.LAST, 0, Type.NUMBER, Field(("load",), Type.NUMBER), skip_nulls=False)


class Stage:
    """`absent beat for 10`, with time moved by hand; events are (time, host, load)."""

    def __init__(self, states: list[RuleState] | None = None, budget: BudgetPlan | None = None) -> None:
        title = (TitlePart(expr=KeyPart(0, Type.TEXT)), TitlePart(" is silent"))
        body, emit = AbsentBody(Select("beat"), 10, (LOAD,)), (("load", Reg(0, Type.NUMBER)),)
        plan = RulePlan("r", "v", KEY, body, emit, title, budget=budget)
        self.matcher = AbsentMatcher(plan, compile_rule(plan, {}, rows="dict"))
        if states:
            self.matcher.restore(states)

    def feed(self, *events: tuple[int, str, float]) -> list[Match]:
        found: list[Match] = []
        self.matcher.feed(batch_of(*events), Hits(list(range(len(events))), [host for _, host, _ in events]), found)
        return found

    def advance(self, watermark_us: int) -> list[Match]:
        found: list[Match] = []
        self.matcher.advance(watermark_us, found)
        return found


def batch_of(*events: tuple[int, str, float]) -> Batch:
    rows = [{"host": host, "load": load} for _, host, load in events]
    return Batch(rows, [time_us for time_us, _, _ in events], [f"{host}{at}" for at, host, _ in events], ["beat"] * len(events))


def moments(matches: list[Match], transition: str = "opened") -> list[tuple[int, object]]:
    return [(match.time_us, match.key) for match in matches if match.transition == transition]


def story(matches: list[Match]) -> list[tuple[int, object, str]]:
    return [(match.time_us, match.key, match.transition) for match in matches]


def test_silence_is_told_once_at_its_moment_with_the_last_event() -> None:
    stage = Stage()
    assert stage.feed((0, "a", 1), (5, "a", 2)) == []
    assert stage.matcher.next_due() is not None
    assert stage.advance(15) == []
    (match,) = stage.advance(16)
    assert (match.time_us, match.cause, match.title, match.fields) == (15, TIMER, "a is silent", {"load": 2})
    assert (match.first_us, match.last_us, match.evidence, match.events) == (5, 5, ("a5",), 1)
    assert stage.advance(1000) == []


def test_an_event_exactly_at_the_deadline_is_in_time() -> None:
    stage = Stage()
    assert stage.feed((0, "a", 1), (10, "a", 1), (20, "a", 1)) == []
    assert moments(stage.advance(1000)) == [(30, "a")]


def test_the_next_event_resolves_and_arms_again() -> None:
    found = Stage().feed((0, "a", 1), (11, "a", 2), (15, "a", 3), (26, "a", 4))
    assert story(found) == [(10, "a", "opened"), (11, "a", "resolved"), (25, "a", "opened"), (26, "a", "resolved")]
    assert (found[1].cause, found[1].fields, found[1].evidence, found[1].events) == (1, {"load": 2}, ("a11",), 1)


def test_keys_fall_silent_in_order_of_their_last_events() -> None:
    stage = Stage()
    assert moments(stage.feed((0, "a", 1), (1, "b", 1), (2, "a", 1), (50, "c", 1))) == [(11, "b"), (12, "a")]


def test_a_silent_key_waits_open_for_its_next_event_within_the_budget() -> None:
    stage = Stage(budget=BudgetPlan(3))
    found = stage.feed(*[(t, f"h{t}", 1) for t in range(3)]) + stage.advance(100)
    assert moments(found) == [(10, "h0"), (11, "h1"), (12, "h2")] and stage.matcher.size() == 3
    found = stage.feed((200, "new", 1), (201, "h1", 1), (202, "newer", 1))
    # whoever was heard of longest ago is let go of, and its alert does not stay open for ever
    assert story(found) == [(200, "h0", "resolved"), (201, "h1", "resolved"), (202, "h2", "resolved")]
    assert found[0].events == 0 and found[1].events == 1
    assert stage.matcher.size() == 3 and stage.matcher.budget is not None and stage.matcher.budget.evicted == 2
    assert moments(stage.advance(1000)) == [(210, "new"), (211, "h1"), (212, "newer")]


def test_a_budget_may_take_no_new_keys() -> None:
    stage = Stage(budget=BudgetPlan(2, "newest"))
    found = stage.feed((0, "a", 1), (1, "b", 1), (2, "c", 1), (3, "a", 1)) + stage.advance(1000)
    assert moments(found) == [(11, "b"), (13, "a")]


def test_a_delta_holds_what_changed_and_what_is_gone() -> None:
    stage = Stage()
    stage.feed((0, "a", 1), (1, "b", 1))
    assert stage.matcher.touched() == 2
    whole = stage.matcher.snapshot(delta=True)
    assert not whole.delta
    stage.feed((9, "b", 7))
    stage.advance(11)
    assert stage.matcher.touched() == 2
    delta = stage.matcher.snapshot(delta=True)
    assert sorted(delta.keys, key=lambda item: str(item[0])) == [
        ["a", [4, 0, 0, "a0", [1], OPEN]],
        ["b", [3, 9, 9, "b9", [7], ARMED]],
    ]
    again = Stage([whole, delta])
    assert again.matcher.size() == 2
    assert story(again.advance(20)) == [(19, "b", "opened")]
    assert story(again.feed((21, "a", 1))) == [(21, "a", "resolved")]


def test_matching_leaves_nothing_to_the_collector() -> None:
    def work(stage: Stage) -> None:
        stage.feed(*[(t, f"h{t % 30}", t) for t in range(500)])
        stage.advance(10_000)

    assert garbage_of(Stage, work) == 0


def test_a_filter_tells_each_row_and_keeps_nothing() -> None:
    title = (TitlePart("load of "), TitlePart(expr=KeyPart(0, Type.TEXT)))
    emit = (("load", Field(("load",), Type.NUMBER)),)
    plan = RulePlan("r", "v", KEY, FilterBody(Select("beat")), emit, title)
    matcher = FilterMatcher(plan, compile_rule(plan, {}, rows="dict"))
    found: list[Match] = []
    matcher.feed(batch_of((3, "a", 1), (4, "b", 2), (5, "c", 3)), Hits([0, 2], ["a", "c"]), found)
    assert [(match.time_us, match.cause, match.key, match.fields, match.title) for match in found] == [
        (3, 0, "a", {"load": 1}, "load of a"),
        (5, 2, "c", {"load": 3}, "load of c"),
    ]
    assert [(match.first_id, match.last_id, match.evidence, match.events) for match in found] == [
        ("a3", "a3", ("a3",), 1),
        ("c5", "c5", ("c5",), 1),
    ]
    assert matcher.next_due() is None
    assert matcher.size() == matcher.touched() == 0
    assert matcher.snapshot(delta=False).keys == []
