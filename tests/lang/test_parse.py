"""What the text form means: each piece of a rule and of a test as a node, in any sensible order."""

from __future__ import annotations

import pytest

from cep.errors import NOWHERE, Span
from cep.lang import tree
from cep.lang.parser import parse_text
from cep.lang.yaml_form import parse_yaml


def rule_of(text: str) -> tree.Rule:
    file, faults = parse_text(text, "a.cep")
    assert faults == []
    (rule,) = file.rules
    return rule


def when(text: str) -> tree.Expr:
    found = rule_of(f"rule a\n  from b\n  when {text}\n").when
    assert found is not None
    return found


def path(*parts: str) -> tree.Path:
    return tree.Path(NOWHERE, parts)


def const(value: object) -> tree.Const:
    return tree.Const(NOWHERE, value)  # type: ignore[arg-type]


def between(name: str, low: int, high: int, negated: bool = False) -> tree.Between:
    return tree.Between(NOWHERE, path(name), const(low), const(high), negated)


LATE_PARCEL = """\
# parcels that wait
rule late_parcel severity high tags depot, "slow lane" mode disabled
  "Parcel {parcel} waits"
  description "Somebody must look"
  meta {owner: "depot", "on call": "yes"}
  by {scanned: parcel, loaded: [parcel_id, truck = lower(truck_id)]}
  match scan{2,} => !lost -> load+
  where scan: scanned where weight > 1.5
        lost: "lost and found"
        load: parcel.loaded
  let heavy: max(scan.weight) >= 30
  within 1h30m exclusive
  when heavy or count(scan) > 3
  emit parcel, load.truck_id, scans = count(scan)
  once per parcel every 1d
  to depot-desk, "night shift"
"""


def test_every_clause_of_a_sequence_becomes_its_node() -> None:
    rule = rule_of(LATE_PARCEL)
    assert (rule.id.text, rule.severity, rule.mode) == ("late_parcel", "high", "disabled")
    assert (rule.title, rule.description) == ("Parcel {parcel} waits", "Somebody must look")
    assert (rule.tags, rule.to) == (("depot", "slow lane"), ("depot-desk", "night shift"))
    assert rule.meta == (("owner", "depot"), ("on call", "yes"))
    assert rule.within == tree.Within(NOWHERE, 5_400_000_000, True)
    assert isinstance(rule.body, tree.MatchClause)
    scan, lost, load = rule.body.pattern.parts
    assert scan == tree.Step(NOWHERE, "scan", False, tree.Repeat(NOWHERE, tree.Quantifier(NOWHERE, 2, None)))
    assert lost == tree.Step(NOWHERE, "lost", True)
    assert load == tree.Step(NOWHERE, "load", False, tree.Repeat(NOWHERE, tree.Quantifier(NOWHERE, 1, None)))
    assert [arrow.kind for arrow in rule.body.pattern.arrows] == ["=>", "->"]
    assert [(select.label, select.type) for select in rule.body.where] == [
        ("scan", "scanned"),
        ("lost", "lost and found"),
        ("load", "parcel.loaded"),
    ]
    assert rule.body.where[0].where == tree.Binary(NOWHERE, ">", path("weight"), const(1.5))
    assert [(field.name, field.bare) for field in rule.emit] == [("parcel", True), ("truck_id", True), ("scans", False)]
    assert rule.once == tree.Once(NOWHERE, (path("parcel"),), 86_400_000_000)
    assert [let.name for let in rule.lets] == ["heavy"]


BOUNDS = [
    ("10m", tree.Within(NOWHERE, 600_000_000)),
    ("10m exclusive", tree.Within(NOWHERE, 600_000_000, True)),
    ("200 events", tree.Within(NOWHERE, None, events=200)),
    ("10m and 200 events", tree.Within(NOWHERE, 600_000_000, events=200)),
    ("10m exclusive and 1 event", tree.Within(NOWHERE, 600_000_000, True, 1)),
    ("200 events and 10m", tree.Within(NOWHERE, 600_000_000, events=200)),
    ("1_000 events and 0s", tree.Within(NOWHERE, 0, events=1000)),
    ("200 events and 10m exclusive", tree.Within(NOWHERE, 600_000_000, True, 200)),
]


@pytest.mark.parametrize(("said", "within"), BOUNDS)
def test_a_bound_is_of_time_of_events_or_of_both_in_either_order(said: str, within: tree.Within) -> None:
    source = f"rule a\n  match (x -> y within {said}){{2}}\n  within {said}\n  where x: t y: u\n"
    rule = rule_of(source)
    assert isinstance(rule.body, tree.MatchClause)
    (group,) = rule.body.pattern.parts
    assert isinstance(group, tree.Group)
    assert rule.within == group.within == within
    for found, row in ((group.within, 1), (rule.within, 2)):
        assert found is not None
        line = source.split("\n")[row]
        assert line[found.span.col - 1 : found.span.end_col - 1] == said
    in_yaml, faults = parse_yaml(f"rule: a\nmatch: (x -> y within {said}){{2}}\nwithin: {said}\nwhere: {{x: t, y: u}}\n", "a.yml")
    assert faults == []
    assert in_yaml.rules == (rule,)


def test_what_follows_a_bound_of_both_is_the_next_clause() -> None:
    rule = rule_of("rule a match x -> y within 5 events and 10m when x.n > 1 and y.n > 2 where x: t y: u")
    assert rule.within == tree.Within(NOWHERE, 600_000_000, events=5)
    assert isinstance(rule.when, tree.Logic)


def test_key_map_names_parts_by_path_or_by_hand() -> None:
    by = rule_of(LATE_PARCEL).by
    assert by is not None
    assert by.parts == ()
    assert [(kind, [part.name for part in parts]) for kind, parts in by.types] == [
        ("scanned", ["parcel"]),
        ("loaded", ["parcel_id", "truck"]),
    ]


def test_a_call_of_one_field_goes_by_the_name_of_the_field() -> None:
    by = rule_of("rule a\n  by lower(user.name), h = trim(host)\n  from b\n").by
    assert by is not None
    assert [part.name for part in by.parts] == ["name", "h"]


def test_clauses_stand_in_any_order_and_on_one_line() -> None:
    spread = rule_of("rule a severity low\n  by x\n  from b where y > 5\n  when count() > 3 over 5m\n  fire each\n  then reset\n")
    packed = rule_of("rule a then reset fire each over 5m when count() > 3 from b where y > 5 by x severity low")
    assert spread == packed
    assert spread.fire_each and spread.then_reset
    assert spread.window == tree.Over(NOWHERE, 300_000_000)


def test_keywords_are_names_where_a_name_must_stand() -> None:
    rule = rule_of(
        "rule rule\n  by to, from\n  match when -> !by\n  where when: where where to == from and at.for > 5\n        by: emit\n"
    )
    assert isinstance(rule.body, tree.MatchClause)
    assert [select.label for select in rule.body.where] == ["when", "by"]
    assert [select.type for select in rule.body.where] == ["where", "emit"]


def test_absence_reads_its_condition_and_its_bound() -> None:
    body = rule_of('rule a\n  by host\n  absent beat where site == "x" for 90s\n').body
    assert isinstance(body, tree.Absent)
    assert (body.select.type, body.for_us) == ("beat", 90_000_000)
    assert body.select.where == tree.Binary(NOWHERE, "==", path("site"), const("x"))


@pytest.mark.parametrize(
    ("text", "expr"),
    [
        ("a + b * c", tree.Binary(NOWHERE, "+", path("a"), tree.Binary(NOWHERE, "*", path("b"), path("c")))),
        ("a - b - c", tree.Binary(NOWHERE, "-", tree.Binary(NOWHERE, "-", path("a"), path("b")), path("c"))),
        ("-a * b", tree.Binary(NOWHERE, "*", tree.Unary(NOWHERE, "-", path("a")), path("b"))),
        ("-5", const(-5)),
        ("a - -5", tree.Binary(NOWHERE, "-", path("a"), const(-5))),
        ("not a == b", tree.Unary(NOWHERE, "not", tree.Binary(NOWHERE, "==", path("a"), path("b")))),
        ("a or b and c", tree.Logic(NOWHERE, "or", (path("a"), tree.Logic(NOWHERE, "and", (path("b"), path("c")))))),
        ("a and (b and c)", tree.Logic(NOWHERE, "and", (path("a"), path("b"), path("c")))),
        ("a between 1 and 5 and b", tree.Logic(NOWHERE, "and", (between("a", 1, 5), path("b")))),
        ("a not between 1 and 5", between("a", 1, 5, True)),
        ("a is null", tree.IsNull(NOWHERE, path("a"), False)),
        ("a is not null", tree.IsNull(NOWHERE, path("a"), True)),
        ('a in ["x", -1]', tree.In(NOWHERE, path("a"), (const("x"), const(-1)), False)),
        ("a not in table t", tree.In(NOWHERE, path("a"), (), True, "t")),
        ("a ~ 'x*'", tree.Binary(NOWHERE, "~", path("a"), const("x*"))),
        ('a =~i r"\\d+"', tree.Binary(NOWHERE, "=~i", path("a"), const("\\d+"))),
        ('a istartswith "x"', tree.Binary(NOWHERE, "istartswith", path("a"), const("x"))),
        ('a not contains "x"', tree.Unary(NOWHERE, "not", tree.Binary(NOWHERE, "contains", path("a"), const("x")))),
        ("process.parent.name", path("process", "parent", "name")),
        ("`odd name`.x", path("odd name", "x")),
        ("first(fail).ip", tree.Member(NOWHERE, tree.Call(NOWHERE, "first", (path("fail"),)), "ip")),
        ("fail[-1].ip", tree.Member(NOWHERE, tree.Index(NOWHERE, path("fail"), -1), "ip")),
        ("lookup t[a.b].c", tree.Member(NOWHERE, tree.Lookup(NOWHERE, "t", path("a", "b")), "c")),
        ("count()", tree.Call(NOWHERE, "count", ())),
        ("count(s >= 500)", tree.Call(NOWHERE, "count", (tree.Binary(NOWHERE, ">=", path("s"), const(500)),))),
        ('sum(a where c == "EUR")', tree.Call(NOWHERE, "sum", (path("a"),), tree.Binary(NOWHERE, "==", path("c"), const("EUR")))),
        ("1h30m", tree.Duration(NOWHERE, 5_400_000_000)),
        ("1.5s", tree.Duration(NOWHERE, 1_500_000)),
        ("10MB", tree.Size(NOWHERE, 10_000_000)),
        ("1.5KiB", tree.Size(NOWHERE, 1536)),
        ("1_000_000", const(1_000_000)),
        ("2.5e3", const(2500.0)),
        ('"a\\u00e9\\n\\ud83d\\ude00"', const("aé\n😀")),
        ("[1, [2], x]", tree.ListOf(NOWHERE, (const(1), tree.ListOf(NOWHERE, (const(2),)), path("x")))),
    ],
)  # fmt: skip
def test_expression_binds_as_written(text: str, expr: tree.Expr) -> None:
    assert when(text) == expr


def test_spans_cover_what_was_written() -> None:
    rule = rule_of("rule a\n  from b where x > 5\n           and lookup t[k].c == `odd name`\n")
    assert isinstance(rule.body, tree.From) and isinstance(rule.body.select.where, tree.Logic)
    assert rule.body.select.where.span == Span("a.cep", 2, 16, 3, 43)
    second = rule.body.select.where.operands[1]
    assert isinstance(second, tree.Binary)
    assert second.left.span == Span("a.cep", 3, 16, 3, 29)
    assert second.right.span == Span("a.cep", 3, 33, 3, 43)


def test_test_block_holds_events_and_expectations() -> None:
    file, faults = parse_text(
        "test late_parcel 'two scans'\n"
        '  at 0s  scanned {parcel: "P1", "odd key": [1, -2.5, {a: null}], ok: true} x5 every 1m30s\n'
        "  at 1h  parcel.loaded\n"
        '  expect 1 alert at 1h with scans == 2 and key != "P2" and weight > -1\n'
        "  expect 2 alerts\n"
        "  until 2h\n",
        "a.cep",
    )
    assert faults == []
    (test,) = file.tests
    assert (test.rule.text, test.name, test.until_us) == ("late_parcel", "two scans", 7_200_000_000)
    first, second = test.given
    assert (first.at_us, first.type, first.repeat, first.every_us) == (0, "scanned", 5, 90_000_000)
    assert first.event == {"parcel": "P1", "odd key": [1, -2.5, {"a": None}], "ok": True}
    assert (second.at_us, second.type, second.event) == (3_600_000_000, "parcel.loaded", {})
    one, two = test.expect
    assert isinstance(one, tree.ExpectAlerts) and isinstance(two, tree.ExpectAlerts)
    assert [(check.field, check.op, check.value) for check in one.checks] == [
        ("scans", "==", 2),
        ("key", "!=", "P2"),
        ("weight", ">", -1),
    ]
    assert (two.count, two.at_us, two.checks) == (2, None, ())


def test_a_line_of_time_after_an_expectation_is_an_event() -> None:
    file, faults = parse_text("test a\n  expect 1 alert\n  at 5m b {}\n  expect 1 alert\n  at 6m b {}\n", "a.cep")
    assert faults == []
    assert [given.at_us for given in file.tests[0].given] == [300_000_000, 360_000_000]


def test_until_belongs_to_nothing_wherever_it_stands() -> None:
    inline, _ = parse_text("test a\n  expect nothing until 15m\n", "a.cep")
    apart, _ = parse_text("test a\n  until 15m\n  expect nothing\n", "a.cep")
    assert inline.tests == apart.tests
    assert inline.tests[0].expect == (tree.ExpectNothing(NOWHERE, 900_000_000),)
    assert inline.tests[0].until_us is None


def test_tests_stand_in_the_order_of_their_rules() -> None:
    file, _ = parse_text(
        "test c\n  expect nothing\ntest b\n  expect nothing\ntest a\n  expect nothing\nrule a\n  from x\nrule b\n  from x\n",
        "a.cep",
    )
    assert [test.rule.text for test in file.tests] == ["a", "b", "c"]


def test_a_broken_block_costs_only_itself() -> None:
    file, faults = parse_text(
        "rule a\n  from x where (\nrule b\n  from x\ntest b\n  at 5 x\n  expect nothing\nrule c\n  from x\n", "a.cep"
    )
    assert [rule.id.text for rule in file.rules] == ["b", "c"]
    assert file.tests == ()
    assert [(fault.code, fault.span.line) for fault in faults] == [("E0103", 2), ("E0106", 6)]


def test_every_broken_clause_of_a_rule_is_told() -> None:
    _, faults = parse_text("rule a\n  from x where y = 5\n  emit b c\n  once per every\n  to\n", "a.cep")
    assert [(fault.code, fault.span.line) for fault in faults] == [("E0105", 2), ("E0100", 3), ("E0118", 4), ("E0118", 5)]


def test_numbers_of_other_kinds_are_other_constants() -> None:
    assert const(1) != const(1.0)
    assert const(1) != const(True)
    assert len({const(1), const(1.0), const(True)}) == 3


YAML_LATE_PARCEL = """\
# parcels that wait
rule: late_parcel
severity: high
tags: [depot, slow lane]
mode: disabled
title: "Parcel {parcel} waits"
description: >-
  Somebody
  must look
meta: {owner: depot, on call: yes}
by:
  scanned: parcel
  loaded: [parcel_id, truck = lower(truck_id)]
match: scan{2,} => !lost -> load+
where:
  scan: scanned where weight > 1.5
  lost: "`lost and found`"
  load: parcel.loaded
let:
  heavy: max(scan.weight) >= 30
within: 1h30m exclusive
when: |
  heavy
  or count(scan) > 3   # many
emit: [parcel, load.truck_id, scans = count(scan)]
once: per parcel every 1d
to: depot-desk, night shift
"""


def test_yaml_is_the_same_rule() -> None:
    file, faults = parse_yaml(YAML_LATE_PARCEL, "a.yml")
    assert faults == []
    assert file.rules == (rule_of(LATE_PARCEL),)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("from: b where x > 5", "from: b\nwhere: x > 5"),
        ("from: b\nwhen: count() > 5 over 1m", "from: b\nwhen: count() > 5\nover: 1m"),
        ("absent: b where x > 5\nfor: 1m", "absent: b where x > 5 for 1m"),
        ("from: b\nemit: {x: x, n: count()}", "from: b\nemit: x, n = count()"),
        ("from: b\nby: x, y", "from: b\nby: [x, y]"),
        ("match: a\nby: {t: [x, y]}\nwhere: {a: t}", "match: a\nby: {t: 'x, y'}\nwhere: {a: t}"),
        ("from: b\nto: [x]", "from: b\nto: x"),
        ("from: b\ntags: &t [x]\nto: *t", "from: b\ntags: [x]\nto: [x]"),
    ],
)
def test_yaml_has_two_ways_to_say_it(one: str, other: str) -> None:
    first, faults = parse_yaml(f"rule: a\n{one}\n", "a.yml")
    second, more = parse_yaml(f"rule: a\n{other}\n", "a.yml")
    assert (faults, more) == ([], [])
    assert first.rules == second.rules != ()


def test_yaml_takes_no_text_for_something_else() -> None:
    file, faults = parse_yaml(
        "rule: on\nseverity: low\nfrom: b\nto: [no, 12:30:45]\ntests:\n- given:\n"
        "  - {at: 0s, event: {type: b, on: on, a: NO, t: 12:30:45, z: 0123, h: 0x1f, n: ~, e: 1e3,"
        " i: -7, f: 'true', d: 2024-01-01}}\n"
        "  expect: []\n",
        "a.yml",
    )
    assert faults == []
    assert (file.rules[0].id.text, file.rules[0].to) == ("on", ("no", "12:30:45"))
    assert file.tests[0].given[0].event == {
        "on": "on", "a": "NO", "t": "12:30:45", "z": "0123", "h": "0x1f", "n": None, "e": 1000.0, "i": -7, "f": "true",
        "d": "2024-01-01",
    }  # fmt: skip


@pytest.mark.parametrize(
    "source",
    [
        "rule: a\nfrom: x\n---\nrule: b\nfrom: x\n",
        "- {rule: a, from: x}\n- {rule: b, from: x}\n",
        "rules:\n- rule: a\n  from: x\n- rule: b\n  from: x\n",
        "---\n---\nrule: a\nfrom: x\n...\n---\n# nothing\n---\nrule: b\nfrom: x\n",
    ],
)
def test_yaml_holds_several_rules(source: str) -> None:
    file, faults = parse_yaml(source, "a.yml")
    assert faults == []
    assert [rule.id.text for rule in file.rules] == ["a", "b"]


def test_yaml_test_is_the_same_test() -> None:
    text, faults = parse_text(
        'rule a\n  from b\ntest a "t"\n  at 0s b {x: 1} x3 every 10s\n  expect 2 alerts at 20s with x == 1\n'
        "  expect 1 alert with n > 2\n  until 5m\n",
        "a.cep",
    )
    yaml, more = parse_yaml(
        "rule: a\nfrom: b\ntests:\n- name: t\n  given:\n  - {at: 0s, repeat: 3, every: 10s, event: {type: b, x: 1}}\n"
        "  expect:\n  - {at: 20s, count: 2, x: 1}\n  - {with: n > 2}\n  until: 5m\n",
        "a.yml",
    )
    assert (faults, more) == ([], [])
    assert yaml.tests == text.tests != ()
