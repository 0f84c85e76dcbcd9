"""Filter and window rules from the text of the language (docs/language.md, Meaning 12): one event after the other, every
window written out in full at each moment it is judged.

Where the text leaves room, this is how it is read:

    life         Each rise opens once at most: after `resolve when`, or `until`, the condition must fall and rise. A rise
                 while the alert is open opens nothing later. An event of `resolve when` that the window takes as well is
                 first taken.
    update       Told by an event after which the fields differ from those last told; of windows judged at their end, by that.
    resolve      Tells the fields at that moment, of an empty window none. An empty window resolves, `until` or not.
    `for D`      Its timer acts before departures of that moment. Of windows judged at their ends: the first end at least D
                 later.
    zones        Days are counted from 1970-01-01, parts of a day from each midnight, so a day on which clocks change has more
                 or fewer, or a shorter last one. A window is as many of these as fit into its length.
    session      Closes at last + gap or first + max, whichever is earlier, an event of that moment in. Its alert has no open
                 state.
    bucket       Leaks evenly. Over its size: an alert, and it is empty. What has leaked empty before an event is forgotten
                 with all that its alert would tell.
    recalls      `first_seen` and `changed` are of the newest event of the window; a null is unknown and not remembered;
                 D later still counts. A `baseline` is the mean over the parts, counted from the epoch, that lie wholly in the
                 time before the window; one without an event counts 0 where the aggregate of nothing is 0, else not at all.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from cep.plan.plan import AbsentBody, FilterBody, Recall, RulePlan, WindowBody, WindowKind
from tests.judge.absences import AbsenceRule
from tests.judge.moments import Judge, KeyedRule, Parts, Timer, play
from tests.judge.values import (
    Scope,
    Seen,
    Tables,
    Verdict,
    as_key,
    emitted,
    exact_mean,
    fits,
    holds,
    marked,
    register_value,
    value,
)

DAY_US = 86_400_000_000


def judge(plan: RulePlan, events: Sequence[Seen], end_us: int, tables: Tables | None = None) -> list[Verdict]:
    """All that a filter, window or absence rule tells of the events, in feeding order, up to `end_us`."""
    if isinstance(plan.body, AbsentBody):
        return play(AbsenceRule(plan, tables or {}, events[0].time_us if events else 0), events, end_us)
    return play(KeyedRule(plan, one_key, tables or {}), events, end_us)


def one_key(plan: RulePlan, parts: Parts, tables: Tables) -> Judge:
    """A key of a filter or window rule."""
    if isinstance(plan.body, FilterBody):
        return _Filter(plan, parts, tables)
    assert isinstance(plan.body, WindowBody)
    kinds: dict[WindowKind, type[_Window]] = {
        WindowKind.SLIDE: _Sliding,
        WindowKind.EVENTS: _LastEvents,
        WindowKind.HOP: _Hopping,
        WindowKind.SESSION: _Session,
        WindowKind.BUCKET: _Bucket,
        WindowKind.NONE: _Each,
    }
    return kinds[plan.body.kind](plan, parts, tables)


class _Filter:
    def __init__(self, plan: RulePlan, parts: Parts, tables: Tables) -> None:
        self.plan, self.parts, self.tables = plan, parts, tables

    def take(self, event: Seen) -> list[Verdict]:
        assert isinstance(self.plan.body, FilterBody)
        if not fits(self.plan.body.select, event, self.tables):
            return []
        scope = Scope(event.row, event.time_us, key=self.parts, tables=self.tables)
        return [verdict(self.parts, event.time_us, [event], emitted(self.plan, scope))]

    def timer(self) -> Timer | None:
        return None

    def fire(self) -> list[Verdict]:
        return []


def verdict(parts: Parts, time_us: int, events: Sequence[Seen], fields: dict[str, Any], transition: str = "opened") -> Verdict:
    if not events:
        return Verdict(as_key(parts), time_us, fields, None, None, None, None, (), transition)
    first, last = events[0], events[-1]
    ids = tuple(event.id for event in events)
    return Verdict(as_key(parts), time_us, fields, first.time_us, last.time_us, first.id, last.id, ids, transition)


class _Window:
    """One key: what is inside, and the life of its alert."""

    def __init__(self, plan: RulePlan, parts: Parts, tables: Tables) -> None:
        assert isinstance(plan.body, WindowBody)
        self.plan, self.body, self.parts, self.tables = plan, plan.body, parts, tables
        self.past: list[Seen] = []  # all events so far, for what looks back
        self.inside: list[Seen] = []
        self.is_true = False  # the condition, when it was last judged
        self.rose_us: int | None = None  # a rise that has opened nothing yet
        self.is_open = False
        self.fields: dict[str, Any] = {}  # as last told
        self.told: list[Verdict] = []

    def take(self, event: Seen) -> list[Verdict]:
        self.told = []
        if fits(self.body.select, event, self.tables):
            self.past.append(event)
            self._enter(event)
        if self.is_open and self.body.resolve is not None and fits(self.body.resolve, event, self.tables):
            self._resolve(event.time_us)
        return self.told

    def fire(self) -> list[Verdict]:
        self.told = []
        timer = self.timer()
        assert timer is not None
        self._act(int(timer[0]), fulfils=timer[1] == 0)
        return self.told

    # -- what the kinds say

    def timer(self) -> Timer | None:
        return None

    def _enter(self, event: Seen) -> None:
        raise NotImplementedError

    def _act(self, now_us: int, *, fulfils: bool) -> None:
        raise NotImplementedError

    def _content(self, now_us: int) -> list[Seen]:
        return self.inside

    def _start(self, now_us: int) -> int:
        """When the window that is judged now begins."""
        return now_us - self.body.window_us

    # -- the life of the alert

    def _judge(self, now_us: int, *, updates: bool) -> None:
        true = self._holds(now_us)
        if not true:
            self.rose_us = None
        elif not self.is_true and not self.is_open:
            self.rose_us = now_us
        self.is_true = true
        if self.is_open:
            self._go_on(now_us, updates=updates)
        elif self.rose_us is not None and not self.body.for_us:
            self._open(now_us)

    def _holds(self, now_us: int) -> bool:
        return bool(self._content(now_us)) and holds(self.body.when, self._scope(now_us))  # an empty window is never true

    def _go_on(self, now_us: int, *, updates: bool) -> None:
        over = not self.is_true if self.body.until is None else holds(self.body.until, self._scope(now_us))
        if over or not self._content(now_us):
            self._resolve(now_us)
        elif updates and not _same(fields := emitted(self.plan, self._scope(now_us)), self.fields):
            self._tell(now_us, "updated", fields)

    def _open(self, now_us: int) -> None:
        self._tell(now_us, "opened", emitted(self.plan, self._scope(now_us)))
        self.rose_us, self.is_open = None, True
        if self.body.then_reset:
            gone = self._content(now_us)
            self.inside = [event for event in self.inside if event not in gone]
            self.is_open = self.is_true = False

    def _resolve(self, now_us: int) -> None:
        self._tell(now_us, "resolved", emitted(self.plan, self._scope(now_us)) if self._content(now_us) else {})
        self.is_open = False

    def _tell(self, now_us: int, transition: str, fields: dict[str, Any]) -> None:
        self.fields = fields
        self.told.append(verdict(self.parts, now_us, self._content(now_us), fields, transition))

    def _waited(self) -> list[Timer]:
        """The timer of `for D`."""
        return [] if self.rose_us is None else [(self.rose_us + self.body.for_us, 0, self.rose_us)]

    # -- values

    def _scope(self, now_us: int) -> Scope:
        registers = [register_value(register, self._content(now_us), self.tables, now_us) for register in self.body.registers]
        registers += [self._recalled(recall, now_us) for recall in self.body.recalls]
        return Scope(registers=registers, key=self.parts, tables=self.tables)

    def _recalled(self, recall: Recall, now_us: int) -> Any:
        if recall.kind == "baseline":
            return self._baseline(recall, now_us)
        if not (content := self._content(now_us)):
            return None
        newest = content[-1]
        earlier = self.past[: self.past.index(newest)]
        values = self._remembered(recall, newest)
        known = [self._remembered(recall, one) for one in earlier if newest.time_us - one.time_us <= recall.over_us]
        known = [one for one in known if one is not None]
        if values is None:
            return None
        return values not in known if recall.kind == "first_seen" else bool(known) and known[-1] != values

    def _remembered(self, recall: Recall, event: Seen) -> tuple[Any, ...] | None:
        values = [value(expr, Scope(event.row, event.time_us, tables=self.tables)) for expr in recall.values]
        return None if any(one is None for one in values) else tuple(marked(one) for one in values)

    def _baseline(self, recall: Recall, now_us: int) -> Any:
        assert recall.register is not None
        end_us, said = self._start(now_us), []
        first = -(-(end_us - recall.over_us) // recall.per_us)
        for part in range(first, end_us // recall.per_us):
            events = [event for event in self.past if event.time_us // recall.per_us == part]
            said.append(register_value(recall.register, events, self.tables, now_us))
        return exact_mean([one for one in said if one is not None])


class _Sliding(_Window):
    """[t - w, t]: judged after each event and each departure."""

    def timer(self) -> Timer | None:
        leaving = [(event.time_us + self.body.window_us, 1, event.time_us) for event in self.inside[:1]]
        return min([*self._waited(), *leaving], default=None)

    def _enter(self, event: Seen) -> None:
        self.inside.append(event)
        self._judge_event(event.time_us)

    def _judge_event(self, now_us: int) -> None:
        if not self.body.fire_each:
            self._judge(now_us, updates=True)
        elif self._holds(now_us):
            self._tell(now_us, "opened", emitted(self.plan, self._scope(now_us)))

    def _act(self, now_us: int, *, fulfils: bool) -> None:
        if fulfils:
            self._open(now_us)
            return
        self.inside.pop(0)
        if not self.body.fire_each:
            self._judge(now_us, updates=False)


class _LastEvents(_Sliding):
    """The last N, judged at each event."""

    def timer(self) -> Timer | None:
        return min(self._waited(), default=None)

    def _enter(self, event: Seen) -> None:
        self.inside = [*self.inside, event][-self.body.events :]
        self._judge_event(event.time_us)


class _Hopping(_Window):
    """[end - w, end): judged once, at the end."""

    judged_us = 0

    def _waits(self) -> bool:
        """Whether the next end decides something: a window without an event is false."""
        return bool(self.inside) or self.is_open or self.is_true

    def timer(self) -> Timer | None:
        if not self._waits():
            return None
        end_us = next(end for end, _ in self._windows(self.judged_us) if end > self.judged_us)
        return (end_us, 0, end_us)

    def _enter(self, event: Seen) -> None:
        if not self._waits():
            self.judged_us = event.time_us
        self.inside.append(event)

    def _act(self, now_us: int, *, fulfils: bool) -> None:
        self._judge(now_us, updates=True)
        if self.rose_us is not None and now_us - self.rose_us >= self.body.for_us:
            self._open(now_us)
        self.judged_us = now_us
        following = next(start for end, start in self._windows(now_us) if end > now_us)
        self.inside = [event for event in self.inside if event.time_us >= following]

    def _content(self, now_us: int) -> list[Seen]:
        end_us, start_us = next(window for window in self._windows(now_us - 1) if window[0] >= now_us)
        return [event for event in self.inside if start_us <= event.time_us < end_us]

    def _start(self, now_us: int) -> int:
        return next(start for end, start in self._windows(now_us - 1) if end >= now_us)

    def _windows(self, after_us: int) -> Iterator[tuple[int, int]]:
        """(end, start) of windows, the first ones before that time or soon after it."""
        every_us, length_us = self.body.every_us, self.body.window_us
        if not self.body.zone:
            number = after_us // every_us
            while True:
                yield number * every_us, number * every_us - length_us
                number += 1
        slots = list[int]()
        for slot in _slots(self.body.zone, every_us, after_us - length_us - 2 * max(every_us, DAY_US)):
            slots.append(slot)
            if len(slots) > length_us // every_us:
                yield slot, slots[-1 - length_us // every_us]


def _slots(zone: str, every_us: int, from_us: int) -> Iterator[int]:
    """When slots begin: whole days at midnights counted from 1970-01-01, or parts of a day counted from each midnight."""
    day = datetime.fromtimestamp(from_us // 1_000_000, UTC).date()
    while True:
        if every_us < DAY_US:
            yield from range(_midnight(day, zone), _midnight(day + timedelta(days=1), zone), every_us)
        elif (day - datetime(1970, 1, 1, tzinfo=UTC).date()).days % (every_us // DAY_US) == 0:
            yield _midnight(day, zone)
        day += timedelta(days=1)


def _midnight(day: Any, zone: str) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).timestamp()) * 1_000_000


class _Session(_Window):
    """Events each at most a gap after the one before: judged when it closes."""

    def timer(self) -> Timer | None:
        if not self.inside:
            return None
        closes_us = self.inside[-1].time_us + self.body.window_us
        if self.body.max_us:
            closes_us = min(closes_us, self.inside[0].time_us + self.body.max_us)
        return (closes_us, 0, self.inside[0].time_us)

    def _enter(self, event: Seen) -> None:
        self.inside.append(event)

    def _act(self, now_us: int, *, fulfils: bool) -> None:
        if self._holds(now_us):
            self._tell(now_us, "opened", emitted(self.plan, self._scope(now_us)))
        self.inside = []


class _Bucket(_Window):
    """One in for each event, `leak` out every `every_us`: told when it runs over."""

    level = Fraction(0)

    def _enter(self, event: Seen) -> None:
        body = self.body
        if self.inside:
            last_us = self.inside[-1].time_us
            empty_us = last_us + math.ceil(self.level * body.every_us / body.leak)
            if empty_us < event.time_us:
                self.inside = []
            self.level = max(Fraction(0), self.level - Fraction((event.time_us - last_us) * body.leak, body.every_us))
        self.level += 1
        self.inside.append(event)
        if self.level > body.events:
            self._tell(event.time_us, "opened", emitted(self.plan, self._scope(event.time_us)))
            self.inside, self.level = [], Fraction(0)


class _Each(_Window):
    """Each event alone, by what came before it."""

    def _enter(self, event: Seen) -> None:
        self.inside = [event]
        if self._holds(event.time_us):
            self._tell(event.time_us, "opened", emitted(self.plan, self._scope(event.time_us)))


def _same(fields: dict[str, Any], others: dict[str, Any]) -> bool:
    return {name: marked(one) for name, one in fields.items()} == {name: marked(one) for name, one in others.items()}
