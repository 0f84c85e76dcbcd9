"""The next timer of each of many rules: what is due is found without asking those that are not."""

from __future__ import annotations

from heapq import heapify, heappop, heappush

MOST_STALE = 64  # entries of the heap beyond one for each rule


class Timers:
    """A heap of (time, rule). A rule whose timer moved leaves its old entry, which is passed over when it comes up."""

    def __init__(self) -> None:
        self._due: dict[int, int] = {}
        self._heap: list[tuple[int, int]] = []

    def note(self, rule: int, due_us: int | None) -> None:
        """The next timer of a rule; None: it has none."""
        if due_us is None:
            self._due.pop(rule, None)
        elif self._due.get(rule) != due_us:
            self._due[rule] = due_us
            heappush(self._heap, (due_us, rule))
            if len(self._heap) > 2 * len(self._due) + MOST_STALE:
                self._heap = [(at_us, one) for one, at_us in self._due.items()]
                heapify(self._heap)

    def first(self) -> int | None:
        """The earliest of all."""
        heap, due = self._heap, self._due
        while heap and due.get(heap[0][1]) != heap[0][0]:
            heappop(heap)
        return heap[0][0] if heap else None

    def before(self, time_us: int) -> list[int]:
        """The rules whose timers are due before the time, ascending. Each has none until it is noted again."""
        found = []
        while (first_us := self.first()) is not None and first_us < time_us:
            rule = heappop(self._heap)[1]
            del self._due[rule]
            found.append(rule)
        return sorted(found)
