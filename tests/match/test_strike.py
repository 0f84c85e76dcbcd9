"""Filters whose matches are made where the rows are found tell what they tell when given their rows, in the same order."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cep.config import StreamSpec
from cep.event import Batch, Match
from cep.match.engine import Rows
from cep.match.matcher import Hits, Matcher
from cep.match.pipeline import Pipeline
from cep.match.planner import make_matcher
from cep.plan.kernels import RuleKernels
from cep.plan.plan import RulePlan
from tests.match.test_pipeline import rulebook

SHAPES = (
    "from {type} where user == {user} and speed > {speed}",
    "by user\n  from {type} where user == {user} and speed > {speed}",
    "from {type} where user in [{user}, {other}]\n  emit fast = speed * 2",
    "by user\n  from {type} where speed <= {speed}\n  once per user every 5s",
    "from {type} where speed > {speed} or user == {user}",
)
TITLE = '"{user} at {speed}"'


class Given:
    """A matcher that is given its rows, whatever the planner chose."""

    def __init__(self, plan: RulePlan, kernels: RuleKernels) -> None:
        self._matcher = make_matcher(plan, kernels)

    def __getattr__(self, name: str) -> Any:
        if name == "fuse":
            raise AttributeError(name)
        return getattr(self._matcher, name)

    def feed(self, batch: Batch, hits: Hits, out: list[Match]) -> None:
        self._matcher.feed(batch, hits, out)


def given_rows(plan: RulePlan, kernels: RuleKernels) -> Matcher:
    return Given(plan, kernels)


@st.composite
def rule_sets(draw: st.DrawFn) -> str:
    """Names are in no order, so that rules of one row are told by name and not as they are written."""
    texts = []
    names = draw(st.permutations([f"r{n}" for n in range(draw(st.integers(1, 14)))]))
    shapes = draw(st.lists(st.sampled_from(SHAPES), min_size=1, max_size=2))
    for name in names:
        body = draw(st.sampled_from(shapes)).format(
            type=draw(st.sampled_from(["sensor", "sensor", "login"])),
            user=draw(st.sampled_from(['"p"', '"q"', '"r"'])),
            other=draw(st.sampled_from(['"q"', '"s"'])),
            speed=draw(st.sampled_from([1, 2.5, 3])),
        )
        texts.append(f"rule {name}\n" + draw(st.sampled_from(["", f"  {TITLE}\n"])) + f"  {body}\n")
    return "\n".join(texts)


@st.composite
def streams(draw: st.DrawFn) -> list[dict[str, Any]]:
    steps = st.tuples(
        st.sampled_from([0, 0, 1, 3]),
        st.sampled_from(["sensor", "sensor", "login", "other"]),
        st.sampled_from(["p", "q", "r", None]),
        st.sampled_from([1, 2, 3, 4.5, None]),
    )
    now, events = 1_000_000, []
    for gap, name, user, speed in draw(st.lists(steps, max_size=20)):
        now += gap
        events.append({"ts": now, "type": name, "user": user, "speed": speed})
    return events


def told(pipeline: Pipeline, batches: list[list[Any]]) -> list[Any]:
    alerts, first = [], 1
    for some in batches:
        alerts += pipeline.push("event", some, range(first, first + len(some))).alerts
        first += len(some)
    return alerts + pipeline.finish().alerts


@pytest.mark.parametrize("rows", ["struct", "dict"])
@given(st.data(), rule_sets(), streams())
@settings(max_examples=150, deadline=None)
def test_struck_and_given_alike(rows: Rows, data: st.DataObject, rules: str, events: list[Any]) -> None:
    book = rulebook(rules)
    documents = events if rows == "dict" else [json.dumps(event).encode() for event in events]
    cut = data.draw(st.integers(0, len(events)))
    cuts = [some for some in (documents[:cut], documents[cut:]) if some]
    streams = {"event": StreamSpec()}
    want = told(Pipeline(book, streams, rows=rows, make=given_rows), [documents] if documents else [])
    straight = Pipeline(book, streams, rows=rows)
    batched = Pipeline(book, streams, rows=rows)
    batched._order.straight_from = lambda stream: None  # type: ignore[method-assign]
    assert told(straight, cuts) == want
    assert told(batched, cuts) == want
