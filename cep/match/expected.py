"""Absence rules that know whom to expect, whose source may be silent, or that are resolved by other events (docs/language.md,
Meaning 13).

expect         the keys of a table are armed when time begins, or when they enter the table; leaving it disarms and resolves.
               Events of other keys arm nothing
source silent  a key is held back if no event of the rule's types came, of whatever key, since it was armed: that is the source
               that is silent. When it speaks, with an event of whatever key, all that were held back are armed at that time
resolve when   such an event resolves the open alert of its key, and arms the key; of a key without one it does nothing
"""

from __future__ import annotations

from itertools import repeat
from typing import Any

from cep.event import TIMER, Batch, Key, Match
from cep.match.absent import AbsentMatcher, Held, Last
from cep.match.matcher import Hits
from cep.plan.kernels import RuleKernels
from cep.plan.plan import AbsentBody, RulePlan

HELD_BACK = 2
_FITS, _RESOLVES = 1, 2  # bits of the step mask


class ExpectingMatcher(AbsentMatcher):
    """Keeps the promise of `cep.match.matcher.Matcher` for `AbsentBody` with any of these clauses."""

    def __init__(self, plan: RulePlan, kernels: RuleKernels) -> None:
        super().__init__(plan, kernels)
        assert isinstance(plan.body, AbsentBody)
        self._expected = None if kernels.expected is None else dict.fromkeys(kernels.expected)
        self._unless_silent = plan.body.unless_silent
        self._resolves = plan.body.resolve is not None
        self._spoke_us: int | None = None  # time of the last event of the rule's types, of whatever key
        self._back: dict[Key, Last] = {}  # held back while the source is silent
        self._held = Held(self._open, self._back, self._armed)
        self.begun = self._expected is None  # whether the expected keys are armed

    def meet(self, time_us: int, out: list[Match]) -> None:
        """Time begins, or the table has changed: arm whom it names now, and let go of others."""
        self.begun = True
        if self._expected is None:
            return
        for key in [key for key in self._held if key not in self._expected]:
            self._forget(key, time_us, TIMER, out)
        for key in self._expected:
            if key not in self._held:
                self._arm(key, Last(0, time_us, None, None, self._kernels.fresh()), time_us)

    def _arm(self, key: Key, last: Last, time_us: int) -> None:
        """Wait for the key from now on."""
        self._number += 1
        self._armed[key] = last._replace(number=self._number, armed_us=time_us)
        self._armed.move_to_end(key)
        self._touched.add_all((key,))

    def feed(self, batch: Batch, hits: Hits, out: list[Match]) -> None:
        """Rows that fit arm their key; the others tell that the source speaks, or resolve."""
        expected = self._expected
        due_us = self.next_due()
        for index, key, mask in zip(hits.rows, hits.keys, hits.masks or repeat(_FITS)):
            time_us = batch.times_us[index]
            if due_us is not None and due_us < time_us:
                self.advance(time_us, out)
            if self._unless_silent:
                self._speak(time_us)
            if expected is None or key in expected:
                self._take(batch, index, key, mask, out)
            due_us = self.next_due()

    def _speak(self, time_us: int) -> None:
        self._spoke_us = time_us
        if self._back:
            for key, last in self._back.items():
                self._arm(key, last, time_us)
            self._back.clear()

    def _take(self, batch: Batch, index: int, key: Key, mask: int, out: list[Match]) -> None:
        time_us = batch.times_us[index]
        opened = self._open
        if mask & _FITS:
            last = self._heard(batch, index, time_us)
            if key in opened:
                del opened[key]
                out.append(self._resolved(key, last, time_us, index))
            elif key not in self._armed and not self._make_room(key, time_us, index, out):
                return
            self._arm(key, last, time_us)
        elif self._resolves and mask & _RESOLVES and key in opened:
            last = opened.pop(key)
            event = last._replace(time_us=time_us, id=batch.ids[index])
            out.append(self._resolved(key, event, time_us, index))
            self._arm(key, last, time_us)

    def _lapse(self, key: Key, last: Last, due_us: int, out: list[Match]) -> None:
        if self._unless_silent and (self._spoke_us is None or self._spoke_us <= last.armed_us):
            self._back[key] = last
            return
        super()._lapse(key, last, due_us, out)

    def _forget(self, key: Key, time_us: int, cause: int, out: list[Match]) -> None:
        self._back.pop(key, None)
        super()._forget(key, time_us, cause, out)

    # -- state

    def _tables(self) -> tuple[tuple[int, dict[Key, Last]], ...]:
        return (*super()._tables(), (HELD_BACK, self._back))

    def _meta(self) -> dict[str, Any]:
        return super()._meta() | {"spoke_us": self._spoke_us, "begun": self.begun}

    def _load_meta(self, meta: dict[str, Any]) -> None:
        super()._load_meta(meta)
        self._spoke_us, self.begun = meta["spoke_us"], meta["begun"]
