"""Conditions over columns find what the judge finds, and leave alone what a column cannot hold exactly."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cep.config import StreamSpec
from cep.event import Batch
from cep.match.columns import FEWEST_PICKS, Columns, column_targets
from cep.match.decode import Decoder
from cep.match.masks import columnable
from cep.match.matcher import Hits
from cep.match.picks import targets_of
from cep.match.select import Selector
from cep.plan import ir
from cep.plan.codegen import Rows
from cep.plan.ir import Expr
from cep.plan.plan import FilterBody, KeyPlan, RulePlan, Select
from cep.types import Type
from tests.judge.values import Seen, as_key, fits, key_parts
from tests.plan.generated import PATHS, TABLES, conditions, events, fields, numbers, texts

KEY_PARTS = st.one_of(fields(Type.TEXT), fields(Type.NUMBER), fields(Type.ANY), texts(1), numbers(1))
# of several, those that columns can judge: to draw them one by one until one fits is what hypothesis calls unhealthy
COLUMNABLE = (
    st.lists(st.one_of(conditions(0), conditions(1), conditions(2)), min_size=4, max_size=9)
    .map(lambda drawn: [one for one in drawn if columnable(one)][:6])
    .filter(bool)
)


def filters(wheres: list[Expr], keys: list[tuple[Expr, ...]]) -> list[RulePlan]:
    def key(n: int) -> KeyPlan:
        parts = keys[n % len(keys)]
        return KeyPlan(tuple(f"k{i}" for i in range(len(parts))), (("e", parts),))

    return [RulePlan(f"r{n}", "v", key(n), FilterBody(Select("e", where)), ()) for n, where in enumerate(wheres)]


def judged(plan: RulePlan, seen: list[Seen]) -> Hits:
    found = [(n, key_parts(plan.key, event, TABLES)) for n, event in enumerate(seen) if fits(plan.selects[0], event, TABLES)]
    kept = [(n, parts) for n, parts in found if parts is not None]
    return Hits([n for n, _ in kept], [as_key(parts) for _, parts in kept])


def too_large(event: dict[str, Any]) -> bool:
    deep = event.get("deep", {}).get("er", {})
    return any(abs(one) >= 2**53 for one in (event.get("n"), event.get("m"), deep.get("n")) if one is not None)


@settings(max_examples=200, deadline=None)
@given(
    COLUMNABLE,
    st.lists(st.lists(KEY_PARTS, max_size=2).map(tuple), min_size=1, max_size=2),
    st.lists(st.sampled_from(["e", "e", "other"]).flatmap(lambda name: events(type=name)), min_size=1, max_size=12),
    st.sampled_from(["struct", "dict"]),
)
def test_columns_find_the_rows_that_the_judge_finds(
    wheres: list[Expr], keys: list[tuple[Expr, ...]], given_events: list[dict[str, Any]], rows: Rows
) -> None:
    plans = filters(wheres, keys)
    targets, of_plan = targets_of(plans)
    hits = [Hits() for _ in targets]
    columns = Columns({"e": [pick for target in targets for pick in target.picks]}, targets, hits, TABLES, rows)
    documents = [json.dumps({**event, "ts": n}).encode() for n, event in enumerate(given_events)]
    decoded = Decoder({"e": PATHS, "other": PATHS}, StreamSpec()).decode(documents)
    times, types = list(range(len(given_events))), [event["type"] for event in given_events]
    if columns.select(Batch(decoded.rows if rows == "struct" else given_events, times, times, types)):
        seen = [Seen(n, event["type"], event, n) for n, event in enumerate(given_events)]
        assert [hits[target] for target in of_plan] == [judged(plan, seen) for plan in plans]
    else:
        assert any(map(too_large, given_events))
        assert all(one == Hits() for one in hits)


def above(limit: float) -> Expr:
    return ir.Or(
        (ir.Compare(">", ir.Field(("n",), Type.NUMBER), ir.Const(limit, Type.NUMBER)), ir.IsNull(ir.Field(("m",), Type.NUMBER)))
    )


@pytest.mark.parametrize("odd", [None, 2**53, 2**53 + 1, 10**400], ids=["exact", "the first", "beyond", "beyond floats"])
@pytest.mark.parametrize("count", [8, 400])
def test_both_ways_and_all_batch_sizes_agree(odd: int | None, count: int) -> None:
    plans = filters([above(n / 2) for n in range(2 * FEWEST_PICKS)], [(ir.Field(("t",), Type.TEXT),)])
    given_events = [{"type": "e", "n": n % 37 / 2, "m": n % 5 or None, "t": f"u{n % 3}"} for n in range(count)]
    if odd is not None:
        given_events[5]["n"] = odd
    selector = Selector(plans, {}, rows="dict")
    targets, _ = targets_of(plans)
    assert column_targets(targets, frozenset()).keys() == {"e"}
    times = list(range(count))
    seen = [Seen(n, "e", event, n) for n, event in enumerate(given_events)]
    want = [judged(plan, seen) for plan in plans]
    for _ in range(2):
        assert selector.select(Batch(given_events, times, times, ["e"] * count)) == want
