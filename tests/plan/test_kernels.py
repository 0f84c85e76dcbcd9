"""What compiled rules say: values by type, keys, titles, noise keys; and that nothing of a rule's text becomes code."""

from __future__ import annotations

import math
import time
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cep.event import Batch
from cep.match.select import Selector
from cep.plan import ir
from cep.plan.exact import add_to, fresh_total, value_of
from cep.plan.globs import compile_glob
from cep.plan.ir import Expr
from cep.plan.kernels import RuleKernels, compile_rule
from cep.plan.paths import attribute
from cep.plan.plan import (
    FilterBody,
    KeyPlan,
    Node,
    OncePlan,
    Register,
    RegisterKind,
    RulePlan,
    Select,
    SequenceBody,
    StepPlan,
    TitlePart,
)  # fmt: skip
from cep.timestamps import iso_text, microseconds
from cep.types import Type
from tests.judge.values import Scope, value

N, T, B, ANY = Type.NUMBER, Type.TEXT, Type.BOOL, Type.ANY
TABLES: dict[str, dict[Any, dict[str, Any]]] = {"users": {"ana": {"level": 3, "name": 7}, 5: {"level": "x"}}}


def field(name: str, kind: Type = N) -> ir.Field:
    return ir.Field(tuple(name.split(".")), kind)


def const(value: Any, kind: Type = N) -> ir.Const:
    return ir.Const(value, kind)


def compiled(*emit: Expr, names: tuple[str, ...] = (), types: tuple[Type, ...] = (), **more: Any) -> RuleKernels:
    key = KeyPlan(names, (("e", tuple(field(name) for name in names)),), types)
    plan = RulePlan("r", "v", key, FilterBody(Select("e")), tuple((f"x{n}", expr) for n, expr in enumerate(emit)), **more)
    return compile_rule(plan, TABLES, rows="dict")


def value_in(expr: Expr, row: dict[str, Any], time_us: int = 0) -> Any:
    return compiled(expr).emit([], (), row, time_us)["x0"]


@pytest.mark.parametrize(
    ("expr", "row", "want"),
    [
        (field("ts", Type.TIME), {}, "2024-06-10T06:13:20.000Z"),
        (const(1_718_000_000_123_456, Type.TIME), {}, "2024-06-10T06:13:20.123456Z"),
        (field("at", Type.TIME), {"at": 1_718_000_000}, "2024-06-10T06:13:20.000Z"),
        (field("at", Type.TIME), {"at": "soon"}, None),
        (const(90_000_000, Type.SPAN), {}, 90),
        (const(1_500_000, Type.SPAN), {}, 1.5),
        (ir.Arith("/", const(3, Type.SPAN), const(2), Type.SPAN), {}, 0.000002),
        (ir.Item(field("xs", Type.LIST), 1, N), {"xs": [1, "a"]}, None),
        (ir.Item(field("xs", Type.LIST), -1, T), {"xs": [1, "a"]}, "a"),
        (ir.Column("users", field("u", T), "level", N), {"u": "ana"}, 3),
        (ir.Column("users", field("u", T), "name", T), {"u": "ana"}, None),
        (ir.Column("users", field("u", ANY), "level", T), {"u": 5.0}, "x"),
        (ir.Column("users", field("u", ANY), "level", T), {"u": [5]}, None),
        (ir.InTable(field("u", ANY), "users"), {"u": {"a": 1}}, False),
        (ir.Compare("==", field("u", ANY), const("a", T)), {"u": ["a"]}, False),
        (ir.TextMatch("regex", field("u", T), const("a+b$", T), False), {"u": "xaab"}, True),
        (ir.Not(ir.TextMatch("regex", field("u", T), const("A+b$", T), True)), {"u": "xaab"}, False),
        (ir.Not(ir.TextMatch("regex", field("u", T), const("a", T), False)), {}, None),
        (ir.TextMatch("contains", field("u", ANY), const("a", T), False), {"u": 5}, None),
        (field("a.b.c"), {"a": {"b": None}}, None),
        (ir.Arith("*", const(10**400), const(1.5), N), {}, None),
        (ir.Arith("/", const(10**400), const(3), N), {}, None),
    ],
)
def test_values_are_told_by_their_type(expr: Expr, row: dict[str, Any], want: Any) -> None:
    assert value_in(expr, row, 1_718_000_000_000_000) == want


def test_bools_of_a_key_are_marked_for_matchers_and_plain_for_readers() -> None:
    one = compiled(ir.KeyPart(0, B), names=("b",), types=(B,))
    assert one.emit([], ("bool", True), {}, 0) == {"x0": True}
    two = compiled(ir.KeyPart(0, ANY), ir.KeyPart(1, T), names=("b", "u"), types=(ANY, T))
    assert two.emit([], (("bool", False), "ana"), {}, 0) == {"x0": False, "x1": "ana"}
    assert two.emit([], (5, "ana"), {}, 0) == {"x0": 5, "x1": "ana"}


def test_a_title_says_values_in_words() -> None:
    parts = [
        TitlePart("{0} "), TitlePart(expr=ir.Emitted("x0", T)), TitlePart(" for "), TitlePart(expr=const(90_000_000, Type.SPAN)),
        TitlePart(expr=field("gone")), TitlePart(expr=field("on", B)), TitlePart(expr=field("xs", Type.LIST)),
    ]  # fmt: skip
    kernels = compiled(field("user", T), title=tuple(parts))
    row = {"user": "it's {ana}", "on": True, "xs": [1, "a"]}
    assert kernels.title(kernels.emit([], (), row, 0), [], (), row, 0) == "{0} it's {ana} for 90snulltrue1, a"
    assert compiled().title({}, [], (), {}, 0) == ""


def test_the_noise_key_has_the_shape_of_a_key() -> None:
    def key(*per: Expr) -> Any:
        kernels = compiled(field("f"), once=OncePlan(per, 1, "x"))
        assert kernels.once is not None
        return kernels.once({"x0": 1.0, "ok": True}, [], "ana", {}, 0)

    assert key() == ()
    assert key(ir.Emitted("x0", ANY)) == 1
    assert key(ir.Emitted("ok", B), ir.Emitted("none", T)) == (("bool", True), None)


def test_rules_that_differ_in_constants_alone_share_their_code() -> None:
    a, b = (compiled(ir.Arith("+", field("n"), const(c), N)) for c in (1, 2))
    assert a.emit.__code__ is b.emit.__code__
    assert (a.emit([], (), {"n": 1}, 0), b.emit([], (), {"n": 1}, 0)) == ({"x0": 2}, {"x0": 3})


HOSTILE = ["__import__('os')", "a'b", 'a"b', "a\\", "a\nb", "x_6e", "_n", "class", "n\u0301", "", "日本", "\ud800", "{}", "self"]


def test_no_name_or_text_of_a_rule_becomes_code() -> None:
    row = {name: {name: n} for n, name in enumerate(HOSTILE)}
    exprs = [ir.Field((name, name), N) for name in HOSTILE] + [const(name, T) for name in HOSTILE]
    assert list(compiled(*exprs).emit([], (), row, 0).values()) == [*range(len(HOSTILE)), *HOSTILE]
    attributes = [attribute(name) for name in [*HOSTILE, "n", "é", "e\u0301", "x_n"]]
    assert len(set(attributes)) == len(attributes)
    assert all(name.isidentifier() and name.isascii() and not name.startswith("_") for name in attributes)


def test_a_fork_and_a_condition_after_taking_see_their_own_registers() -> None:
    kept = (
        Register(RegisterKind.FIRST, 0, N, field("n"), skip_nulls=False),
        Register(RegisterKind.SUM, 0, N, field("n")),
        Register(RegisterKind.DISTINCT, 0, N, field("n", ANY)),
    )
    cond = ir.And(
        (
            ir.Compare(">", field("n"), ir.Reg(0, N)),
            ir.Compare("<", ir.Reg(1, N), const(10)),
            ir.Compare("==", ir.Reg(2, N), const(2)),
        )
    )
    body = SequenceBody((StepPlan("a", Select("e"), cond, cond_after_take=True),), (Node(0, 1, None),), None, registers=kept)
    kernels = compile_rule(RulePlan("r", "v", KeyPlan((), (("e", ()),)), body, ()), {}, rows="dict")
    take, judge = kernels.take[0], kernels.cond[0]
    assert take is not None
    assert judge is not None
    g = kernels.fresh()
    take(g, {"n": None}, 0)
    fork = kernels.copy(g)
    for row in ({"n": 1}, {"n": True}):
        take(fork, row, 1)
    assert kernels.read(g) == [None, 0, 0]
    take(g, {"n": 4}, 1)
    take(g, {"n": 4.5}, 2)
    assert kernels.read(g) == [None, 8.5, 2]
    assert judge(g, (), {"n": 9}, 2) is False  # the first was null: unknown
    g[0] = (4,)
    assert judge(g, (), {"n": 9}, 2) is True


FLOATS = st.floats(allow_nan=False, allow_infinity=False)


@given(st.lists(st.one_of(FLOATS, st.integers(-(2**70), 2**70))))
def test_sums_are_exact(numbers: list[int | float]) -> None:
    total = fresh_total()
    for x in numbers:
        add_to(total, x)
    want: int | float | None
    if any(isinstance(x, float) for x in numbers):
        try:
            want = float(sum(map(Fraction, numbers), Fraction(0)))
        except OverflowError:
            want = None
    else:
        want = sum(numbers)
    got = value_of(total)
    assert (type(got), got) == (type(want), want)


def test_a_hostile_glob_takes_linear_time() -> None:
    fits = compile_glob("*a" * 50 + "*?b")
    start = time.perf_counter()
    assert not fits("a" * 20_000)
    assert time.perf_counter() - start < 1


@given(st.integers(0, 4_102_444_799_999_999))
def test_times_are_written_as_they_are_read(time_us: int) -> None:
    text = iso_text(time_us)
    assert text is not None
    assert microseconds(text) == time_us
    assert len(text) == (27 if time_us % 1000 else 24)


@pytest.mark.parametrize("written", [math.nan, math.inf, -math.inf, 1e300, 10**300, "", "x" * 100, "12:00", True, None, [1]])
def test_what_is_no_time_is_none_or_far_away(written: Any) -> None:
    time_us = microseconds(written)
    assert time_us is None or time_us > 4_102_444_800_000_000


def nested(levels: int, wrap: Any) -> Expr:
    expr: Expr = field("n")
    for level in range(levels):
        expr = wrap(expr, const(level % 3))
    return expr


@pytest.mark.parametrize(
    "wrap",
    [
        lambda x, c: ir.Neg(x, N),
        lambda x, c: ir.Arith("-", x, c, N),
        lambda x, c: ir.Call("abs", (x,), N),
        lambda x, c: ir.Call("if", (ir.Compare(">", x, c), c, ir.Arith("-", field("n"), c, N)), N),
        lambda x, c: ir.Call("coalesce", (ir.Item(field("xs", Type.LIST), 0, N), x), N),
    ],
    ids=["neg", "arith", "abs", "if", "coalesce"],
)
def test_very_deep_expressions_compile_to_short_code(wrap: Any) -> None:
    expr = nested(40, wrap)
    cond = ir.Not(ir.Compare(">", expr, const(1)))
    key = KeyPlan(("k",), (("e", (expr,)),))
    plan = RulePlan("r", "v", key, FilterBody(Select("e", cond)), (("x", expr), ("y", cond)))
    kernels, selector = compile_rule(plan, {}, rows="dict"), Selector([plan], {}, rows="dict")
    rows: list[dict[str, Any]] = [{"n": 1}, {"n": None}, {"n": 2.5}, {"n": -7}]
    want = [[value(one, Scope(row, 0)) for one in (expr, cond)] for row in rows]
    assert [list(kernels.emit([], 1, row, 0).values()) for row in rows] == want
    hits = selector.select(Batch(rows, [0] * 4, range(4), ["e"] * 4))[0]
    assert hits.rows == [n for n, (key_value, judged) in enumerate(want) if judged is True and key_value is not None]


def test_filter_rules_share_functions_only_where_they_tell_the_same() -> None:
    known: dict[str, RuleKernels] = {}

    def emitting(value: Any, select: str) -> RuleKernels:
        body = FilterBody(Select("e", ir.Compare("==", field("a", T), const(select, T))))
        return compile_rule(RulePlan("r", "v", KeyPlan((), (("e", ()),)), body, (("x", const(value)),)), {}, known=known)

    one = emitting(1, "u1")
    assert emitting(1, "u2") is one
    assert repr(emitting(1.0, "u1").emit([], (), {}, 0)["x"]) == "1.0"  # to Python equal, in an alert not the same
