"""The selector finds the rows, keys and step masks that the judge finds one by one, for whole rule sets at once."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from cep.config import StreamSpec
from cep.event import Batch
from cep.match.decode import Decoder
from cep.match.matcher import Hits
from cep.match.select import Selector
from cep.plan import ir
from cep.plan.ir import Expr
from cep.plan.plan import FilterBody, KeyPlan, Node, RulePlan, Select, SequenceBody, StepPlan
from cep.types import Type
from tests.judge.values import Seen, as_key, fits, key_parts
from tests.plan.generated import OF_TYPE, PATHS, TABLES, conditions, constants, events, fields, numbers, texts

TYPES = ["e", "f", "g", "h", "i", "j"]
PROJECTION = dict.fromkeys(TYPES, PATHS)


KEY_PART = st.one_of(*(fields(kind) for kind in (Type.TEXT, Type.NUMBER, Type.BOOL, Type.ANY)), texts(1), numbers(1))


def keys(draw: st.DrawFn, types: list[str]) -> KeyPlan:
    count = draw(st.integers(0, 2))
    by_type = tuple((name, tuple(draw(KEY_PART) for _ in range(count))) for name in types)
    return KeyPlan(tuple(f"k{n}" for n in range(count)), by_type)


@st.composite
def tabular(draw: st.DrawFn) -> Expr:
    """Conditions as many rules have them, all alike but for their constants."""
    user = ir.Field(("t",), Type.TEXT)
    first = draw(st.sampled_from([
        ir.Compare("==", user, draw(constants(Type.TEXT))),
        ir.Compare("==", ir.Field(("a",), Type.ANY), draw(constants(Type.ANY))),
        ir.InSet(user, tuple(draw(st.lists(OF_TYPE[Type.TEXT], max_size=3)))),
    ]))  # fmt: skip
    limit = ir.Compare(draw(st.sampled_from(["<", ">="])), ir.Field(("n",), Type.NUMBER), draw(constants(Type.NUMBER)))
    return ir.And((first, limit, *draw(st.sampled_from([(), (ir.IsNull(ir.Field(("b",), Type.BOOL)),)]))))


WHERE = st.one_of(st.none(), conditions(1), conditions(1), conditions(2), tabular())


@st.composite
def plans(draw: st.DrawFn, name: str = "r") -> RulePlan:
    steps = draw(st.sampled_from([1, 1, 1, 2, 3]))
    selects = [Select(draw(st.sampled_from(TYPES)), draw(WHERE)) for _ in range(steps)]
    key = keys(draw, list(dict.fromkeys(select.type for select in selects)))
    if steps == 1:
        return RulePlan(name, "v", key, FilterBody(selects[0]), ())
    strict = draw(st.booleans())
    nodes = tuple(Node(n, 1, 1, strict and n > 0) for n in range(steps))
    return RulePlan(name, "v", key, SequenceBody(tuple(StepPlan(f"s{n}", one) for n, one in enumerate(selects)), nodes, 5), ())


@st.composite
def many_alike(draw: st.DrawFn) -> list[RulePlan]:
    key = KeyPlan(("t",), (("e", (ir.Field(("t",), Type.TEXT),)),))
    return [RulePlan(f"m{n}", "v", key, FilterBody(Select("e", draw(tabular()))), ()) for n in range(draw(st.integers(8, 20)))]


def judged(plan: RulePlan, seen: list[Seen]) -> Hits:
    hits = Hits()
    own = isinstance(plan.body, SequenceBody) and plan.body.needs_own_events
    for n, event in enumerate(seen):
        parts = key_parts(plan.key, event, TABLES)
        mask = sum(1 << bit for bit, select in enumerate(plan.selects) if fits(select, event, TABLES))
        if parts is not None and (mask or (own and event.type in plan.event_types)):
            hits.rows.append(n)
            hits.keys.append(as_key(parts))
            if len(plan.selects) > 1:
                hits.masks.append(mask)
    return hits


typed_events = st.sampled_from(TYPES).flatmap(lambda name: events(type=name))


@settings(max_examples=150, deadline=None)
@given(st.one_of(st.lists(plans(), min_size=1, max_size=8), many_alike()), st.lists(typed_events, min_size=1, max_size=12))
def test_rows_keys_and_masks_are_those_of_the_judge(rules: list[RulePlan], given_events: list[dict[str, Any]]) -> None:
    decoded = Decoder(PROJECTION, StreamSpec()).decode(
        [json.dumps({**event, "ts": n}).encode() for n, event in enumerate(given_events)]
    )
    assert not decoded.bad
    types, times = [event["type"] for event in given_events], list(range(len(given_events)))
    seen = [Seen(n, event["type"], event, n) for n, event in enumerate(given_events)]
    want = [judged(plan, seen) for plan in rules]
    for rows in ("struct", "dict"):
        selector = Selector(rules, TABLES, rows=rows)
        batch = Batch(decoded.rows if rows == "struct" else given_events, times, times, types)
        for _ in range(2):  # hits of the batch before leave no trace
            assert selector.select(batch) == want
            assert selector.active == [n for n, hits in enumerate(want) if hits.rows]


@settings(max_examples=100, deadline=None)
@given(st.lists(plans(), min_size=1, max_size=4), st.lists(typed_events, min_size=1, max_size=8), st.integers(0, 8))
def test_hits_do_not_depend_on_where_batches_are_cut(rules: list[RulePlan], given_events: list[dict[str, Any]], cut: int) -> None:
    selector = Selector(rules, TABLES, rows="dict")

    def found(some: list[dict[str, Any]], start: int) -> list[list[tuple[int, Any]]]:
        times = list(range(start, start + len(some)))
        hits = selector.select(Batch(some, times, times, [event["type"] for event in some]))
        return [[(row + start, key) for row, key in zip(one.rows, one.keys, strict=True)] for one in hits]

    whole = found(given_events, 0)
    first, second = found(given_events[:cut], 0), found(given_events[cut:], cut)
    assert whole == [a + b for a, b in zip(first, second, strict=True)]
