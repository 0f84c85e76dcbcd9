"""What is said of a rule's cost and of its bound, before any event has come."""

from __future__ import annotations

import pytest

from cep.lang.read import read_rules
from cep.match.bound import bound_of
from cep.match.columns import FEWEST_PICKS
from cep.match.cost import Cost, costs_of
from cep.match.families import SMALLEST
from cep.match.index import FEWEST_BY_TEXT
from cep.match.planner import choose_matcher
from cep.plan.plan import RulePlan
from cep.plan.rulebook import build_rulebook

SECOND = 1_000_000


def plans(text: str) -> tuple[RulePlan, ...]:
    file, faults = read_rules("r.cep", text)
    book, more = build_rulebook([file])
    assert not [one.message for one in (*faults, *more) if one.level == "error"]
    return book.plans


def costs(text: str) -> dict[str, Cost]:
    made = plans(text)
    return {plan.id: cost for plan, cost in zip(made, costs_of(made))}


def test_a_condition_of_two_rules_is_shared_and_one_alone_is_own() -> None:
    found = costs(
        "rule a\n  from login where failed and port == 22\n"
        "rule b\n  by user\n  from login where failed\n  when count() > 5 and max(port) > 9 over 1m\n"
        "rule c\n  from logout\n"
    )
    assert (found["a"].own, found["a"].shared, found["a"].of_runs) == (1, 1, 0)
    assert (found["b"].own, found["b"].shared, found["b"].of_runs) == (0, 1, 2)
    assert (found["c"].conditions, found["c"].types) == (0, ("logout",))


def test_rules_that_select_the_same_are_told_of_each_other() -> None:
    text = "rule {}\n  by user\n  from login where failed\n  when count() > {} over 1m\n"
    found = costs(text.format("a", 5) + text.format("b", 9) + "rule c\n  from login where failed\n")
    assert (found["a"].alike, found["b"].alike, found["c"].alike) == (("b",), ("a",), ())


def test_constants_of_many_rules_are_looked_up() -> None:
    text = "".join(f'rule r{n}\n  from login where failed and user == "u{n}"\n' for n in range(SMALLEST))
    for cost in costs(text).values():
        assert (cost.looked_up, cost.shared, cost.own) == (1, 1, 0)
    fewer = "".join(f'rule r{n}\n  from login where user == "u{n}"\n' for n in range(SMALLEST - 1))
    assert {cost.looked_up for cost in costs(fewer).values()} == {0}


def test_what_leads_to_a_rule_is_said() -> None:
    text = "".join(
        f'rule r{n}\n  from start where line contains "Tool{n}" and (speed > 3 or image iendswith "x{n}.EXE")\n'
        for n in range(FEWEST_BY_TEXT)
    )
    text += (
        'rule two\n  from start where image == "a" or line =~ "(knife|fork)s?[0-9]"\nrule none\n  from start where speed > 9\n'
    )
    text += "".join(f'rule t{n}\n  from login where user in ["u{n}", "v"] and port > {n}\n' for n in range(SMALLEST))
    found = costs(text)
    assert found["r1"].found_by == ('line holds "tool1"',)
    assert (found["r1"].looked_up, found["r1"].own, found["r1"].shared) == (2, 0, 0)
    assert found["two"].found_by == ('image is "a"', 'line holds "knife" or "knifes" or "fork" or "forks"')
    assert (found["none"].found_by, found["none"].own) == ((), 1)
    assert found["t2"].found_by == ('user is "u2" or "v"',)
    fewer = costs("".join(f'rule r{n}\n  from start where line contains "tool{n}"\n' for n in range(FEWEST_BY_TEXT - 1)))
    assert {cost.found_by for cost in fewer.values()} == {()}


def test_many_conditions_of_other_shapes_are_asked_by_column() -> None:
    text = "".join(f"rule r{n}\n  from login where port > {n} or ms < {n}\n" for n in range(FEWEST_PICKS))
    assert {(cost.by_column, cost.own) for cost in costs(text).values()} == {(1, 0)}


def test_a_rule_that_counts_its_own_events_is_given_them_all() -> None:
    text = "rule r\n  match a {} b\n  where a: login where failed\n        b: logout\n  within 1m\n"
    assert costs(text.format("=>"))["r"].all_events
    assert not costs(text.format("->"))["r"].all_events


WINDOW = "  by user\n  from login\n  when {} over 1m\n"


@pytest.mark.parametrize(
    ("rule", "entries", "what", "lives_us"),
    [
        ("  from login where failed\n", 0, "", 0),
        (WINDOW.format("count() >= 5") + "  then reset\n", 5, "event", 60 * SECOND),
        (WINDOW.format("count() > 5") + "  then reset\n", 6, "event", 60 * SECOND),
        (WINDOW.format("count() >= 5"), None, "event", 60 * SECOND),
        (WINDOW.format("max(port) > 5"), None, "event", 60 * SECOND),
        ("  by host\n  absent beat for 3m\n", 1, "timer", 180 * SECOND),
        ("  match a\n  where a: login\n", 0, "", 0),
        ("  from login\n  when count() >= 5 over 100 events\n", 100, "event", None),
        ("  from login\n  when count() >= 5 per 10m\n", 1, "window", 600 * SECOND),
        ("  from login\n  when count() >= 5 over 10m every 1m\n", None, "event", 600 * SECOND),
        ("  from login\n  when count() >= 5\n  session gap 5m max 1h\n", 1, "session", 3600 * SECOND),
        ("  from login\n  bucket 5 leak 1 per 10s\n", 1, "level", 50 * SECOND),
        ("  from login\n  when first_seen(user) in 30d\n", None, "value", 2_592_000 * SECOND),
        ("  match a -> b | c\n  where a: login\n        b: logout\n        c: reset\n  within 2m\n", None, "run", 120 * SECOND),
        ("  match a -> b\n  where a: login\n        b: logout\n  within 2m\n", None, "run", 120 * SECOND),
    ],
)
def test_a_bound_is_a_number_where_it_can_be_said(rule: str, entries: int | None, what: str, lives_us: int) -> None:
    (plan,) = plans(f"rule r\n{rule}")
    bound = bound_of(plan)
    assert (bound.entries, bound.what, bound.lives_us) == (entries, what, lives_us)
    assert bound.words and choose_matcher(plan)[1]


def test_a_budget_is_part_of_the_bound() -> None:
    text = "rule r\n  match a -> b\n  where a: login\n        b: logout\n  budget 1000 runs, on full drop newest\n"
    bound = bound_of(plans(text)[0])
    assert (bound.entries, bound.lives_us, bound.budget, bound.on_full) == (None, None, 1000, "newest")
