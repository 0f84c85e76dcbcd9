"""`pick all` by hand, as rules."""

from __future__ import annotations

import pytest

from cep.alert import Alert
from cep.buffer.checkpoint import pack
from cep.event import Batch
from cep.lang.read import read_rules
from cep.match.engine import Engine
from cep.match.planner import choose_matcher
from cep.plan.rulebook import build_rulebook

SECOND_US = 1_000_000


def engine_of(clauses: str, labels: str, extra: str = "") -> Engine:
    """`extra` may say `pick` anew."""
    where = "".join(f'    {label}: e where l == "{label}"\n' for label in labels)
    tells = "" if "emit" in extra else "  emit rows pos\n"
    text = f"rule r\n  {clauses}\n  where\n{where}{'' if 'pick' in extra else '  pick all' + chr(10)}{extra}{tells}"
    file, faults = read_rules("r.cep", text.encode())
    rulebook, more = build_rulebook([file])
    assert [fault.message for fault in (*faults, *more) if fault.level == "error"] == []
    return Engine(rulebook, rows="dict")


def alerts_of(engine: Engine, events: str, until: int = 60) -> list[Alert]:
    """`events`: letter and second."""
    told = []
    for at, word in enumerate(events.split()):
        time_us = int(word[1:]) * SECOND_US
        told += engine.feed(Batch([{"l": word[0], "pos": at}], [time_us], [at], ["e"]), time_us)
    return told + engine.advance(until * SECOND_US)


def found(clauses: str, labels: str, events: str, extra: str = "") -> str:
    """Places of the events of each match, in the order told."""
    alerts = alerts_of(engine_of(clauses, labels, extra), events)
    return "; ".join(" ".join(str(row["pos"]) for row in alert.fields["rows"]) for alert in alerts)


@pytest.mark.parametrize(
    ("clauses", "labels", "events", "extra", "matches"),
    [
        ("match a ->> b\n  within 9s", "ab", "a0 a1 b2 b3", "", "0 2; 1 2; 0 3; 1 3"),
        ("match a -> b\n  within 9s", "ab", "a0 a1 b2 b3", "", "0 2; 1 2"),
        ("match a ->> b\n  within 2s", "ab", "a0 b2 b3", "", "0 1"),
        ("match a ->> b\n  within 2s exclusive", "ab", "a0 b1 b2", "", "0 1"),
        ("match a ->> b\n  within 3 events", "ab", "a0 x1 b2 b3", "", "0 2"),
        ("match a ->> b\n  within 3s and 3 events", "ab", "a0 a0 b1 b1 b4 b4", "", "0 2; 1 2; 1 3"),
        ("match a ->> b\n  within 2s exclusive and 9 events", "ab", "a0 a1 b2", "", "1 2"),
        ("match (a -> b within 9s and 2 events){2}\n  within 20s", "ab", "a0 x1 b2 a3 b4 a5 b6", "", "3 4 5 6"),
        ("match a+\n  within 9s", "a", "a0 a1", "", "0; 0 1; 1"),
        ("match a{2,}[->>]\n  within 9s", "a", "a0 a1 a2", "", "0 1; 0 1 2; 0 2; 1 2"),
        ("match a+ -> b\n  within 9s", "ab", "a0 a1 b2", "  after match skip past last\n", "0 1 2"),
        ("match a -> b\n  within 9s", "ab", "a0 a1 b2", "  after match skip to next\n", "0 2; 1 2"),
        ("match a ->> b\n  within 9s", "ab", "a0 a1 b2 b3", "  pick all limit 1\n", "0 2; 0 3"),
        ("match a -> (b | c) -> d\n  within 9s", "abcd", "a0 c1 b2 d3", "", "0 1 3"),
        ("match all(a, b)\n  within 9s", "ab", "b0 b1 a2", "", "0 2; 1 2"),
        ("match 2 of (a, b, c)\n  within 9s", "abc", "a0 c1 b2", "", "0 1; 1 2"),
        ("match !b -> a\n  within 3s", "ab", "b0 a3 a4", "", "2"),
        ("match a ->[2s..] b\n  within 9s", "ab", "a0 b1 b2", "", "0 2"),
        ("match a+ gap 2s -> b\n  within 20s", "ab", "a0 a1 a9 b10", "", "0 1 3; 1 3; 2 3"),
        ("match (a -> b within 1s){2}\n  within 20s", "ab", "a0 b1 a5 b6", "", "0 1 2 3"),
        ("match (a -> b within 1s){2}\n  within 20s", "ab", "a0 b1 a5 b7", "", ""),
        ("match a -> !b\n  within 3s", "ab", "a0 a1 b4", "", "0"),
        ("match a -> !b\n  within 3s and 3 events", "ab", "a0 x0 a1 b1 b9", "", "0"),
        ("match !b -> a\n  within 3s and 3 events", "ab", "b0 x1 a1 a2", "", "3"),
        ("match !b ->[2s..5s] a\n  within 9s", "ab", "b0 a1 a2 a9", "", "1; 3"),
        ("match !b => a\n  within 9s", "ab", "b0 a1 a2", "", "2"),
        ("match a => !b\n  within 3s", "ab", "a0 a1 b2", "", "0"),
    ],
)
def test_a_pattern_finds(clauses: str, labels: str, events: str, extra: str, matches: str) -> None:
    assert found(clauses, labels, events, extra) == matches


def test_a_run_that_lapses_is_told_once_for_all_of_its_events() -> None:
    tells = "  on timeout emit n = count(a)\n  emit n = count(a)\n"
    alerts = alerts_of(engine_of("match a+ -> b\n  within 5s", "ab", tells), "a0 a1 a2")
    assert [(alert.transition, alert.time_us // SECOND_US, alert.fields["n"]) for alert in alerts] == [("timeout", 5, 3)]


def test_runs_that_lie_in_an_alert_are_not_told_to_have_lapsed() -> None:
    tells = "  on timeout emit n = count(a)\n  emit n = count(a)\n"
    alerts = alerts_of(engine_of("match a ->> b\n  within 5s", "ab", tells), "a0 b1 a2")
    assert [(alert.transition, alert.time_us // SECOND_US) for alert in alerts] == [("opened", 1), ("timeout", 7)]


def test_a_run_that_is_out_of_events_does_not_lapse() -> None:
    tells = "  on timeout emit n = count(a)\n  emit n = count(a)\n"
    for events, lapsed in (("a0 x1", [5]), ("a0 x1 x2", []), ("a0 x1 x2 a3", [8])):
        alerts = alerts_of(engine_of("match a -> b\n  within 5s and 3 events", "ab", tells), events)
        assert [alert.time_us // SECOND_US for alert in alerts if alert.transition == "timeout"] == lapsed


def test_a_match_that_waited_is_told_at_its_deadline() -> None:
    for bound, last in (("5s", 5), ("5s exclusive", 5), ("5s and 2 events", 5), ("2 events and 5s exclusive", 5)):
        alerts = alerts_of(engine_of(f"match a -> !b\n  within {bound}", "ab"), "a0 x5 x9")
        assert [alert.time_us // SECOND_US for alert in alerts] == [last]


def test_last_condition_on_the_whole_match() -> None:
    clauses = "match a ->> b\n  within 9s\n  when b.pos - a.pos == 2"
    assert found(clauses, "ab", "a0 a1 b2 b3") == "0 2; 1 3"


def test_conditions_on_what_was_taken() -> None:
    text = """rule r
  match a ->> b
  where
    a: e where l == "a"
    b: e where l == "b" and b.n > a.n
  within 9s
  pick all
  emit a = a.n, b = b.n
"""
    file, _ = read_rules("r.cep", text.encode())
    rulebook, _ = build_rulebook([file])
    engine, told = Engine(rulebook, rows="dict"), []
    for at, (letter, n) in enumerate([("a", 1), ("a", 5), ("b", 3), ("b", 7)]):
        told += engine.feed(Batch([{"l": letter, "n": n}], [at * SECOND_US], [at], ["e"]), at * SECOND_US)
    assert [(alert.fields["a"], alert.fields["b"]) for alert in told] == [(1, 3), (1, 7), (5, 7)]


def test_combinations_of_hundreds_stay_within_the_budget_and_say_so() -> None:
    """Each event doubles the partial matches; a skip strategy keeps them one by one."""
    engine = engine_of("match a{2,}[->>] -> b\n  within 1h", "ab", "  after match skip to next\n  budget 500 runs\n")
    events = " ".join(f"a{at}" for at in range(300))
    alerts = alerts_of(engine, events + " b300")
    assert alerts
    assert alerts[0].evicted > 0
    assert len(pack(engine.snapshot(delta=False))) < 1_000_000


def test_sets_hold_what_explodes_and_tell_the_first_of_it() -> None:
    """2^300 matches lie in the sets; the limit takes the first of them."""
    engine = engine_of("match a+[->>] -> b\n  within 1h", "ab", "  pick all limit 3\n  emit n = count(a), first = a[0].pos\n")
    plan = engine.rulebook.plans[0]
    assert choose_matcher(plan)[0] == "every match, in sets"
    alerts = alerts_of(engine, " ".join(f"a{at}" for at in range(300)) + " b300")
    assert [(alert.fields["n"], alert.fields["first"]) for alert in alerts] == [(300, 0), (299, 0), (299, 0)]


def test_without_a_limit_what_is_not_told_is_counted() -> None:
    engine = engine_of("match a+[->>] -> b\n  within 1h", "ab", "  emit n = count(a)\n")
    alerts = alerts_of(engine, " ".join(f"a{at}" for at in range(40)) + " b40 a41 b42")
    assert len([alert for alert in alerts if alert.time_us == 40 * SECOND_US]) == 10_000
    assert max(alert.evicted for alert in alerts) == 2**40 - 1 - 10_000


@pytest.mark.parametrize(
    ("clauses", "extra", "reason"),
    [
        ("match a ->> b\n  within 9s", "", "move as one"),
        ("match a ->> b\n  within 9s and 20 events", "", "move as one"),
        ("match a ->> b\n  within 9s", "  after match skip to next\n", "by their starts"),
        ("match a ->> b\n  within 9s", "  on timeout emit n = count(a)\n  emit n = count(a)\n", "lapses is told"),
        ("match a ->[..2s] b\n  within 9s", "", "bounds times"),
        ("match a -> !b\n  within 9s", "", "deadline of its own"),
        ("match !b -> a\n  within 9s", "", "at its start"),
    ],
)
def test_the_planner_says_why(clauses: str, extra: str, reason: str) -> None:
    name, why = choose_matcher(engine_of(clauses, "ab", extra).rulebook.plans[0])
    assert name.startswith("every match")
    assert reason in why
