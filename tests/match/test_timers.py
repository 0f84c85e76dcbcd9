"""The timers of many rules are those of a table that is searched whole."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from cep.match.timers import MOST_STALE, Timers

NOTED = st.tuples(st.integers(0, 4), st.one_of(st.none(), st.integers(0, 9)))


@given(st.lists(st.one_of(NOTED, st.integers(0, 10)), max_size=60))
@settings(max_examples=300, deadline=None)
def test_what_is_due_is_what_a_search_finds(steps: list[tuple[int, int | None] | int]) -> None:
    timers, table = Timers(), dict[int, int]()
    for step in steps:
        if isinstance(step, int):
            want = sorted(rule for rule, due_us in table.items() if due_us < step)
            assert timers.before(step) == want
            table = {rule: due_us for rule, due_us in table.items() if rule not in want}
        else:
            rule, due_us = step
            timers.note(rule, due_us)
            table = {other: at_us for other, at_us in table.items() if other != rule}
            if due_us is not None:
                table[rule] = due_us
        assert timers.first() == min(table.values(), default=None)


def test_timers_that_move_on_leave_little_behind() -> None:
    timers = Timers()
    for n in range(10_000):
        timers.note(n % 3, 10_000 - n)
    assert len(timers._heap) <= 3 * 2 + MOST_STALE + 1
    assert timers.before(10_000) == [0, 1, 2]
    assert timers.first() is None
