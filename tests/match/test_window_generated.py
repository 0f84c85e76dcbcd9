"""Window, filter and absence matchers against the judge, on generated rules and streams."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from cep.match.absent import AbsentMatcher
from cep.match.filter import FilterMatcher
from cep.match.window import WindowMatcher
from cep.plan.ir import And, Arith, Compare, Const, Expr, Field, KeyPart, Not, Or, Reg
from cep.plan.plan import AbsentBody, Body, FilterBody, KeyPlan, Register, RegisterKind, RulePlan, Select, WindowBody
from cep.types import Type
from tests.judge.patterns import cuts, run_matcher, same
from tests.judge.values import Seen
from tests.judge.windows import judge

X = Field(("x",), Type.NUMBER)
ANY = Field(("any",), Type.ANY)
LARGE_X = Compare(">", X, Const(2, Type.NUMBER))
KEY_FIELD = Field(("k",), Type.ANY)
ONE_KEY = KeyPlan(("k",), (("e", (KEY_FIELD,)),), (Type.ANY,))
TWO_KEYS = KeyPlan(("k", "g"), (("e", (KEY_FIELD, Field(("g",), Type.TEXT))),), (Type.ANY, Type.TEXT))
NO_KEY = KeyPlan((), (("e", ()),))

# Sums of these show in which order they were made, unless they are exact.
NUMBERS = [1, 2, 3, 0.5, 0.1, -0.1, 1e16, -1e16, 1.0, 2**53 + 1, 1e308, 1e-300, None]
KINDS = [
    Register(RegisterKind.COUNT, 0, Type.NUMBER),
    Register(RegisterKind.COUNT, 0, Type.NUMBER, where=LARGE_X),
    Register(RegisterKind.COUNT, 0, Type.NUMBER, X),
    Register(RegisterKind.SUM, 0, Type.NUMBER, X),
    Register(RegisterKind.SUM, 0, Type.NUMBER, X, where=LARGE_X),
    Register(RegisterKind.AVG, 0, Type.NUMBER, X),
    Register(RegisterKind.MIN, 0, Type.NUMBER, X),
    Register(RegisterKind.MAX, 0, Type.NUMBER, X),
    Register(RegisterKind.DISTINCT, 0, Type.NUMBER, X),
    Register(RegisterKind.DISTINCT, 0, Type.NUMBER, ANY),
    Register(RegisterKind.FIRST, 0, Type.NUMBER, X),
    Register(RegisterKind.LAST, 0, Type.NUMBER, X),
    Register(RegisterKind.FIRST, 0, Type.NUMBER, X, skip_nulls=False),
    Register(RegisterKind.LAST, 0, Type.NUMBER, X, skip_nulls=False),
    Register(RegisterKind.NTH, 0, Type.NUMBER, X, nth=1),
    Register(RegisterKind.NTH, 0, Type.NUMBER, X, nth=-2),
]


@st.composite
def streams(draw: st.DrawFn, longest: int = 24) -> list[Seen]:
    """Events in feeding order: equal times, several keys (one of them null), values that are null, inexact or large."""
    rows = draw(
        st.lists(
            st.tuples(
                st.sampled_from([0, 0, 0, 1, 1, 2, 4, 9]),
                st.sampled_from(["p", "p", "p", "q", 1, True, None]),
                st.sampled_from(["g", "g", "h"]),
                st.sampled_from(NUMBERS),
                st.sampled_from([True, 1, 1.0, "1", None]),
                st.sampled_from("eeeeee!"),
            ),
            max_size=longest,
        )
    )
    events, now = [], 0
    for number, (gap, key, group, x, anything, type_) in enumerate(rows, 1):
        now += gap
        events.append(Seen(now, type_, {"k": key, "g": group, "x": x, "any": anything}, f"i{number}"))
    return events


def rule(body: Body, key: KeyPlan) -> RulePlan:
    """A rule that emits all its registers (a filter: the row)."""
    registers = () if isinstance(body, FilterBody) else body.registers
    emit: list[tuple[str, Expr]] = [(f"r{i}", Reg(i, register.type)) for i, register in enumerate(registers)]
    emit += [(name, KeyPart(i, Type.ANY)) for i, name in enumerate(key.names)]
    if isinstance(body, FilterBody):
        emit.append(("x", X))
    return RulePlan("r", "v", key, body, tuple(emit))


@st.composite
def claims(draw: st.DrawFn, registers: tuple[Register, ...]) -> Expr:
    """Conditions over registers: comparisons with constants on either side, ratios, and their and, or, not."""
    index = draw(st.integers(0, len(registers) - 1))
    left: Expr = Reg(index, Type.NUMBER)
    if draw(st.integers(0, 3)) == 3:
        left = Arith(draw(st.sampled_from("/-+")), left, Reg(draw(st.integers(0, len(registers) - 1)), Type.NUMBER), Type.NUMBER)
    bound = Const(draw(st.sampled_from([0, 1, 2, 3, 0.5, 2.5])), Type.NUMBER)
    op = draw(st.sampled_from([">=", ">=", ">", "<", "<=", "==", "!="]))
    claim: Expr = Compare(op, left, bound) if draw(st.booleans()) else Compare(op, bound, left)
    match draw(st.sampled_from(["", "", "", "and", "or", "not"])):
        case "and":
            return And((claim, draw(claims(registers))))
        case "or":
            return Or((claim, draw(claims(registers))))
        case "not":
            return Not(claim)
        case _:
            return claim


@st.composite
def any_windows(draw: st.DrawFn) -> WindowBody:
    registers = tuple(draw(st.lists(st.sampled_from(KINDS), min_size=1, max_size=4)))
    return WindowBody(
        Select("e", draw(st.sampled_from([None, LARGE_X]))),
        draw(st.sampled_from([0, 1, 2, 3, 5, 8])),
        registers,
        draw(claims(registers)),
        fire_each=draw(st.booleans()),
        then_reset=draw(st.booleans()),
    )


@st.composite
def counting_windows(draw: st.DrawFn) -> WindowBody:
    """`count() >= n`, and what else is emitted."""
    registers = (KINDS[0], *draw(st.lists(st.sampled_from(KINDS), max_size=2)))
    bound = Const(draw(st.sampled_from([-1, 0, 1, 2, 3, 2.5, 5, 20])), Type.NUMBER)
    count = Reg(0, Type.NUMBER)
    op = draw(st.sampled_from([">=", ">"]))
    when = Compare(op, count, bound) if draw(st.booleans()) else Compare({">=": "<=", ">": "<"}[op], bound, count)
    return WindowBody(Select("e"), draw(st.sampled_from([0, 1, 2, 5, 30])), registers, when, then_reset=draw(st.booleans()))


def agrees(data: st.DataObject, plan: RulePlan, events: list[Seen], make: type) -> None:
    """The matcher says what the judge says: in one batch, and with borders, moves of time and restarts anywhere."""
    end_us = (events[-1].time_us if events else 0) + data.draw(st.integers(0, 9))
    verdicts = judge(plan, events, end_us)
    same(run_matcher(plan, make, events, end_us), verdicts)
    same(run_matcher(plan, make, events, end_us, data.draw(cuts(len(events)))), verdicts)


@given(st.data(), any_windows(), streams(), st.sampled_from([ONE_KEY, ONE_KEY, TWO_KEYS, NO_KEY]))
@settings(max_examples=800, deadline=None)
def test_a_window_says_what_the_judge_says(data: st.DataObject, body: WindowBody, events: list[Seen], key: KeyPlan) -> None:
    agrees(data, rule(body, key), events, WindowMatcher)


@given(st.data(), counting_windows(), streams(longest=60), st.sampled_from([ONE_KEY, NO_KEY]))
@settings(max_examples=500, deadline=None)
def test_a_counter_says_what_the_judge_says(data: st.DataObject, body: WindowBody, events: list[Seen], key: KeyPlan) -> None:
    agrees(data, rule(body, key), events, WindowMatcher)


@given(st.data(), st.sampled_from([1, 2, 3, 5, 9]), streams(), st.sampled_from([ONE_KEY, TWO_KEYS, NO_KEY]), st.booleans())
@settings(max_examples=300, deadline=None)
def test_an_absence_says_what_the_judge_says(
    data: st.DataObject, for_us: int, events: list[Seen], key: KeyPlan, with_registers: bool
) -> None:
    fields = tuple(Register(RegisterKind.LAST, 0, expr.type, expr, skip_nulls=False) for expr in (X, ANY))
    agrees(data, rule(AbsentBody(Select("e"), for_us, fields if with_registers else ()), key), events, AbsentMatcher)


@given(st.data(), streams(), st.sampled_from([ONE_KEY, TWO_KEYS, NO_KEY]), st.sampled_from([None, LARGE_X]))
@settings(max_examples=100, deadline=None)
def test_a_filter_says_what_the_judge_says(data: st.DataObject, events: list[Seen], key: KeyPlan, where: Expr | None) -> None:
    agrees(data, rule(FilterBody(Select("e", where)), key), events, FilterMatcher)
