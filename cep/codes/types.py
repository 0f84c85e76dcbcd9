"""E03xx: values of the wrong type. In the examples `telemetry` has the declared fields truck (text) and speed (number)."""

from __future__ import annotations

from cep.codes.code import Code

CODES: tuple[Code, ...] = (
    Code(
        "E0301",
        "comparing different types",
        "Two values are compared that can never be equal or ordered, such as a number and a text. The type of a field comes from "
        "its declaration, or else from its first use in the rule set: both places are shown.",
        "Write the constant in the other type, or correct the other use of the field.",
        before='rule r\n  from telemetry where speed > "90"\n',
        after="rule r\n  from telemetry where speed > 90\n",
    ),
    Code(
        "E0302",
        "arithmetic without meaning",
        "`+ - * / %` calculate with numbers, times and durations: a time minus a time is a duration, a time plus a duration a "
        "time. Other combinations mean nothing.",
        "Calculate with numbers, or put texts together with `concat`.",
        before='rule r\n  from telemetry where speed > 90\n  emit id = "truck " + truck\n',
        after='rule r\n  from telemetry where speed > 90\n  emit id = concat("truck ", truck)\n',
    ),
    Code(
        "E0303",
        "not a condition",
        "A condition is true or false; this value is something else.",
        "Compare it with something.",
        before="rule r\n  by truck\n  from telemetry\n  when count() over 10m\n",
        after="rule r\n  by truck\n  from telemetry\n  when count() >= 5 over 10m\n",
    ),
    Code(
        "E0304",
        "argument of the wrong type",
        "The function takes a value of another type.",
        "Give it what it takes; `cep explain` and docs/language.md list the functions with examples.",
        before='rule r\n  from telemetry where lower(speed) == "fast"\n',
        after='rule r\n  from telemetry where lower(truck) == "t1"\n',
    ),
    Code(
        "E0305",
        "value and object at once",
        "A field is used as a value, and elsewhere as an object that holds other fields. An event cannot have both.",
        "Correct the path that is wrong.",
        before='rule r\n  from logins where user == "root" and user.name == "root"\n',
        after='rule r\n  from logins where user.id == "root" and user.name == "root"\n',
    ),
    Code(
        "E0306",
        "wrong number of arguments",
        "The function takes another number of arguments, or no `where`.",
        "Look at its example.",
        before='rule r\n  from telemetry where lower(truck, 3) == "t1"\n',
        after='rule r\n  from telemetry where lower(truck) == "t1"\n',
    ),
    Code(
        "E0307",
        "regular expression refused",
        "Regular expressions are matched in one pass over the text, so that no event can stop the engine. Look-around and "
        "references to groups cannot be; other patterns are simply broken.",
        "Say it as two conditions, joined with `and` or `and not`.",
        before='rule r\n  from logins where user =~ "^(?!svc-)"\n',
        after='rule r\n  from logins where not user =~ "^svc-"\n',
    ),
    Code(
        "E0308",
        "comparing with null",
        "Nothing equals null, not even null: the comparison is never true.",
        "Write `x is null` or `x is not null`.",
        before="rule r\n  from logins where user == null\n",
        after="rule r\n  from logins where user is null\n",
    ),
    Code(
        "E0309",
        "constant needed",
        "This must be written out in the rule, so that it can be checked and prepared once: a pattern, a network, a time zone.",
        "Write it as a constant, in its right form.",
        before='rule r\n  from logins where cidr(ip, "10.0.0.0/40")\n',
        after='rule r\n  from logins where cidr(ip, "10.0.0.0/8")\n',
    ),
    Code(
        "E0310",
        "text comparison of something else",
        "`~ =~ contains startswith endswith` compare texts (`contains` also looks into a list).",
        "Use `==` and the like for other values.",
        before='rule r\n  from telemetry where speed contains "9"\n',
        after='rule r\n  from telemetry where truck contains "9"\n',
    ),
    Code(
        "E0311",
        "aggregate of the wrong type",
        "`sum` and `avg` add numbers or durations, `min` and `max` compare what has an order.",
        "Aggregate a field of the right type, or count with `distinct`.",
        before="rule r\n  from telemetry\n  when sum(truck) > 5 over 10m\n",
        after="rule r\n  from telemetry\n  when distinct(truck) > 5 over 10m\n",
    ),
    Code(
        "E0312",
        "not a list",
        "Only lists have items: `x[0]`, `any(xs, x > 3)`.",
        "Split a text first, or compare the value itself.",
        before='rule r\n  from telemetry where truck[0] == "T"\n',
        after='rule r\n  from telemetry where substring(truck, 0, 1) == "T"\n',
    ),
    Code(
        "E0313",
        "key of different types",
        "A part of the key is a list, or of another type in another event type: keys join by type and value, so they "
        "would never meet.",
        "Name fields of one type.",
        before="rule r\n  by {telemetry: speed, stops: truck}\n  match a -> b\n  where a: telemetry\n"
        '        b: stops where truck == "T1"\n  within 1h\n',
        after="rule r\n  by {telemetry: truck, stops: truck}\n  match a -> b\n  where a: telemetry\n"
        '        b: stops where truck == "T1"\n  within 1h\n',
    ),
    Code(
        "E0314",
        "`prev` of several types",
        "`prev` is the event taken just before, and several steps may come before; the field is of another type in each.",
        "Compare with the step that is meant, as in `a.code`.",
        before="rule r\n  match a -> (b | c) -> d\n  where a: one\n        b: two where code > 1\n"
        '        c: three where code == "x"\n        d: four where code == prev.code\n  within 1h\n',
        after="rule r\n  match a -> (b | c) -> d\n  where a: one\n        b: two where code > 1\n"
        '        c: three where code == "x"\n        d: four where code == b.code\n  within 1h\n',
    ),
    Code(
        "W0301",
        "never true",
        "The condition asks for what no value can be, or the pattern for more than its `within` leaves room for: the rule (or "
        "the step) never takes an event.",
        "Correct the bounds, or take the condition away.",
        before="rule r\n  from telemetry where speed > 90 and speed < 80\n",
        after="rule r\n  from telemetry where speed > 80 and speed < 90\n",
    ),
)
