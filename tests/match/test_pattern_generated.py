"""The run list of patterns against the judge: generated patterns over short streams, in batches, stopped and started again."""

from __future__ import annotations

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from cep.match.pattern import PatternMatcher
from cep.plan.plan import PatternBody, Take
from tests.judge.lines import as_pattern
from tests.judge.patterns import cuts, run_matcher, same, sequence_bodies, sequence_rule, streams
from tests.judge.runs import judge_pattern
from tests.judge.shapes import pattern_bodies

END_US = 60


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_a_plain_line_means_the_same_as_a_pattern(data: st.DataObject) -> None:
    plan = sequence_rule(as_pattern(data.draw(sequence_bodies())))
    events = data.draw(streams())
    borders = data.draw(cuts(len(events)))
    same(run_matcher(plan, PatternMatcher, events, END_US, borders), judge_pattern(plan, events, END_US))


@settings(max_examples=1500, deadline=None)
@given(st.data())
def test_any_pattern_means_what_the_judge_says(data: st.DataObject) -> None:
    body = data.draw(pattern_bodies())
    assume(not _looks_ahead(body))
    plan = sequence_rule(body)
    events = data.draw(streams())
    borders = data.draw(cuts(len(events)))
    same(run_matcher(plan, PatternMatcher, events, END_US, borders), judge_pattern(plan, events, END_US))


def _looks_ahead(body: PatternBody) -> bool:
    """Whether a negation at the start asks for what the run will take: no rule may say so."""
    for link in body.pattern.links:
        if not link.negated:
            return False
        if isinstance(link.part, Take) and body.steps[link.part.step].cond is not None:
            return True
    return False
