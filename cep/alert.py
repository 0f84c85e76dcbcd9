"""Alerts: a match of a rule, its name among all alerts, and what became of it.

An alert is a view of what was found. Nothing of it is written out before somebody asks: of two hundred thousand alerts that are
only counted no id is hashed. What goes into the outbox is `AlertRow`, with everything in it.
"""

from __future__ import annotations

import json
from hashlib import blake2b
from typing import Any

import msgspec

from cep.event import EventId, Key, Match

ID_BYTES = 12  # of an alert's hash: a billion alerts collide with a chance of 1 in 10^11
_encode = msgspec.json.Encoder().encode
_begin = blake2b(digest_size=ID_BYTES).copy


class Telling:
    """What the alerts of a rule have in common. Nothing that msgspec writes: who writes an alert writes its row.

    version  hash of what decides in the rule: not words, tags, channels
    """

    __slots__ = ("generation", "rule", "severity", "tags", "to", "version")

    def __init__(
        self, rule: str, version: str, generation: int, severity: str, tags: tuple[str, ...] = (), to: tuple[str, ...] = ()
    ) -> None:
        self.rule, self.version, self.generation, self.severity, self.tags, self.to = (
            rule,
            version,
            generation,
            severity,
            tags,
            to,
        )


class Alert(msgspec.Struct, frozen=True, gc=False, eq=False):
    """An alert, or what became of it. `id` is made from what happened: a replay makes the same one.

    muted       why it is not delivered ("once per user every 1h"); empty when it is
    opened_us   time of the opening, of updates and resolves
    updates     of an update: which one it is, from 1; of a resolve: how many there were
    shadow      of a rule in shadow, or of a key outside a canary's share: listed, not delivered
    evicted     how much the rule had to let go because its budget was full, since the alert before
    """

    _telling: Telling
    _match: Match
    _named: int | str  # its id; a number: the id is hashed when it is asked for, and tells it apart from others that are alike
    muted: str = ""
    opened_us: int | None = None
    updates: int = 0
    shadow: bool = False
    evicted: int = 0

    @property
    def id(self) -> str:
        """Of an alert and all its updates."""
        named = self._named
        if isinstance(named, int):
            telling = self._telling
            named = id_of(telling.rule, telling.version, identity_of(telling.rule, self._match), named)
            msgspec.structs.force_setattr(self, "_named", named)
        return named

    @property
    def rule(self) -> str:
        return self._telling.rule

    @property
    def version(self) -> str:
        """Hash of what decides in the rule: not words, tags, channels."""
        return self._telling.version

    @property
    def generation(self) -> int:
        """Of the rules that told it."""
        return self._telling.generation

    @property
    def severity(self) -> str:
        return self._telling.severity

    @property
    def title(self) -> str:
        return self._match.title

    @property
    def key(self) -> Any:
        """One part: the value; several: a list; global: None."""
        return shown_key(self._match.key)

    @property
    def time_us(self) -> int:
        """When it became certain, in microseconds since the epoch: the event or deadline that decided it."""
        return self._match.time_us

    @property
    def first_us(self) -> int | None:
        """Time of its first event; None without events."""
        return self._match.first_us

    @property
    def last_us(self) -> int | None:
        """Time of its last event; None without events."""
        return self._match.last_us

    @property
    def fields(self) -> dict[str, Any]:
        """What the rule's `emit` names."""
        return self._match.fields

    @property
    def evidence(self) -> tuple[EventId, ...]:
        """Ids of its events in order; of many (`events` counts all) the first half and the last half."""
        return self._match.evidence

    @property
    def events(self) -> int:
        return self._match.events

    @property
    def tags(self) -> tuple[str, ...]:
        return self._telling.tags

    @property
    def to(self) -> tuple[str, ...]:
        """Channels it goes to."""
        return self._telling.to

    @property
    def transition(self) -> str:
        """ "opened", "updated" and "resolved" (both with the id of the opening), "timeout"."""
        return self._match.transition

    @property
    def entry_id(self) -> str:
        """What names this row among all, at every replay and redrive: id and transition; an alert has many updates."""
        number = f":{self.updates}" if self.transition == "updated" else ""
        return f"{self.id}:{self.transition}{number}"

    @property
    def delivered(self) -> bool:
        """Whether it goes to channels: muted ones and those in shadow are only counted and listed."""
        return not self.muted and not self.shadow

    def row(self) -> AlertRow:
        """All of it, as it stands in the outbox."""
        telling, match = self._telling, self._match
        # By position: with names msgspec takes three times as long.
        return AlertRow(
            self.id, telling.rule, telling.version, telling.generation, telling.severity, match.title, shown_key(match.key),
            match.time_us, match.first_us, match.last_us, match.fields, match.evidence, match.events, telling.tags, telling.to,
            match.transition, self.muted, self.opened_us, self.updates, self.shadow, self.evicted,
        )  # fmt: skip

    def __eq__(self, other: object) -> bool:
        return self.row() == other.row() if isinstance(other, Alert) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.entry_id)

    def __repr__(self) -> str:
        return repr(self.row()).replace("AlertRow", "Alert", 1)


class AlertRow(msgspec.Struct, frozen=True, gc=False):
    """An alert as it stands in the outbox, written out."""

    id: str
    rule: str
    version: str
    generation: int
    severity: str
    title: str
    key: Any
    time_us: int
    first_us: int | None
    last_us: int | None
    fields: dict[str, Any]
    evidence: tuple[EventId, ...]
    events: int
    tags: tuple[str, ...] = ()
    to: tuple[str, ...] = ()
    transition: str = "opened"
    muted: str = ""
    opened_us: int | None = None
    updates: int = 0
    shadow: bool = False
    evicted: int = 0

    def alert(self) -> Alert:
        """The alert that it was written from."""
        telling = Telling(self.rule, self.version, self.generation, self.severity, self.tags, self.to)
        first, last = (self.evidence[0], self.evidence[-1]) if self.evidence else (None, None)
        match = Match(
            self.key, self.time_us, 0, self.fields, self.title, self.first_us, self.last_us, first, last, self.evidence,
            self.events, self.transition,
        )  # fmt: skip
        return Alert(telling, match, self.id, self.muted, self.opened_us, self.updates, self.shadow, self.evicted)


# ---------------------------------------------------------------- what names an alert


def stable_text(value: Any) -> bytes:
    """Plain data as JSON, the same bytes in every process."""
    try:
        return _encode(value)
    except UnicodeEncodeError:  # half of a surrogate pair, as only a text of Python holds one: no UTF-8, but it has an escape
        return json.dumps(value, separators=(",", ":")).encode()


def identity_of(rule: str, match: Match) -> bytes:
    """What happened, as text: matches of which it is the same are told apart by number alone."""
    kind = "timeout" if match.transition == "timeout" else ""
    return stable_text((rule, shown_key(match.key), match.time_us, match.first_id, match.last_id, kind))


def id_of(rule: str, version: str, identity: bytes, ordinal: int) -> str:
    """The id: a hash of what happened. ordinal: how many had the same identity before."""
    digest = _begin()
    digest.update(b"%b\0%b\0%b%b" % (rule.encode(), version.encode(), identity, b"%d" % ordinal if ordinal else b""))
    return "a_" + digest.hexdigest()


def key_text(key: Key) -> bytes:
    """A key as canonical JSON: 1.0 is written 1, a bool part is a JSON bool; one part: the value, several: a list."""
    return stable_text(shown_key(key))


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
