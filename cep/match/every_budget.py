"""How many partial matches a `pick all` rule may hold: `budget N runs, on full drop oldest | newest | sample`.

Without a budget of its own a rule holds at most `MOST`: combinations double with every event, and a window does not stop them.
What goes is counted (`lost`).
"""

from __future__ import annotations

from zlib import crc32

from cep.event import Key
from cep.match.every_run import FAR, KeyState, Partial
from cep.plan.plan import BudgetPlan

MOST = 10_000


class EveryBudget:
    def __init__(self, plan: BudgetPlan | None) -> None:
        self.most = MOST if plan is None else plan.most
        self._on_full = "oldest" if plan is None else plan.on_full
        self.lost = 0
        self.held = 0

    def note(self, before: int, state: KeyState) -> bool:
        """Take note of a key's partial matches, of which there were `before`; whether there are too many now."""
        self.held += len(state.partials) + len(state.done) - before
        return self.held > self.most

    def enforce(self, keys: dict[Key, KeyState]) -> set[Key]:
        """Drop those whose turn it is, over all keys; the keys that lost some.

        cost  O(held log held), made rare: a twentieth goes at a time
        """
        entries = [
            (self._rank(run), number, key, run)
            for key, state in keys.items()
            for number, run in enumerate(state.partials)
            if run.start != FAR
        ]
        entries.sort(key=lambda entry: entry[0])
        going = entries[: self.held - self.most + self.most // 20]
        gone = {id(run) for _, _, _, run in going}
        touched = {key for _, _, key, _ in going}
        for key in touched:
            state = keys[key]
            # A queue from which some are taken is no queue any more, but a list by start is one.
            state.partials = sorted((run for run in state.partials if id(run) not in gone), key=_start)
        self.lost += len(going)
        self.held -= len(going)
        return touched

    def _rank(self, run: Partial) -> tuple[int, int, int]:
        """The lowest goes first; of one start, the shorter. A sample keeps each start with the same chance, the same ones in
        every replay."""
        match self._on_full:
            case "oldest":
                return run.start, run.count, run.last_us
            case "newest":
                return -run.start, run.count, run.last_us
            case _:
                return crc32(run.start.to_bytes(8, "big")), run.count, run.last_us


def _start(run: Partial) -> int:
    return run.start
