"""E02xx: names that mean nothing here. In the examples `telemetry` has the declared fields truck, speed and driver, there is
a table `customers` with columns name and tier, and the channels ops and soc."""

from __future__ import annotations

from cep.codes.code import Code

CODES: tuple[Code, ...] = (
    Code(
        "E0201",
        "unknown function",
        "A function is called that the language does not have.",
        "Correct its name; the functions are listed in docs/language.md.",
        before='rule r\n  from login where uper(user) == "ROOT"\n',
        after='rule r\n  from login where upper(user) == "ROOT"\n',
    ),
    Code(
        "E0202",
        "unknown field",
        "The fields of this event type are declared, and this one is not among them: it would always be null, so the condition "
        "could never be true.",
        "Correct its name, or declare it under the stream's `fields` in cep.yml.",
        before="rule r\n  from telemetry where speeed > 90\n",
        after="rule r\n  from telemetry where speed > 90\n",
    ),
    Code(
        "E0203",
        "unknown name",
        "A name stands here that is no label of the pattern, no part of the key and no `let`. In a pattern there are several "
        "events, so a field needs the label of its step.",
        "Put the label before the field, as in `paid.amount`.",
        before="rule r\n  by user\n  match a -> b\n  where a: login\n        b: logout\n  within 1h\n  emit user, device\n",
        after="rule r\n  by user\n  match a -> b\n  where a: login\n        b: logout\n  within 1h\n  emit user, b.device\n",
    ),
    Code(
        "E0204",
        "label without events",
        "The pattern has a step, and no line of `where` says which events it takes.",
        "Add a line to `where`: the label, the event type and a condition, if there is one.",
        before="rule r\n  match a -> b\n  where a: login\n  within 1h\n",
        after="rule r\n  match a -> b\n  where a: login\n        b: logout\n  within 1h\n",
    ),
    Code(
        "E0205",
        "label not in the pattern",
        "`where` describes a label twice, or one the pattern does not have.",
        "Take the line away, or put the label into `match`.",
        before="rule r\n  match a -> b\n  where a: login\n        b: logout\n        c: reset\n  within 1h\n",
        after="rule r\n  match a -> c -> b\n  where a: login\n        b: logout\n        c: reset\n  within 1h\n",
    ),
    Code(
        "E0206",
        "let in a circle",
        "A `let` is defined by itself, directly or through others: it has no value.",
        "Take one of them out of the circle.",
        before="rule r\n  let a: b + 1\n  let b: a + 1\n  from login where a > 3\n",
        after="rule r\n  let a: b + 1\n  let b: tries + 1\n  from login where a > 3\n",
    ),
    Code(
        "E0207",
        "name already taken",
        "A `let` goes by the name of a label or of a part of the key: what the name means could not be told.",
        "Give the `let` another name.",
        before="rule r\n  by user\n  let user: count()\n  from login\n  when user > 3 over 1h\n",
        after="rule r\n  by user\n  let logins: count()\n  from login\n  when logins > 3 over 1h\n",
    ),
    Code(
        "E0208",
        "unknown table",
        "`lookup` or `in table` names a table that is not declared.",
        "Correct its name, or declare it under `tables` in cep.yml.",
        before="rule r\n  from orders where customer in table custmers\n",
        after="rule r\n  from orders where customer in table customers\n",
    ),
    Code(
        "E0209",
        "unknown column",
        "The table has no such column: every lookup of it would be null.",
        "Correct the name of the column.",
        before='rule r\n  from orders where lookup customers[customer].teir == "gold"\n',
        after='rule r\n  from orders where lookup customers[customer].tier == "gold"\n',
    ),
    Code(
        "E0210",
        "unknown channel",
        "`to` names a channel that is not declared: the alerts of the rule would reach nobody.",
        "Correct its name, or declare it under `channels` in cep.yml.",
        before="rule r\n  from orders where total > 1000\n  to opps\n",
        after="rule r\n  from orders where total > 1000\n  to ops\n",
    ),
    Code(
        "E0211",
        "field of which event?",
        "A window holds many events, and a field has a value in each of them.",
        "Say which: `last(driver)`, `first(driver)`, or one value for all: `max(speed)`, `distinct(driver)`.",
        before="rule r\n  by truck\n  from telemetry\n  when count() > 5 over 10m\n  emit truck, driver\n",
        after="rule r\n  by truck\n  from telemetry\n  when count() > 5 over 10m\n  emit truck, driver = last(driver)\n",
    ),
    Code(
        "E0212",
        "reserved name",
        "Every alert has a key, a severity, a title and a number of events; an emitted field of that name could "
        "not be told from it.",
        "Give the field another name.",
        before="rule r\n  from orders where total > 1000\n  emit events = items\n",
        after="rule r\n  from orders where total > 1000\n  emit items\n",
    ),
    Code(
        "E0214",
        "title cannot be read",
        "Braces in a title hold an expression, and this one is none.",
        "Write a field of `emit` between the braces; for a brace itself write it twice.",
        before='rule r\n  "total over {total +}"\n  from orders where total > 1000\n',
        after='rule r\n  "total over {total}"\n  from orders where total > 1000\n',
    ),
    Code(
        "E0215",
        "once per what?",
        "`once per` takes parts of the key or emitted fields: only these are known of an alert.",
        "Emit the field, or name one that is emitted.",
        before="rule r\n  from orders where total > 1000\n  emit total\n  once per shop every 1h\n",
        after="rule r\n  from orders where total > 1000\n  emit total, shop\n  once per shop every 1h\n",
    ),
    Code(
        "E0216",
        "an event is not a value",
        "A label (or a row of a table) stands where a value is needed.",
        "Pick one of its fields, as in `paid.amount`; `count(paid)` counts its events.",
        before="rule r\n  match a -> b\n  where a: login\n        b: logout\n  within 1h\n  emit first = a\n",
        after="rule r\n  match a -> b\n  where a: login\n        b: logout\n  within 1h\n  emit first = a.ts\n",
    ),
    Code(
        "E0217",
        "event not known here",
        "The label is negated, so none of its events is part of a match; or its step comes later in the pattern, so nothing is "
        "known of it yet.",
        "Compare where both are known: in the `where` of the later step, or in `when`.",
        before="rule r\n  match a -> b\n  where a: login where ip != b.ip\n        b: logout\n  within 1h\n",
        after="rule r\n  match a -> b\n  where a: login\n        b: logout where ip != a.ip\n  within 1h\n",
    ),
    Code(
        "E0218",
        "names of the key",
        "Each part of the key goes by a name of its own; this one has that of another.",
        "Give it a name: `by source_ip = source.ip, target_ip = target.ip`.",
        before="rule r\n  by source.ip, target.ip\n  from flows where bytes > 1GB\n",
        after="rule r\n  by source.ip, target_ip = target.ip\n  from flows where bytes > 1GB\n",
    ),
    Code(
        "E0219",
        "key of every type",
        "A key by event type must say for each type of the rule, with as many parts for each, how its events are told apart.",
        "Add the type to the map.",
        before="rule r\n  by {login: user}\n  match a -> b\n  where a: login\n        b: dns\n  within 1h\n",
        after="rule r\n  by {login: user, dns: client}\n  match a -> b\n  where a: login\n        b: dns\n  within 1h\n",
    ),
    Code(
        "W0201",
        "unused let",
        "A `let` is used nowhere in its rule.",
        "Take it away, or use it.",
        before="rule r\n  let big: total > 1000\n  from orders where total > 1000\n",
        after="rule r\n  let big: total > 1000\n  from orders where big\n",
    ),
    Code(
        "W0202",
        "event type looks misspelt",
        "No event type of that name has declared fields, and one of nearly that name has: the rule might wait for ever.",
        "Correct the type, or declare it.",
        before="rule r\n  from telemtry where speed > 90\n",
        after="rule r\n  from telemetry where speed > 90\n",
    ),
    Code(
        "W0203",
        "key of a type nobody takes",
        "The key says how events of a type are told apart that no step of the rule takes.",
        "Take the type out of `by`.",
        before="rule r\n  by {login: user, dns: client}\n  from login where failed\n",
        after="rule r\n  by {login: user}\n  from login where failed\n",
    ),
    Code(
        "E0240",
        "unknown list",
        "`x in NAME` reads a list that the rule set declares, and none has this name. A field is no list: whether a list inside"
        " of an event holds a value is `any(tags, x == ..)`.",
        "Correct the name, or declare the list: `list NAME: [..]` at the start of a line, in any file of the set.",
        before='list tiers: ["gold", "silver"]\nrule r\n  from login where tier in teirs\n',
        after='list tiers: ["gold", "silver"]\nrule r\n  from login where tier in tiers\n',
    ),
    Code(
        "E0241",
        "a list and something else",
        "The name behind `in` is a list of the rule set and, in this rule, a field, a step or a `let` as well: a reader could"
        " take it for either.",
        "Give the list another name.",
        before='list tier: ["gold"]\nrule r\n  from login where tier in tier\n',
        after='list tiers: ["gold"]\nrule r\n  from login where tier in tiers\n',
    ),
    Code(
        "E0242",
        "a macro defined by itself",
        "Macros are written out where they are used. One that leads back to itself would never end; the message prints the"
        " circle.",
        "Take one of them out of the circle.",
        before="macro odd(n): n > 0 and even(n - 1)\nmacro even(n): n == 0 or odd(n - 1)\n"
        "rule r\n  from login where odd(tries)\n",
        after="macro odd(n): n % 2 == 1\nmacro even(n): not odd(n)\nrule r\n  from login where odd(tries)\n",
    ),
    Code(
        "E0243",
        "a macro called like a function",
        "A macro of the name of a function or an aggregate would change what other rules say.",
        "Give it another name.",
        before='macro lower(x): x == "root"\nrule r\n  from login where lower(user) == "root"\n',
        after='macro is_root(x): x == "root"\nrule r\n  from login where is_root(user)\n',
    ),
    Code(
        "E0244",
        "a field declared as two types",
        "A `schema` block and cep.yml declare the same field of the same event type, and not alike.",
        "Keep one of the two, or write the same type in both.",
        before="schema telemetry {speed: text}\nrule r\n  from telemetry where speed > 90\n",
        after="schema telemetry {speed: number}\nrule r\n  from telemetry where speed > 90\n",
    ),
    Code(
        "W0204",
        "label looks misspelt",
        "In the `where` of a step a dotted name that does not begin with a label is a field of the event. This one begins with "
        "nearly the name of a label.",
        "Correct the label. If the event does hold such an object, give the label another name.",
        before="rule r\n  match fail -> okay\n  where fail: login\n        okay: login where ip != fial.ip\n  within 1h\n",
        after="rule r\n  match fail -> okay\n  where fail: login\n        okay: login where ip != fail.ip\n  within 1h\n",
    ),
    Code(
        "W0205",
        "compared with itself",
        "Both sides of a comparison are one field of one event, so the answer never changes. In the `where` of a step, "
        "`last(up).x` and `up.x` are of the event being tried: it counts as taken while its condition is judged.",
        "Write `up[-2].x` for the event taken before it. It is null at the first one, so say what holds then.",
        before="rule r\n  by item\n  match up{3}\n  where up: price where amount > last(up).amount\n  within 1h\n",
        after="rule r\n  by item\n  match up{3}\n"
        "  where up: price where up[-2].amount is null or amount > up[-2].amount\n  within 1h\n",
    ),
)
