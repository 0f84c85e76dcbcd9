"""`budget N runs, on full drop oldest | newest | sample`: which runs go when a rule holds too many."""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from zlib import crc32

from cep.event import Key
from cep.match.runs import KeyState, Run
from cep.plan.plan import BudgetPlan

Entry = tuple[int, int, Key]  # rank, number of the starting event, key


class RunBudget:
    """Counts the runs of a rule over all its keys; `dropped` is how many it has taken away."""

    def __init__(self, plan: BudgetPlan) -> None:
        self._most = plan.most
        self._on_full = plan.on_full
        self.dropped = 0
        self._total = 0
        self._of_key: dict[Key, int] = {}
        self._entries: list[Entry] = []  # heap; some are of runs that are gone

    def _rank(self, start: int) -> int:
        """The lowest goes first. A sample keeps each run with the same chance, and the same runs in every replay."""
        match self._on_full:
            case "oldest":
                return start
            case "newest":
                return -start
            case _:
                return crc32(start.to_bytes(8, "big"))

    def enforce(self, key: Key, state: KeyState, keys: dict[Key, KeyState], number: int) -> set[Key]:
        """Take note of a key's runs after event `number`; drop what is too much. The keys that lost runs."""
        self._note(key, len(state.runs))
        if state.runs and state.runs[-1].start == number:
            heappush(self._entries, (self._rank(number), number, key))
        lost: set[Key] = set()
        while self._total > self._most:
            lost.add(self._drop_one(keys))
        if len(self._entries) > 2 * self._most + 64:
            self._list(keys)
        return lost

    def _note(self, key: Key, count: int) -> None:
        self._total += count - self._of_key.get(key, 0)
        if count:
            self._of_key[key] = count
        else:
            self._of_key.pop(key, None)

    def _drop_one(self, keys: dict[Key, KeyState]) -> Key:
        """Drop the run whose turn it is: of one start the least preferred first."""
        while True:
            _, start, key = self._entries[0]
            state = keys.get(key)
            at = _last_of(state.runs, start) if state is not None else None
            if state is None or at is None:
                heappop(self._entries)
                continue
            del state.runs[at]
            self.dropped += 1
            self._note(key, len(state.runs))
            return key

    def rebuild(self, keys: dict[Key, KeyState], dropped: int) -> None:
        self.dropped = dropped
        self._of_key = {key: len(state.runs) for key, state in keys.items() if state.runs}
        self._total = sum(self._of_key.values())
        self._list(keys)

    def _list(self, keys: dict[Key, KeyState]) -> None:
        starts = {(run.start, key) for key, state in keys.items() for run in state.runs}
        self._entries = [(self._rank(start), start, key) for start, key in starts]
        heapify(self._entries)


def _last_of(runs: list[Run], start: int) -> int | None:
    """The place of the last run that began with that event. `runs` are by start."""
    low, high = 0, len(runs)
    while low < high:
        middle = (low + high) // 2
        if runs[middle].start <= start:
            low = middle + 1
        else:
            high = middle
    return low - 1 if low and runs[low - 1].start == start else None
