"""Absence rules (docs/language.md, Meaning 13): armed per key by each event that fits; fires once, at last + for, if none
came by then. An event exactly at last + for is in time: it is fed before the timers of its moment. The next event resolves.

    for 3m    09:00 e ......... 09:03 e ......... 09:06 opens ......... 10:00 e resolves, and arms for 10:03

`cep.match.expected` adds keys that ought to be heard of, silent sources, and `resolve when`.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any, NamedTuple

from cep.event import TIMER, Batch, EventId, Key, Match
from cep.match.budget import Budget
from cep.match.matcher import Hits, RuleState
from cep.match.state import Touched, merge
from cep.plan.kernels import Registers, RuleKernels
from cep.plan.plan import AbsentBody, RulePlan

ARMED, OPEN = 0, 1  # how a key is written down; `cep.match.expected` has another


class Last(NamedTuple):
    """What is known of a key.

    number   of its last change, counted over all keys: their order
    armed_us since when it is waited for
    time_us, id, registers   of its last event; None: it was never heard of
    """

    number: int
    armed_us: int
    time_us: int | None
    id: EventId | None
    registers: Registers


class Held(Mapping[Key, Last]):
    """All keys of a rule as one mapping, those first that were heard of longest ago."""

    def __init__(self, *tables: dict[Key, Last]) -> None:
        self._tables = tables

    def __getitem__(self, key: Key) -> Last:
        for table in self._tables:
            if key in table:
                return table[key]
        raise KeyError(key)

    def __contains__(self, key: object) -> bool:
        return any(key in table for table in self._tables)

    def __iter__(self) -> Iterator[Key]:
        return chain(*self._tables)

    def __len__(self) -> int:
        return sum(map(len, self._tables))


class AbsentMatcher:
    """Keeps the promise of `cep.match.matcher.Matcher` for `AbsentBody`.

    One entry per key, in order of arming: since all wait equally long, the first entry is the next timer. A key that has fired
    waits among the open ones for its next event.

    cost  O(1) per row and per timer; memory per key, not per event
    """

    def __init__(self, plan: RulePlan, kernels: RuleKernels) -> None:
        assert isinstance(plan.body, AbsentBody)
        self._for_us = plan.body.for_us
        self._kernels = kernels
        self.budget: Budget[Key] | None = Budget(plan.budget) if plan.budget else None
        self._number = 0
        self._armed: OrderedDict[Key, Last] = OrderedDict()
        self._open: dict[Key, Last] = {}
        self._held = Held(self._open, self._armed)
        self._touched = Touched()

    def feed(self, batch: Batch, hits: Hits, out: list[Match]) -> None:
        """Each row arms its key anew; what is due before the row's time fires first."""
        armed, opened, budget = self._armed, self._open, self.budget
        self._touched.add_all(hits.keys)
        due_us = self.next_due()
        for index, key in zip(hits.rows, hits.keys):
            time_us = batch.times_us[index]
            if due_us is not None and due_us < time_us:
                self.advance(time_us, out)
                due_us = self.next_due()
            last = self._heard(batch, index, time_us)
            if opened and key in opened:
                del opened[key]
                out.append(self._resolved(key, last, time_us, index))
            elif budget is not None and key not in armed and not self._make_room(key, time_us, index, out):
                continue
            armed[key] = last
            armed.move_to_end(key)
            if due_us is None:
                due_us = time_us + self._for_us

    def _heard(self, batch: Batch, index: int, time_us: int) -> Last:
        """An event of a key."""
        registers = self._kernels.fresh()
        take = self._kernels.take[0]
        if take is not None:
            take(registers, batch.rows[index], time_us)
        self._number += 1
        return Last(self._number, time_us, time_us, batch.ids[index], registers)

    def advance(self, watermark_us: int, out: list[Match]) -> None:
        """Fire for each key that has been waited for longer than `for`."""
        armed = self._armed
        while armed:
            key, last = next(iter(armed.items()))
            due_us = last.armed_us + self._for_us
            if due_us >= watermark_us:
                return
            del armed[key]
            self._touched.add_all((key,))
            self._lapse(key, last, due_us, out)

    def _lapse(self, key: Key, last: Last, due_us: int, out: list[Match]) -> None:
        """The time of a key is up."""
        self._number += 1
        self._open[key] = last._replace(number=self._number)
        out.append(self._told(key, last, due_us, TIMER, "opened"))

    def next_due(self) -> int | None:
        for last in self._armed.values():
            return last.armed_us + self._for_us
        return None

    # -- telling

    def _told(self, key: Key, last: Last, time_us: int, cause: int, transition: str, *, without_event: bool = False) -> Match:
        read = self._kernels.read(last.registers)
        fields = self._kernels.emit(read, key, None, 0)
        title = self._kernels.title(fields, read, key, None, 0)
        if last.id is None or without_event:
            return Match(key, time_us, cause, fields, title, None, None, None, None, (), 0, transition)
        times = last.time_us, last.time_us
        return Match(key, time_us, cause, fields, title, *times, last.id, last.id, (last.id,), 1, transition)

    def _resolved(self, key: Key, last: Last, time_us: int, cause: int) -> Match:
        return self._told(key, last, time_us, cause, "resolved")

    # -- budget

    def _make_room(self, key: Key, time_us: int, cause: int, out: list[Match]) -> bool:
        """Let go what is too much; False: the key itself is not taken."""
        gone = self.budget.over(self._held, key, time_us) if self.budget is not None else None
        if gone is not None and gone != key:
            self._forget(gone, time_us, cause, out)
        return gone is None or gone != key

    def _forget(self, key: Key, time_us: int, cause: int, out: list[Match]) -> None:
        """Wait for the key no longer. Nobody would be there to resolve its alert later, so it resolves now."""
        self._touched.add_all((key,))
        self._armed.pop(key, None)
        last = self._open.pop(key, None)
        if last is not None:
            out.append(self._told(key, last, time_us, cause, "resolved", without_event=True))

    # -- state

    def snapshot(self, *, delta: bool) -> RuleState:
        """Per key [number, armed_us, time, id, registers, how it stands]."""
        changed = self._touched.begin(delta=delta)
        keys = self._held if changed is None else changed
        return RuleState([[key, self._plain(key)] for key in keys], self._meta(), delta=changed is not None)

    def _plain(self, key: Key) -> list[Any] | None:
        for standing, table in self._tables():
            if key in table:
                last = table[key]
                return [last.number, last.armed_us, last.time_us, last.id, self._kernels.dump(last.registers), standing]
        return None

    def _tables(self) -> tuple[tuple[int, dict[Key, Last]], ...]:
        return (ARMED, self._armed), (OPEN, self._open)

    def _meta(self) -> dict[str, Any]:
        return {"number": self._number}

    def restore(self, states: list[RuleState]) -> None:
        tables = dict(self._tables())
        for table in tables.values():
            table.clear()
        load = self._kernels.load
        for key, plain in sorted(merge(states).items(), key=lambda item: item[1][0]):
            number, armed_us, time_us, event_id, registers, standing = plain
            tables[standing][key] = Last(number, armed_us, time_us, event_id, load(registers))
        self._load_meta(states[-1].meta)
        self._touched.begin(delta=False)

    def _load_meta(self, meta: dict[str, Any]) -> None:
        self._number = meta["number"]

    def size(self) -> int:
        return len(self._held)

    def touched(self) -> int:
        return self._touched.count(len(self._held))
