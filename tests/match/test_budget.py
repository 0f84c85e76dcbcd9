"""Budgets: what goes when they are full, the same whatever the way, counted once."""

from __future__ import annotations

import itertools
import random
from typing import Any

import msgspec
import pytest

from cep.match.budget import MOST_COUNTED, Budget, stable_hash
from cep.plan.plan import BudgetPlan
from tests.match.ways import Event, numbered, pipeline, push, rulebook, run, story


def fill(budget: Budget[str], names: list[str], held: dict[str, None] | None = None) -> dict[str, None]:
    held = {} if held is None else held
    for n, name in enumerate(names):
        out = budget.over(held, name, n)
        if out != name:
            held[name] = None
        if out is not None:
            held.pop(out, None)
        assert len(held) <= budget.most
    return held


@pytest.mark.parametrize(("on_full", "kept"), [("oldest", ["c", "d", "e"]), ("newest", ["a", "b", "c"])])
def test_the_oldest_goes_or_the_newest_is_not_taken(on_full: str, kept: list[str]) -> None:
    budget = Budget[str](BudgetPlan(3, on_full))
    assert list(fill(budget, list("abcde"))) == kept
    assert budget.evicted == 2


def test_a_sample_is_that_of_the_smallest_hashes_in_whatever_order_they_come() -> None:
    names = [f"host-{n}" for n in range(500)]
    smallest = set(sorted(names, key=stable_hash)[:20])
    for seed in range(5):
        random.Random(seed).shuffle(names)
        budget = Budget[str](BudgetPlan(20, "sample"))
        assert set(fill(budget, names)) == smallest
        assert budget.evicted == 480


def test_what_left_of_itself_makes_room_in_a_sample_too() -> None:
    budget = Budget[str](BudgetPlan(10, "sample"))
    held = fill(budget, [f"a{n}" for n in range(40)])
    for name in list(held)[:5]:
        del held[name]
    fill(budget, [f"b{n}" for n in range(5)], held)
    assert {f"b{n}" for n in range(5)} <= set(held)
    assert len(fill(budget, [f"c{n}" for n in range(2000)], held)) == 10


def test_a_hash_is_of_the_value_and_the_same_for_equal_keys() -> None:
    assert stable_hash(1) == stable_hash(1.0) and stable_hash(("a", 2.0)) == stable_hash(("a", 2))
    assert stable_hash("1") != stable_hash(1) and stable_hash(("bool", True)) != stable_hash(1)
    assert stable_hash("host-1") == 5561237491106817480  # in every process


def test_an_alert_tells_of_what_went_before_its_time_and_only_once() -> None:
    def evicting(times_us: list[int]) -> Budget[Any]:
        budget = Budget[Any](BudgetPlan(1, "newest"))
        for time_us in times_us:
            budget.over({"held": None}, "new", time_us)
        return budget

    budget = evicting([1, 2, 2, 5])
    assert [budget.mark(time_us) for time_us in (2, 5, 5, 6)] == [1, 2, 0, 1]
    settled = evicting([1, 2, 2, 5])  # as at the end of a batch
    settled.settle(3)
    again = Budget[Any](BudgetPlan(1, "newest"))
    again.restore(settled.snapshot())
    assert again.evicted == 4 and [again.mark(time_us) for time_us in (5, 6)] == [3, 1]


@pytest.mark.parametrize("pick", ["first", "all"])
def test_what_went_takes_no_room_though_nothing_is_told(pick: str) -> None:
    text = (
        f"rule r\n  match a -> b\n  where a: a\n        b: b\n  within 1h\n  pick {pick}\n  budget 3 runs, on full drop oldest\n"
    )
    one = pipeline(rulebook(text))
    events: list[Event] = [{"at": at, "type": "a"} for at in range(100)]
    sizes = []
    for event in numbered(events):
        assert push(one, [event]) == []
        sizes.append(len(str(one.engine.snapshot(delta=False))))
    assert one.engine.evicted()["r"] >= 90
    assert max(sizes) < 2 * sizes[5]


def test_the_oldest_window_is_the_oldest_after_a_restart_too() -> None:
    text = "rule r\n  by k\n  from a\n  when last(x) > first(x) over 3 events\n  budget 2 runs, on full drop oldest\n"
    told = [(1007, "p", 1), (1008, "p", 0), (1009, "q", 3), (1010, "p", 4), (1011, "r", 1), (1012, "q", 4), (1013, "p", 5)]
    alerts = run(rulebook(text), [{"at": at, "type": "a", "k": k, "x": x} for at, k, x in told], 2000)
    assert story(alerts) == [(1010, "r", "p", "opened"), (1011, "r", "p", "resolved"), (1012, "r", "q", "opened"),
                             (1013, "r", "q", "resolved")]  # fmt: skip


@pytest.mark.parametrize("on_full", ["oldest", "newest", "sample"])
@pytest.mark.parametrize(
    "rule",
    [
        "bucket 2 leak 1 per 3s",
        "when count() >= 2 over 5s",
        "when count() >= 2 over 6s every 2s",
        "when count() >= 2\n  session gap 3s",
        "when count() >= 2 and first_seen(x) in 9s over 4s",
    ],
)
def test_what_a_budget_of_windows_lets_go_is_the_same_in_each_way(rule: str, on_full: str) -> None:
    book = rulebook(f"rule r\n  by k\n  from a\n  {rule}\n  budget 2 runs, on full drop {on_full}\n")
    for seed in range(12):
        dice = random.Random(seed)
        at, events = 0.0, []
        for _ in range(25):
            at += dice.choice([0, 0, 0.5, 1, 2, 3])
            events.append({"at": at, "type": "a", "k": dice.choice("pqr"), "x": dice.randint(0, 3)})
        run(book, events, at + 30)


def test_what_was_withheld_for_a_partial_match_that_goes_is_told() -> None:
    text = """
rule r
  by    k
  match a+
  where a: a
  within 10s
  pick  all
  after match skip to first a
  budget 3 runs, on full drop oldest
"""
    book = rulebook(text)
    for seed in range(20):
        dice = random.Random(seed)
        events = [{"at": at, "type": dice.choice("aab"), "k": dice.choice("pq")} for at in range(30)]
        run(book, events, 60)
        one = pipeline(book)
        push(one, numbered(events))
        one.finish(60_000_000)
        assert one.engine.sizes() == {"r": 0}


@pytest.mark.parametrize(
    "rule", ["from a\n  when count() >= 3 over 1m", "match a ->> b\n  where a: a\n        b: b\n  within 1m\n  pick all"]
)
def test_a_rule_whose_budget_changes_starts_afresh(rule: str) -> None:
    budgets = ["", "  budget 50 runs\n", "  budget 9 runs, on full drop newest\n"]
    books = [rulebook(f"rule r\n  by k\n  {rule}\n{budget}") for budget in budgets]
    events = numbered([{"at": at, "type": "ab"[at % 3 == 2], "k": "pq"[at % 2]} for at in range(30)])
    for old, new in itertools.permutations(books, 2):
        one, fresh = pipeline(old), pipeline(new)
        push(one, events[:5])
        state = one.snapshot(delta=False)
        fresh.restore([state])
        one.swap(new, 2)
        for changed in (one, fresh):
            assert changed.engine.sizes() == {"r": 0}
            push(changed, events[5:])


def test_what_is_counted_stays_a_number_that_can_be_saved_and_sent() -> None:
    rule = "rule r\n  by k\n  match a+[->>] -> b\n  where a: a\n        b: b\n  within 1h\n  pick all\n  emit n = count(a)\n"
    one = pipeline(rulebook(rule))
    kinds = "a" * 120 + "babz"
    alerts = push(one, numbered([{"at": at, "type": kind, "k": 1} for at, kind in enumerate(kinds)]))
    assert one.engine.evicted() == {"r": MOST_COUNTED} and max(alert.evicted for alert in alerts) == MOST_COUNTED
    msgspec.msgpack.encode([one.engine.evicted(), one.snapshot(delta=False), [alert.row() for alert in alerts]])
