"""Noise control: `once per KEY every D`, judged after matching, in event time. It changes no run and no window.

After an alert told at t, alerts of the same key in [t, t + D) are muted: counted and listed, not delivered. A muted one does
not prolong D, so the first alert is never the one dropped.
"""

from __future__ import annotations

from typing import Any

from cep.event import Key
from cep.plan.plan import OncePlan


class Once:
    """The times at which alerts were last told, per key, in order of telling."""

    def __init__(self, plan: OncePlan) -> None:
        self._plan = plan
        self._told: dict[Key, int] = {}  # insertion order is time order: the oldest are forgotten first

    def judge(self, key: Key, time_us: int) -> str:
        """Why an alert of this key at this time is muted; "" when it is told (and remembered)."""
        told_us = self._told.get(key)
        if told_us is not None and time_us < told_us + self._plan.every_us:
            return self._plan.words
        self._told.pop(key, None)
        self._told[key] = time_us
        return ""

    def forget(self, watermark_us: int) -> None:
        """Drop what can mute nothing any more."""
        gone = []
        for key, told_us in self._told.items():
            if told_us + self._plan.every_us > watermark_us:
                break
            gone.append(key)
        for key in gone:
            del self._told[key]

    def next_due(self) -> int | None:
        for told_us in self._told.values():
            return told_us + self._plan.every_us
        return None

    def snapshot(self) -> list[list[Any]]:
        return [[key, told_us] for key, told_us in self._told.items()]

    def restore(self, told: list[list[Any]]) -> None:
        self._told = {tuple_key(key): told_us for key, told_us in told}


def tuple_key(key: Any) -> Key:
    """A key as it was before msgpack turned its tuples into lists."""
    return tuple(tuple_key(part) for part in key) if isinstance(key, list) else key
