"""The run list of patterns says of a plain line what the judge of sequences says of it."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.judge.sequence import judge_sequence

from cep.match.pattern import PatternMatcher
from tests.judge.patterns import cuts, run_matcher, same, sequence_bodies, sequence_rule, streams
from tests.match.lines import as_pattern

END_US = 40


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_a_plain_line_means_the_same_as_a_pattern(data: st.DataObject) -> None:
    plan = sequence_rule(data.draw(sequence_bodies()))
    events = data.draw(streams())
    borders = data.draw(cuts(len(events)))
    same(run_matcher(as_pattern(plan), PatternMatcher, events, END_US, borders), judge_sequence(plan, events, END_US))
