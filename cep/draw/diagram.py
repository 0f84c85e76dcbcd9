"""A rule as a picture to be: boxes in a row, side by side or in a frame. Where they lie, and how they look, is for others to say.

Row     parts from left to right, joined by arrows
Stack   parts one above the other: one of them, or all in any order
Frame   a part that is bounded or taken several times
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import count
from typing import assert_never

from cep.draw.say import say_bound_of, say_facts, say_loop, say_select, say_window
from cep.plan import ir
from cep.plan.explain import words_of
from cep.plan.plan import (
    ONCE,
    AbsentBody,
    AnyOrder,
    Bound,
    Chain,
    Either,
    FilterBody,
    Link,
    Loop,
    Node,
    Part,
    PatternBody,
    RulePlan,
    Select,
    SequenceBody,
    StepPlan,
    Take,
    WindowBody,
)
from cep.plan.words import Words, say_duration
from cep.types import Type

RULE = "rule "  # so begins the type of events that are another rule's alerts
TRUE = ir.Const(True, Type.BOOL)
MOST_FIELDS = 12  # of an alert, shown


class Kind(StrEnum):
    START = "start"
    STEP = "step"
    NOT = "not"
    EVENTS = "events"
    WINDOW = "window"
    TIMER = "timer"
    WHEN = "when"
    ALERT = "alert"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class Box:
    """id     of the box within its picture
    lines  what stands below the title, each a text to be wrapped
    loop   words on the arc that leads back to it; empty: it is taken once
    skip   whether it may be left out
    reads  the rule whose alerts it takes, if it does"""

    id: str
    kind: Kind
    title: str
    lines: tuple[str, ...] = ()
    loop: str = ""
    skip: bool = False
    reads: str = ""


@dataclass(frozen=True, slots=True)
class Joint:
    """An arrow, and the words on it. `sign`: -> later, ->> every later, => the very next."""

    sign: str = "->"
    words: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """`joints[i]` leads to `parts[i + 1]`."""

    parts: tuple[Element, ...]
    joints: tuple[Joint, ...]


@dataclass(frozen=True, slots=True)
class Stack:
    caption: str
    options: tuple[Element, ...]


@dataclass(frozen=True, slots=True)
class Frame:
    """`open`: only a line below it, with the caption; else a box all around."""

    caption: str
    body: Element
    loop: str = ""
    skip: bool = False
    open: bool = False


Element = Box | Row | Stack | Frame


@dataclass(frozen=True, slots=True)
class Diagram:
    """facts  what holds for the whole rule: its key, what is told of several matches, noise control"""

    rule: str
    kind: str
    facts: tuple[str, ...]
    body: Row

    @property
    def reads(self) -> tuple[str, ...]:
        """The rules whose alerts it takes, each once."""
        return tuple(dict.fromkeys(box.reads for box in boxes(self.body) if box.reads))


def boxes(element: Element) -> Iterator[Box]:
    """All boxes of a picture, from left to right."""
    match element:
        case Box():
            yield element
        case Row(parts=parts) | Stack(options=parts):
            for part in parts:
                yield from boxes(part)
        case Frame(body=body):
            yield from boxes(body)


def diagram_of(plan: RulePlan) -> Diagram:
    """The picture of a rule."""
    return _Drawing(plan).diagram()


class _Drawing:
    def __init__(self, plan: RulePlan) -> None:
        self.plan = plan
        self.words: Words = words_of(plan)
        self._numbers = count(1)

    def diagram(self) -> Diagram:
        start = self._box(Kind.START, "")
        parts: list[Element] = [start]
        joints: list[Joint] = []
        for joint, part in self._body():
            joints.append(joint)
            parts.append(part)
        kinds = {FilterBody: "filter", WindowBody: "window", AbsentBody: "absence"}
        kind = kinds.get(type(self.plan.body), "sequence")
        return Diagram(self.plan.id, kind, say_facts(self.plan), Row(tuple(parts), tuple(joints)))

    def _body(self) -> Iterator[tuple[Joint, Element]]:
        body = self.plan.body
        match body:
            case FilterBody(select=select):
                yield Joint(), self._events(select)
                yield Joint(), self._alert()
            case WindowBody():
                yield Joint(), self._events(body.select)
                yield from self._window(body)
            case AbsentBody():
                yield from self._absence(body)
            case SequenceBody():
                yield from self._line(body)
            case PatternBody():
                yield from self._pattern(body)
            case _:
                assert_never(body)

    def _box(self, kind: Kind, title: str, *lines: str, loop: str = "", skip: bool = False, reads: str = "") -> Box:
        return Box(f"n{next(self._numbers)}", kind, title, tuple(line for line in lines if line), loop, skip, reads)

    # -- what all kinds share

    def _events(self, select: Select, kind: Kind = Kind.EVENTS) -> Box:
        where = "" if select.where is None else f"where {self.words.say(select.where)}"
        return self._box(kind, select.type, where, reads=_rule_of(select))

    def _when(self, when: ir.Expr | None) -> Iterator[tuple[Joint, Element]]:
        if when is not None and when != TRUE:
            yield Joint(), self._box(Kind.WHEN, "when", self.words.say(when))

    def _alert(self) -> Box:
        fields = [name for name, _ in self.plan.rows or self.plan.emit]
        told = ", ".join(fields[:MOST_FIELDS]) + (", ..." if len(fields) > MOST_FIELDS else "")
        return self._box(Kind.ALERT, "alert", ("rows of " if self.plan.rows else "") + told if told else "")

    def _resolved(self, until: ir.Expr | None, resolve: Select | None) -> Iterator[tuple[Joint, Element]]:
        lines = [] if until is None else [f"until {self.words.say(until)}"]
        lines += [] if resolve is None else [say_select(resolve, self.words)]
        if lines:
            yield Joint(words="open"), self._box(Kind.RESOLVED, "resolved", *lines)

    # -- windows and absences

    def _window(self, body: WindowBody) -> Iterator[tuple[Joint, Element]]:
        title, *lines = say_window(body)
        if title:
            yield Joint(), self._box(Kind.WINDOW, title, *lines)
        yield from self._when(body.when)
        if body.for_us:
            yield Joint(), self._box(Kind.TIMER, f"for {say_duration(body.for_us)}", "true all the time")
        words = "each time" if body.fire_each else "then emptied" if body.then_reset else ""
        yield Joint(words=words), self._alert()
        yield from self._resolved(body.until, body.resolve)

    def _absence(self, body: AbsentBody) -> Iterator[tuple[Joint, Element]]:
        heard: Element = self._events(body.select)
        if body.expect is not None:
            where = "" if body.expect.where is None else f"where {self.words.say(body.expect.where)}"
            heard = Stack("armed by", (heard, self._box(Kind.EVENTS, f"table {body.expect.table}", "each of its keys", where)))
        yield Joint(), heard
        held = "waits while its source is silent" if body.unless_silent else ""
        yield Joint(words="starts"), self._box(Kind.TIMER, f"silent for {say_duration(body.for_us)}", held, loop="each anew")
        yield Joint(), self._alert()
        yield from self._resolved(None, body.resolve)

    # -- patterns

    def _line(self, body: SequenceBody) -> Iterator[tuple[Joint, Element]]:
        parts: list[Element] = []
        joints: list[Joint] = []

        def add(joint: Joint, part: Element) -> None:
            if parts:
                joints.append(joint)
            parts.append(part)

        for node in body.nodes:
            for index in node.forbids:
                add(Joint(), self._step(body.steps[index], negated=True))
            add(Joint("=>" if node.strict else "->"), self._node(body, node))
        for index in body.ending:
            add(Joint("=>" if body.ending_strict else "->"), self._step(body.steps[index], negated=True))
        yield Joint(), _bounded(Row(tuple(parts), tuple(joints)), Bound(body.within_us, body.exclusive))
        if body.ending and body.within_us is not None and not body.ending_strict:
            yield Joint(), self._deadline(body.within_us, body.steps[body.nodes[0].step].label)
        yield from self._end(body.when)

    def _end(self, when: ir.Expr | None) -> Iterator[tuple[Joint, Element]]:
        yield from self._when(when)
        yield Joint(), self._alert()
        yield from self._resolved(None, self.plan.resolve)

    def _deadline(self, after_us: int, label: str) -> Box:
        return self._box(Kind.TIMER, f"{say_duration(after_us)} passed", f"since {label}")

    def _node(self, body: SequenceBody, node: Node) -> Box:
        return self._step(body.steps[node.step], Loop(node.min, node.max))

    def _step(self, step: StepPlan, loop: Loop = ONCE, until: str = "", *, negated: bool = False) -> Box:
        where = "" if step.select.where is None else f"where {self.words.say(step.select.where)}"
        of_run = "" if step.cond is None else f"{'and' if where else 'where'} {self.words.say(step.cond)}"
        kind, title = (Kind.NOT, f"no {step.label}") if negated else (Kind.STEP, step.label)
        reads = _rule_of(step.select)
        return self._box(
            kind, title, step.select.type, where, of_run, loop=say_loop(loop, until), skip=loop.min == 0, reads=reads
        )  # fmt: skip

    def _pattern(self, body: PatternBody) -> Iterator[tuple[Joint, Element]]:
        yield Joint(), _bounded(self._chain(body, body.pattern), body.within)
        last = body.pattern.links[-1]
        if last.negated and last.arrow != "=>":
            bound_us = body.within.us if last.max_us is None else last.max_us
            if bound_us is not None:
                since = "the last event" if last.max_us is not None else "the first event"
                yield Joint(), self._box(Kind.TIMER, f"{say_duration(bound_us)} passed", f"since {since}")
        if self.plan.timeout_emit:
            names = ", ".join(name for name, _ in self.plan.timeout_emit)
            end = list(self._end(body.when))
            told = Row(tuple(part for _, part in end), tuple(joint for joint, _ in end[1:]))
            lapsed = self._box(Kind.ALERT, "timeout", "a run that lapsed", names)
            yield Joint(), Stack("", (told, lapsed))
            return
        yield from self._end(body.when)

    def _chain(self, body: PatternBody, chain: Chain) -> Element:
        parts = tuple(self._link(body, link) for link in chain.links)
        joints = tuple(Joint(link.arrow or "->", _delay(link)) for link in chain.links[1:])
        return parts[0] if len(parts) == 1 else Row(parts, joints)

    def _link(self, body: PatternBody, link: Link) -> Element:
        if link.negated and isinstance(link.part, Take):
            return self._step(body.steps[link.part.step], negated=True)
        return self._part(body, link.part)

    def _part(self, body: PatternBody, part: Part) -> Element:
        match part:
            case Take(step=step, loop=loop):
                return self._step(body.steps[step], loop, self._until(body, loop))
            case Chain(loop=loop, bound=bound):
                words = say_loop(loop, self._until(body, loop))
                return Frame("" if bound is None else say_bound_of(bound), self._chain(body, part), words, loop.min == 0)
            case Either(options=options):
                return Stack("one of", tuple(self._part(body, option) for option in options))
            case AnyOrder(steps=steps, count=number):
                caption = "all, in any order" if number == len(steps) else f"{number} of these, in any order"
                return Stack(caption, tuple(self._step(body.steps[step]) for step in steps))

    def _until(self, body: PatternBody, loop: Loop) -> str:
        if loop.until is None:
            return ""
        step = body.steps[loop.until]
        return f"{step.label} ({say_select(step.select, self.words)})"


def _rule_of(select: Select) -> str:
    return select.type.removeprefix(RULE) if select.type.startswith(RULE) else ""


def _bounded(body: Element, bound: Bound) -> Element:
    said = say_bound_of(bound)
    return Frame(said, body, open=True) if said else body


def _delay(link: Link) -> str:
    match (link.min_us, link.max_us):
        case (None, None):
            return ""
        case (int() as least, None):
            return f"after {say_duration(least)}"
        case (None, int() as most):
            return f"within {say_duration(most)}"
        case (least, most):
            return f"after {say_duration(least or 0)} to {say_duration(most or 0)}"
