"""E04xx: rules without a bound, or put together wrongly; E05xx: test scripts."""

from __future__ import annotations

from cep.codes.code import Code

_GROUP = "rule r\n  match {}\n  where a: one\n        b: two\n        c: three\n  within 1h\n"
_LOOP = (
    "rule r\n  by user\n  match fail{} -> ok\n"
    "  where fail: login where failed\n        ok: login where not failed\n  within 10m\n"
)

CODES: tuple[Code, ...] = (
    Code(
        "E0401",
        "pattern without a bound",
        "A pattern that has begun, or a `!x` at its end, would stay open for ever: memory would grow without end, and a trailing "
        "negation would never come true.",
        "Say within what time the whole pattern must happen: `within 10m`.",
        before="rule r\n  match a -> !b\n  where a: orders\n        b: payments\n",
        after="rule r\n  match a -> !b\n  where a: orders\n        b: payments\n  within 2h\n",
    ),
    Code(
        "E0402",
        "rule defined twice",
        "Two rules have one id. The id names a rule's state, alerts and history for ever.",
        "Give one of them another id.",
        before="rule r\n  from orders where total > 5\n\nrule r\n  from orders where total > 9\n",
        after="rule r\n  from orders where total > 5\n\nrule s\n  from orders where total > 9\n",
    ),
    Code(
        "E0403",
        "half a window",
        "A window rule needs both: `over`, how long the window is, and `when`, the condition on what it holds.",
        "Say both, as in `when count() >= 5 over 10m`. A condition on single events belongs in `where`.",
        before="rule r\n  from login where failed\n  when count() >= 5\n",
        after="rule r\n  from login where failed\n  when count() >= 5 over 10m\n",
    ),
    Code(
        "E0404",
        "nothing to aggregate",
        "An aggregate needs several events; here there is one event, or another aggregate.",
        "Move it to `when`, with a window.",
        before="rule r\n  from login where count() > 5\n",
        after="rule r\n  from login\n  when count() > 5 over 10m\n",
    ),
    Code(
        "E0405",
        "clause of another kind of rule",
        "The clause has no meaning in this kind of rule.",
        "Use the one that fits: `over` for windows, `within` for patterns, `for` for absences.",
        before="rule r\n  from login\n  when count() > 5 over 10m\n  within 10m\n",
        after="rule r\n  from login\n  when count() > 5 over 10m\n",
    ),
    Code(
        "E0406",
        "too many repetitions",
        "A step repeats at most 10,000 times: a run remembers each event it took.",
        "Count so many with a window rule: `when count() >= 20000 over 1h`.",
        before=_LOOP.replace("{}", "{20000}"),
        after=_LOOP.replace("{}", "{2000}"),
    ),
    Code(
        "E0408",
        "pattern of negations alone",
        "A match begins with an event, and the pattern only says what must not come.",
        "Name the event before or behind which it must not come, as in `!b -> a`; for silence by itself use `absent`.",
        before="rule r\n  match !b\n  where b: two\n  within 1h\n",
        after="rule r\n  match !b -> a\n  where a: one\n        b: two\n  within 1h\n",
    ),
    Code(
        "E0409",
        "`=>` beside a negation",
        "`=> !x` means that the very next event is not x, so it stands right behind an event; and between two events joined by "
        "`=>` nothing can stand that could be forbidden.",
        "Use `->` on both sides of the negation.",
        before="rule r\n  match a -> !b => c\n  where a: one\n        b: two\n        c: three\n  within 1h\n",
        after="rule r\n  match a -> !b -> c\n  where a: one\n        b: two\n        c: three\n  within 1h\n",
    ),
    Code(
        "E0410",
        "label twice in the pattern",
        "One label names one step; a second one of that name could not be told from it.",
        "Give the second step a label of its own, or repeat the first: `a{2}`.",
        before="rule r\n  match a -> a\n  where a: one\n  within 1h\n",
        after="rule r\n  match a{2}\n  where a: one\n  within 1h\n",
    ),
    Code(
        "E0411",
        "pattern that needs no event",
        "Every step may be left out, so the pattern is complete before anything happened.",
        "Make one step necessary.",
        before="rule r\n  match a? -> b*\n  where a: one\n        b: two\n  within 1h\n",
        after="rule r\n  match a? -> b+\n  where a: one\n        b: two\n  within 1h\n",
    ),
    Code(
        "E0412",
        "expression too large",
        "Expressions are at most 64 levels deep, and all those of one rule at most 20,000 parts, `let`s written out.",
        "Split the rule; keep long lists in a table.",
        before="rule r\n"
        + "".join(f"  let v{i}: v{i + 1} + v{i + 1}\n" for i in range(20))
        + "  let v20: total\n  from orders where v0 > 1\n",
        after="rule r\n  let v0: 1048576 * total\n  from orders where v0 > 1\n",
    ),
    Code(
        "E0413",
        "aggregate over which step?",
        "In a pattern an aggregate runs over the events of one step, and its label says which.",
        "Name the label: `count(fail)`, `sum(fail.amount)`; use one aggregate for each step.",
        before=_LOOP.replace("{}", "{3,}") + "  emit user, tries = count()\n",
        after=_LOOP.replace("{}", "{3,}") + "  emit user, tries = count(fail)\n",
    ),
    Code(
        "E0414",
        "no length",
        "A duration of nothing: the window would be empty, the silence over at once.",
        "Say how long.",
        before="rule r\n  absent beat for 0s\n",
        after="rule r\n  absent beat for 3m\n",
    ),
    Code(
        "E0440",
        "expected by another key",
        "`expect KEY in table T` names whom a rule waits for: the key of the table is the key of the rule, which has one part.",
        "Let the rule be `by` the very name that is expected.",
        before="rule r\n  by host, port\n  absent beat for 3m\n  expect host in table customers\n",
        after="rule r\n  by host\n  absent beat for 3m\n  expect host in table customers\n",
    ),
    Code(
        "E0450",
        "window that cannot be",
        "The lengths do not fit each other: windows farther apart than they are long leave events out, a day is not made of "
        "pieces of seven hours, a baseline holds no whole part.",
        "Correct the lengths.",
        before="rule r\n  by user\n  from login\n  when count() > 5 over 5m every 10m\n",
        after="rule r\n  by user\n  from login\n  when count() > 5 over 10m every 5m\n",
    ),
    Code(
        "E0451",
        "constant of an aggregate",
        "`percentile(x, 95)`, `top(3, x)`, `decay(x, 10m)` and `rate(1m)` take a constant: a percentile from 0 to 100, 1 to 100 "
        "values, a half-life that is not far shorter than the window, a duration.",
        "Write a constant that means something.",
        before="rule r\n  by service\n  from request\n  when percentile(ms, 950) > 500 over 5m\n",
        after="rule r\n  by service\n  from request\n  when percentile(ms, 95) > 500 over 5m\n",
    ),
    Code(
        "E0452",
        "window that nothing ends",
        "The last events of a key are kept for ever, also of keys that never come again; a session or a bucket that events keep "
        "going collects different values without end.",
        "Give the rule a `budget`, the session a `max`, or the window a length in time.",
        before="rule r\n  by user\n  from login\n  when count(failed) > 5 over 10 events\n",
        after="rule r\n  by user\n  from login\n  when count(failed) > 5 over 10 events\n  budget 10000 runs\n",
    ),
    Code(
        "E0430",
        "negation at the edge of a group",
        "In a group a negation stands between two events: what must not come before or behind the group is said outside of it.",
        "Put the negation before or behind the group.",
        before=_GROUP.replace("{}", "(a -> !b) -> c"),
        after=_GROUP.replace("{}", "a -> !b -> c"),
    ),
    Code(
        "E0431",
        "loop that ends itself",
        "The event of `until` closes the loop and is not taken by it, so it cannot be one of the loop's own.",
        "Give the event that ends the loop a label of its own, and describe it in `where`.",
        before=_GROUP.replace("{}", "a+ until a -> b -> c"),
        after=_GROUP.replace("{}", "a+ until b -> b -> c"),
    ),
    Code(
        "E0432",
        "pattern too large",
        "Groups are nested at most 64 levels deep, an event is repeated at most 10,000 times with its groups multiplied, a "
        "pattern has at most 200 steps, and at most 12 stand in any order.",
        "Split the rule, or count with a window rule.",
        before=_GROUP.replace("{}", "((a{100} -> b){100}){100} -> c"),
        after=_GROUP.replace("{}", "((a{10} -> b){10}){10} -> c"),
    ),
    Code(
        "E0433",
        "`after match` to a step that takes nothing",
        "`after match skip to first X` goes on at an event that X took, and no step of that name takes any.",
        "Name a step of the pattern that is not negated.",
        before=_GROUP.replace("{}", "a -> !b -> c") + "  pick all\n  after match skip to first b\n",
        after=_GROUP.replace("{}", "a -> !b -> c") + "  pick all\n  after match skip to first a\n",
    ),
    Code(
        "E0434",
        "`on timeout` without a time",
        "`on timeout` tells of matches that were begun and ran out of time; the pattern does not say how much there is.",
        "Add `within`.",
        before="rule r\n  match a -> b\n  where a: one\n        b: two\n  within 9 events\n  on timeout emit a.n\n",
        after="rule r\n  match a -> b\n  where a: one\n        b: two\n  within 9m\n  on timeout emit a.n\n",
    ),
    Code(
        "W0430",
        "greedy loop that gives nothing back",
        "With `pick all` an event that fits a greedy loop and the next step is taken by the loop alone, so the next step may "
        "never get its event.",
        "Write the loop lazy (`a+?`), or tell the two conditions apart.",
        before=_GROUP.replace("{}", "a+ -> b -> c").replace("b: two", "b: one where n > 1") + "  pick all\n",
        after=_GROUP.replace("{}", "a+? -> b -> c").replace("b: two", "b: one where n > 1") + "  pick all\n",
    ),
    Code(
        "W0401",
        "the same rule twice",
        "Two rules decide alike under two ids: everything is told twice.",
        "Take one of them away; one rule can go to several channels.",
        before="rule r\n  from orders where total > 5\n\nrule s\n  from orders where total > 5\n",
        after="rule r\n  from orders where total > 5\n",
    ),
    Code(
        "W0402",
        "very long silence",
        "One alert silences the rule for more than a hundred times what it looks at. That may be meant; often the unit is wrong.",
        "Check the unit of `every`.",
        before="rule r\n  by user\n  from login\n  when count() > 5 over 1m\n  once per user every 10d\n",
        after="rule r\n  by user\n  from login\n  when count() > 5 over 1m\n  once per user every 10m\n",
    ),
    Code(
        "E0501",
        "test of no rule",
        "The test names a rule that none of the files has.",
        "Correct the id.",
        before='rule big\n  from orders where total > 5\n\ntest bigg "a small one"\n  at 0s orders {total: 3}\n'
        "  expect nothing\n",
        after='rule big\n  from orders where total > 5\n\ntest big "a small one"\n  at 0s orders {total: 3}\n  expect nothing\n',
    ),
    Code(
        "E0502",
        "claim about no field",
        "The test expects something of a field that alerts of this rule do not have: it would fail whatever happens.",
        "Correct the name, or emit the field.",
        before="rule big\n  from orders where total > 5\n  emit total\n\n"
        'test big "a large one"\n  at 0s orders {total: 7}\n  expect 1 alert with totl == 7\n\n'
        'test big "a small one"\n  at 0s orders {total: 3}\n  expect nothing\n',
        after="rule big\n  from orders where total > 5\n  emit total\n\n"
        'test big "a large one"\n  at 0s orders {total: 7}\n  expect 1 alert with total == 7\n\n'
        'test big "a small one"\n  at 0s orders {total: 3}\n  expect nothing\n',
    ),
    Code(
        "W0501",
        "no test of silence",
        "The rule's tests say when it must tell something, and none when it must not. A rule that tells too much is as useless "
        "as one that tells too little.",
        "Add a test of what is nearly a match, with `expect nothing`.",
        before='rule big\n  from orders where total > 5\n\ntest big "a large one"\n  at 0s orders {total: 7}\n  expect 1 alert\n',
        after='rule big\n  from orders where total > 5\n\ntest big "a large one"\n  at 0s orders {total: 7}\n  expect 1 alert\n\n'
        'test big "a small one"\n  at 0s orders {total: 3}\n  expect nothing\n',
    ),
    Code(
        "W0502",
        "event type looks misspelt in a test",
        "The test gives events of a type the rule does not take, of nearly the name of one it does.",
        "Correct the type.",
        before='rule big\n  from orders where total > 5\n\ntest big "a small one"\n  at 0s order {total: 3}\n  expect nothing\n',
        after='rule big\n  from orders where total > 5\n\ntest big "a small one"\n  at 0s orders {total: 3}\n  expect nothing\n',
    ),
)
