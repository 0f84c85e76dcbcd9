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

    Keys are forgotten by generations, which costs nothing per row: a key lives in `_young` from its last event to the next
    turn, then in `_old` to the turn after; turns are at least a window apart, so what is dropped with `_old` was empty.
    Outside (`size`, `snapshot`) a key is gone as soon as its window is empty.

    cost  O(1) per row; a match reads its n events
    """

    def __init__(self, body: WindowBody, kernels: RuleKernels, threshold: int) -> None:
        self._window_us = body.window_us
        self._threshold = threshold
        self._kernels = kernels
        self._makers = [aggregate_maker(register) for register in body.registers]
        self._counts_alone = all(
            (register.kind, register.expr, register.where) == (RegisterKind.COUNT, None, None) for register in body.registers
        )
        self._counts: list[Any] = [threshold] * len(self._makers)  # what they all read at a match, where they only count
        self._load_values = values_loader(body.registers)
        self._young: dict[Key, Counted] = {}
        self._old: dict[Key, Counted] = {}
        self._turn_us: int | None = None  # once the watermark is beyond it, all of `_old` is empty
        self._last_us = 0  # time of the last row
        self._now_us = 0  # what lies more than a window before it has left
        self._touched = Touched()

    def feed(self, batch: Batch, hits: Hits, out: list[Match]) -> None:
        if not hits.rows:
            return
        young, old, get = self._young, self._old, self._young.get
        need, window_us = 2 * self._threshold, self._window_us
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
        self.saw(times_us[-1])
        self._touched.add_all(hits.keys)

    def fuse(self, n: int) -> Fused:
        """`feed` for one row."""
        need = 2 * self._threshold
        told = "e" if self._counts_alone else f"(e, M{n}._kernels.values(r, t))"
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

        before = [f"Y{n} = M{n}._young; G{n} = Y{n}.get; P{n} = M{n}._old.pop; C{n} = M{n}._touched.keys; L{n} = None"]
        return Fused(self, row, before, [f"if L{n} is not None: M{n}.saw(L{n})"])

    def rise(self, key: Key, cause: int, events: Counted, out: list[Match]) -> None:
        """The last n of these events are a match."""
        del self._young[key]
        out.append(self._match(key, cause, events[-2 * self._threshold :]))

    def saw(self, time_us: int) -> None:
        """Rows up to this time were taken."""
        self._last_us = self._now_us = time_us
        if self._turn_us is None:
            self._turn_us = time_us + self._window_us

    def _told(self, batch: Batch, hits: Hits, times_us: list[int]) -> Iterable[Any]:
        ids = map(batch.ids.__getitem__, hits.rows)
        if self._counts_alone:
            return ids
        return zip(ids, map(self._kernels.values, map(batch.rows.__getitem__, hits.rows), times_us))

    def _match(self, key: Key, cause: int, events: Counted) -> Match:
        """A match of all these events."""
        told = events[1::2]
        if self._kernels.bare and self._counts_alone:
            listed = tuple(ends(told))
            return Match(key, events[-2], cause, {}, "", events[0], events[-2], told[0], told[-1], listed, self._threshold)
        if self._counts_alone:
            registers, ids = self._counts[:], ends(told)
        else:
            registers = read_over(self._makers, [values for _, values in told])
            ids = [event_id for event_id, _ in ends(told)]
        times_us = (events[0], events[-2])
        return found(self._kernels, key, events[-2], cause, registers, times_us, ids, self._threshold)

    def trim(self, events: Counted, now_us: int) -> None:
        """Drop what decides nothing any more. Done where the length is a power of two, so each event pays O(1) for it."""
        left = 2 * bisect_left(events[::2], now_us - self._window_us)
        del events[: max(left, len(events) - 2 * self._threshold)]

    # ------------------------------------------------------------ time

    def advance(self, watermark_us: int, out: list[Match]) -> None:
        """Forget what has emptied; a count never rises by a departure, so nothing is told."""
        self._now_us = max(self._now_us, watermark_us)
        if self._turn_us is None or watermark_us <= self._turn_us:
            return
        self._touched.add_all(self._old)
        self._old = self._young
        self._young = {}
        self._turn_us = self._last_us + self._window_us if self._old else None
        if watermark_us > self._last_us + self._window_us:
            self._touched.add_all(self._old)
            self._old = {}
            self._turn_us = None

    def next_due(self) -> int | None:
        return self._turn_us

    # ------------------------------------------------------------ state

    def snapshot(self, *, delta: bool) -> RuleState:
        """Per key [time, told, ...], at most the last n events, none that has left."""
        changed = self._touched.begin(delta=delta)
        meta = {"now_us": self._now_us, "last_us": self._last_us}
        if changed is None:
            return RuleState([[key, self._kept(events)] for key, events in self._alive()], meta)
        return RuleState([[key, self._kept(self._events(key)) or None] for key in changed], meta, delta=True)

    def _events(self, key: Key) -> Counted:
        return self._young.get(key) or self._old.get(key) or []

    def _alive(self) -> list[tuple[Key, Counted]]:
        since_us = self._now_us - self._window_us
        return [item for part in (self._old, self._young) for item in part.items() if item[1][-2] >= since_us]

    def _kept(self, events: Counted) -> Counted:
        """What decides of a key's events; as a list of its own."""
        kept = events[:]
        self.trim(kept, self._now_us)
        return kept

    def restore(self, states: list[RuleState]) -> None:
        self._old = {}
        self._young = {key: [*map(self._loaded, events)] for key, events in merge(states).items()}
        self._now_us, self._last_us = states[-1].meta["now_us"], states[-1].meta["last_us"]
        self._turn_us = self._last_us + self._window_us if self._young else None
        self._touched.begin(delta=False)

    def _loaded(self, one: Any) -> Any:
        return (one[0], self._load_values(one[1])) if isinstance(one, list | tuple) else one

    def size(self) -> int:
        return len(self._alive())

    def touched(self) -> int:
        return self._touched.count(len(self._young) + len(self._old))
