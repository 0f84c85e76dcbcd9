"""What all ways to keep windows share: the windows by key, what is recalled of each key, and how both are saved."""

from __future__ import annotations

from typing import Any

from cep.event import Key, Match
from cep.match.content import Content
from cep.match.matcher import RuleState
from cep.match.recall import Recalls
from cep.match.state import Touched, merge


class KeptWindows:
    """A key is in `windows` as long as its window holds something, or its alert is open.

    State is per key [window, what is recalled], each None where there is none.
    """

    def __init__(self, content: Content, recalls: Recalls | None) -> None:
        self.content = content
        self.recalls = recalls
        self.windows: dict[Key, Any] = {}
        self.noted = Touched()

    # -- what a way adds

    def rebuild(self, meta: dict[str, Any]) -> None:
        """Called once all windows stand again: timers."""

    def dump_meta(self) -> dict[str, Any]:
        return {}

    # -- time

    def forget_recalled(self, before_us: int) -> None:
        if self.recalls is not None:
            self.noted.add_all(self.recalls.forget(before_us))

    def earliest(self, *dues_us: int | None) -> int | None:
        """The earliest of these timers and those of what is recalled."""
        recalled_us = None if self.recalls is None else self.recalls.next_due()
        return min((due_us for due_us in (*dues_us, recalled_us) if due_us is not None), default=None)

    # -- the interface

    def advance(self, watermark_us: int, out: list[Match]) -> None:
        raise TypeError(f"{type(self).__name__} does not say what its timers do")

    def snapshot(self, *, delta: bool) -> RuleState:
        changed = self.noted.begin(delta=delta)
        keys = self._keys() if changed is None else changed
        return RuleState([[key, self._dump(key)] for key in keys], self.dump_meta(), delta=changed is not None)

    def _keys(self) -> list[Key]:
        if self.recalls is None:
            return list(self.windows)
        return [*self.windows, *(self.recalls.keys() - self.windows.keys())]

    def _dump(self, key: Key) -> list[Any] | None:
        window = self.windows.get(key)
        recalled = self.recalls.dump(key) if self.recalls is not None and self.recalls.holds(key) else None
        if window is None and recalled is None:
            return None
        return [None if window is None else self.content.dump(window), recalled]

    def restore(self, states: list[RuleState]) -> None:
        merged = merge(states)
        self.windows = {key: self.content.load(key, window) for key, (window, _) in merged.items() if window is not None}
        if self.recalls is not None:
            self.recalls.load({key: recalled for key, (_, recalled) in merged.items() if recalled is not None})
        self.noted.begin(delta=False)
        self.rebuild(states[-1].meta)

    def size(self) -> int:
        return len(self.windows) if self.recalls is None else len(self._keys())

    def touched(self) -> int:
        return self.noted.count(self.size())
