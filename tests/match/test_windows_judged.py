"""Windows of every kind against the judge: generated rules and streams, in batches, stopped and started again."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cep.match.window import WindowMatcher
from cep.plan.ir import Compare, Const, Reg
from cep.plan.plan import KeyPlan, Register, RegisterKind, RulePlan, Select, WindowBody, WindowKind
from cep.types import Type
from tests.judge.patterns import cuts, run_matcher, same
from tests.judge.values import Seen
from tests.judge.windows import judge
from tests.match.test_window_generated import NO_KEY, ONE_KEY, TWO_KEYS, rule, streams
from tests.match.windows import window_bodies

COUNT = Register(RegisterKind.COUNT, 0, Type.NUMBER)
EXAMPLES = int(os.environ.get("CEP_JUDGED", "150"))
KEYS = st.sampled_from([ONE_KEY, ONE_KEY, TWO_KEYS, NO_KEY])


def window_rule(body: WindowBody, key: KeyPlan) -> RulePlan:
    """The rule emits what it recalls too, and knows the key of the events that resolve."""
    types = tuple((name, parts) for name in ("e", "!") for _, parts in key.by_type[:1])
    plan = rule(body, KeyPlan(key.names, types, key.types))
    first = len(body.registers)
    recalled = tuple((f"s{i}", Reg(first + i, Type.ANY)) for i in range(len(body.recalls)))
    return RulePlan("r", "v", plan.key, body, (*plan.emit, *recalled))


HOUR_US = 3_600_000_000
# Around a night on which clocks change: 2024-03-31 has 23 hours in Berlin, 2024-11-03 has 25 in New York.
NIGHTS = [("Europe/Berlin", 1711753200 * 1_000_000), ("America/New_York", 1730520000 * 1_000_000)]


@pytest.mark.parametrize(("zone", "begins_us"), NIGHTS)
@given(
    st.data(),
    st.sampled_from([(24, 24), (48, 24), (6, 6), (12, 6), (6, 1), (5, 5), (48, 48), (10, 5)]),
    st.lists(st.tuples(st.sampled_from([0, 1, 5, 11, 23]), st.sampled_from([-1, 0, 0, 1])), max_size=12),
)
@settings(max_examples=EXAMPLES // 2, deadline=None)
def test_windows_go_by_the_clock_of_their_zone(
    zone: str, begins_us: int, data: st.DataObject, hours: tuple[int, int], steps: list[tuple[int, int]]
) -> None:
    times, now_us = list[int](), begins_us
    for hours_later, beside_us in steps:
        now_us += hours_later * HOUR_US
        times.append(max(now_us + beside_us, *times, begins_us) if times else max(now_us + beside_us, begins_us))
    events = [Seen(time_us, "e", {"k": "p", "x": at}, at) for at, time_us in enumerate(times, 1)]
    length_us, every_us = (count * HOUR_US for count in hours)
    when = Compare(">=", Reg(0, Type.NUMBER), Const(data.draw(st.integers(1, 3)), Type.NUMBER))
    body = WindowBody(Select("e"), length_us, (COUNT,), when, kind=WindowKind.HOP, every_us=every_us, zone=zone)
    plan, end_us = window_rule(body, ONE_KEY), now_us + 100 * HOUR_US
    same(run_matcher(plan, WindowMatcher, events, end_us, data.draw(cuts(len(events)))), judge(plan, events, end_us))


@pytest.mark.parametrize("kind", WindowKind)
def test_a_window_means_what_the_judge_says(kind: WindowKind) -> None:
    @given(st.data(), window_bodies((kind,)), streams(longest=20), KEYS, st.integers(0, 9))
    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    def agrees(data: st.DataObject, body: WindowBody, events: list[Seen], key: KeyPlan, longer_us: int) -> None:
        plan = window_rule(body, key)
        end_us = (events[-1].time_us if events else 0) + longer_us
        same(run_matcher(plan, WindowMatcher, events, end_us, data.draw(cuts(len(events)))), judge(plan, events, end_us))

    agrees()
