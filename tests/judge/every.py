"""`pick all`, as far as it can be said without a machine: chains of steps that take one event or a fixed number, not greedy and
without `after match`. A match is any choice of own events, one behind the other, in which each

    ->    is the first behind the one before that fits its step (one that comes too early for its delay does not fit)
    =>    is the very next own event
    ->>   is any later one that fits

What is said here, Flink CEP says as well; of loops without an end, greedy ones and skipping, Flink alone is the judge.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cep.plan.plan import Bound, Link, PatternBody, PickKind, RulePlan, SkipKind, StepPlan, Take
from tests.judge.values import Scope, Seen, Tables, Verdict, as_key, emitted, fits, holds, key_parts, register_value

Chosen = tuple[int, ...]  # places among the own events, one for each event asked for


def judge_every(plan: RulePlan, events: Sequence[Seen], tables: Tables | None = None) -> list[Verdict]:
    """All matches, by the event that completes them; of one event by the earliest start, then taken before left."""
    of_keys: dict[object, _OneKey] = {}
    told = []
    for event in events:
        parts = key_parts(plan.key, event, tables or {})
        if parts is not None:
            told += of_keys.setdefault(as_key(parts), _OneKey(plan, parts, tables or {})).completed_by(event)
    return told


class _OneKey:
    def __init__(self, plan: RulePlan, parts: tuple[object, ...], tables: Tables) -> None:
        assert isinstance(plan.body, PatternBody)
        assert plan.body.pick is PickKind.ALL
        assert plan.body.skip is SkipKind.NONE
        self.plan, self.body, self.parts, self.tables = plan, plan.body, parts, tables
        self.asked = [one for link in self.body.pattern.links for one in _each(link)]
        self.own: list[Seen] = []

    def completed_by(self, event: Seen) -> list[Verdict]:
        self.own.append(event)
        last = len(self.own) - 1
        matches = sorted(chosen for chosen in self._choices(()) if chosen[-1] == last and self._holds(chosen))
        return [self._verdict(chosen) for chosen in matches[: self.body.limit]]

    def _choices(self, before: Chosen) -> Iterator[Chosen]:
        if len(before) == len(self.asked):
            yield before
            return
        arrow = self.asked[len(before)].arrow if before else "->>"
        behind = before[-1] + 1 if before else 0
        for at in range(behind, len(self.own)):
            if self._fits(before, at):
                yield from self._choices((*before, at))
                if arrow == "->":
                    return
            if arrow == "=>":
                return

    def _fits(self, before: Chosen, at: int) -> bool:
        event, link, step = self.own[at], self.asked[len(before)], self._step(len(before))
        if before:
            since_us = event.time_us - self.own[before[-1]].time_us
            too_early = link.min_us is not None and since_us < link.min_us
            too_late = link.max_us is not None and since_us > link.max_us
            if too_early or too_late or not _in_bound(self.body.within, self.own[before[0]], event, at - before[0]):
                return False
        registers = self._registers((*before, at) if step.cond_after_take else before)
        scope = Scope(event.row, event.time_us, registers, self.parts, tables=self.tables)
        return fits(step.select, event, self.tables) and holds(step.cond, scope)

    def _holds(self, chosen: Chosen) -> bool:
        return holds(self.body.when, Scope(registers=self._registers(chosen), key=self.parts, tables=self.tables))

    def _step(self, number: int) -> StepPlan:
        part = self.asked[number].part
        assert isinstance(part, Take)
        return self.body.steps[part.step]

    def _registers(self, chosen: Chosen) -> list[object]:
        taken = [(self._step(number).label, self.own[at]) for number, at in enumerate(chosen)]
        return [
            register_value(register, [e for label, e in taken if label == self.body.steps[register.step].label], self.tables)
            for register in self.body.registers
        ]

    def _verdict(self, chosen: Chosen) -> Verdict:
        events = [self.own[at] for at in chosen]
        fields = emitted(self.plan, Scope(registers=self._registers(chosen), key=self.parts, tables=self.tables))
        first, last = events[0], events[-1]
        ids = tuple(event.id for event in events)
        return Verdict(as_key(self.parts), last.time_us, fields, first.time_us, last.time_us, first.id, last.id, ids)


def _each(link: Link) -> list[Link]:
    """`x{3}` is three single events: the first by the link's arrow, the others by the loop's own."""
    assert isinstance(link.part, Take)
    loop = link.part.loop
    assert loop.min == loop.max
    return [link] + [Link(link.part, loop.inner)] * (loop.min - 1)


def _in_bound(bound: Bound, first: Seen, event: Seen, behind: int) -> bool:
    took_us = event.time_us - first.time_us
    in_time = bound.us is None or (took_us < bound.us if bound.exclusive else took_us <= bound.us)
    return in_time and (bound.events is None or behind < bound.events)
