"""Windows that only count, and are emptied by each alert: `when count() >= n` with `then reset`.

Such a window tells at the very event with which n lie in it. So the last n times of a key tell everything: no departure is
judged, and nothing is kept that lies further back.

    n = 3   w |------------|        the third last is within w: an alert, and the window is empty
                    x  x  x
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from typing import Any

from cep.event import Batch, Key, Match
from cep.match.ages import Ages
from cep.match.aggregates import aggregate_maker, read_over, values_loader
from cep.match.found import ends, found
from cep.match.fuse import AT, Bits, Fused, indented
from cep.match.matcher import Hits, RuleState
from cep.match.state import Touched, merge
from cep.plan.kernels import RuleKernels
from cep.plan.plan import RegisterKind, WindowBody

# time, told, time, told, ... oldest first; told: the event's id, or (id, values) when emit or title read more than counts
Counted = list[Any]
TRIMMED_FROM = 64  # a power of two


class CountedWindows:
    """All keys of a window that counts to `threshold`.

    cost  O(1) per row; a match reads its n events
    """

    def __init__(self, body: WindowBody, kernels: RuleKernels, threshold: int) -> None:
        self._window_us = body.window_us
        self.threshold = threshold
        self.kernels = kernels
        self._makers = [aggregate_maker(register) for register in body.registers]
        self.counts_alone = all(
            (register.kind, register.expr, register.where) == (RegisterKind.COUNT, None, None) for register in body.registers
        )
        self._counts: list[Any] = [threshold] * len(self._makers)  # what they all read at a match, where they only count
        self._load_values = values_loader(body.registers)
        self.noted = Touched()
        self.ages: Ages[Counted] = Ages(body.window_us, _latest, self.noted)

    def feed(self, batch: Batch, hits: Hits, out: list[Match]) -> None:
        if not hits.rows:
            return
        young, old, get = self.ages.young, self.ages.old, self.ages.young.get
        need, window_us = 2 * self.threshold, self._window_us
        short = min(need, TRIMMED_FROM)
        times_us = list(map(batch.times_us.__getitem__, hits.rows))
        for index, key, time_us, told in zip(hits.rows, hits.keys, times_us, self._told(batch, hits, times_us)):
            events = get(key)
            if events is None:
                events = young[key] = old.pop(key, [])
            events.append(time_us)
            events.append(told)
            size = len(events)
            if size < short:
                continue
            if size >= need and events[-need] >= time_us - window_us:
                self.rise(key, index, events, out)
            if size >= TRIMMED_FROM and not size & (size - 1):
                self.trim(events, time_us)
        self.ages.saw(times_us[-1])
        self.noted.add_all(hits.keys)

    def fuse(self, n: int) -> Fused:
        """`feed` for one row."""
        need = 2 * self.threshold
        told = "e" if self.counts_alone else f"(e, M{n}.kernels.values(r, t))"
        rises = f"z >= {need} and w[-{need}] >= t - {self._window_us}"

        def row(key: str, bits: Bits) -> list[str]:
            judged = [
                f"if {rises}: M{n}.rise({key}, i, w, O{n})",
                f"if z >= {TRIMMED_FROM} and not z & (z - 1): M{n}.trim(w, t)",
            ]
            return [
                f"w = G{n}({key})",
                f"if w is None: w = Y{n}[{key}] = P{n}({key}, None) or []",
                AT,
                f"w.append(t); w.append({told}); L{n} = t; z = len(w)",
                *indented(f"if z >= {min(need, TRIMMED_FROM)}:", judged),
                f"if C{n} is not None: C{n}.add({key})",
            ]

        before = [f"Y{n} = M{n}.ages.young; G{n} = Y{n}.get; P{n} = M{n}.ages.old.pop; C{n} = M{n}.noted.keys; L{n} = None"]
        return Fused(self, row, before, [f"if L{n} is not None: M{n}.ages.saw(L{n})"])

    def rise(self, key: Key, cause: int, events: Counted, out: list[Match]) -> None:
        """The last n of these events are a match."""
        del self.ages.young[key]
        out.append(self.match(key, cause, events[-2 * self.threshold :]))

    def _told(self, batch: Batch, hits: Hits, times_us: list[int]) -> Iterable[Any]:
        ids = map(batch.ids.__getitem__, hits.rows)
        if self.counts_alone:
            return ids
        return zip(ids, map(self.kernels.values, map(batch.rows.__getitem__, hits.rows), times_us))

    def match(self, key: Key, cause: int, events: Counted) -> Match:
        """A match of all these events."""
        told = events[1::2]
        if self.kernels.bare and self.counts_alone:
            listed = tuple(ends(told))
            return Match(key, events[-2], cause, {}, "", events[0], events[-2], told[0], told[-1], listed, self.threshold)
        if self.counts_alone:
            registers, ids = self._counts[:], ends(told)
        else:
            registers = read_over(self._makers, [values for _, values in told])
            ids = [event_id for event_id, _ in ends(told)]
        times_us = (events[0], events[-2])
        return found(self.kernels, key, events[-2], cause, registers, times_us, ids, self.threshold)

    def trim(self, events: Counted, now_us: int) -> None:
        """Drop what decides nothing any more. Done where the length is a power of two, so each event pays O(1) for it."""
        left = 2 * bisect_left(events[::2], now_us - self._window_us)
        del events[: max(left, len(events) - 2 * self.threshold)]

    # ------------------------------------------------------------ time

    def advance(self, watermark_us: int, out: list[Match]) -> None:
        """Forget what has emptied; a count never rises by a departure, so nothing is told."""
        self.ages.forget(watermark_us)

    def next_due(self) -> int | None:
        return self.ages.turn_us

    # ------------------------------------------------------------ state

    def snapshot(self, *, delta: bool) -> RuleState:
        """Per key [time, told, ...], at most the last n events, none that has left."""
        changed, ages = self.noted.begin(delta=delta), self.ages
        meta = {"now_us": ages.now_us, "last_us": ages.last_us}
        if changed is None:
            return RuleState([[key, self._kept(events)] for key, events in ages.alive()], meta)
        return RuleState([[key, self._kept(ages.get(key) or []) or None] for key in changed], meta, delta=True)

    def _kept(self, events: Counted) -> Counted:
        """What decides of a key's events; as a list of its own."""
        kept = events[:]
        self.trim(kept, self.ages.now_us)
        return kept

    def restore(self, states: list[RuleState]) -> None:
        held = {key: [*map(self._loaded, events)] for key, events in merge(states).items()}
        self.ages.put_back(held, states[-1].meta["last_us"], states[-1].meta["now_us"])
        self.noted.begin(delta=False)

    def _loaded(self, one: Any) -> Any:
        return (one[0], self._load_values(one[1])) if isinstance(one, list | tuple) else one

    def size(self) -> int:
        return len(self.ages.alive())

    def touched(self) -> int:
        return self.noted.count(len(self.ages))


def _latest(events: Counted) -> int | None:
    return events[-2] if events else None
