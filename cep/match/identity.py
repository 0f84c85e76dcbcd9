"""What an alert is called: its key as it is shown, and its id, a hash of what happened.

Rules are many and each alert is of another one, so what an alert needs of its rule lies close together: one object, whose parts
are read straight through. To fetch them from all over the memory took longer than all the work on them.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

import msgspec

from cep.event import Alert, Key, Match
from cep.match.same import Same
from cep.plan.plan import RulePlan

ID_BYTES = 12  # of an alert's hash: a billion alerts collide with a chance of 1 in 10^11
_encode = msgspec.json.Encoder().encode
_begin = blake2b(digest_size=ID_BYTES).copy


class Opening(Same):
    """The identities of one rule, and its alerts where nothing but identity is to be found out."""

    __slots__ = ("_of_rule", "_plan_id", "_severity", "_tags", "_to", "_version")

    def __init__(self, plan: RulePlan) -> None:
        super().__init__()
        self._plan_id, self._version, self._severity = plan.id, plan.version, plan.severity
        self._tags, self._to = plan.tags, plan.to
        self._of_rule = f"{plan.id}\0{plan.version}\0".encode()

    def alert(self, match: Match, generation: int) -> Alert:
        """The alert that opens with the match, told as it is: most alerts of most rules, in one call."""
        plan_id, time_us, key = self._plan_id, match.time_us, match.key
        shown = key if key.__class__ is str else shown_key(key)
        what = _encode((plan_id, shown, time_us, match.first_id, match.last_id, ""))
        if time_us == self.time_us:
            what = self.numbered(what)
        else:
            self.time_us, self.first = time_us, what
        digest = _begin()
        digest.update(self._of_rule + what)
        return Alert(
            "a_" + digest.hexdigest(), plan_id, self._version, generation, self._severity, match.title, shown,
            time_us, match.first_us, match.last_us, match.fields, match.evidence, match.events, self._tags, self._to,
        )  # fmt: skip

    def identity(self, match: Match, shown: Any, kind: str) -> str:
        """The id of what happened. shown: the key; kind: "" of what opens."""
        time_us = match.time_us
        # a third of what writing the numbers into a text takes
        what = _encode((self._plan_id, shown, time_us, match.first_id, match.last_id, kind))
        digest = _begin()
        digest.update(self._of_rule + self.told_apart(what, time_us))
        return "a_" + digest.hexdigest()


def key_text(key: Key) -> bytes:
    """A key as canonical JSON: 1.0 is written 1, a bool part is a JSON bool; one part: the value, several: a list."""
    return _encode(shown_key(key))


def shown_key(key: Key) -> Any:
    """A key as alerts show it: the value of its one part, a list of several, null where there is none."""
    if key.__class__ is str:
        return key
    if isinstance(key, tuple):
        if not key:
            return None
        if len(key) == 2 and key[0] == "bool" and isinstance(key[1], bool):
            return key[1]
        return [_plain(part) for part in key]
    return _plain(key)


def _plain(part: Any) -> Any:
    if isinstance(part, tuple):  # ("bool", value)
        return part[1]
    if isinstance(part, float) and part.is_integer():
        return int(part)
    return part
