"""What matchers share to be saved and put back: which keys changed, and states laid over each other."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from cep.event import Key
from cep.match.matcher import RuleState
from cep.match.noise import tuple_key


class Touched:
    """The keys changed since the last snapshot. Counting begins with the first snapshot: who never asks for one pays nothing.

    keys  None before the first snapshot; add to it directly on hot paths
    """

    __slots__ = ("keys",)

    def __init__(self) -> None:
        self.keys: set[Key] | None = None

    def add_all(self, keys: Iterable[Key]) -> None:
        if self.keys is not None:
            self.keys.update(keys)

    def begin(self, *, delta: bool) -> set[Key] | None:
        """Start counting anew and return what a delta has to hold; None: everything (a whole snapshot, or the first)."""
        changed, self.keys = self.keys, set()
        return changed if delta else None

    def count(self, size: int) -> int:
        """How many changed; with no snapshot yet, all there are."""
        return size if self.keys is None else len(self.keys)


def merge(states: list[RuleState]) -> dict[Key, Any]:
    """The state per key after a whole snapshot and its deltas, in order."""
    merged: dict[Key, Any] = {}
    for state in states:
        if not state.delta:
            merged.clear()
        for key, content in state.keys:
            merged.pop(tuple_key(key), None)
            if content is not None:
                merged[tuple_key(key)] = content
    return merged
