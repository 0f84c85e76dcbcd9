"""Rules on rules: alerts are events right behind what caused them, whatever the batches; fields, shadows, changes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from cep.config import StreamSpec
from cep.lang.parser import parse_text
from cep.match.cascade import depths_of
from cep.match.engine import Engine
from cep.match.memory import batch_from_dicts
from cep.plan.rulebook import build_rulebook
from tests.match.ways import Event, pipeline, push, rulebook, run, story

BREACH = """
rule guessed
  by    user
  match fail{2} -> ok
  where fail: login where not good
        ok:   login where good
  within 60s
  emit  who = user, tries = count(fail), took = ok.ts - first(fail).ts, at = ok.ts, ips = list(fail.ip)

rule breach
  by    user
  match in_ -> out
  where in_: rule guessed where tries >= 2 and took < 100 and at is not null and ips contains "1"
        out: upload where size > 5
  within 60s
  emit  user, in_.tries, in_.took, in_.who, size = out.size
"""


def login(at: float, good: bool, user: str = "u", ip: str = "1") -> Event:
    return {"at": at, "type": "login", "good": good, "user": user, "ip": ip}


def upload(at: float, size: int = 9, user: str = "u") -> Event:
    return {"at": at, "type": "upload", "size": size, "user": user}


def tick(at: float, **fields: Any) -> Event:
    return {"at": at, "type": "tick", **fields}


def test_an_alert_is_an_event_with_its_fields_its_key_and_its_time() -> None:
    alerts = run(rulebook(BREACH), [login(0, False), login(1.5, False), login(3, True), upload(5, 1), upload(6)], 100)
    assert story(alerts) == [(3, "guessed", "u", "opened"), (6, "breach", "u", "opened")]
    guessed, breach = alerts
    assert breach.fields == {"user": "u", "tries": 2, "took": 3, "who": "u", "size": 9}
    assert breach.evidence == (guessed.id, 5) and (breach.first_us, breach.events) == (3_000_000, 2)


def test_the_order_of_the_rules_in_the_file_is_no_matter() -> None:
    first, second = BREACH.split("\n\n")
    turned = rulebook(f"{second}\n\n{first}")
    assert depths_of(turned.plans) == {"guessed": 0, "breach": 1}
    assert len(run(turned, [login(0, False), login(1, False), login(2, True), upload(3)], 10)) == 2


def test_an_alert_comes_behind_its_cause_and_before_the_next_raw_event_of_that_time() -> None:
    rules = """
rule a
  from tick where a

rule b
  match x => y
  where x: rule a
        y: tick
  within 1s
  emit  n = y.m
"""
    same = [tick(1, a=True, m=1), tick(1, a=False, m=2), tick(1, a=True, m=3), tick(1, a=True, m=4), tick(2, a=False, m=5)]
    alerts = run(rulebook(rules), [tick(0, a=False, m=0), *same], 10)
    # ticks and alerts in turn: 1 a 2 3 a 4 a 5; behind the last alert of second 1 the tick of second 2 is next
    assert [(alert.rule, alert.fields.get("n")) for alert in alerts] == [
        ("a", None), ("b", 2), ("a", None), ("a", None), ("b", 4), ("b", 5),
    ]  # fmt: skip


def test_an_alert_of_a_timer_comes_behind_all_raw_events_of_its_time_and_before_the_timers_of_who_reads_it() -> None:
    rules = """
rule quiet
  by     user
  absent login for 10s

rule both
  by    user
  match q => x
  where q: rule quiet
        x: upload
  within 5s

rule alone
  by    user
  match a -> !q
  where a: login
        q: rule quiet
  within 10s
"""
    alerts = run(rulebook(rules), [login(0, True), upload(10), upload(12)], 100)
    assert story(alerts) == [
        (10, "quiet", "u", "opened"),  # and `alone` hears of it at its deadline, in time
        (12, "both", "u", "opened"),  # not the upload of second 10
    ]


def test_levels_on_levels_and_counting_alerts_in_windows() -> None:
    rules = """
rule one
  by user
  from login where not good

rule two
  by user
  from rule one
  when count() >= 3 over 10s
  emit user, n = count()

rule three
  from rule two where n >= 3 and user != "x"
  emit user, n

rule four
  by user
  match t -> o
  where t: rule two
        o: rule three
  within 10s
"""
    events = [login(n, False, user) for n in range(4) for user in ("u", "x")]
    alerts = run(rulebook(rules), events, 5)
    higher = [alert.rule for alert in alerts if alert.rule != "one" and alert.transition == "opened"]
    assert higher == ["two", "three", "four", "two"]
    assert [alert.time_us for alert in alerts] == sorted(alert.time_us for alert in alerts)
    two, three, four = (next(alert for alert in alerts if alert.rule == name) for name in ("two", "three", "four"))
    assert three.evidence == (two.id,) and four.evidence == (two.id, three.id) and four.time_us == two.time_us


def test_absence_of_alerts_and_resolves_are_no_events() -> None:
    rules = """
rule beatless
  by     host
  absent beat for 5s

rule seen
  by host
  from rule beatless

rule calm
  absent rule beatless for 20s
"""
    beats: list[Event] = [{"at": at, "type": "beat", "host": "a"} for at in (0, 8, 9)]
    alerts = run(rulebook(rules), beats, 60)
    assert story(alerts) == [
        (5, "beatless", "a", "opened"), (5, "seen", "a", "opened"), (8, "beatless", "a", "resolved"),
        (14, "beatless", "a", "opened"), (14, "seen", "a", "opened"), (34, "calm", None, "opened"),
    ]  # fmt: skip


def test_muted_alerts_are_events_those_in_shadow_for_rules_in_shadow_only() -> None:
    rules = """
rule base
  from tick
  once every 1h
  mode {base}

rule plain
  from rule base

rule dark
  from rule base
  mode shadow
"""
    ticks = [tick(0), tick(1)]
    told = run(rulebook(rules.replace("{base}", "enabled")), ticks, 5)
    assert [(alert.rule, bool(alert.muted), alert.shadow) for alert in told] == [
        ("base", False, False), ("dark", False, True), ("plain", False, False),
        ("base", True, False), ("dark", False, True), ("plain", False, False),
    ]  # fmt: skip
    hidden = run(rulebook(rules.replace("{base}", "shadow")), ticks, 5)
    assert [(alert.rule, alert.shadow) for alert in hidden] == [("base", True), ("dark", True)] * 2


def test_what_comes_from_outside_is_no_alert_whatever_type_it_says() -> None:
    rules = "rule base\n  from tick where x > 5\n  emit x\n\nrule reader\n  from rule base\n  emit x\n"
    forged = {"at": 0, "type": "rule base", "x": 9}
    assert story(run(rulebook(rules), [forged, tick(1, x=9)], 5)) == [(1, "base", None, "opened"), (1, "reader", None, "opened")]


def test_key_parts_are_fields_truth_values_among_them() -> None:
    rules = """
rule base
  by   host, up
  from beat
  emit load = 1

rule reader
  by   up
  from rule base where up and host == "a" and load == 1
  emit host, up
"""
    events: list[Event] = [{"at": n, "type": "beat", "host": host, "up": up} for n, (host, up) in enumerate(
        [("a", True), ("a", False), ("b", True)])]  # fmt: skip
    alerts = [alert for alert in run(rulebook(rules), events, 5) if alert.rule == "reader"]
    assert [(alert.key, alert.fields) for alert in alerts] == [(True, {"host": "a", "up": True})]


def test_rows_that_are_dicts_do_as_well() -> None:
    book = rulebook(BREACH)
    events = [login(0, False), login(1, False), login(2, True), upload(3)]
    batch, bad = batch_from_dicts(events, StreamSpec(time="at", unit="s"), book.projection)
    assert not bad
    alerts = Engine(book, rows="dict").feed(batch, 10**9)
    assert [alert.rule for alert in alerts] == ["guessed", "breach"]
    assert alerts[1].fields["took"] == 2


def test_rules_that_are_changed_below_and_above() -> None:
    one = pipeline(rulebook(BREACH))
    assert push(one, [{**login(0, False), "n": 1}, {**login(1, False), "n": 2}]) == []
    one.swap(rulebook(BREACH.replace("emit  user, in_.tries", "severity high\n  emit  user, in_.tries")), 2)
    alerts = push(one, [{**login(2, True), "n": 3}, {**upload(3), "n": 4}, {**upload(90), "n": 5}])
    assert [(alert.rule, alert.severity) for alert in alerts] == [("guessed", "medium"), ("breach", "high")]
    lower = BREACH.split("\n\n")[0]
    assert one.swap(rulebook(lower), 3).alerts == []


# ---------------------------------------------------------------- what the compiler says


def faults(text: str) -> list[tuple[str, str, str]]:
    file, syntax = parse_text(text, "r.cep")
    assert syntax == []
    return [(one.code, one.message, one.help) for one in build_rulebook([file])[1]]


def test_a_circle_is_printed() -> None:
    found = faults("rule a\n  from rule b\n\nrule b\n  from rule c\n\nrule c\n  from rule a\n\nrule d\n  from rule a\n")
    assert [code for code, _, _ in found] == ["E0246"] * 3
    assert found[0][1].endswith("in a circle: a -> b -> c -> a")


def test_a_rule_that_reads_itself() -> None:
    assert [message for _, message, _ in faults("rule a\n  from rule a\n")] == ["rules that read each other in a circle: a -> a"]


def test_slips_of_the_finger_are_mended() -> None:
    base = "rule base\n  by host\n  from beat where load > 5\n  emit load\n\n"
    assert faults(base + "rule r\n  from rule bsae\n") == [("E0245", "there is no rule `bsae`", "did you mean `base`?")]
    assert faults(base + "rule r\n  from rule base where laod > 1\n") == [
        ("E0202", "alerts of rule `base` have no field `laod`", "did you mean `load`?")
    ]
    ((code, message, _),) = faults(base + 'rule r\n  from rule base where load == "x"\n')
    assert code == "E0301" and "number" in message


def test_a_rule_that_waits_in_vain_is_warned_of() -> None:
    assert [code for code, _, _ in faults("rule a\n  from x\n  mode disabled\n\nrule b\n  from rule a\n")] == ["W0240"]
    assert [code for code, _, _ in faults("rule a\n  from x\n  mode shadow\n\nrule b\n  from rule a\n  mode shadow\n")] == []


def test_a_faulty_rule_below_is_told_alone() -> None:
    assert [code for code, _, _ in faults("rule a\n  from x where lenn(y) > 1\n\nrule b\n  from rule a where z > 1\n")] == [
        "E0201"
    ]


# ---------------------------------------------------------------- all ways together

MOMENTS = st.lists(st.tuples(st.integers(0, 20), st.sampled_from("uv"), st.sampled_from(["fail", "good", "upload"])), max_size=14)
MANY = (
    BREACH
    + """
rule again
  by    user
  match g -> !b
  where g: rule guessed
        b: rule breach
  within 5s

rule storm
  from rule again
  when count() >= 2 over 10s

rule hush
  by     user
  absent rule guessed for 7s
"""
)


@given(MOMENTS)
@settings(max_examples=60, deadline=None, phases=[Phase.explicit, Phase.generate])
def test_every_way_of_running_says_the_same(moments: list[tuple[int, str, str]]) -> None:
    events = [upload(at, 9, user) if kind == "upload" else login(at, kind == "good", user) for at, user, kind in moments]
    run(rulebook(MANY), events, 60)


@pytest.mark.parametrize("lateness", [3, 30])
def test_disorder_within_lateness_changes_nothing(lateness: int) -> None:
    events = [login(n // 2, n % 5 == 4, "uv"[n % 2]) for n in range(60)] + [upload(n, 9, "u") for n in range(30)]
    run(rulebook(MANY), events, 60 + lateness)
