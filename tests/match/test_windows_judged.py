"""Windows of every kind against the judge: generated rules and streams, in batches, stopped and started again."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cep.match.window import WindowMatcher
from cep.plan.ir import Reg
from cep.plan.plan import KeyPlan, RulePlan, WindowBody, WindowKind
from cep.types import Type
from tests.judge.patterns import cuts, run_matcher, same
from tests.judge.values import Seen
from tests.judge.windows import judge
from tests.match.test_window_generated import NO_KEY, ONE_KEY, TWO_KEYS, rule, streams
from tests.match.windows import window_bodies

EXAMPLES = int(os.environ.get("CEP_JUDGED", "150"))
KEYS = st.sampled_from([ONE_KEY, ONE_KEY, TWO_KEYS, NO_KEY])


def window_rule(body: WindowBody, key: KeyPlan) -> RulePlan:
    """The rule emits what it recalls too, and knows the key of the events that resolve."""
    types = tuple((name, parts) for name in ("e", "!") for _, parts in key.by_type[:1])
    plan = rule(body, KeyPlan(key.names, types, key.types))
    first = len(body.registers)
    recalled = tuple((f"s{i}", Reg(first + i, Type.ANY)) for i in range(len(body.recalls)))
    return RulePlan("r", "v", plan.key, body, (*plan.emit, *recalled))


@pytest.mark.parametrize("kind", WindowKind)
def test_a_window_means_what_the_judge_says(kind: WindowKind) -> None:
    @given(st.data(), window_bodies((kind,)), streams(longest=20), KEYS, st.integers(0, 9))
    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    def agrees(data: st.DataObject, body: WindowBody, events: list[Seen], key: KeyPlan, longer_us: int) -> None:
        plan = window_rule(body, key)
        end_us = (events[-1].time_us if events else 0) + longer_us
        same(run_matcher(plan, WindowMatcher, events, end_us, data.draw(cuts(len(events)))), judge(plan, events, end_us))

    agrees()
