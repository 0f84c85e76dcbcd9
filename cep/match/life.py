"""The open alerts of a rule, at most one per key: opened -> updated ... -> resolved (docs/language.md, Meaning 12 and 16).

Matchers tell transitions by key alone; here stands which alert they are about. A rule whose alerts do not stay open has no
such table.
"""

from __future__ import annotations

from collections.abc import Iterable
from heapq import nsmallest
from typing import Any

from cep.event import Key
from cep.match.matcher import RuleState
from cep.match.state import Touched, merge


class Open:
    """An alert that is open.

    muted, shadow  as it was opened: what was not told tells neither updates nor its resolve, what was told always does
    updates        how many there were
    """

    __slots__ = ("id", "muted", "opened_us", "shadow", "updates")

    def __init__(self, alert_id: str, opened_us: int, muted: str, shadow: bool, updates: int = 0) -> None:
        self.id = alert_id
        self.opened_us = opened_us
        self.muted = muted
        self.shadow = shadow
        self.updates = updates

    def plain(self) -> list[Any]:
        return [self.id, self.opened_us, self.muted, self.shadow, self.updates]


MOST_OPEN = 1_000_000  # alerts of one rule: keys that are never resolved must not pile up for ever
_AT_ONCE = 100  # the share of them let go when there are more: one in a hundred, so that looking for the oldest costs little


class Life:
    """The open alerts of one rule by key. Of more than `most` the oldest are let go: nothing more is told of them."""

    def __init__(self, most: int = MOST_OPEN) -> None:
        self._most = most
        self._open: dict[Key, Open] = {}
        self._touched = Touched()

    def open(self, key: Key, alert: Open) -> None:
        """From here on the key's updates and resolve are about this alert."""
        self._open[key] = alert
        self._touched.add_all((key,))
        if len(self._open) > self._most:
            self._let_go(max(1, self._most // _AT_ONCE))

    def _let_go(self, count: int) -> None:
        """Forget the oldest; the order is of what happened, so that a replay forgets the same."""
        gone = nsmallest(count, self._open.items(), key=lambda item: (item[1].opened_us, item[1].id))
        for key, _ in gone:
            del self._open[key]
        self._touched.add_all(key for key, _ in gone)

    def update(self, key: Key) -> Open | None:
        """The alert that is updated, counted; None: none is open."""
        alert = self._open.get(key)
        if alert is not None:
            alert.updates += 1
            self._touched.add_all((key,))
        return alert

    def resolve(self, key: Key) -> Open | None:
        """The alert that is resolved, open no longer; None: none was."""
        alert = self._open.pop(key, None)
        if alert is not None:
            self._touched.add_all((key,))
        return alert

    def is_open(self, key: Key) -> bool:
        return key in self._open

    def open_keys(self) -> list[Key]:
        """Of the alerts that are open, in no order that a restart would keep."""
        return list(self._open)

    # -- state

    def snapshot(self, *, delta: bool) -> RuleState:
        """Per key [id, opened_us, muted, shadow, updates]."""
        changed = self._touched.begin(delta=delta)
        keys: Iterable[Key] = self._open if changed is None else changed
        rows = [[key, self._open[key].plain() if key in self._open else None] for key in keys]
        return RuleState(rows, delta=changed is not None)

    def restore(self, states: list[RuleState]) -> None:
        self._open = {key: Open(*plain) for key, plain in merge(states).items()}
        self._touched.begin(delta=False)

    def touched(self) -> int:
        return self._touched.count(len(self._open))
