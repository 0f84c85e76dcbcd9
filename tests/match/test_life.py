"""What becomes of alerts: opened, updated, resolved; muted, in shadow; each way of running says the same."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from cep.alert import Alert
from cep.match.life import Life, Open
from tests.match.ways import Event, numbered, pipeline, push, rulebook, run, story

SILENT = """
rule silent
  by     host
  absent beat for 10s
  emit   host, load
"""
TRIES = """
rule tries
  by    user
  match fail{2} -> ok
  where fail: login where not good
        ok:   login where good
  within 60s
  resolve when unlock
  emit  user, n = count(fail), ip = ok.ip
"""


def beat(at: float, host: str = "a", **more: Any) -> Event:
    return {"at": at, "type": "beat", "host": host, **more}


def login(at: float, good: bool, user: str = "u", ip: str = "1") -> Event:
    return {"at": at, "type": "login", "good": good, "user": user, "ip": ip}


def test_a_resolve_keeps_the_id_of_its_opening_and_says_when_that_was() -> None:
    opened, resolved, again = run(rulebook(SILENT), [beat(0, load=1), beat(25, load=2)], 100)
    assert story([opened, resolved, again]) == [
        (10, "silent", "a", "opened"), (25, "silent", "a", "resolved"), (35, "silent", "a", "opened"),
    ]  # fmt: skip
    assert opened.id == resolved.id != again.id
    assert (opened.opened_us, resolved.opened_us) == (None, opened.time_us)
    assert (opened.fields, resolved.fields) == ({"host": "a", "load": 1}, {"host": "a", "load": 2})
    assert (opened.entry_id, resolved.entry_id) == (f"{opened.id}:opened", f"{opened.id}:resolved")


def test_further_matches_update_what_is_open_until_it_is_resolved() -> None:
    events = [login(0, False), login(1, False), login(2, True), login(3, False), login(4, False), login(5, True, ip="2")]
    events += [login(6, False), login(7, False), login(8, True, ip="3"), {"at": 9, "type": "unlock", "user": "u"}]
    events += [{"at": 10, "type": "unlock", "user": "u"}, login(11, False), login(12, False), login(13, True)]
    alerts = run(rulebook(TRIES), events, 20)
    assert [(alert.time_us // 10**6, alert.transition, alert.updates, alert.fields.get("ip")) for alert in alerts] == [
        (2, "opened", 0, "1"), (5, "updated", 1, "2"), (8, "updated", 2, "3"), (9, "resolved", 2, None), (13, "opened", 0, "1"),
    ]  # fmt: skip
    first, second = alerts[0], alerts[4]
    assert {alert.id for alert in alerts[:4]} == {first.id} and second.id != first.id
    assert [alert.entry_id.removeprefix(first.id) for alert in alerts[:4]] == [":opened", ":updated:1", ":updated:2", ":resolved"]


def test_an_event_that_completes_a_match_and_resolves_does_it_in_this_order() -> None:
    rule = TRIES.replace("resolve when unlock", "resolve when login where good")
    alerts = run(rulebook(rule), [login(0, False), login(1, False), login(2, True), login(3, True)], 20)
    assert [alert.transition for alert in alerts] == ["opened", "resolved"]


def test_an_event_resolves_what_a_timer_before_it_has_opened() -> None:
    rule = """
rule unpaid
  by     order
  match  placed -> !paid
  where  placed: placed
         paid:   paid
  within 10s
  resolve when closed
"""
    events: list[Event] = [
        {"at": at, "type": kind, "order": order}
        for at, kind, order in [(0, "placed", 1), (1, "placed", 2), (11, "closed", 1), (11, "closed", 2), (12, "closed", 2)]
    ]
    alerts = run(rulebook(rule), events, 20)  # one at its deadline is before the timer of it
    assert story(alerts) == [(10, "unpaid", 1, "opened"), (11, "unpaid", 1, "resolved"), (11, "unpaid", 2, "opened"),
                             (12, "unpaid", 2, "resolved")]  # fmt: skip


def test_one_step_and_strict_steps_are_resolved_too() -> None:
    rule = """
rule strict
  by    user
  match fail => ok
  where fail: login where not good
        ok:   login where good
  within 60s
  resolve when unlock
"""
    unlock: Event = {"at": 1.5, "type": "unlock", "user": "u"}  # no own event: it may lie between
    alerts = run(rulebook(rule), [login(1, False), unlock, login(2, True), {**unlock, "at": 3}], 20)
    assert [(alert.time_us / 10**6, alert.transition) for alert in alerts] == [(2, "opened"), (3, "resolved")]


@pytest.mark.parametrize("pick", ["first", "latest", "longest", "all"])
@pytest.mark.parametrize("pattern", ["!b -> a -> c", "!b -> a", "all(a, c) -> b", "a -> !b ->[..3s] c", "a -> !b", "a+ -> b"])
def test_keys_of_several_types_wait_for_the_same_moment(pattern: str, pick: str) -> None:
    where = "\n        ".join(f"{step}: {step}" for step in "abc" if step in pattern.replace("all", ""))
    book = rulebook(f"rule r\n  by k\n  match {pattern}\n  where {where}\n  within 5s\n  pick {pick}\n")
    times = [(0, "b"), (1, "a"), (2, "b"), (2, "a"), (3, "c"), (4, "b")]
    events: list[Event] = [{"at": at, "type": kind, "k": key} for at, kind in times for key in ("x", 1, True, 2.5)]
    run(book, events, 30)


def test_what_a_match_has_used_up_is_gone_after_a_restart_too() -> None:
    rule = TRIES.replace("  resolve when unlock\n", "")
    run(
        rulebook(rule), [login(0, False, "v"), login(0, False, "v"), login(1, False), login(1, True, "v"), login(2, True, "v")], 9
    )


def test_alerts_of_a_rule_that_goes_resolve_by_key_after_a_restart_too() -> None:
    book, none = rulebook(TRIES), rulebook("rule other\n  from pay where x > 0\n")
    first = pipeline(book)
    saved = [first.snapshot(delta=False)]
    users = [f"u{n}" for n in (3, 1, 4, 2, 5, 0)]
    push(first, numbered([login(at, at == 2, user) for user in users for at in (0, 1, 2)] + [login(3, False, "z")]))
    saved.append(first.snapshot(delta=True))
    again = pipeline(book)
    saved = [msgspec.msgpack.decode(msgspec.msgpack.encode(one)) for one in saved]
    again.restore(saved)
    for one in (first, again):
        assert [alert.key for alert in one.swap(none, 2).alerts] == sorted(users)


# ---------------------------------------------------------------- noise


def test_of_a_muted_alert_neither_updates_nor_resolve_are_told_of_a_told_one_both_are() -> None:
    events = [beat(0), beat(20), beat(45)]  # opens at 10 and 30, resolves at 20 and 45
    alerts = run(rulebook(SILENT + "  once per host every 25s\n"), events, 100)
    assert [(alert.time_us // 10**6, alert.transition, bool(alert.muted)) for alert in alerts] == [
        (10, "opened", False), (20, "resolved", False), (30, "opened", True), (45, "resolved", True), (55, "opened", False),
    ]  # fmt: skip
    assert alerts[2].muted == alerts[3].muted == "once per host every 25s"


def test_alerts_that_emit_the_same_are_suppressed_and_others_are_not() -> None:
    rule = "rule r\n  from pay where x > 0\n  emit x, who\n  suppress same who, x for 10s\n"
    pays = [(0, 1, "a"), (3, 1, "a"), (4, 2, "a"), (5, 1, "b"), (9.999, 1.0, "a"), (10, 1, "a"), (12, 1, "a")]
    alerts = run(rulebook(rule), [{"at": at, "type": "pay", "x": x, "who": who} for at, x, who in pays], 50)
    assert [bool(alert.muted) for alert in alerts] == [False, True, False, False, True, False, True]
    assert alerts[1].muted == "suppress same who, x for 10s"


def test_an_alert_that_one_of_two_mutes_starts_the_time_of_neither() -> None:
    rule = "rule r\n  by who\n  from pay\n  emit x, who\n  once per who every 10s\n  suppress same x for 20s\n"
    pays = [(0, 1, "a"), (5, 2, "a"), (6, 2, "b"), (12, 1, "c"), (13, 3, "c")]
    alerts = run(rulebook(rule), [{"at": at, "type": "pay", "x": x, "who": who} for at, x, who in pays], 50)
    assert [alert.muted[:4] for alert in alerts] == ["", "once", "", "supp", ""]


def test_null_fields_are_the_same_as_each_other_and_true_is_not_one() -> None:
    rule = "rule r\n  from pay\n  emit x\n  suppress same x for 10s\n"
    events = [{"at": n, "type": "pay"} for n in range(2)] + [
        {"at": 2, "type": "pay", "x": 1},
        {"at": 3, "type": "pay", "x": True},
    ]
    assert [bool(alert.muted) for alert in run(rulebook(rule), events, 50)] == [False, True, False, False]


# ---------------------------------------------------------------- shadow


def test_a_rule_in_shadow_is_evaluated_and_goes_nowhere_from_opening_to_resolve() -> None:
    alerts = run(rulebook(SILENT + "  mode shadow\n"), [beat(0), beat(20)], 25)
    assert [(alert.transition, alert.shadow, alert.delivered) for alert in alerts] == [
        ("opened", True, False), ("resolved", True, False),
    ]  # fmt: skip
    plain = run(rulebook(SILENT), [beat(0), beat(20)], 25)
    assert [alert.id for alert in plain] == [alert.id for alert in alerts]  # the mode decides nothing


def told_keys(percent: int, rule: str = "r") -> set[str]:
    text = f"rule {rule}\n  by host\n  from beat\n  mode canary {percent}%\n"
    alerts = run(rulebook(text), [beat(n, f"h{n}") for n in range(400)], 500)
    assert len(alerts) == 400
    return {alert.key for alert in alerts if not alert.shadow}


def test_a_canary_tells_of_a_share_of_the_keys_that_only_grows() -> None:
    few, more = told_keys(10), told_keys(40)
    assert 20 <= len(few) <= 60 and 120 <= len(more) <= 200 and few < more
    assert told_keys(10, "other") != few  # not always the same hosts for every rule
    assert told_keys(100) == {f"h{n}" for n in range(400)}


def test_what_a_canary_does_not_tell_mutes_nothing_that_it_tells() -> None:
    few = sorted(told_keys(10))
    other = next(f"h{n}" for n in range(400) if f"h{n}" not in few)
    text = "rule r\n  by host\n  from beat\n  once every 1h\n  mode canary 10%\n"
    alerts = run(rulebook(text), [beat(0, other), beat(1, few[0]), beat(2, other), beat(3, few[1])], 10)
    assert [(alert.shadow, bool(alert.muted)) for alert in alerts] == [(True, False), (False, False), (True, True), (False, True)]


# ---------------------------------------------------------------- rules that go


def swap(before: str, after: str, events: list[Event], **tables: Any) -> tuple[list[Alert], list[Alert]]:
    one = pipeline(rulebook(before))
    told = push(one, [{**event, "n": n} for n, event in enumerate(events, 1)])
    return told, one.swap(rulebook(after), 2).alerts


@pytest.mark.parametrize("after", ["rule other\n  from beat\n", SILENT.replace("10s", "11s"), SILENT + "  mode disabled\n"])
def test_open_alerts_of_a_rule_that_goes_or_begins_anew_resolve(after: str) -> None:
    told, resolved = swap(SILENT, after, [beat(0), beat(15, "b")])
    assert story(told) == [(10, "silent", "a", "opened")]
    assert story(resolved) == [(15, "silent", "a", "resolved")] and resolved[0].id == told[0].id


def test_open_alerts_of_a_rule_that_stays_stay_open() -> None:
    one = pipeline(rulebook(SILENT))
    (opened,) = push(one, [{**beat(0), "n": 1}, {**beat(15, "b"), "n": 2}])
    assert one.swap(rulebook(SILENT.replace("rule silent", "rule silent\n  severity high") + "  to pager\n"), 2).alerts == []
    (resolved,) = push(one, [{**beat(20), "n": 3}, {**beat(21, "b"), "n": 4}])
    assert (resolved.id, resolved.transition, resolved.severity, resolved.to) == (opened.id, "resolved", "high", ("pager",))


# ---------------------------------------------------------------- budgets and all ways together


def test_a_full_budget_is_counted_and_marked_on_the_next_alert() -> None:
    rule = SILENT + "  budget 2 runs, on full drop oldest\n"
    alerts = run(rulebook(rule), [beat(0, "a"), beat(1, "b"), beat(2, "c"), beat(3, "d"), beat(30, "e")], 50)
    opened = [(alert.key, alert.evicted) for alert in alerts if alert.transition == "opened"]
    assert opened == [("c", 2), ("d", 0), ("e", 1)]


def test_of_more_open_alerts_than_may_be_the_oldest_are_forgotten_after_a_restart_too() -> None:
    life = Life(most=3)
    for n, key in enumerate("cab"):
        life.open(key, Open(f"a_{n}", n, "", False))
    again = Life(most=3)
    again.restore([life.snapshot(delta=False)])
    for one in (life, again):
        one.open("d", Open("a_9", 9, "", False))
        assert sorted(map(str, one.open_keys())) == ["a", "b", "d"]
        assert one.resolve("c") is None


def test_what_can_mute_nothing_any_more_is_forgotten_though_nothing_is_told() -> None:
    book = rulebook('rule r\n  by user\n  from login where ip == "1"\n  once per user every 10s\n  emit user\n')
    pipe = pipeline(book)
    push(pipe, numbered([login(n, True, f"u{n}") for n in range(5)]))
    assert len(pipe.snapshot(delta=False)["engine"]["rules"]["r"][4]) == 4  # the last waits for others of its moment
    push(pipe, numbered([login(200, True, "u", ip="2"), login(400, True, "u", ip="2")]))
    assert pipe.snapshot(delta=False)["engine"]["rules"]["r"][4] == []


MOMENTS = st.lists(
    st.tuples(st.integers(0, 40), st.sampled_from("ab"), st.sampled_from(["beat", "fail", "good", "unlock", "odd"])), max_size=14
)


@given(
    MOMENTS,
    st.sampled_from(["", "  once per host every 15s\n", "  suppress same host for 15s\n  budget 1 keys, on full drop sample\n"]),
)
@settings(max_examples=50, deadline=None, phases=[Phase.explicit, Phase.generate])
def test_every_way_of_running_says_the_same(moments: list[tuple[int, str, str]], noise: str) -> None:
    events: list[Event] = []
    for at, who, what in moments:
        kind = {"fail": "login", "good": "login"}.get(what, what)
        events.append({"at": at, "type": kind, "host": who, "user": who, "good": what == "good", "ip": who})
    text = SILENT + noise.replace("keys", "runs") + TRIES + SILENT.replace("rule silent", "rule back") + "  resolve when odd\n"
    alerts = run(rulebook(text), events, 80)
    opened: dict[tuple[str, Any], str] = {}
    for alert in alerts:  # at most one open per rule and key; everything else is about it
        if alert.transition == "opened":
            assert (alert.rule, alert.key) not in opened
            opened[alert.rule, alert.key] = alert.id
        else:
            assert opened[alert.rule, alert.key] == alert.id
        if alert.transition == "resolved":
            del opened[alert.rule, alert.key]
