"""The judge itself, held to small cases whose answers are plain to see."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cep.plan.ir import And, Arith, Compare, Const, Expr, Field, InSet, IsNull, Not, Or, Reg
from cep.plan.plan import (
    AbsentBody,
    FilterBody,
    KeyPlan,
    Recall,
    Register,
    RegisterKind,
    RulePlan,
    Select,
    WindowBody,
    WindowKind,
)
from cep.types import Type
from tests.judge.values import Scope, Seen, register_value, value
from tests.judge.windows import judge

X = Field(("x",), Type.NUMBER)
NULL = Const(None, Type.ANY)
KEY = KeyPlan(("k",), (("e", (Field(("k",), Type.ANY),)),), (Type.ANY,))
COUNT = Register(RegisterKind.COUNT, 0, Type.NUMBER)
COUNT_AT_LEAST_2 = Compare(">=", Reg(0, Type.NUMBER), Const(2, Type.NUMBER))


def number(n: float) -> Const:
    return Const(n, Type.NUMBER)


def stream(*rows: tuple[int, object, object]) -> list[Seen]:
    return [Seen(t, "e", {"k": k, "x": x}, at) for at, (t, k, x) in enumerate(rows, 1)]


def rule(body: FilterBody | WindowBody | AbsentBody) -> RulePlan:
    return RulePlan("r", "v", KEY, body, ())


@pytest.mark.parametrize(
    ("expr", "worth"),
    [
        (Compare("==", NULL, NULL), None),
        (Compare("!=", number(1), Const("1", Type.ANY)), True),
        (Compare("==", number(1), Const(1.0, Type.ANY)), True),
        (Compare("==", number(1), Const(True, Type.ANY)), False),
        (And((Compare("==", NULL, NULL), Compare("<", number(2), number(1)))), False),
        (Or((Compare("==", NULL, NULL), Compare("<", number(1), number(2)))), True),
        (Not(Compare("==", NULL, NULL)), None),
        (Arith("/", number(1), number(0), Type.NUMBER), None),
        (Arith("*", number(1e300), number(1e300), Type.NUMBER), None),
        (InSet(number(1), (1.0, "a")), True),
        (InSet(Const(True, Type.BOOL), (1,)), False),
        (IsNull(Field(("no", "such"), Type.ANY)), True),
    ],
)
def test_logic_has_three_values(expr: Expr, worth: object) -> None:
    assert value(expr, Scope()) is worth


@pytest.mark.parametrize(
    ("kind", "worth"),
    [
        ("sum", 0.3 + 0.3),
        ("avg", 0.6 / 3),
        ("min", 0.1),
        ("max", 0.3),
        ("distinct", 2),
        ("count", 3),
        ("first", 0.1),
        ("last", 0.2),
    ],
)
def test_registers_skip_nulls(kind: str, worth: float) -> None:
    events = stream((1, "a", None), (2, "a", 0.1), (3, "a", 0.3), (4, "a", 0.2), (5, "a", None))
    if kind == "distinct":
        events[3] = events[2]
    assert register_value(Register(RegisterKind(kind), 0, Type.NUMBER, X), events, {}) == worth


def test_the_field_of_the_last_event_may_be_null() -> None:
    last = Register(RegisterKind.LAST, 0, Type.NUMBER, X, skip_nulls=False)
    assert register_value(last, stream((1, "a", 5), (2, "a", None)), {}) is None


def test_a_filter_tells_each_event_with_a_key() -> None:
    body = FilterBody(Select("e", Compare(">", X, number(1))))
    told = judge(rule(body), stream((1, "a", 2), (2, None, 2), (3, "b", 1), (4, "b", 3)), 4)
    assert [(v.time_us, v.key, v.ids) for v in told] == [(1, "a", (1,)), (4, "b", (4,))]


def test_a_window_tells_when_it_opens_and_holds_both_ends() -> None:
    body = WindowBody(Select("e"), 10, (COUNT,), COUNT_AT_LEAST_2)
    told = judge(rule(body), stream((0, "a", 0), (10, "a", 0), (15, "a", 0), (26, "a", 0), (36, "a", 0)), 40)
    assert [(v.time_us, v.ids) for v in told if v.transition == "opened"] == [(10, (1, 2)), (15, (2, 3)), (36, (4, 5))]


def test_a_window_can_open_by_a_departure_but_not_when_empty() -> None:
    body = WindowBody(Select("e"), 10, (COUNT,), Compare("<", Reg(0, Type.NUMBER), number(2)))
    told = judge(rule(body), stream((0, "a", 0), (4, "a", 0)), 14)
    assert [(v.time_us, v.ids) for v in told if v.transition == "opened"] == [(0, (1,)), (10, (2,))]


def test_fire_each_tells_by_events_only_and_reset_empties() -> None:
    each = WindowBody(Select("e"), 10, (COUNT,), COUNT_AT_LEAST_2, fire_each=True)
    reset = WindowBody(Select("e"), 10, (COUNT,), COUNT_AT_LEAST_2, then_reset=True)
    events = stream((0, "a", 0), (1, "a", 0), (2, "a", 0), (3, "a", 0))
    assert [v.time_us for v in judge(rule(each), events, 99)] == [1, 2, 3]
    assert [v.ids for v in judge(rule(reset), events, 99)] == [(1, 2), (3, 4)]


def test_absence_is_told_once_and_an_event_at_the_deadline_is_in_time() -> None:
    told = judge(rule(AbsentBody(Select("e"), 10)), stream((0, "a", 0), (10, "a", 0), (21, "a", 0)), 30)
    assert [(v.time_us, v.last_us, v.ids, v.transition) for v in told] == [(20, 10, (2,), "opened"), (21, 21, (3,), "resolved")]


def life(body: WindowBody, *events: tuple[int, object, object], end_us: int = 40) -> list[tuple[int, str]]:
    plan = RulePlan("r", "v", KEY, body, (("n", Reg(0, Type.NUMBER)),))
    return [(v.time_us, v.transition) for v in judge(plan, stream(*events), end_us)]


def test_an_alert_opens_is_updated_and_resolves() -> None:
    body = WindowBody(Select("e"), 10, (COUNT,), COUNT_AT_LEAST_2)
    assert life(body, (0, "a", 0), (1, "a", 0), (2, "a", 0)) == [(1, "opened"), (2, "updated"), (11, "resolved")]


def test_for_asks_every_moment_and_its_timer_comes_before_departures() -> None:
    held = WindowBody(Select("e"), 10, (COUNT,), COUNT_AT_LEAST_2, for_us=9)
    assert life(held, (0, "a", 0), (1, "a", 0)) == [(10, "opened"), (10, "resolved")]
    assert life(replace(held, for_us=10), (0, "a", 0), (1, "a", 0)) == []


def test_once_open_only_until_resolves() -> None:
    body = WindowBody(Select("e"), 10, (COUNT,), COUNT_AT_LEAST_2, until=Compare(">=", Reg(0, Type.NUMBER), number(4)))
    assert life(body, *((t, "a", 0) for t in (0, 1, 2, 3, 4))) == [(1, "opened"), (2, "updated"), (3, "resolved")]


def test_after_a_resolving_event_the_condition_must_fall_first() -> None:
    body = WindowBody(Select("e"), 10, (COUNT,), COUNT_AT_LEAST_2, resolve=Select("e", Compare(">", X, number(5))))
    told = life(body, (0, "a", 0), (1, "a", 0), (2, "a", 9), (3, "a", 0), (30, "a", 0), (31, "a", 0), end_us=35)
    assert told == [(1, "opened"), (2, "updated"), (2, "resolved"), (31, "opened")]


def test_windows_at_their_ends() -> None:
    body = WindowBody(Select("e"), 10, (COUNT,), COUNT_AT_LEAST_2, kind=WindowKind.HOP, every_us=10)
    assert life(body, (1, "a", 0), (10, "a", 0), (19, "a", 0)) == [(20, "opened"), (30, "resolved")]


def test_a_day_in_a_zone_is_as_long_as_its_clocks_say() -> None:
    body = WindowBody(
        Select("e"),
        86_400_000_000,
        (COUNT,),
        COUNT_AT_LEAST_2,
        kind=WindowKind.HOP,
        every_us=86_400_000_000,
        zone="Europe/Berlin",
    )
    begins, hour_us = 1711753200_000_000, 3_600_000_000  # 2024-03-30T00:00+01:00; the next day has 23 hours
    told = life(body, (begins + 24 * hour_us, "a", 0), (begins + 47 * hour_us - 1, "a", 0), end_us=begins + 72 * hour_us)
    assert told == [(begins + 47 * hour_us, "opened"), (begins + 71 * hour_us, "resolved")]


def test_a_session_closes_a_gap_after_its_last_event() -> None:
    body = WindowBody(Select("e"), 5, (COUNT,), COUNT_AT_LEAST_2, kind=WindowKind.SESSION)
    assert life(body, (0, "a", 0), (5, "a", 0), (11, "a", 0)) == [(10, "opened")]
    assert life(replace(body, max_us=7), (0, "a", 0), (5, "a", 0), (7, "a", 0)) == [(7, "opened")]


def test_a_bucket_runs_over() -> None:
    body = WindowBody(Select("e"), 0, (COUNT,), Const(True, Type.BOOL), kind=WindowKind.BUCKET, events=2, leak=1, every_us=10)
    assert life(body, (0, "a", 0), (0, "a", 0), (5, "a", 0)) == [(5, "opened")]
    assert life(body, (0, "a", 0), (0, "a", 0), (10, "a", 0)) == []


def test_a_value_is_new_once() -> None:
    seen = Recall("first_seen", (X,), 10)
    body = WindowBody(Select("e"), 0, (COUNT,), Reg(1, Type.BOOL), kind=WindowKind.NONE, recalls=(seen,))
    told = life(body, (0, "a", 1), (10, "a", 1), (11, "a", 2), (21, "a", 1), (22, "a", None), (33, "a", 1), end_us=40)
    assert told == [(0, "opened"), (11, "opened"), (21, "opened"), (33, "opened")]
