"""`pick all`, as far as it can be said without a machine: chains of steps that take one event or a fixed number, not greedy and
without `after match`, with negations at either end. A match is any choice of own events, one behind the other, in which each

    ->    is the first behind the one before that fits its step (one that comes too early for its delay does not fit)
    =>    is the very next own event
    ->>   is any later one that fits

    !x -> a   no x within the bounds lies before the first       a -> !x   none behind the last: certain at the deadline
    !x => a   the own event right before the first is no x       a => !x   the very next own event is there and is no x

What is said here, Flink CEP says as well; of loops without an end, greedy ones and skipping, Flink alone is the judge.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from cep.plan.plan import Bound, Link, PatternBody, PickKind, RulePlan, SkipKind, StepPlan, Take
from tests.judge.values import Scope, Seen, Tables, Verdict, as_key, emitted, fits, holds, key_parts, register_value

Chosen = tuple[int, ...]  # places among the own events, one for each event asked for


def judge_every(plan: RulePlan, events: Sequence[Seen], end_us: int, tables: Tables | None = None) -> list[Verdict]:
    """All matches, by the event that completes them; of one event by the earliest start, then taken before left. Those that time
    completes up to and including `end_us` come last."""
    of_keys: dict[object, _OneKey] = {}
    told = []
    for event in events:
        parts = key_parts(plan.key, event, tables or {})
        if parts is not None:
            told += of_keys.setdefault(as_key(parts), _OneKey(plan, parts, tables or {})).completed_by(event)
    return told + [verdict for key in of_keys.values() for verdict in key.completed_by_time(end_us)]


class _OneKey:
    def __init__(self, plan: RulePlan, parts: tuple[object, ...], tables: Tables) -> None:
        assert isinstance(plan.body, PatternBody)
        assert plan.body.pick is PickKind.ALL
        assert plan.body.skip is SkipKind.NONE
        self.plan, self.body, self.parts, self.tables = plan, plan.body, parts, tables
        links = self.body.pattern.links
        taking = [at for at, link in enumerate(links) if not link.negated]
        self.leading = [(links[at], links[at + 1]) for at in range(taking[0])]
        self.ending = links[taking[-1] + 1 :]
        self.asked = [one for link in links[taking[0] : taking[-1] + 1] for one in _each(link)]
        self.own: list[Seen] = []

    def completed_by(self, event: Seen) -> list[Verdict]:
        self.own.append(event)
        number = len(self.own) - 1
        last = number - 1 if self._ends_by("=>") else number
        if last < 0 or self._ends_by("->"):
            return []
        found = [chosen for chosen in self._choices(()) if chosen[-1] == last and self._holds(chosen)]
        matches = sorted(chosen for chosen in found if last == number or self._is_spared(chosen, number))
        return [self._verdict(chosen, event.time_us) for chosen in matches[: self.body.limit]]

    def completed_by_time(self, end_us: int) -> list[Verdict]:
        if not self._ends_by("->"):
            return []
        spared = [chosen for chosen in self._choices(()) if self._holds(chosen) and not self._is_struck(chosen)]
        due = ((chosen, self._deadline(chosen)) for chosen in spared)
        return [self._verdict(chosen, int(due_us)) for chosen, due_us in due if due_us <= end_us]

    # ------------------------------------------------------------ negations

    def _ends_by(self, arrow: str) -> bool:
        return any(link.arrow == arrow for link in self.ending)

    def _is_spared(self, chosen: Chosen, at: int) -> bool:
        """Whether own event number `at`, right behind the last, is in time and not what must not come."""
        in_time = _in_bound(self.body.within, self.own[chosen[0]], self.own[at], at - chosen[0])
        return in_time and not any(self._denies(link, link, chosen, at, chosen[-1]) for link in self.ending)

    def _is_struck(self, chosen: Chosen) -> bool:
        """Whether something that must not come did, up to the deadline: time and events count from the first."""
        return any(
            self._denies(link, link, chosen, at, chosen[-1])
            and self.own[at].time_us <= self._deadline(chosen)
            and _in_bound(self.body.within, self.own[chosen[0]], self.own[at], at - chosen[0])
            for link in self.ending
            for at in range(chosen[-1] + 1, len(self.own))
        )

    def _deadline(self, chosen: Chosen) -> float:
        first_us, last_us = self.own[chosen[0]].time_us, self.own[chosen[-1]].time_us
        within = math.inf if self.body.within.us is None else first_us + self.body.within.us
        own = [math.inf if link.max_us is None else last_us + link.max_us for link in self.ending]
        return min(within, max(own))

    def _is_forbidden(self, first: int) -> bool:
        """Whether a negation at the start strikes a match that begins with that own event."""
        return any(
            self._denies(link, entered, (), at, first)
            and (entered.arrow != "=>" or at == first - 1)
            and _in_bound(self.body.within, self.own[at], self.own[first], first - at)
            for link, entered in self.leading
            for at in range(first)
        )

    def _denies(self, link: Link, entered: Link, chosen: Chosen, at: int, beside: int) -> bool:
        """Whether own event number `at` is what must not come, as far from number `beside` as the arrow `entered` says."""
        event, apart_us = self.own[at], abs(self.own[at].time_us - self.own[beside].time_us)
        assert isinstance(link.part, Take)
        step = self.body.steps[link.part.step]
        scope = Scope(event.row, event.time_us, self._registers(chosen), self.parts, tables=self.tables)
        meant = (entered.min_us or 0) <= apart_us <= (apart_us if entered.max_us is None else entered.max_us)
        return meant and fits(step.select, event, self.tables) and holds(step.cond, scope)

    # ------------------------------------------------------------ what is taken

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
        elif self._is_forbidden(at):
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

    def _verdict(self, chosen: Chosen, time_us: int) -> Verdict:
        events = [self.own[at] for at in chosen]
        fields = emitted(self.plan, Scope(registers=self._registers(chosen), key=self.parts, tables=self.tables))
        first, last = events[0], events[-1]
        ids = tuple(event.id for event in events)
        return Verdict(as_key(self.parts), time_us, fields, first.time_us, last.time_us, first.id, last.id, ids)


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
