"""A bound on what a rule holds at once (docs/language.md, Meaning 17): which one goes when it is full, counted and marked.

    oldest   what is held longest goes             newest   what comes is not taken
    sample   those of the smallest hash stay: the same ones in every replay, whatever the order they came in

Matchers ask `over` before they take one more, and let go what it names. Pure: the hash depends on nothing but the name.
"""

from __future__ import annotations

import heapq
from collections.abc import Hashable, Mapping
from hashlib import blake2b
from typing import Any, Generic, TypeVar

import msgspec

from cep.alert import stable_text
from cep.plan.plan import BudgetPlan

Name = TypeVar("Name", bound=Hashable)  # of what is held: a key, or (key, id of the first event) of a run
_encode = msgspec.msgpack.Encoder().encode
MOST_COUNTED = (1 << 53) - 1  # combinations are soon beyond what is saved and sent as a number: counting stops there


class Budget(Generic[Name]):
    """Room for at most `most`.

    evicted  how many went, or were not taken, so far; at most MOST_COUNTED

    cost  O(1) for `oldest` and `newest`, O(log most) for `sample`
    """

    def __init__(self, plan: BudgetPlan) -> None:
        self.most = plan.most
        self.evicted = 0
        self.on_full = plan.on_full
        self._heap: list[tuple[int, int, Name]] | None = None  # (-hash, tie, name); may name some that are gone
        self._ties = 0
        self._unmarked = 0  # of the evicted, those that no alert has told of
        self._recent: list[list[int]] = []  # [time, how many] of those that lie at or after the watermark

    def over(self, held: Mapping[Name, Any], new: Name, time_us: int) -> Name | None:
        """Which one has to go so that `new` can come: one of those held, or `new` itself; None: there is room.

        held     what there is, in the order of its age, `new` not among it
        time_us  the event time now
        """
        if len(held) < self.most:
            if self._heap is not None:
                self._push(held, new)
            return None
        self.note(time_us)
        if self.on_full == "newest":
            return new
        if self.on_full == "oldest":
            return next(iter(held))
        return self._largest(held, new)

    def _largest(self, held: Mapping[Name, Any], new: Name) -> Name:
        if self._heap is None:
            self._heap = []
            for name in held:
                self._push(held, name)
        self._push(held, new)
        while True:
            name = heapq.heappop(self._heap)[2]
            if name == new or name in held:
                return name

    def _push(self, held: Mapping[Name, Any], name: Name) -> None:
        if self._heap is None:
            return
        if len(self._heap) > 2 * self.most + 16:  # mostly names of what is gone
            self._heap = []
            for one in held:
                self._push(held, one)
        self._ties += 1
        heapq.heappush(self._heap, (-stable_hash(name), self._ties, name))

    # -- counting and marking

    def note(self, time_us: int, count: int = 1) -> None:
        """So many went at that time."""
        self.evicted = min(self.evicted + count, MOST_COUNTED)
        if self._recent and self._recent[-1][0] == time_us:
            count += self._recent.pop()[1]
        self._recent.append([time_us, min(count, MOST_COUNTED)])

    def mark(self, time_us: int) -> int:
        """How many went before the alert of this time that no alert has told of; it tells of them now."""
        self.settle(time_us)
        marked, self._unmarked = self._unmarked, 0
        return marked

    def settle(self, watermark_us: int) -> None:
        """All up to here is done: what went before it is but a number."""
        done = 0
        for time_us, count in self._recent:
            if time_us >= watermark_us:
                break
            self._unmarked = min(self._unmarked + count, MOST_COUNTED)
            done += 1
        del self._recent[:done]

    def snapshot(self) -> list[Any]:
        return [self.evicted, self._unmarked, self._recent]

    def restore(self, plain: list[Any]) -> None:
        self.evicted, self._unmarked, recent = plain
        self._recent = [list(one) for one in recent]
        self._heap = None


def stable_hash(name: Any) -> int:
    """The same number for the same name in every process: 64 bits. Equal keys have equal ones (1 and 1.0)."""
    return int.from_bytes(blake2b(_encoded(_plain(name)), digest_size=8).digest(), "big")


def _encoded(plain: Any) -> bytes:
    try:
        return _encode(plain)
    except (UnicodeEncodeError, OverflowError):  # what msgpack has no room for
        return stable_text(plain)


def _plain(name: Any) -> Any:
    if isinstance(name, tuple):
        return [_plain(part) for part in name]
    return int(name) if isinstance(name, float) and name.is_integer() else name
