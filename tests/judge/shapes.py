"""Generated patterns of the whole language: groups, alternation, any order, loops of all kinds, negations everywhere, delays,
gaps, bounds. What a pattern needs to be one (a bound where it has to wait) it has.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from hypothesis import strategies as st

from cep.plan.plan import (
    ANY_STEP,
    ONCE,
    AnyOrder,
    Bound,
    Chain,
    Either,
    Link,
    Loop,
    Part,
    PatternBody,
    PickKind,
    Register,
    RegisterKind,
    Select,
    StepPlan,
    Take,
)
from cep.types import Type
from tests.judge.patterns import KINDS, QUANTIFIERS, VALUE, claims, register_of, selects, step_plans

PICKS = [PickKind.FIRST, PickKind.FIRST, PickKind.LATEST, PickKind.LONGEST]
ARROWS = ["->"] * 6 + ["=>"] * 2 + ["->>"]
DELAYS = [(None, None)] * 12 + [(1, None), (None, 2), (1, 3), (None, 4)]
PREVIOUS = Register(RegisterKind.LAST, ANY_STEP, Type.NUMBER, VALUE, skip_nulls=False)


@dataclass
class _Labels:
    """The steps of a pattern being drawn; `takes`: those that take events."""

    draw: st.DrawFn
    selects: list[Select] = field(default_factory=list)
    takes: list[int] = field(default_factory=list)

    def step(self) -> int:
        self.takes.append(self.denied())
        return self.takes[-1]

    def denied(self) -> int:
        self.selects.append(self.draw(selects()))
        return len(self.selects) - 1

    def chance(self, one_in: int) -> bool:
        return self.draw(st.integers(1, one_in)) == one_in


@st.composite
def pattern_bodies(draw: st.DrawFn, *, conditions: bool = True, picks: list[PickKind] | None = None) -> PatternBody:
    labels = _Labels(draw)
    pick = draw(st.sampled_from(picks or PICKS))
    links: list[Link] = []
    if labels.chance(7):
        links.append(Link(Take(labels.denied()), "", negated=True))
    links += _links(labels, draw(st.integers(1, 3)), depth=0, arrow="->" if links else "")
    ends = draw(st.sampled_from(["", "", "", "", "->", "=>"]))
    if ends:
        links += [_negation(labels, ends)] + ([_negation(labels, ends)] if labels.chance(5) else [])
    needs_time = links[0].negated or ends == "->" or pick is PickKind.LONGEST
    body = PatternBody((), Chain(tuple(links)), draw(_bounds(needs_time=needs_time)), pick)
    body = replace(body, timeout=body.within.us is not None and labels.chance(4))
    return _with_conditions(labels, body, asks=conditions and labels.chance(2))


def _with_conditions(labels: _Labels, body: PatternBody, *, asks: bool) -> PatternBody:
    draw, takes = labels.draw, labels.takes
    drawn = draw(st.lists(st.tuples(st.sampled_from(KINDS), st.sampled_from(takes)), max_size=3))
    registers = [register_of(kind, step) for kind, step in drawn]
    if asks and labels.chance(3):
        registers.append(PREVIOUS)
    scalars = [i for i, register in enumerate(registers) if register.type is Type.NUMBER] if asks else []
    own = [i for i in scalars if registers[i].step != ANY_STEP]
    leading = {link.part.step for link in body.pattern.links[:1] if link.negated and isinstance(link.part, Take)}
    steps = []
    for i, select in enumerate(labels.selects):
        if i in leading:  # what comes before the run cannot ask for what it takes
            steps.append(StepPlan(f"s{i}", select))
            continue
        may_take = i in takes and bool(own) and labels.chance(3)
        steps.append(draw(step_plans(i, select, own if may_take else scalars, may_take=may_take)))
    when = draw(claims(scalars)) if scalars and labels.chance(4) else None
    return replace(body, steps=tuple(steps), registers=tuple(registers), when=when)


def _links(labels: _Labels, count: int, depth: int, arrow: str = "") -> list[Link]:
    """Parts one after the other, with negations between some of them."""
    links: list[Link] = []
    for number in range(count):
        if number > 0 and labels.chance(6):
            links.append(_negation(labels, labels.draw(st.sampled_from(["->", "->", "=>"]))))
        leads = labels.draw(st.sampled_from(ARROWS)) if number > 0 else arrow
        delay = labels.draw(st.sampled_from(DELAYS)) if leads else (None, None)
        links.append(Link(_part(labels, depth), leads, False, *delay))
    return links


def _negation(labels: _Labels, arrow: str) -> Link:
    delay = labels.draw(st.sampled_from(DELAYS))
    return Link(Take(labels.denied()), arrow, True, *delay)


def _part(labels: _Labels, depth: int) -> Part:
    kind = labels.draw(st.sampled_from(["take"] * 6 + (["group", "group", "either", "any"] if depth == 0 else ["take", "any"])))
    match kind:
        case "group":
            links = _links(labels, labels.draw(st.integers(1, 2)), depth + 1)
            bound = labels.draw(_bounds(needs_time=False)) if labels.chance(3) else None
            return Chain(tuple(links), _loop(labels), bound)
        case "either":
            return Either((_option(labels), _option(labels)))
        case "any":
            steps = tuple(labels.step() for _ in range(labels.draw(st.integers(2, 3))))
            return AnyOrder(steps, labels.draw(st.integers(1, len(steps))))
        case _:
            return Take(labels.step(), _loop(labels))


def _option(labels: _Labels) -> Part:
    if labels.chance(3):
        return Chain(tuple(_links(labels, 2, 1)))
    return Take(labels.step(), _loop(labels))


def _loop(labels: _Labels) -> Loop:
    low, high = labels.draw(st.sampled_from(QUANTIFIERS))
    if high == 1:
        return Loop(low, high, lazy=low == 0 and labels.chance(3))
    until = None
    if labels.chance(5):
        until = labels.denied() if labels.chance(2) else labels.draw(st.integers(0, max(0, len(labels.selects) - 1)))
    return Loop(
        low,
        high,
        lazy=labels.chance(4),
        inner=labels.draw(st.sampled_from(["->", "->", "->", "=>", "->>"])),
        gap_us=labels.draw(st.sampled_from([None, None, None, None, 1, 2])),
        until=until,
    )


@st.composite
def _bounds(draw: st.DrawFn, *, needs_time: bool) -> Bound:
    """Time, own events, both or none; of a pattern that needs time, never events alone."""
    kind = draw(st.sampled_from(["time", "time", "both"] if needs_time else ["time", "time", "events", "both", ""]))
    time = (draw(st.integers(1, 9)), draw(st.booleans())) if kind in ("time", "both") else (None, False)
    return Bound(*time, events=draw(st.integers(1, 7)) if kind in ("events", "both") else None)


def spell(body: PatternBody) -> str:
    """The pattern much as an author would write it, each step by its number: to be read when something differs."""
    words = [_spell_part(body.pattern), "within", _spell_bound(body.within), "pick", body.pick.value]
    words += [
        f"\n  s{i}: {step.select.type} in {step.select.where}, {step.cond} {step.cond_after_take}"
        for i, step in enumerate(body.steps)
    ]
    words += [f"\n  r{i}: {register}" for i, register in enumerate(body.registers)]
    return " ".join([*words, f"\n  when {body.when}" if body.when else "", "on timeout" if body.timeout else ""])


def _spell_bound(bound: Bound | None) -> str:
    return "" if bound is None else f"{bound.us}us {'exclusive ' * bound.exclusive}{bound.events or '-'} events"


def _spell_part(part: Part) -> str:
    match part:
        case Take(step=step, loop=loop):
            return f"s{step}{_spell_loop(loop)}"
        case Chain(links=links, loop=loop, bound=bound):
            spelled = [f"{_spell_arrow(link)}{'!' * link.negated}{_spell_part(link.part)}" for link in links]
            return f"({' '.join(spelled)} {_spell_bound(bound)}){_spell_loop(loop)}"
        case Either(options=options):
            return " | ".join(map(_spell_part, options))
        case AnyOrder(steps=steps, count=count):
            return f"{count} of {steps}"


def _spell_arrow(link: Link) -> str:
    delay = "" if (link.min_us, link.max_us) == (None, None) else f"[{link.min_us}..{link.max_us}]"
    return f"{link.arrow}{delay} " if link.arrow else ""


def _spell_loop(loop: Loop) -> str:
    if loop == ONCE:
        return ""
    gap = "" if loop.gap_us is None else f" gap {loop.gap_us}"
    until = "" if loop.until is None else f" until s{loop.until}"
    return f"{{{loop.min},{loop.max or ''}}}{'?' * loop.lazy}[{loop.inner}]{gap}{until}"


def features(body: PatternBody) -> set[str]:
    """What of the language a pattern uses: for counting what is generated."""
    found = {body.pick.value}
    found |= {_kind_of(body.within)}
    found |= {name for name, there in [("when", body.when), ("timeout", body.timeout)] if there}
    found |= {"condition"} if any(step.cond for step in body.steps) else set()
    found |= {"prev"} if any(register.step == ANY_STEP for register in body.registers) else set()
    found |= {"leading !"} if body.pattern.links[0].negated else set()
    found |= {f"ends {body.pattern.links[-1].arrow} !"} if body.pattern.links[-1].negated else set()
    return found | _part_features(body.pattern)


def _kind_of(bound: Bound) -> str:
    said = [word for word, there in (("time", bound.us is not None), ("events", bound.events is not None)) if there]
    return f"within {' and '.join(said)}" if said else "no bound"


def _part_features(part: Part) -> set[str]:
    found = {type(part).__name__}
    if isinstance(part, Take | Chain) and part.loop != ONCE:
        loop = part.loop
        marks = {"lazy": loop.lazy, "gap": loop.gap_us, "until": loop.until is not None, f"inner {loop.inner}": True}
        found |= {f"{type(part).__name__} {name}" for name, there in marks.items() if there}
    if isinstance(part, Chain):
        found |= {f"group {_kind_of(part.bound)}"} if part.bound else set()
        for link in part.links:
            found |= {f"{'!' if link.negated else ''}{link.arrow}"} | _part_features(link.part)
            found |= {"delay"} if (link.min_us, link.max_us) != (None, None) else set()
    if isinstance(part, Either):
        found |= set().union(*map(_part_features, part.options))
    return found
