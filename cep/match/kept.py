"""What all ways to keep windows share: the windows by key, what is recalled of each key, and how both are saved."""

from __future__ import annotations

from typing import Any

from cep.event import Key, Match
from cep.match.budget import Budget
from cep.match.content import Content
from cep.match.matcher import RuleState
from cep.match.recall import Recalls
from cep.match.state import Touched, merge
from cep.plan.plan import BudgetPlan


class KeptWindows:
    """A key is in `windows` as long as its window holds something, or its alert is open.

    State is per key [window, what is recalled], each None where there is none.
    """

    def __init__(self, content: Content, recalls: Recalls | None, budget: BudgetPlan | None = None) -> None:
        self.content = content
        self.recalls = recalls
        self.budget: Budget[Key] | None = Budget(budget) if budget else None
        self.windows: dict[Key, Any] = {}  # by age: of a budget the oldest go
        self._begun = 0  # windows so far
        self.noted = Touched()

    # -- what a way adds

    def rebuild(self, meta: dict[str, Any]) -> None:
        """Called once all windows stand again: timers."""

    def dump_meta(self) -> dict[str, Any]:
        return {}

    def let_go(self, window: Any, time_us: int, cause: int, out: list[Match]) -> None:
        """Nothing is to be known of a window any more that the budget has no room for; its alert resolves."""

    # -- keys

    def begin(self, key: Key, time_us: int, cause: int, out: list[Match]) -> Any:
        """A window for a key that has none; None: the budget does not take it."""
        if self.budget is not None:
            gone = self.budget.over(self.windows, key, time_us)
            if gone is not None and gone == key:
                return None
            if gone is not None:
                self.noted.add_all((gone,))
                self.let_go(self.windows.pop(gone), time_us, cause, out)
        window = self.content.fresh(key)
        self.put(window)
        return window

    def put(self, window: Any) -> None:
        """Keep the window from now on."""
        self._begun += 1
        window.number = self._begun
        self.windows[window.key] = window

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
        windows = [self.content.load(key, window) for key, (window, _) in merged.items() if window is not None]
        self.windows = {window.key: window for window in sorted(windows, key=_age)}  # deltas hold keys in no order
        self._begun = max((window.number for window in windows), default=0)
        if self.recalls is not None:
            self.recalls.load({key: recalled for key, (_, recalled) in merged.items() if recalled is not None})
        self.noted.begin(delta=False)
        self.rebuild(states[-1].meta)

    def size(self) -> int:
        return len(self.windows) if self.recalls is None else len(self._keys())

    def touched(self) -> int:
        return self.noted.count(self.size())


def _age(window: Any) -> int:
    return int(window.number)
