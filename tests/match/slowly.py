"""Windows of every kind written out in full at each moment (docs/language.md, Meaning 12): what is in is listed anew, nothing is
kept up to date, all moments of a key stand in one list.

A moment is an event or a timer. Every microsecond is a possible timer, so times are to be small.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from cep.match.found import same_fields
from cep.plan.plan import Recall, Register, RegisterKind, RulePlan, WindowBody, WindowKind
from tests.judge import values
from tests.judge.values import Scope, Seen, as_key, emitted, fits, holds, key_parts, value


@dataclass
class Told:
    """What a match says, but for its key."""

    key: Any
    time_us: int
    transition: str
    fields: dict[str, Any]
    ids: list[Any]


@dataclass
class Slow:
    """One key."""

    plan: RulePlan
    body: WindowBody
    parts: tuple[Any, ...]
    past: list[Seen] = field(default_factory=list)  # all that were selected, for what looks back
    inside: list[Seen] = field(default_factory=list)
    seen: dict[tuple[int, Any], Any] = field(default_factory=dict)  # what recalls said of each event
    level: Fraction = Fraction(0)
    stage: str = "closed"
    was_true: bool = False
    since_us: int = 0
    fields: dict[str, Any] | None = None
    told: list[Told] = field(default_factory=list)

    def run(self, own: Sequence[tuple[Seen, int]], end_us: int) -> list[Told]:
        at = 0
        for now_us in range(end_us + 1):
            while at < len(own) and own[at][0].time_us == now_us:
                event, mask = own[at]
                if mask & 1:
                    self.event(event)
                if mask & 2 and self.stage == "open":
                    self.end(now_us)
                at += 1
            self.timers(now_us)
        return self.told

    # -- what is in

    def content(self, now_us: int) -> list[Seen]:
        if self.body.kind is WindowKind.HOP:  # an event at the end itself is in the next one
            return [event for event in self.inside if event.time_us < self.hop_end(now_us)]
        return self.inside

    def hop_end(self, now_us: int) -> int:
        """Of the window that is under way, or is judged now."""
        return -(-now_us // self.body.every_us) * self.body.every_us

    def event(self, event: Seen) -> None:
        body, now_us = self.body, event.time_us
        self.recall(event)
        self.past.append(event)
        match body.kind:
            case WindowKind.NONE:
                self.inside = [event]
                if self.is_true(now_us):
                    self.tell(now_us, "opened")
                self.inside = []
                return
            case WindowKind.BUCKET:
                last_us = self.inside[-1].time_us if self.inside else now_us
                self.level = max(Fraction(0), self.level - Fraction(body.leak * (now_us - last_us), body.every_us)) + 1
                self.inside.append(event)
                if self.level > body.events:
                    self.tell(now_us, "opened")
                    self.inside, self.level = [], Fraction(0)
                return
        self.inside.append(event)
        if body.kind is WindowKind.EVENTS:
            self.inside = self.inside[-body.events :]
        if body.kind in (WindowKind.SLIDE, WindowKind.EVENTS):
            self.judge(now_us, by_event=True)

    def timers(self, now_us: int) -> None:
        """First what is fulfilled, then what lapses."""
        body = self.body
        if body.kind is WindowKind.HOP and now_us % body.every_us == 0:
            self.judge(now_us, by_event=False, update=True)
        waited = now_us - self.since_us >= body.for_us and (body.kind is not WindowKind.HOP or now_us % body.every_us == 0)
        if self.stage == "pending" and waited:
            self.open(now_us)
        match body.kind:
            case WindowKind.HOP if now_us % body.every_us == 0:
                start_us = now_us + body.every_us - body.window_us
                self.inside = [event for event in self.inside if event.time_us >= start_us]
            case WindowKind.SLIDE:
                while self.inside and self.inside[0].time_us + body.window_us <= now_us:
                    self.inside.pop(0)
                    if not body.fire_each:
                        self.judge(now_us, by_event=False)
            case WindowKind.SESSION if self.inside:
                over = self.inside[-1].time_us + body.window_us <= now_us
                if over or (body.max_us and self.inside[0].time_us + body.max_us <= now_us):
                    if self.is_true(now_us):
                        self.tell(now_us, "opened")
                    self.inside = []
            case WindowKind.BUCKET if self.inside:
                leaked = Fraction(body.leak * (now_us - self.inside[-1].time_us), body.every_us)
                if leaked >= self.level:
                    self.inside, self.level = [], Fraction(0)

    # -- the life of the alert

    def judge(self, now_us: int, *, by_event: bool, update: bool = False) -> None:
        true = self.was_true = bool(self.content(now_us)) and self.is_true(now_us)
        if self.body.fire_each:
            if true:
                self.tell(now_us, "opened")
        elif self.stage == "closed" and true:
            self.since_us, self.stage = now_us, "pending"
            if not self.body.for_us:
                self.open(now_us)
        elif self.stage == "open":
            empty = not self.content(now_us)
            over = empty or (not true if self.body.until is None else self.holds(self.body.until, now_us))
            if over:
                self.end(now_us)
            elif by_event or update:
                self.update(now_us)
        elif not true:
            self.stage = "closed"

    def open(self, now_us: int) -> None:
        self.fields = self.tell(now_us, "opened")
        self.stage = "open"
        if self.body.then_reset:
            if self.body.kind is WindowKind.HOP:
                self.inside = [event for event in self.inside if event.time_us >= now_us and event not in self.content(now_us)]
            else:
                self.inside = []
            self.stage = "closed"

    def update(self, now_us: int) -> None:
        fields = emitted(self.plan, self.scope(now_us))
        if not same_fields(fields, self.fields):
            self.fields = self.tell(now_us, "updated")

    def end(self, now_us: int) -> None:
        self.tell(now_us, "resolved")
        self.stage = "spent" if self.was_true else "closed"

    def tell(self, now_us: int, transition: str) -> dict[str, Any]:
        inside = self.content(now_us)
        fields = emitted(self.plan, self.scope(now_us)) if inside else {}
        self.told.append(Told(as_key(self.parts), now_us, transition, fields, [event.id for event in inside]))
        return fields

    # -- values

    def is_true(self, now_us: int) -> bool:
        return self.body.kind is WindowKind.BUCKET or self.holds(self.body.when, now_us)

    def holds(self, condition: Any, now_us: int) -> bool:
        return holds(condition, self.scope(now_us))

    def scope(self, now_us: int) -> Scope:
        registers = [register_value(register, self.content(now_us), now_us) for register in self.body.registers]
        for index, recall in enumerate(self.body.recalls):
            newest = self.content(now_us)[-1].id if self.content(now_us) else None
            registers.append(self.baseline(recall, now_us) if recall.kind == "baseline" else self.seen.get((index, newest)))
        return Scope(registers=registers, key=self.parts)

    def recall(self, event: Seen) -> None:
        for index, recall in enumerate(self.body.recalls):
            if recall.kind == "baseline":
                continue
            now = _values(recall, event)
            recent = [_values(recall, one) for one in self.past if one.time_us >= event.time_us - recall.over_us]
            known = [one for one in recent if one is not None]
            if now is None:
                self.seen[index, event.id] = None
            elif recall.kind == "first_seen":
                self.seen[index, event.id] = now not in known
            else:
                self.seen[index, event.id] = bool(known) and known[-1] != now

    def baseline(self, recall: Recall, now_us: int) -> Any:
        assert recall.register is not None
        start_us = now_us - self.body.window_us
        if self.body.kind is WindowKind.HOP:
            start_us = self.hop_end(now_us) - self.body.window_us
        per_us, means = recall.per_us, []
        for number in range(-100, 1000):
            if number * per_us >= start_us - recall.over_us and (number + 1) * per_us <= start_us:
                part = [event for event in self.past if number * per_us <= event.time_us < (number + 1) * per_us]
                one = register_value(recall.register, part, now_us)
                of_nothing = register_value(recall.register, [], now_us)
                if part and one is not None:
                    means.append(one)
                elif of_nothing == 0:
                    means.append(0)
        return values._calculate("/", values.exact_sum(means), len(means)) if means else None


def _values(recall: Recall, event: Seen) -> tuple[Any, ...] | None:
    found = tuple(values._marked(value(expr, Scope(event.row, event.time_us))) for expr in recall.values)
    return None if None in found or any(isinstance(one, list) for one in found) else found


def register_value(register: Register, events: Sequence[Seen], now_us: int) -> Any:
    if register.kind not in (RegisterKind.STDDEV, RegisterKind.PERCENTILE, RegisterKind.TOP, RegisterKind.DECAY):
        return values.register_value(register, events, {})
    counted = [e for e in events if holds(register.where, Scope(e.row, e.time_us))]
    assert register.expr is not None
    pairs = [(value(register.expr, Scope(e.row, e.time_us)), e.time_us) for e in counted]
    known = [one for one, _ in pairs if one is not None]
    match register.kind:
        case RegisterKind.STDDEV:
            return stddev(known)
        case RegisterKind.PERCENTILE:
            return percentile(known, register.argument)
        case RegisterKind.TOP:
            marked = [values._marked(one) for one in known]
            order = sorted(dict.fromkeys(marked), key=lambda one: (-marked.count(one), marked.index(one)))
            return [one[1] if isinstance(one, tuple) else _whole(one) for one in order[: int(register.argument)]]
        case _:
            return score([pair for pair in pairs if pair[0] is not None], int(register.argument), now_us)


def _whole(one: Any) -> Any:
    return int(one) if isinstance(one, float) and one.is_integer() else one


def stddev(known: Sequence[int | float]) -> float | None:
    """The root by bisection among floats: the nearest one, of two the even one is never asked for here."""
    if len(known) < 2:
        return None
    exact = [Fraction(one) for one in known]
    mean = sum(exact) / len(exact)
    variance = sum((one - mean) ** 2 for one in exact) / (len(exact) - 1)
    if not variance:
        return 0.0
    low, high = 0.0, 1.7976931348623157e308
    if Fraction(high) ** 2 < variance:
        return None
    while math.nextafter(low, high) < high:
        bits = (_bits(low) + _bits(high)) // 2
        middle = _float(bits)
        if Fraction(middle) ** 2 <= variance:
            low = middle
        else:
            high = middle
    half = (Fraction(low) + Fraction(high)) / 2
    return low if variance < half**2 else high


def _bits(x: float) -> int:
    import struct

    return int(struct.unpack("<q", struct.pack("<d", x))[0])


def _float(bits: int) -> float:
    import struct

    return float(struct.unpack("<d", struct.pack("<q", bits))[0])


def percentile(known: Sequence[int | float], percent: int | float) -> int | float | None:
    if not known:
        return None
    order = sorted(known)
    place = Fraction(str(percent)) / 100 * (len(order) - 1)
    below = math.floor(place)
    part = place - below
    try:
        if part:
            return float(Fraction(order[below]) * (1 - part) + Fraction(order[below + 1]) * part)
        return float(order[below]) if any(isinstance(one, float) for one in order) else order[below]
    except OverflowError:
        return None


def score(pairs: Sequence[tuple[int | float, int]], half_life_us: int, now_us: int) -> int | float | None:
    """By the powers of two that floats hold, everything else exactly."""
    if not pairs:
        return 0
    total = sum(
        Fraction(x) * Fraction(2.0 ** (t % half_life_us / half_life_us)) * Fraction(2) ** (t // half_life_us) for x, t in pairs
    )
    now = Fraction(2.0 ** (now_us % half_life_us / half_life_us)) * Fraction(2) ** (now_us // half_life_us)
    try:
        return float(total / now)
    except OverflowError:
        return None


def slowly(plan: RulePlan, events: Sequence[Seen], end_us: int) -> list[Told]:
    """All that a window rule tells, up to the end."""
    assert isinstance(plan.body, WindowBody)
    by_key: dict[Any, tuple[tuple[Any, ...], list[tuple[Seen, int]]]] = {}
    for event in events:
        parts = key_parts(plan.key, event, {})
        mask = sum(1 << bit for bit, select in enumerate(plan.selects) if fits(select, event, {}))
        if parts is not None and mask:
            by_key.setdefault(as_key(parts), (parts, []))[1].append((event, mask))
    found = [one for parts, own in by_key.values() for one in Slow(plan, plan.body, parts).run(own, end_us)]
    return sorted(found, key=lambda one: one.time_us)
