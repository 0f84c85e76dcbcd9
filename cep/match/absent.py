"""Absence rules (docs/language.md, Meaning 13): armed per key by each event that fits; fires once, at last + for, if none
came by then. An event exactly at last + for is in time: it is fed before the timers of its moment.

    for 3m    09:00 e ......... 09:03 e ......... 09:06 fires     a key that has fired is forgotten until its next event
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from cep.event import TIMER, Batch, EventId, Key, Match
from cep.match.found import found
from cep.match.matcher import Hits, RuleState
from cep.match.state import Touched, merge
from cep.plan.kernels import Registers, RuleKernels
from cep.plan.plan import AbsentBody, RulePlan


class AbsentMatcher:
    """Keeps the promise of `cep.match.matcher.Matcher` for `AbsentBody`.

    One entry per key, in order of the last event: since all wait equally long, the first entry is the next timer.

    cost  O(1) per row and per timer; memory per key, not per event
    """

    def __init__(self, plan: RulePlan, kernels: RuleKernels) -> None:
        assert isinstance(plan.body, AbsentBody)
        self._for_us = plan.body.for_us
        self._kernels = kernels
        self._armed: OrderedDict[Key, tuple[int, EventId, Registers]] = OrderedDict()  # time and id of the last event
        self._touched = Touched()

    def feed(self, batch: Batch, hits: Hits, out: list[Match]) -> None:
        """Each row arms its key anew; what is due before the row's time fires first."""
        armed, take, fresh = self._armed, self._kernels.take[0], self._kernels.fresh
        nothing = fresh()
        self._touched.add_all(hits.keys)
        due_us = self.next_due()
        for index, key in zip(hits.rows, hits.keys):
            time_us = batch.times_us[index]
            if due_us is not None and due_us < time_us:
                self.advance(time_us, out)
                due_us = self.next_due()
            registers = nothing
            if take is not None:
                registers = fresh()
                take(registers, batch.rows[index], time_us)
            armed[key] = (time_us, batch.ids[index], registers)
            armed.move_to_end(key)
            if due_us is None:
                due_us = time_us + self._for_us

    def advance(self, watermark_us: int, out: list[Match]) -> None:
        """Fire for each key whose last event lies more than `for` behind; the key is forgotten."""
        while self._armed:
            key, (last_us, event_id, registers) = next(iter(self._armed.items()))
            due_us = last_us + self._for_us
            if due_us >= watermark_us:
                return
            del self._armed[key]
            self._touched.add_all((key,))
            read = self._kernels.read(registers)
            out.append(found(self._kernels, key, due_us, TIMER, read, (last_us, last_us), (event_id,), 1))

    def next_due(self) -> int | None:
        for last_us, _, _ in self._armed.values():
            return last_us + self._for_us
        return None

    def snapshot(self, *, delta: bool) -> RuleState:
        """Per key [time, id, registers] of its last event, the earliest first."""
        changed = self._touched.begin(delta=delta)
        if changed is None:
            return RuleState([[key, self._plain(one)] for key, one in self._armed.items()])
        there = sorted((key for key in changed if key in self._armed), key=lambda key: self._armed[key][0])
        gone: list[list[Any]] = [[key, None] for key in changed if key not in self._armed]
        return RuleState(gone + [[key, self._plain(self._armed[key])] for key in there], delta=True)

    def _plain(self, one: tuple[int, EventId, Registers]) -> list[Any]:
        return [one[0], one[1], self._kernels.dump(one[2])]

    def restore(self, states: list[RuleState]) -> None:
        merged = sorted(merge(states).items(), key=lambda item: item[1][0])
        self._armed = OrderedDict(
            (key, (last_us, event_id, self._kernels.load(registers))) for key, (last_us, event_id, registers) in merged
        )
        self._touched.begin(delta=False)

    def size(self) -> int:
        return len(self._armed)

    def touched(self) -> int:
        return self._touched.count(len(self._armed))
