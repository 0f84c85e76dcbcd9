"""Noise control: `once per KEY every D` and `suppress same FIELDS for D`, judged after matching, in event time. It changes no
run, no window and no life cycle.

After an alert told at t, alerts of the same key (or with the same emitted fields) in [t, t + D) are muted: counted and listed,
not delivered. A muted one does not prolong D, so the first alert is never the one dropped.
"""

from __future__ import annotations

from typing import Any

from cep.alert import stable_text
from cep.event import Key
from cep.plan.plan import OncePlan, SuppressPlan


class Told:
    """The times at which alerts were last told, per key, in order of telling.

    words  why an alert is muted
    """

    def __init__(self, every_us: int, words: str) -> None:
        self._every_us = every_us
        self.words = words
        self._told: dict[Key | bytes, int] = {}  # insertion order is time order: the oldest are forgotten first

    def mutes(self, key: Key | bytes, time_us: int) -> bool:
        """Whether an alert of this key at this time comes too soon after one that was told."""
        told_us = self._told.get(key)
        return told_us is not None and time_us < told_us + self._every_us

    def note(self, key: Key | bytes, time_us: int) -> None:
        """An alert of this key was told."""
        self._told.pop(key, None)
        self._told[key] = time_us

    def forget(self, watermark_us: int) -> None:
        """Drop what can mute nothing any more."""
        gone = []
        for key, told_us in self._told.items():
            if told_us + self._every_us > watermark_us:
                break
            gone.append(key)
        for key in gone:
            del self._told[key]

    def snapshot(self) -> list[list[Any]]:
        return [[key, told_us] for key, told_us in self._told.items()]

    def restore(self, told: list[list[Any]]) -> None:
        self._told = {tuple_key(key): told_us for key, told_us in told}


def once_of(plan: OncePlan) -> Told:
    """The ledger of `once per ... every ...`."""
    return Told(plan.every_us, plan.words)


def suppress_of(plan: SuppressPlan) -> Told:
    """The ledger of `suppress same ... for ...`; its keys are made by `same_fields`."""
    return Told(plan.for_us, plan.words)


def same_fields(plan: SuppressPlan, fields: dict[str, Any]) -> bytes:
    """What two alerts have in common that emit the same: equal by type and value, 1.0 the same as 1."""
    return stable_text([_whole(fields.get(name)) for name in plan.fields])


def _whole(value: Any) -> Any:
    if isinstance(value, list):
        return [_whole(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def tuple_key(key: Any) -> Key:
    """A key as it was before msgpack turned its tuples into lists."""
    return tuple(tuple_key(part) for part in key) if isinstance(key, list) else key
