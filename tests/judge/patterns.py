"""Generated linear patterns and streams (the whole language is in `tests.judge.shapes`), and the harness that runs a matcher over
them the way a worker does: in batches, with time moved between them, stopped and started again.

Small on purpose: few letters, short times, two keys, so that events coincide and patterns overlap.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from hypothesis import strategies as st

from cep.buffer.checkpoint import pack, unpack
from cep.event import TIMER, Batch, Match
from cep.match.matcher import Hits, Matcher, RuleState
from cep.plan.ir import And, Compare, Const, Expr, Field, InSet, Reg
from cep.plan.kernels import RuleKernels, compile_rule
from cep.plan.plan import (
    ANY_STEP,
    AbsentBody,
    KeyPlan,
    Node,
    PatternBody,
    Register,
    RegisterKind,
    RulePlan,
    Select,
    SequenceBody,
    StepPlan,
    WindowBody,
    WindowKind,
)
from cep.types import Type
from tests.judge.values import Seen, Verdict, as_key, fits, key_parts, told

LETTERS = "abcx"
LETTER = Field(("l",), Type.TEXT)
VALUE = Field(("v",), Type.NUMBER)
KEY = KeyPlan(("k",), (("e", (Field(("k",), Type.TEXT),)), ("f", (Field(("k",), Type.TEXT),))), (Type.TEXT,))
TWO_KEYS = KeyPlan(
    ("k", "v"),
    tuple((name, (Field(("k",), Type.TEXT), Field(("v",), Type.NUMBER))) for name in "ef"),
    (Type.TEXT, Type.NUMBER),
)
QUANTIFIERS = [(1, 1), (1, 1), (0, 1), (1, None), (0, None), (2, 2), (2, None), (1, 2), (2, 3)]
KINDS = [
    Register(RegisterKind.COUNT, 0, Type.NUMBER),
    Register(RegisterKind.FIRST, 0, Type.NUMBER, VALUE, skip_nulls=False),
    Register(RegisterKind.LAST, 0, Type.NUMBER, VALUE, skip_nulls=False),
    Register(RegisterKind.FIRST, 0, Type.NUMBER, VALUE),
    Register(RegisterKind.LAST, 0, Type.NUMBER, VALUE),
    Register(RegisterKind.SUM, 0, Type.NUMBER, VALUE),
    Register(RegisterKind.AVG, 0, Type.NUMBER, VALUE, where=InSet(LETTER, ("a", "x"))),
    Register(RegisterKind.MIN, 0, Type.NUMBER, VALUE),
    Register(RegisterKind.MAX, 0, Type.NUMBER, VALUE),
    Register(RegisterKind.DISTINCT, 0, Type.NUMBER, VALUE),
    Register(RegisterKind.NTH, 0, Type.NUMBER, VALUE, nth=1),
    Register(RegisterKind.NTH, 0, Type.NUMBER, VALUE, nth=-2),
    Register(RegisterKind.LIST, 0, Type.LIST, VALUE),
    Register(RegisterKind.COUNT, 0, Type.NUMBER, VALUE, where=InSet(LETTER, ("a",))),
]


def one_of(letters: Sequence[str], type_: str = "e") -> Select:
    """Events of that type whose letter is one of these."""
    return Select(type_, InSet(LETTER, tuple(letters)))


def sequence_rule(body: SequenceBody | PatternBody, key: KeyPlan = KEY) -> RulePlan:
    """A rule of that pattern which emits all its registers; its key is known for the types its steps name, and no others."""
    types = {step.select.type for step in body.steps}
    key = KeyPlan(key.names, tuple(entry for entry in key.by_type if entry[0] in types), key.types)
    emit = tuple((f"r{i}", Reg(i, register.type)) for i, register in enumerate(body.registers))
    late = (("late", Const(1, Type.NUMBER)), *emit[:2])
    timeout = late if isinstance(body, PatternBody) and body.timeout else ()
    return RulePlan("r", "v", key, body, emit, timeout_emit=timeout)


def rows_rule(body: PatternBody, key: KeyPlan = KEY) -> RulePlan:
    """The same, telling of each event its value and label, and of the match its other registers."""
    plan, count = sequence_rule(body, key), len(body.registers)
    each = (
        Register(RegisterKind.ROW, ANY_STEP, Type.NUMBER, VALUE, skip_nulls=False),
        Register(RegisterKind.LABEL, ANY_STEP, Type.TEXT, skip_nulls=False),
    )
    rows = (("value", Reg(count, Type.NUMBER)), ("label", Reg(count + 1, Type.TEXT)), *plan.emit)
    return replace(plan, body=replace(body, registers=(*body.registers, *each)), emit=(), rows=rows)


def register_of(kind: Register, step: int) -> Register:
    return Register(kind.kind, step, kind.type, kind.expr, kind.where, kind.nth, kind.skip_nulls)


@st.composite
def selects(draw: st.DrawFn) -> Select:
    letters = draw(st.sampled_from(["a", "b", "c", "x", "ab", "bc", "ax", "abc", "bx"]))
    return one_of(letters, draw(st.sampled_from("eeef")))


@st.composite
def sequence_bodies(draw: st.DrawFn, *, conditions: bool = True) -> SequenceBody:
    """Linear patterns with all that the plan can say; without `conditions` all steps are event-only and `when` is absent."""
    count = draw(st.integers(1, 3))
    chosen = [draw(selects()) for _ in range(count)]
    negated: list[Select] = []

    def forbidden() -> tuple[int, ...]:
        negated.append(draw(selects()))
        return (count + len(negated) - 1,)

    nodes = []
    for step in range(count):
        low, high = draw(st.sampled_from(QUANTIFIERS))
        strict = step > 0 and draw(st.booleans()) and draw(st.booleans())
        forbids = forbidden() if step > 0 and draw(st.integers(0, 3)) == 3 else ()
        nodes.append(Node(step, low, high, strict, forbids))
    ends = draw(st.sampled_from(["", "", "->", "=>"]))
    ending = forbidden() if ends else ()
    within = draw(st.one_of(st.none(), st.integers(1, 7))) if ends != "->" else draw(st.integers(1, 7))
    chosen += negated
    numbers = range(len(chosen))
    registers = tuple(
        register_of(draw(st.sampled_from(KINDS)), draw(st.integers(0, count - 1))) for _ in range(draw(st.integers(0, 3)))
    )
    scalars = [i for i, register in enumerate(registers) if register.type is Type.NUMBER]
    steps = tuple(
        draw(step_plans(i, chosen[i], scalars if conditions else [], may_take=i < count)) for i in numbers
    )  # fmt: skip
    when = draw(claims(scalars)) if conditions and scalars and draw(st.integers(0, 2)) == 2 else None
    return SequenceBody(
        steps=steps,
        nodes=tuple(nodes),
        within_us=within,
        exclusive=within is not None and draw(st.booleans()),
        ending=ending,
        ending_strict=ends == "=>",
        registers=registers,
        when=when,
    )


@st.composite
def tally_rules(draw: st.DrawFn) -> RulePlan:
    """`x{n,m} -> y within w`, with and without a negation between and a condition on the last x."""
    first = Node(0, *draw(st.sampled_from([(1, 1), (1, None), (2, None), (3, None), (2, 2), (1, 2), (2, 3)])))
    chosen = [draw(selects()), draw(selects())]
    forbids = (2,) if draw(st.integers(0, 2)) == 2 else ()
    if forbids:
        chosen.append(draw(selects()))
    kinds = [kind for kind in KINDS if kind.kind is not RegisterKind.NTH]
    registers = [register_of(draw(st.sampled_from(kinds)), draw(st.integers(0, 1))) for _ in range(draw(st.integers(0, 3)))]
    steps = [StepPlan(f"s{i}", select) for i, select in enumerate(chosen)]
    if first.max is None and draw(st.booleans()):
        registers.append(Register(RegisterKind.LAST, 0, Type.NUMBER, VALUE, skip_nulls=False))
        other = Compare(draw(st.sampled_from(["!=", "<="])), VALUE, Reg(len(registers) - 1, Type.NUMBER))
        steps[1] = StepPlan("s1", chosen[1], other)
    within, exclusive = draw(st.integers(2, 7)), draw(st.booleans())
    body = SequenceBody(tuple(steps), (first, Node(1, 1, 1, forbids=forbids)), within, exclusive, registers=tuple(registers))
    return sequence_rule(body, draw(st.sampled_from([KEY, TWO_KEYS])))


@st.composite
def pair_rules(draw: st.DrawFn) -> RulePlan:
    """`a -> b within w`, b looking at the a."""
    registers = [Register(RegisterKind.LAST, 0, Type.NUMBER, VALUE, skip_nulls=False)]
    registers += [register_of(draw(st.sampled_from(KINDS)), draw(st.integers(0, 1))) for _ in range(draw(st.integers(0, 2)))]
    mine = [i for i, register in enumerate(registers) if register.step == 0 and register.type is Type.NUMBER]
    cond: Expr = Compare(draw(st.sampled_from(["!=", "<=", ">"])), VALUE, Reg(draw(st.sampled_from(mine)), Type.NUMBER))
    if draw(st.booleans()):
        cond = And((cond, draw(claims(mine))))
    steps = (StepPlan("a", draw(selects())), StepPlan("b", draw(selects()), cond))
    body = SequenceBody(
        steps, (Node(0, 1, 1), Node(1, 1, 1)), draw(st.integers(2, 7)), draw(st.booleans()), registers=tuple(registers)
    )
    return sequence_rule(body, draw(st.sampled_from([KEY, TWO_KEYS])))


@st.composite
def pending_rules(draw: st.DrawFn) -> RulePlan:
    """`a -> !x within w`, with one negation or two."""
    steps = [StepPlan(f"s{i}", draw(selects())) for i in range(draw(st.integers(2, 3)))]
    registers = tuple(register_of(draw(st.sampled_from(KINDS)), 0) for _ in range(draw(st.integers(0, 3))))
    scalars = [i for i, register in enumerate(registers) if register.type is Type.NUMBER]
    body = SequenceBody(
        steps=tuple(steps),
        nodes=(Node(0, 1, 1),),
        within_us=draw(st.integers(1, 7)),
        exclusive=draw(st.booleans()),
        ending=tuple(range(1, len(steps))),
        registers=registers,
        when=draw(claims(scalars)) if scalars and draw(st.booleans()) else None,
    )
    return sequence_rule(body, draw(st.sampled_from([KEY, TWO_KEYS])))


@st.composite
def step_plans(draw: st.DrawFn, index: int, select: Select, scalars: list[int], *, may_take: bool) -> StepPlan:
    label = f"s{index}"
    if not scalars or draw(st.booleans()):
        return StepPlan(label, select)
    if may_take and draw(st.booleans()):
        return StepPlan(label, select, draw(claims(scalars)), cond_after_take=True)
    register = Reg(draw(st.sampled_from(scalars)), Type.NUMBER)
    return StepPlan(label, select, Compare(draw(st.sampled_from(["!=", "<=", ">="])), VALUE, register))


@st.composite
def claims(draw: st.DrawFn, scalars: list[int]) -> Expr:
    claim = Compare(
        draw(st.sampled_from(["<=", ">=", "!="])),
        Reg(draw(st.sampled_from(scalars)), Type.NUMBER),
        Const(draw(st.integers(0, 3)), Type.NUMBER),
    )
    return claim if draw(st.booleans()) else And((claim, claim))


@st.composite
def streams(draw: st.DrawFn, longest: int = 14, shortest: int = 0) -> list[Seen]:
    """Events in feeding order, many of one time; a few without a key or a value."""
    steps = draw(
        st.lists(
            st.tuples(
                st.sampled_from([0, 0, 1, 1, 2, 4]),
                st.sampled_from(["p", "p", "p", "q", None]),
                st.sampled_from("eeeef"),
                st.sampled_from(LETTERS + "ab"),
                st.sampled_from([1, 2, 3, None, 0.5]),
            ),
            min_size=shortest,
            max_size=longest,
        )
    )
    events, now = [], 0
    for number, (gap, key, type_, letter, value) in enumerate(steps, 1):
        now += gap
        events.append(Seen(now, type_, {"k": key, "l": letter, "v": value}, f"i{number}"))
    return events


# ---------------------------------------------------------------- running a matcher


@dataclass(frozen=True)
class Cut:
    """A border between batches after that many events. `advance`: time moves as far as it may; `restart`: the state goes
    through a snapshot into a new matcher; `delta`: asked for as a delta where there was a snapshot before."""

    after: int
    advance: bool = False
    restart: bool = False
    save: bool = False


@st.composite
def cuts(draw: st.DrawFn, length: int) -> list[Cut]:
    places = draw(st.lists(st.integers(0, length), max_size=5, unique=True))
    return [Cut(at, draw(st.booleans()), draw(st.booleans()), draw(st.booleans())) for at in sorted(places)]


def hits_of(plan: RulePlan, events: Sequence[Seen], *, own: bool) -> Hits:
    """The rows of a batch that concern the rule, found the slow way; `own`: also those that fit no step."""
    hits = Hits()
    types = {select.type for select in plan.selects}
    for i, event in enumerate(events):
        parts = key_parts(plan.key, event, {}) if event.type in types else None
        mask = sum(1 << bit for bit, select in enumerate(plan.selects) if fits(select, event, {}))
        if parts is not None and (mask or own):
            hits.rows.append(i)
            hits.keys.append(as_key(parts))
            hits.masks.append(mask)
    if len(plan.selects) == 1 and not own:
        hits.masks.clear()
    return hits


def run_matcher(
    plan: RulePlan,
    make: Callable[[RulePlan, RuleKernels], Matcher],
    events: Sequence[Seen],
    end_us: int,
    cuts: Sequence[Cut] = (),
    kernels: RuleKernels | None = None,
) -> list[Match]:
    """All matches, with batch borders, moves of time and restarts where `cuts` says. Afterwards all timers have acted: a
    bounded rule must then hold nothing."""
    kernels = kernels or compile_rule(plan, {}, rows="dict")
    matcher, out, saved = make(plan, kernels), list[Match](), list[RuleState]()
    own = isinstance(plan.body, SequenceBody | PatternBody) and plan.body.needs_own_events
    done = 0
    for cut in [*cuts, Cut(len(events))]:
        batch = list(events[done : cut.after])
        done = cut.after
        found = list[Match]()
        matcher.feed(_batch(batch), hits_of(plan, batch, own=own), found)
        assert all(match.cause == TIMER or batch[match.cause].time_us == match.time_us for match in found)
        out += found
        following_us = events[done].time_us if done < len(events) else end_us
        if cut.advance:
            due_us = matcher.next_due()
            count = len(out)
            matcher.advance(following_us, out)
            assert count == len(out) or (due_us is not None and due_us < following_us)
        if cut.save or cut.restart:
            saved.append(_through_msgpack(matcher.snapshot(delta=bool(saved))))
        if cut.restart:
            matcher = make(plan, kernels)
            matcher.restore(saved)
    matcher.advance(end_us + 1, out)
    if _is_bounded(plan):
        matcher.advance(1 << 60, list[Match]())
        assert matcher.size() == 0
        assert matcher.next_due() is None
    return out


def _is_bounded(plan: RulePlan) -> bool:
    """Whether time alone ends all that the rule remembers."""
    match plan.body:
        case SequenceBody(within_us=within_us):
            return within_us is not None
        case PatternBody(within=within):
            return within.us is not None and plan.resolve is None
        case WindowBody(kind=kind):
            return kind is not WindowKind.EVENTS
        case AbsentBody():
            return False  # an open alert waits for the next event
        case _:
            return True


def _batch(events: Sequence[Seen]) -> Batch:
    return Batch(
        [dict(event.row) for event in events],
        [event.time_us for event in events],
        [event.id for event in events],
        [event.type for event in events],
    )


def _through_msgpack(state: RuleState) -> RuleState:
    return RuleState(*unpack(pack([state.keys, state.meta, state.delta])))


def same(matches: Sequence[Match], verdicts: Sequence[Verdict]) -> None:
    """The matcher says what the judge says, in whatever order within one moment."""
    assert sorted(map(told, matches), key=_order) == sorted(map(told, verdicts), key=_order)


def _order(one: tuple[Any, ...]) -> tuple[Any, ...]:
    return (one[0], repr(one[1:]))
