"""Generated trees of rule files, as the parser makes them: whatever these hold, both spellings must be able to say."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from cep.errors import NOWHERE
from cep.lang import tree
from cep.lang.assemble import in_file_order
from cep.lang.declared import FIELD_KINDS, in_kind_order, kind_of, name_of
from cep.lang.pieces import part_name

KEYWORDS = """
rule test title severity tags description meta mode by from match where absent for within exclusive over when fire then let emit
once per every to at expect alert alerts nothing until with x5 or and not in table between is null true false lookup contains
icontains i r on no y n off yes NULL True expect unless source silent pick limit after skip none next past last first session
gap max bucket leak events resolve timeout rows suppress same budget runs full drop macro list schema key all of first_seen
changed baseline prev resolves runs
"""
ODD_TEXTS = [
    "", "null", "~", "on", "12:30", "1e3", "0x1f", "-5", "- a", "a: b", "a #b", "{x}", "'", '"', "\\d+\\", "a\nb", " a ", "...",
    "---", "=", "2024-01-01", "10.0.0.9", "a\n\n b\n", "#",
]  # fmt: skip
odd = st.text(st.characters(exclude_characters="`\n", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=6)
words = st.one_of(
    st.from_regex(r"[a-z_][a-z0-9_]{0,5}", fullmatch=True),
    st.sampled_from(KEYWORDS.split()),
    st.sampled_from(["größe", "日本", "a-b", "10", "a.b"]),
)
names = st.one_of(words, words, odd)
text = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\ufffe\uffff"), max_size=12),
    st.sampled_from(ODD_TEXTS),
)  # fmt: skip
spans = st.integers(0, 10**12).map(lambda us: us * 250)
numbers = st.one_of(st.integers(-(10**30), 10**30), st.floats(allow_nan=False, allow_infinity=False))


def node(kind: type[tree.Node], *parts: st.SearchStrategy, **named: st.SearchStrategy) -> st.SearchStrategy:
    return st.builds(kind, st.just(NOWHERE), *parts, **named)


def some(strategy: st.SearchStrategy, least: int = 0, most: int = 3, unique_by: object = None) -> st.SearchStrategy:
    return st.lists(strategy, min_size=least, max_size=most, unique_by=unique_by).map(tuple)  # type: ignore[arg-type]


paths = node(tree.Path, st.lists(names, min_size=1, max_size=3).map(tuple))
leaves = st.one_of(
    node(tree.Const, st.one_of(st.none(), st.booleans(), numbers, text)),
    node(tree.Duration, spans),
    node(tree.Size, st.integers(0, 10**15)),
    paths,
)


def _flat(op: str, operands: tuple[tree.Expr, ...]) -> tree.Logic:
    """What the parser makes of `and` beside `and`: one node."""
    inner = [
        part
        for operand in operands
        for part in (operand.operands if isinstance(operand, tree.Logic) and operand.op == op else (operand,))
    ]
    return tree.Logic(NOWHERE, op, tuple(inner))  # type: ignore[arg-type]


def _signed(operand: tree.Expr) -> tree.Expr:
    """What the parser makes of a minus: before a positive number it is part of it."""
    if isinstance(operand, tree.Const) and type(operand.value) in (int, float) and not str(operand.value).startswith("-"):
        return operand
    return tree.Unary(NOWHERE, "-", operand)


def _member(base: tree.Expr, name: str) -> tree.Expr:
    return tree.Path(NOWHERE, (*base.parts, name)) if isinstance(base, tree.Path) else tree.Member(NOWHERE, base, name)


OPS = """
+ - * / % == != < <= > >= ~ ~i =~ =~i
contains icontains startswith istartswith endswith iendswith
"""


def _grow(inner: st.SearchStrategy) -> st.SearchStrategy:
    return st.one_of(
        st.builds(_member, inner, names),
        node(tree.Index, inner, st.integers(-9, 9)),
        node(tree.Call, names, some(inner)),
        node(tree.Call, names, some(inner, 1), inner),
        node(tree.Lookup, names, inner),
        st.builds(_signed, inner),
        node(tree.Unary, st.just("not"), inner),
        node(tree.Binary, st.sampled_from(OPS.split()), inner, inner),
        st.builds(_flat, st.sampled_from(["and", "or"]), some(inner, 2)),
        node(tree.In, inner, some(inner), st.booleans()),
        node(tree.In, inner, st.just(()), st.booleans(), names),
        node(tree.In, inner, st.just(()), st.booleans(), st.none(), names),
        node(tree.Seen, st.sampled_from(["first_seen", "changed"]), some(inner, 1), spans),
        node(tree.Baseline, inner, spans, spans),
        node(tree.Between, inner, inner, inner, st.booleans()),
        node(tree.IsNull, inner, st.booleans()),
        node(tree.ListOf, some(inner)),
    )


exprs = st.recursive(leaves, _grow, max_leaves=8)


@st.composite
def key_parts(draw: st.DrawFn) -> tree.KeyPart:
    expr = draw(exprs.filter(lambda expr: not isinstance(expr, tree.ListOf)))
    own = part_name(expr)
    return tree.KeyPart(NOWHERE, draw(names) if own is None or draw(st.booleans()) else own, expr)


signs = st.sampled_from(["->", "->>", "=>"])
ends = st.tuples(st.one_of(st.none(), spans), st.one_of(st.none(), spans)).map(
    lambda pair: (min(pair), max(pair)) if None not in pair else pair  # type: ignore[type-var]  # not None
)
quantifiers = st.builds(
    lambda least, most, lazy: tree.Quantifier(NOWHERE, least, None if most is None else max(least, most), lazy),
    st.integers(0, 4),
    st.one_of(st.none(), st.integers(1, 9)),
    st.booleans(),
)
repeats = st.one_of(st.none(), node(tree.Repeat, quantifiers, signs, st.one_of(st.none(), spans), st.one_of(st.none(), names)))
counts = st.integers(1, 10**6)
withins = st.one_of(
    node(tree.Within, spans, st.booleans(), st.one_of(st.none(), counts)), node(tree.Within, st.none(), st.just(False), counts)
)
steps = node(tree.Step, names, st.just(False), repeats)


@st.composite
def any_orders(draw: st.DrawFn) -> tree.AnyOrder:
    labels = draw(some(names, 1, 4, unique_by=lambda label: label))
    count = draw(st.one_of(st.none(), st.integers(1, len(labels))))
    return tree.AnyOrder(NOWHERE, tuple(tree.Name(NOWHERE, label) for label in labels), count)


@st.composite
def sequences(draw: st.DrawFn, groups: st.SearchStrategy) -> tree.Sequence:
    options = st.one_of(steps, steps, any_orders(), groups)
    parts = st.one_of(
        node(tree.Step, names, st.just(True)), options, options, node(tree.Choice, some(options, 2)),
    )  # fmt: skip
    made = draw(some(parts, 1))
    return tree.Sequence(NOWHERE, made, tuple(tree.Arrow(NOWHERE, draw(signs), *draw(ends)) for _ in made[1:]))


def _grouped(inner: st.SearchStrategy) -> st.SearchStrategy:
    return node(tree.Group, sequences(inner), st.one_of(st.none(), withins), repeats)


def patterns() -> st.SearchStrategy:
    flat = node(tree.Group, sequences(steps), st.one_of(st.none(), withins), repeats)
    return sequences(st.recursive(flat, _grouped, max_leaves=3))


types = st.one_of(
    st.sampled_from(
        [
            "orders",
            "ssh.login",
            "to",
            "com.acme.v1",
            "a b",
            "",
            "x`y",
            "rule",
            "rule late",
            "rule to",
            "rule a b",
            "rule x`y",
            "rule  z",
            "rule ",
        ]
    ),
    names,
)
select = node(tree.Select, st.just(""), types, st.one_of(st.none(), exprs))
labelled = node(tree.Select, names, types, st.one_of(st.none(), exprs))
bodies = st.one_of(
    node(tree.From, select),
    node(tree.MatchClause, patterns(), some(labelled, 0, unique_by=lambda found: found.label)),
    node(tree.Absent, select, spans),
)
windows = st.one_of(
    node(tree.Over, spans),
    node(tree.Over, spans, spans, st.none(), st.one_of(st.none(), text)),
    node(tree.Over, st.just(0), st.none(), st.integers(1, 10**6)),
    node(tree.Per, spans, st.one_of(st.none(), text)),
    node(tree.Session, spans, st.one_of(st.none(), spans)),
    node(tree.Bucket, st.integers(1, 99), st.integers(1, 99), spans),
)
distinct_names = some(names, 1, unique_by=lambda name: name)
after_matches = st.one_of(
    node(tree.AfterMatch, st.sampled_from(["none", "next", "past last"])),
    node(tree.AfterMatch, st.sampled_from(["first", "last"]), names),
)
picks = st.one_of(
    st.tuples(st.none(), st.none()),
    st.tuples(node(tree.Pick, st.sampled_from(["first", "latest", "longest"])), st.none()),
    st.tuples(node(tree.Pick, st.just("all"), st.one_of(st.none(), st.integers(1, 99))), st.one_of(st.none(), after_matches)),
)
by = st.one_of(
    node(tree.By, some(key_parts(), 1)),
    node(tree.By, st.just(()), some(st.tuples(names, some(key_parts(), 1)), 1, unique_by=lambda pair: pair[0])),
)


@st.composite
def emit_fields(draw: st.DrawFn) -> tree.EmitField:
    expr = draw(exprs)
    own = expr.parts[-1] if isinstance(expr, tree.Path) else None
    return tree.EmitField(NOWHERE, own if own and draw(st.booleans()) else draw(names), expr)


plain_rules = node(
    tree.Rule,
    node(tree.Name, names.filter(str.strip)),
    bodies,
    title=st.one_of(st.none(), text),
    severity=st.sampled_from([None, "info", "low", "medium", "high", "critical"]),
    tags=some(text),
    description=st.one_of(st.none(), text),
    meta=some(st.tuples(text, text), unique_by=lambda pair: pair[0]),
    by=st.one_of(st.none(), by),
    within=st.one_of(st.none(), withins),
    window=st.one_of(st.none(), windows),
    when=st.one_of(st.none(), exprs),
    until=st.one_of(st.none(), exprs),
    resolve=st.one_of(st.none(), select),
    expect=st.one_of(st.none(), node(tree.Expect, distinct_names, names, st.one_of(st.none(), exprs))),
    unless_silent=st.booleans(),
    fire_each=st.booleans(),
    then_reset=st.booleans(),
    lets=some(node(tree.Let, names, exprs), unique_by=lambda let: let.name),
    emit=some(emit_fields(), unique_by=lambda field: field.name),
    on_timeout=st.one_of(st.none(), some(emit_fields(), 1, unique_by=lambda field: field.name)),
    once=st.one_of(st.none(), node(tree.Once, some(exprs), spans)),
    suppress=st.one_of(st.none(), node(tree.Suppress, distinct_names, spans)),
    budget=st.one_of(st.none(), node(tree.Budget, st.integers(1, 10**9), st.sampled_from(["oldest", "newest", "sample"]))),
    to=some(text),
)


@st.composite
def rules(draw: st.DrawFn) -> tree.Rule:
    """What hangs together: the mode and its share, `pick` and `after match`, `for` and no `absent`, rows and fields."""
    rule = draw(plain_rules)
    mode = draw(st.sampled_from(["enabled", "shadow", "canary", "disabled"]))
    pick, after_match = draw(picks)
    return replace(
        rule,
        mode=mode,
        canary_percent=draw(st.integers(1, 100)) if mode == "canary" else 100,
        pick=pick,
        after_match=after_match,
        for_us=None if isinstance(rule.body, tree.Absent) else draw(st.one_of(st.none(), spans)),
        emit_rows=bool(rule.emit) and draw(st.booleans()),
    )


constants = node(tree.Const, st.one_of(st.none(), st.booleans(), numbers, text))
fields = st.tuples(
    st.lists(names.filter(lambda name: "." not in name), min_size=1, max_size=3).map(".".join), st.sampled_from(FIELD_KINDS)
)
declarations = st.one_of(
    node(tree.Macro, node(tree.Name, names), some(names, 0, unique_by=lambda name: name), exprs),
    node(tree.ListBlock, node(tree.Name, names), some(constants)),
    node(tree.TableBlock, node(tree.Name, names), text, names),
    node(tree.SchemaBlock, node(tree.Name, types), some(fields, unique_by=lambda pair: pair[0])),
)
plain = st.recursive(
    st.one_of(st.none(), st.booleans(), numbers, text),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(text, inner, max_size=3)),
    max_leaves=6,
)
events = st.dictionaries(text.filter(lambda key: key != "type"), plain, max_size=3)
givens = node(tree.Given, spans, types, events, st.integers(1, 1000), st.just(0)) | node(
    tree.Given, spans, types, events, st.integers(1, 9), spans
)
checks = node(tree.Check, names, st.sampled_from(["==", "!=", "<", "<=", ">", ">="]), plain)
alerts = node(tree.ExpectAlerts, st.integers(0, 20), st.one_of(st.none(), spans), some(checks), st.booleans())


@st.composite
def rule_tests(draw: st.DrawFn, known: list[str]) -> tree.RuleTest:
    silent = draw(st.booleans())
    expect = (draw(node(tree.ExpectNothing, st.one_of(st.none(), spans))),) if silent else draw(some(alerts, 1))
    until = None if silent else draw(st.one_of(st.none(), spans))
    rule = tree.Name(NOWHERE, draw(st.one_of(st.sampled_from(known), names) if known else names))
    return tree.RuleTest(NOWHERE, rule, draw(text), draw(some(givens)), expect, until)


def _kind_and_name(found: tree.Declaration) -> tuple[str, str]:
    return kind_of(found), name_of(found).text


@st.composite
def files(draw: st.DrawFn) -> tree.File:
    made = draw(some(rules(), 0, 2))
    own = draw(some(rule_tests([rule.id.text for rule in made]), 0, 2))
    shared = in_kind_order(draw(some(declarations, 0, 3, _kind_and_name)))
    return tree.File(NOWHERE, "", made, in_file_order(made, own), declarations=shared)
