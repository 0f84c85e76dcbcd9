"""Plans to draw: made by hand, so that a picture needs no matcher, and by chance."""

from __future__ import annotations

from hypothesis import strategies as st

from cep.plan import ir
from cep.plan.plan import (
    ONCE,
    AnyOrder,
    Bound,
    Chain,
    Either,
    FilterBody,
    KeyPlan,
    Link,
    Loop,
    Part,
    PatternBody,
    PickKind,
    RulePlan,
    Select,
    SkipKind,
    StepPlan,
    Take,
)
from cep.types import Type

MINUTE = 60_000_000
KEY = KeyPlan(("user",), (("login", (ir.Field(("user",), Type.TEXT),)),), (Type.TEXT,))


def step(label: str, type_: str = "login") -> StepPlan:
    where = ir.Compare("==", ir.Field((label,), Type.TEXT), ir.Const(f'say "{label}" & <more>', Type.TEXT))
    return StepPlan(label, Select(type_, where))


def plan_of(pattern: Chain, labels: int, rule: str = "r", **changes: object) -> RulePlan:
    """A rule of this pattern; step number n is called s<n>."""
    body = PatternBody(tuple(step(f"s{n}") for n in range(labels)), pattern, Bound(10 * MINUTE), **changes)  # type: ignore[arg-type]
    return RulePlan(rule, "v", KEY, body, (("user", ir.KeyPart(0, Type.TEXT)),))


def everything() -> RulePlan:
    """All there is in one pattern: groups, alternatives, any order, loops of all kinds, delays, negations at all places."""
    group = Chain((Link(Take(2)), Link(Take(3), "=>")), Loop(2, None), Bound(MINUTE, exclusive=True, events=20))
    pattern = Chain(
        (
            Link(Take(0), negated=True),
            Link(Take(1, Loop(3, None, inner="=>", gap_us=MINUTE, until=9)), "->", max_us=5 * MINUTE),
            Link(group, "->>", min_us=MINUTE, max_us=5 * MINUTE),
            Link(Either((Take(4), Chain((Link(Take(5)), Link(Take(6), "->"))))), "->", min_us=MINUTE),
            Link(Take(7, Loop(0, 1, lazy=True)), "->"),
            Link(AnyOrder((8, 10, 11), 2), "=>"),
            Link(Take(12), "->", negated=True),
        )
    )
    picks = {"pick": PickKind.ALL, "limit": 10, "skip": SkipKind.FIRST, "skip_to": 1}
    return plan_of(pattern, 13, "everything", **picks)


def filter_on(rule: str, type_: str) -> RulePlan:
    """A rule that tells each event of a type; `rule x` is the alerts of x."""
    return RulePlan(rule, "v", KEY, FilterBody(Select(type_)), (("user", ir.Field(("user",), Type.TEXT)),))


class _Labels:
    """Deals out step numbers, each once."""

    def __init__(self) -> None:
        self.dealt = 0

    def __call__(self) -> int:
        self.dealt += 1
        return self.dealt - 1


@st.composite
def patterns(draw: st.DrawFn) -> RulePlan:
    """Any pattern of up to some dozen steps."""
    labels = _Labels()
    chain = _chain(draw, labels, depth=2)
    return plan_of(chain, labels.dealt)


def _loop(draw: st.DrawFn) -> Loop:
    return draw(st.sampled_from([ONCE, ONCE, Loop(0, 1), Loop(2, 5), Loop(0, None, lazy=True), Loop(1, None, gap_us=MINUTE)]))


def _chain(draw: st.DrawFn, labels: _Labels, depth: int) -> Chain:
    links = [
        Link(_part(draw, labels, depth), draw(st.sampled_from(["->", "=>", "->>"])), min_us=draw(st.sampled_from([None, MINUTE])))
        for _ in range(draw(st.integers(1, 3)))
    ]
    return Chain(
        tuple(links), _loop(draw), draw(st.sampled_from([None, Bound(MINUTE), Bound(events=5), Bound(MINUTE, events=5)]))
    )


def _part(draw: st.DrawFn, labels: _Labels, depth: int) -> Part:
    kinds = ["take", "take", "any"] + (["chain", "either"] if depth else [])
    match draw(st.sampled_from(kinds)):
        case "chain":
            return _chain(draw, labels, depth - 1)
        case "either":
            return Either(tuple(_part(draw, labels, depth - 1) for _ in range(draw(st.integers(2, 3)))))
        case "any":
            return AnyOrder((labels(), labels(), labels()), draw(st.integers(1, 3)))
        case _:
            return Take(labels(), _loop(draw))
