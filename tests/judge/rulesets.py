"""Generated sets of rules of all kinds over one stream, some of which read the alerts of others."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from cep.plan.ir import Compare, Const, Emitted, Field, KeyPart, Reg
from cep.plan.plan import (
    AbsentBody,
    Body,
    ExpectPlan,
    FilterBody,
    KeyPlan,
    Node,
    OncePlan,
    PatternBody,
    Recall,
    Register,
    RegisterKind,
    RulePlan,
    Select,
    SequenceBody,
    StepPlan,
    SuppressPlan,
    WindowBody,
    WindowKind,
)
from cep.types import Type
from tests.judge.patterns import VALUE, one_of, selects, sequence_bodies
from tests.judge.shapes import pattern_bodies

TABLES: dict[str, dict[Any, dict[str, Any]]] = {"hosts": {"p": {"active": True}, "z": {"active": True}}}
COUNT = Register(RegisterKind.COUNT, 0, Type.NUMBER)
LAST = Register(RegisterKind.LAST, 0, Type.NUMBER, VALUE)
BY_K = (Field(("k",), Type.TEXT),)
KEYS = [
    (("k",), BY_K, (Type.TEXT,)),
    (("k",), BY_K, (Type.TEXT,)),
    (("k", "v"), (*BY_K, VALUE), (Type.TEXT, Type.NUMBER)),
    ((), (), ()),
]
NUMBER = Type.NUMBER


@st.composite
def rule_sets(draw: st.DrawFn) -> list[RulePlan]:
    """One to three rules over raw events, and up to two that read rules before them."""
    plans = [draw(_rules(f"r{number}", draw(_bodies()))) for number in range(draw(st.integers(1, 3)))]
    for number in range(draw(st.integers(0, 2))):
        read = draw(st.sampled_from([plan.id for plan in plans]))
        plans.append(draw(_rules(f"s{number}", draw(_reading_bodies(f"rule {read}")))))
    return plans


@st.composite
def _rules(draw: st.DrawFn, rule_id: str, body: Body) -> RulePlan:
    registers = () if isinstance(body, FilterBody) else body.registers
    expects = isinstance(body, AbsentBody) and body.expect is not None
    names, exprs, types = KEYS[0] if expects else draw(st.sampled_from(KEYS))
    emit: tuple[tuple[str, Any], ...] = tuple((f"r{i}", Reg(i, one.type)) for i, one in enumerate(registers))
    if isinstance(body, FilterBody):
        emit = (("v", VALUE),)
    elif draw(st.booleans()):
        emit = (("one", Const(1, NUMBER)), *emit)
    plan = RulePlan(rule_id, "v", KeyPlan(names, (), types), body, emit)
    if isinstance(body, SequenceBody | PatternBody) and draw(st.integers(0, 3)) == 3:
        plan = replace(plan, resolve=one_of("cx", draw(st.sampled_from("ef"))))
    if isinstance(body, PatternBody) and body.timeout:
        plan = replace(plan, timeout_emit=(("late", Const(1, NUMBER)),))
    if draw(st.integers(0, 2)) == 2:
        parts = (KeyPart(0, Type.TEXT),) if names else ()
        per = draw(st.sampled_from([(), parts, (Emitted(emit[0][0], Type.ANY),) if emit else ()]))
        plan = replace(plan, once=OncePlan(per, draw(st.integers(1, 6)), "once"))
    if emit and draw(st.integers(0, 2)) == 2:
        plan = replace(plan, suppress=SuppressPlan((emit[0][0],), draw(st.integers(1, 6)), "suppress"))
    return replace(plan, key=KeyPlan(names, tuple((name, exprs) for name in plan.event_types), types))


@st.composite
def _bodies(draw: st.DrawFn) -> Body:
    match draw(st.sampled_from(["filter", "window", "window", "absent", "absent", "sequence", "pattern", "pattern"])):
        case "filter":
            return FilterBody(draw(selects()))
        case "window":
            return draw(_windows(draw(selects())))
        case "absent":
            return draw(_absences(draw(selects())))
        case "sequence":
            return draw(sequence_bodies())
        case _:
            return draw(pattern_bodies())


@st.composite
def _reading_bodies(draw: st.DrawFn, event_type: str) -> Body:
    alerts = Select(event_type)
    match draw(st.sampled_from(["filter", "window", "absent", "sequence"])):
        case "filter":
            return FilterBody(alerts)
        case "window":
            return draw(_windows(alerts))
        case "absent":
            return AbsentBody(alerts, draw(st.integers(1, 5)))
        case _:
            chosen = [alerts, draw(st.sampled_from([alerts, one_of("abc"), one_of("ab", "f")]))]
            if draw(st.booleans()):
                chosen.reverse()
            steps = tuple(StepPlan(f"s{i}", select) for i, select in enumerate(chosen))
            nodes = (Node(0, 1, 1), Node(1, 1, 1, strict=draw(st.booleans())))
            return SequenceBody(steps, nodes, draw(st.integers(1, 7)))


@st.composite
def _windows(draw: st.DrawFn, select: Select) -> WindowBody:
    lasting = [WindowKind.SLIDE, WindowKind.SLIDE, WindowKind.EVENTS, WindowKind.HOP]
    kind = draw(st.sampled_from([*lasting, WindowKind.SESSION, WindowKind.BUCKET]))
    when = Compare(draw(st.sampled_from([">=", ">=", "<="])), Reg(0, NUMBER), Const(draw(st.integers(1, 3)), NUMBER))
    body = WindowBody(select, draw(st.integers(1, 6)), (COUNT, LAST), when, kind=kind)
    match kind:
        case WindowKind.EVENTS:
            body = replace(body, events=draw(st.integers(1, 4)))
        case WindowKind.HOP:
            body = replace(body, every_us=draw(st.integers(1, body.window_us)))
        case WindowKind.BUCKET:
            return replace(body, events=1, leak=1, every_us=body.window_us, when=Const(True, Type.BOOL))
        case WindowKind.SESSION:
            return replace(body, max_us=draw(st.sampled_from([0, body.window_us + 1])))
    match draw(st.sampled_from(["", "", "each", "reset", "for", "resolve", "until", "changed"])):
        case "until":
            most = Compare(">=", Reg(0, NUMBER), Const(draw(st.integers(2, 4)), NUMBER))
            return replace(body, until=most)
        case "changed":
            return replace(body, when=Reg(2, Type.BOOL), recalls=(Recall("changed", (VALUE,), draw(st.integers(1, 5))),))
        case "each" if kind is not WindowKind.HOP:
            return replace(body, fire_each=True)
        case "reset":
            return replace(body, then_reset=True)
        case "for":
            return replace(body, for_us=draw(st.integers(1, 3)))
        case "resolve":
            return replace(body, resolve=one_of("x", "f"))
        case _:
            return body


@st.composite
def _absences(draw: st.DrawFn, select: Select) -> AbsentBody:
    return AbsentBody(
        select,
        draw(st.integers(1, 6)),
        draw(st.sampled_from([(), (LAST,)])),
        draw(st.sampled_from([None, None, ExpectPlan("hosts")])),
        draw(st.integers(0, 3)) == 3,
        draw(st.sampled_from([None, None, one_of("x", "f")])),
    )
