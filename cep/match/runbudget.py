"""The runs of a pattern under a budget: which run goes when the rule holds too many (`cep.match.budget` chooses).

A run is named by its key, the number of the event it began with, and its place among the runs of that start. Of one start the
least preferred goes first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from heapq import heapify, heappop, heappush

from cep.event import Key
from cep.match.budget import Budget
from cep.match.runs import KeyState, Run

Name = tuple[Key, int, int]


class RunBudget:
    """Keeps the runs of all keys within a budget."""

    def __init__(self, budget: Budget[Name]) -> None:
        self._budget = budget
        self._held = _Held()

    def enforce(self, key: Key, state: KeyState, keys: dict[Key, KeyState], time_us: int) -> set[Key]:
        """Take note of the key's runs after an event or timer; let go what is too much. The keys that lost runs."""
        lost: set[Key] = set()
        now = Counter(run.start for run in state.runs)
        self._held.shrink(key, now)
        for start, count in sorted(now.items()):
            for number in range(self._held.count(key, start), count):
                name = (key, start, number)
                gone = self._budget.over(self._held, name, time_us)
                if gone != name:
                    self._held.grow(key, start)
                if gone is not None:
                    self._drop(gone, name, keys)
                    lost.add(gone[0])
        return lost

    def _drop(self, gone: Name, new: Name, keys: dict[Key, KeyState]) -> None:
        key, start, _ = gone
        runs = keys[key].runs
        del runs[_last_of(runs, start)]
        if gone != new:
            self._held.drop(key, start)

    def rebuild(self, keys: dict[Key, KeyState]) -> None:
        self._held = _Held()
        for key, state in keys.items():
            for run in state.runs:
                self._held.grow(key, run.start)


class _Held(Mapping[Name, None]):
    """Names of the runs there are, by the event they began with."""

    def __init__(self) -> None:
        self._of_key: dict[Key, dict[int, int]] = {}
        self._starts: list[tuple[int, Key]] = []  # heap; some are gone
        self._total = 0

    def __len__(self) -> int:
        return self._total

    def __getitem__(self, name: Name) -> None:
        if name[2] >= self.count(name[0], name[1]):
            raise KeyError(name)

    def __iter__(self) -> Iterator[Name]:
        while self._starts and not self.count(self._starts[0][1], self._starts[0][0]):
            heappop(self._starts)
        if self._starts:
            start, key = self._starts[0]
            yield key, start, 0
        for start, key in sorted(self._starts)[1:]:
            yield from ((key, start, number) for number in range(self.count(key, start)))
        if self._starts:
            start, key = self._starts[0]
            yield from ((key, start, number) for number in range(1, self.count(key, start)))

    def count(self, key: Key, start: int) -> int:
        return self._of_key.get(key, {}).get(start, 0)

    def grow(self, key: Key, start: int) -> None:
        counts = self._of_key.setdefault(key, {})
        if start not in counts:
            heappush(self._starts, (start, key))
            if len(self._starts) > 4 * self._total + 64:
                self._starts = [(one, other) for other, listed in self._of_key.items() for one in listed] + [(start, key)]
                heapify(self._starts)
        counts[start] = counts.get(start, 0) + 1
        self._total += 1

    def drop(self, key: Key, start: int, many: int = 1) -> None:
        counts = self._of_key[key]
        self._total -= many
        counts[start] -= many
        if not counts[start]:
            del counts[start]
            if not counts:
                del self._of_key[key]

    def shrink(self, key: Key, now: Mapping[int, int]) -> None:
        """Forget what the key has no longer."""
        for start, count in list(self._of_key.get(key, {}).items()):
            if now.get(start, 0) < count:
                self.drop(key, start, count - now.get(start, 0))


def _last_of(runs: list[Run], start: int) -> int:
    """The place of the last run that began with that event. `runs` are by start, and it has some."""
    low, high = 0, len(runs)
    while low < high:
        middle = (low + high) // 2
        if runs[middle].start <= start:
            low = middle + 1
        else:
            high = middle
    return low - 1
