"""The tree both spellings parse to. Nodes compare equal whatever their spans: that is how tests hold text == YAML.

Nothing here knows types or names; `cep.plan` reads this tree and nothing else of `cep.lang`.
"""

from __future__ import annotations

from dataclasses import field
from typing import Literal

from cep.errors import Span
from cep.records import record

# ---------------------------------------------------------------- expressions


@record(frozen=True, slots=True)
class Node:
    span: Span = field(compare=False)


@record(frozen=True, slots=True)
class Const(Node):
    """`5`, `2.5`, `"text"`, `true`, `null`. Integers stay integers, of any size; `5`, `5.0` and `true` are not the same."""

    value: bool | int | float | str | None

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Const):
            return NotImplemented
        return type(self.value) is type(other.value) and self.value == other.value

    def __hash__(self) -> int:
        return hash((type(self.value), self.value))


@record(frozen=True, slots=True)
class Duration(Node):
    """`500ms 10s 5m 2h 7d`; compares and calculates as a time span."""

    us: int


@record(frozen=True, slots=True)
class Size(Node):
    """`10MB`: a number of bytes (KB MB GB TB = powers of 1000, KiB MiB .. = powers of 1024)."""

    number_of_bytes: int


@record(frozen=True, slots=True)
class Path(Node):
    """`speed`, `ok.ip`, `process.parent.name`, `` `odd name`.x ``: whether the head is a label or a field, `plan` decides."""

    parts: tuple[str, ...]


@record(frozen=True, slots=True)
class Member(Node):
    """A field of something that is not a plain path: `first(fail).ip`, `fail[0].ip`, `lookup t[k].name`."""

    base: Expr
    name: str


@record(frozen=True, slots=True)
class Index(Node):
    """`fail[0]`, `fail[-1]`, `tags[2]`."""

    base: Expr
    index: int


@record(frozen=True, slots=True)
class Call(Node):
    """`count()`, `max(speed)`, `count(status >= 500)`, `sum(amount where currency == "EUR")`, `cidr(ip, "10.0.0.0/8")`."""

    name: str
    args: tuple[Expr, ...]
    where: Expr | None = None


@record(frozen=True, slots=True)
class Lookup(Node):
    """`lookup customers[placed.customer_id]`: a row of a table; `Member` picks its column."""

    table: str
    key: Expr


@record(frozen=True, slots=True)
class Unary(Node):
    op: Literal["-", "not"]
    operand: Expr


BinaryOp = Literal[
    "+", "-", "*", "/", "%", "==", "!=", "<", "<=", ">", ">=",
    "~", "~i", "=~", "=~i", "contains", "icontains", "startswith", "istartswith", "endswith", "iendswith",
]  # fmt: skip


@record(frozen=True, slots=True)
class Binary(Node):
    """Arithmetic, comparison, text match (`~` glob, `=~` regex; the forms with `i` ignore case)."""

    op: BinaryOp
    left: Expr
    right: Expr


@record(frozen=True, slots=True)
class Logic(Node):
    op: Literal["and", "or"]
    operands: tuple[Expr, ...]  # two or more, flattened


@record(frozen=True, slots=True)
class In(Node):
    """`x in ["a", "b"]`, `x not in [..]`; `x in table NAME` holds the name in `table` and no items, `x in NAME` (a list of the
    rule set) holds it in `named`."""

    operand: Expr
    items: tuple[Expr, ...]
    negated: bool
    table: str | None = None
    named: str | None = None


@record(frozen=True, slots=True)
class Between(Node):
    """`x between 1 and 5`, both ends in."""

    operand: Expr
    low: Expr
    high: Expr
    negated: bool


@record(frozen=True, slots=True)
class IsNull(Node):
    operand: Expr
    negated: bool


@record(frozen=True, slots=True)
class ListOf(Node):
    items: tuple[Expr, ...]


@record(frozen=True, slots=True)
class Seen(Node):
    """`first_seen(user, country) in 30d`: no earlier event of the last 30 days had these values. `changed(status) in 1d`: the
    latest earlier one of that time had other values."""

    kind: Literal["first_seen", "changed"]
    values: tuple[Expr, ...]
    us: int


@record(frozen=True, slots=True)
class Baseline(Node):
    """`baseline(count() per 5m, over 7d)`: the mean of an aggregate over the whole windows of five minutes that lie in the seven
    days before."""

    aggregate: Expr
    per_us: int
    over_us: int


Expr = (
    Const | Duration | Size | Path | Member | Index | Call | Lookup | Unary | Binary | Logic | In | Between | IsNull | ListOf
    | Seen | Baseline
)  # fmt: skip

# ---------------------------------------------------------------- patterns


ArrowKind = Literal["->", "->>", "=>"]


@record(frozen=True, slots=True)
class Quantifier(Node):
    """`?` is 0..1, `+` 1.., `*` 0.., `{n}` `{n,}` `{n,m}`; no upper end is None. A `?` behind it makes it lazy."""

    min: int
    max: int | None
    lazy: bool = False


@record(frozen=True, slots=True)
class Repeat(Node):
    """How often a step or group is taken, and how its passes follow each other: `x{3,}`, `x+?`, `x+[=>]`, `x{3,}[->>]`,
    `x+ gap 1m`, `x+ until y`."""

    quantifier: Quantifier
    inner: ArrowKind = "->"
    gap_us: int | None = None
    until: str | None = None  # a label


@record(frozen=True, slots=True)
class Step(Node):
    """One label of a pattern: `fail{10,}`, `!paid`."""

    label: str
    negated: bool = False
    repeat: Repeat | None = None


@record(frozen=True, slots=True)
class Group(Node):
    """`(a -> b){2,}`; `(a -> b within 1m)` bounds each pass."""

    body: Sequence
    within: Within | None = None
    repeat: Repeat | None = None


@record(frozen=True, slots=True)
class Choice(Node):
    """`a | b`, `a{2} | (b -> c)`."""

    options: tuple[Step | Group | AnyOrder, ...]


@record(frozen=True, slots=True)
class AnyOrder(Node):
    """`all(a, b, c)` (then `count` is None), `2 of (a, b, c)`: one event for each of so many different labels, in any order."""

    labels: tuple[Name, ...]
    count: int | None = None


Part = Step | Group | Choice | AnyOrder


@record(frozen=True, slots=True)
class Arrow(Node):
    """How the next part follows: `->` later, `->>` every later, `=>` immediately next among the rule's own events of the key.
    `->[1s..30m]` bounds the delay since the last event taken, both ends in; `->[1s..]` and `->[..30m]` leave one open."""

    kind: ArrowKind
    min_us: int | None = None
    max_us: int | None = None


@record(frozen=True, slots=True)
class Sequence(Node):
    """`a -> b => c`: arrows[i] stands before parts[i + 1]."""

    parts: tuple[Part, ...]
    arrows: tuple[Arrow, ...]


# ---------------------------------------------------------------- clauses


@record(frozen=True, slots=True)
class Name(Node):
    text: str


@record(frozen=True, slots=True)
class Select(Node):
    """`auth where outcome == "failure"`: events of one type that fit a condition. `label` is empty in `from` and `absent`.
    `breach: rule brute_force` takes the alerts of a rule as events: then `type` is "rule brute_force"."""

    label: str
    type: str
    where: Expr | None = None


@record(frozen=True, slots=True)
class KeyPart(Node):
    """One part of `by`: an expression, and the name it goes by in `emit` and alerts (the path's last part if not given)."""

    name: str
    expr: Expr


@record(frozen=True, slots=True)
class By(Node):
    """`by user, host`; or per event type `by {auth: user, dns: client}`: then `types` holds (type, parts) and `parts` is
    empty. A composite per-type key is written with lists: `by {auth: [user, host], dns: [client, name]}`."""

    parts: tuple[KeyPart, ...] = ()
    types: tuple[tuple[str, tuple[KeyPart, ...]], ...] = ()


@record(frozen=True, slots=True)
class From(Node):
    select: Select


@record(frozen=True, slots=True)
class MatchClause(Node):
    pattern: Sequence
    where: tuple[Select, ...]  # one per label, those of `until` included


@record(frozen=True, slots=True)
class Absent(Node):
    """`absent heartbeat where P for 3m`."""

    select: Select
    for_us: int


@record(frozen=True, slots=True)
class Within(Node):
    """`within 10m`, `within 10m exclusive`, counted in own events `within 200 events`, or both: `within 10m and 200 events`. What
    is not bounded is None; `exclusive` is about the time."""

    us: int | None
    exclusive: bool = False
    events: int | None = None


@record(frozen=True, slots=True)
class Over(Node):
    """`over 10m` slides; `over 10m every 1m` hops (`zone`: the zone its ends are aligned to); `over 100 events`."""

    us: int
    every_us: int | None = None
    events: int | None = None
    zone: str | None = None


@record(frozen=True, slots=True)
class Per(Node):
    """`per 10m`, `per 1d in "Europe/Berlin"`: windows side by side, judged at their ends."""

    us: int
    zone: str | None = None


@record(frozen=True, slots=True)
class Session(Node):
    """`session gap 5m max 1h`."""

    gap_us: int
    max_us: int | None = None


@record(frozen=True, slots=True)
class Bucket(Node):
    """`bucket 5 leak 1 per 10s`: each event adds one, one leaks every ten seconds; told when it runs over."""

    size: int
    leak: int
    per_us: int


Window = Over | Per | Session | Bucket


@record(frozen=True, slots=True)
class Expect(Node):
    """`expect host in table hosts where active`: keys that ought to be heard of. `names` are parts of the key, `where` reads
    columns of the table."""

    names: tuple[str, ...]
    table: str
    where: Expr | None = None


@record(frozen=True, slots=True)
class Suppress(Node):
    """`suppress same user, ip for 10m`: alerts that emit the same."""

    fields: tuple[str, ...]
    us: int


@record(frozen=True, slots=True)
class Pick(Node):
    """`pick first`, `pick latest`, `pick longest`, `pick all limit 10`."""

    kind: Literal["first", "latest", "longest", "all"]
    limit: int | None = None


@record(frozen=True, slots=True)
class AfterMatch(Node):
    """`after match skip none`, `... to next`, `... past last`, `... to first X`, `... to last X`."""

    kind: Literal["none", "next", "past last", "first", "last"]
    label: str | None = None


@record(frozen=True, slots=True)
class Budget(Node):
    """`budget 1000 runs, on full drop oldest`: the most partial matches (windows, keys) the rule holds at once."""

    most: int
    on_full: Literal["oldest", "newest", "sample"] = "oldest"


@record(frozen=True, slots=True)
class Let(Node):
    name: str
    expr: Expr


@record(frozen=True, slots=True)
class EmitField(Node):
    """`readings = count()`, or a bare `truck_id` (then `name` is the path's last part and `bare` holds)."""

    name: str
    expr: Expr
    bare: bool = field(default=False, compare=False)


@record(frozen=True, slots=True)
class Once(Node):
    """`once per user every 1h`; `once every 1h` has no `per` and mutes the whole rule."""

    per: tuple[Expr, ...]
    every_us: int


# ---------------------------------------------------------------- tests


@record(frozen=True, slots=True)
class Given(Node):
    """`at 0s telemetry {speed: 95} x5 every 1m`. `event` is plain data (dicts, lists, scalars)."""

    at_us: int
    type: str
    event: object
    repeat: int = 1
    every_us: int = 0


@record(frozen=True, slots=True)
class Check(Node):
    """`readings == 5`: one claim about an alert's emitted fields, or about `key`, `severity`, `title`, `events`."""

    field: str
    op: Literal["==", "!=", "<", "<=", ">", ">="]
    value: object


@record(frozen=True, slots=True)
class ExpectAlerts(Node):
    """`expect 1 alert at 4m with readings == 5 and top > 90`: exactly `count` alerts fit it. A test's expectations
    together account for every alert: one that fits none of them fails the test. `expect 1 resolve at 10m` is about alerts
    that resolve."""

    count: int
    at_us: int | None = None
    checks: tuple[Check, ...] = ()
    resolves: bool = False


@record(frozen=True, slots=True)
class ExpectNothing(Node):
    """`expect nothing until 15m`: no alerts; the clock runs on to `until` (timers fire), else stops at the last time written."""

    until_us: int | None = None


@record(frozen=True, slots=True)
class RuleTest(Node):
    rule: Name
    name: str
    given: tuple[Given, ...]
    expect: tuple[ExpectAlerts | ExpectNothing, ...]
    until_us: int | None = None  # `until 15m` on a line of its own: the clock runs on to here


# ---------------------------------------------------------------- rules and files

Mode = Literal["enabled", "shadow", "canary", "disabled"]


@record(frozen=True, slots=True)
class Rule(Node):
    """One rule, as written. Clauses that were not written are None or empty."""

    id: Name
    body: From | MatchClause | Absent
    title: str | None = None
    severity: str | None = None
    tags: tuple[str, ...] = ()
    description: str | None = None
    meta: tuple[tuple[str, str], ...] = ()
    by: By | None = None
    within: Within | None = None
    window: Window | None = None
    when: Expr | None = None
    for_us: int | None = None  # `for 5m`: `when` must hold so long
    until: Expr | None = None  # `until C`: once open, only this resolves
    resolve: Select | None = None  # `resolve when TYPE where P`
    expect: Expect | None = None
    unless_silent: bool = False  # `unless source silent`
    pick: Pick | None = None
    after_match: AfterMatch | None = None
    fire_each: bool = False  # `fire each`: an alert at each event after which `when` is true
    then_reset: bool = False  # `then reset`: the window is emptied by the alert
    lets: tuple[Let, ...] = ()
    emit: tuple[EmitField, ...] = ()
    emit_rows: bool = False  # `emit rows`: one row per event of the match
    on_timeout: tuple[EmitField, ...] | None = None  # `on timeout emit`
    once: Once | None = None
    suppress: Suppress | None = None
    budget: Budget | None = None
    to: tuple[str, ...] = ()
    mode: Mode = "enabled"
    canary_percent: int = 100
    title_span: Span | None = field(default=None, compare=False)  # where the title's text stands, quotes included
    to_spans: tuple[Span, ...] = field(default=(), compare=False)  # one per channel


@record(frozen=True, slots=True)
class Comment:
    """A comment and what it belongs to: `anchor` is a rule, a test or a line of one, as ("rule", 0, "by") or
    ("test", 2, "given", 1),
    ("declaration", 0), or ("file",). `text` begins with `#`; an empty one is a blank line between comments."""

    anchor: tuple[str | int, ...]
    place: Literal["before", "beside", "after"]
    text: str


# ---------------------------------------------------------------- what rules share


@record(frozen=True, slots=True)
class Macro(Node):
    """`macro internal(ip): cidr(ip, "10.0.0.0/8")`: a predicate (or value) by name, written out where it is used."""

    name: Name
    parameters: tuple[str, ...]
    expr: Expr


@record(frozen=True, slots=True)
class ListBlock(Node):
    """`list eu: ["DE", "FR"]`: constants by name, for `x in eu`."""

    name: Name
    items: tuple[Const, ...]


@record(frozen=True, slots=True)
class TableBlock(Node):
    """`table hosts from "hosts.csv" key host`: reference data from a file beside the rules."""

    name: Name
    file: str
    key: str


@record(frozen=True, slots=True)
class SchemaBlock(Node):
    """`schema login {user: text, process.name: text}`: the fields of an event type."""

    type: Name
    fields: tuple[tuple[str, str], ...]  # dotted path, one of number text bool time list
    spans: tuple[Span, ...] = field(default=(), compare=False)  # one per field


Declaration = Macro | ListBlock | TableBlock | SchemaBlock


@record(frozen=True, slots=True)
class File(Node):
    """Everything one file says: rules in the order written, tests in the order of their rules, declarations by kind (schemas,
    tables, lists, macros) and then as written: so both spellings print them alike."""

    path: str
    rules: tuple[Rule, ...]
    tests: tuple[RuleTest, ...]
    comments: tuple[Comment, ...] = field(default=(), compare=False)
    declarations: tuple[Declaration, ...] = ()
