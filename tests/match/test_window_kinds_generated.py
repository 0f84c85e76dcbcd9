"""Windows of every kind say what they say when written out in full, and batches, moves of time and restarts do not show."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from cep.event import MAX_EVIDENCE, Match
from cep.match.window import WindowMatcher
from cep.plan.plan import KeyPlan, RulePlan, WindowBody, WindowKind
from tests.judge.patterns import cuts, run_matcher
from tests.judge.values import Seen
from tests.match.slowly import Told, slowly
from tests.match.test_window_generated import NO_KEY, ONE_KEY, TWO_KEYS, rule, streams
from tests.match.windows import window_bodies

KEYS = st.sampled_from([ONE_KEY, ONE_KEY, TWO_KEYS, NO_KEY])


def window_rule(body: WindowBody, key: KeyPlan) -> RulePlan:
    """The rule knows the key of events that resolve, too."""
    plan = rule(body, KeyPlan(key.names, tuple((name, parts) for name in "e!" for _, parts in key.by_type[:1]), key.types))
    registers = len(body.registers)
    recalled = tuple((f"s{i}", _register(registers + i)) for i in range(len(body.recalls)))
    return RulePlan("r", "v", plan.key, body, (*plan.emit, *recalled))


def _register(index: int):
    from cep.plan.ir import Reg
    from cep.types import Type

    return Reg(index, Type.ANY)


@pytest.mark.parametrize("kind", WindowKind)
def test_a_window_says_what_it_says_written_out_in_full(kind: WindowKind) -> None:
    @given(st.data(), window_bodies((kind,)), streams(longest=30), KEYS)
    @settings(max_examples=700, deadline=None, phases=[Phase.generate])
    def check(data: st.DataObject, body: WindowBody, events: list[Seen], key: KeyPlan) -> None:
        plan = window_rule(body, key)
        end_us = (events[-1].time_us if events else 0) + data.draw(st.integers(0, 9))
        meant = said(slowly(plan, events, end_us))
        assert said(run_matcher(plan, WindowMatcher, events, end_us)) == meant
        assert said(run_matcher(plan, WindowMatcher, events, end_us, data.draw(cuts(len(events))))) == meant

    check()


def said(found: Sequence[Match | Told]) -> list[str]:
    """By time and key; what is told of one key at one moment in its order."""
    lines = []
    for n, one in enumerate(found):
        if isinstance(one, Match):
            ids = [*one.evidence, one.events]
        else:
            half = MAX_EVIDENCE // 2
            ids = [*(one.ids if len(one.ids) <= MAX_EVIDENCE else one.ids[:half] + one.ids[-half:]), len(one.ids)]
        lines.append((one.time_us, repr(one.key), n, f"{one.transition} {_plain(one.fields)} {ids}"))
    return [f"{time_us} {key} {rest}" for time_us, key, _, rest in sorted(lines)]


def _plain(value: object) -> object:
    """1.0 is 1, and true is neither."""
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
