"""Absences that know whom to expect, whose source may be silent, and that other events resolve."""

from __future__ import annotations

from typing import Any

import pytest

from cep.event import Batch, Key, Match
from cep.match.expected import ExpectingMatcher
from cep.match.matcher import Hits
from cep.plan.ir import Column, Compare, Const, Field, KeyPart, Reg
from cep.plan.kernels import compile_rule
from cep.plan.plan import AbsentBody, BudgetPlan, ExpectPlan, KeyPlan, Register, RegisterKind, RulePlan, Select
from cep.types import Type

T, N, B = Type.TEXT, Type.NUMBER, Type.BOOL
BEAT, MENDED, OTHER = 1, 2, 0  # masks
KEY = KeyPlan(("host",), tuple((name, (Field(("host",), T),)) for name in ("beat", "mended")), (T,))
LOAD = Register(RegisterKind.LAST, 0, N, Field(("load",), N), skip_nulls=False)
ACTIVE = Compare("==", Column("hosts", KeyPart(0, T), "active", B), Const(True, B))
HOSTS = {"a": {"active": True}, "b": {"active": True}, "old": {"active": False}}


class Stage:
    """`absent beat for 10` with more; events are (time, host, mask)."""

    def __init__(
        self, *, hosts: dict[Any, dict[str, Any]] | None = None, where: bool = True, budget: BudgetPlan | None = None, **body: Any
    ) -> None:
        tables = {"hosts": hosts or {}}
        expect = None if hosts is None else ExpectPlan("hosts", ACTIVE if where else None)
        resolve = Select("mended") if body.pop("resolve", False) else None
        absent = AbsentBody(Select("beat"), 10, (LOAD,), expect, body.pop("unless_silent", False), resolve)
        emit = (("host", KeyPart(0, T)), ("load", Reg(0, N)))
        plan = RulePlan("r", "v", KEY, absent, emit, budget=budget)
        self.matcher = ExpectingMatcher(plan, compile_rule(plan, tables, rows="dict"))

    def begin(self, time_us: int) -> list[Match]:
        found: list[Match] = []
        self.matcher.meet(time_us, found)
        return found

    def feed(self, *events: tuple[int, Key, int]) -> list[Match]:
        found: list[Match] = []
        rows = [{"host": host, "load": at} for at, host, _ in events]
        batch = Batch(rows, [at for at, _, _ in events], [f"{host}{at}" for at, host, _ in events], ["beat"] * len(events))
        hits = Hits(list(range(len(events))), [host for _, host, _ in events], [mask for _, _, mask in events])
        self.matcher.feed(batch, hits, found)
        return found

    def advance(self, watermark_us: int) -> list[Match]:
        found: list[Match] = []
        self.matcher.advance(watermark_us, found)
        return found

    def saved(self, other: Stage, delta: bool = False) -> Stage:
        """The state taken over by a stage with another table."""
        other.matcher.restore([self.matcher.snapshot(delta=delta)])
        return other


def story(matches: list[Match]) -> list[tuple[int, Key, str]]:
    return [(match.time_us, match.key, match.transition) for match in matches]


def test_a_key_of_the_table_that_is_never_heard_of_is_told_without_an_event() -> None:
    stage = Stage(hosts=HOSTS)
    assert stage.begin(100) == [] and stage.matcher.size() == 2
    found = stage.feed((105, "a", BEAT)) + stage.advance(1000)
    assert story(found) == [(110, "b", "opened"), (115, "a", "opened")]
    never, once = found
    assert (never.fields, never.first_id, never.evidence, never.events) == ({"host": "b", "load": None}, None, (), 0)
    assert (once.fields, once.first_id, once.events) == ({"host": "a", "load": 105}, "a105", 1)


def test_keys_outside_the_table_or_its_condition_arm_nothing() -> None:
    stage = Stage(hosts=HOSTS)
    stage.begin(0)
    assert story(stage.feed((1, "stranger", BEAT), (1, "old", BEAT)) + stage.advance(1000)) == [
        (10, "a", "opened"),
        (10, "b", "opened"),
    ]


def test_leaving_the_table_disarms_and_resolves_and_entering_arms() -> None:
    stage = Stage(hosts=HOSTS)
    stage.begin(0)
    stage.feed((5, "b", BEAT))
    assert story(stage.advance(11)) == [(10, "a", "opened")]
    changed = stage.saved(Stage(hosts={"c": {"active": True}}))
    left = changed.begin(12)
    assert story(left) == [(12, "a", "resolved")] and left[0].events == 0
    assert story(changed.advance(1000)) == [(22, "c", "opened")]


def test_a_key_that_stays_keeps_its_deadline_when_the_table_changes() -> None:
    stage = Stage(hosts=HOSTS)
    stage.begin(0)
    stage.feed((5, "b", BEAT))
    changed = stage.saved(Stage(hosts={"b": {"active": True}, "c": {"active": True}}))
    assert changed.begin(9) == []
    assert story(changed.advance(1000)) == [(15, "b", "opened"), (19, "c", "opened")]


@pytest.mark.parametrize("key", [True, 7, 1.5, "x"])
def test_keys_of_any_type_meet_their_events(key: Any) -> None:
    stage = Stage(hosts={key: {"active": True}, None: {"active": True}}, where=False)
    stage.begin(0)
    held: Key = ("bool", key) if isinstance(key, bool) else key
    assert story(stage.feed((8, held, BEAT)) + stage.advance(100)) == [(18, held, "opened")]


def test_a_source_that_says_nothing_at_all_holds_its_keys_back_until_it_speaks() -> None:
    stage = Stage(unless_silent=True)
    found = stage.feed((0, "a", BEAT), (3, "b", BEAT)) + stage.advance(12)
    assert story(found) == [(10, "a", "opened")]  # b spoke after it: the source was there
    assert stage.advance(50) == []  # nobody spoke after b
    # 60: it speaks again, with an event that fits nothing; b is waited for anew, a stays open
    assert story(stage.feed((60, "other", OTHER), (65, "x", BEAT), (71, "a", BEAT))) == [
        (70, "b", "opened"),
        (71, "a", "resolved"),
    ]


def test_expected_keys_are_held_back_while_nobody_has_spoken() -> None:
    stage = Stage(hosts=HOSTS, unless_silent=True)
    stage.begin(0)
    assert stage.advance(100) == []
    assert story(stage.feed((200, "stranger", BEAT), (205, "a", BEAT)) + stage.advance(211)) == [(210, "b", "opened")]


def test_another_event_resolves_and_arms_and_is_nothing_where_no_alert_is_open() -> None:
    stage = Stage(resolve=True)
    found = stage.feed((0, "a", BEAT), (5, "a", MENDED), (12, "a", MENDED), (13, "b", MENDED)) + stage.advance(1000)
    assert story(found) == [(10, "a", "opened"), (12, "a", "resolved"), (22, "a", "opened")]
    assert found[1].evidence == ("a12",) and found[1].fields == {"host": "a", "load": 0}
    assert found[2].evidence == ("a0",)  # of its last beat


def test_the_state_goes_through_a_restart_at_any_moment() -> None:
    def stage() -> Stage:
        return Stage(hosts=HOSTS, unless_silent=True, resolve=True)

    events = [
        (1, "a", BEAT),
        (4, "b", BEAT),
        (13, "a", MENDED),
        (40, "z", OTHER),
        (45, "b", BEAT),
        (52, "a", BEAT),
        (70, "b", BEAT),
    ]
    one = stage()
    whole = [story(one.begin(0)), *(story(one.feed(event)) for event in events), story(one.advance(200))]
    for cut in range(len(events)):
        first = stage()
        parts = [story(first.begin(0)), *(story(first.feed(event)) for event in events[:cut])]
        second = first.saved(stage())
        parts += [*(story(second.feed(event)) for event in events[cut:]), story(second.advance(200))]
        assert parts == whole


def test_what_is_expected_stands_in_the_budget_too() -> None:
    stage = Stage(hosts=HOSTS, budget=BudgetPlan(1, "newest"))
    stage.begin(0)
    assert stage.matcher.size() == 2  # a table is a bound of its own: the budget is for what comes with events
