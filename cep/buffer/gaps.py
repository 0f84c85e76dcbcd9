"""Noticing that input was lost before it was read: trimmed under us, rewound by a restart, deleted, or replaced.

A stream counts what was ever appended to it. With the number of entries that had been appended up to our cursor, what is
missing is exact wherever the number of entries not yet read is known:

    appended = seen up to the cursor + missing + not yet read
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import msgspec
from redis.exceptions import ResponseError

from cep.buffer.link import Link
from cep.buffer.position import START, place
from cep.errors import ConfigError

STREAM_MEND = "give the stream another `key:` in cep.yml, or remove what is there"


class Gap(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Input that was never read.

    kind    trimmed: entries went before they were read; rewound: the stream lost its end (a restart of Redis); replaced: another
            stream stands under the same name
    after   position of the last entry read when it was noticed
    before  the first entry that was still there, or (rewound) the last one that had been read; "" if nothing tells
    missed  how many entries; None: nothing can tell
    """

    stream: str
    kind: Literal["trimmed", "rewound", "replaced"]
    after: str
    before: str = ""
    missed: int | None = None


@dataclass(frozen=True, slots=True)
class _Facts:
    length: int
    added: int
    last: str
    first: str


def first_seen(link: Link, key: str) -> int:
    """What to count from when a stream is read for the first time, from its beginning: entries gone already are no gap."""
    facts = _facts(link, key)
    return facts.added - facts.length if facts else 0


def look_for_gap(link: Link, stream: str, key: str, cursor: str, seen: int) -> tuple[Gap | None, int]:
    """Compare a stream with how far it was read; mend one that was rewound, so that its new entries come after our cursor.

    Gives the gap, if there is one, and the count to go on from. Everything asked for on the link must have been received.
    """
    facts = _facts(link, key)
    if facts is None:
        if cursor == START:
            return None, 0
        _make_empty(link, key)
        _move_end(link, key, cursor)
        return Gap(stream=stream, kind="rewound", after=cursor), 0
    if place(facts.last) < place(cursor):
        _move_end(link, key, cursor)
        return Gap(stream=stream, kind="rewound", after=cursor), facts.added
    if facts.last == cursor:
        unread = 0
    elif not facts.length or place(facts.first) > place(cursor):
        unread = facts.length
    else:
        return None, seen  # in the middle of the stream nothing tells how much lies ahead
    missed = facts.added - seen - unread
    if not missed:
        return None, seen
    kind: Literal["trimmed", "replaced"] = "trimmed" if missed > 0 else "replaced"
    gap = Gap(stream=stream, kind=kind, after=cursor, before=facts.first if unread else "", missed=missed if missed > 0 else None)
    return gap, facts.added - unread


def first_entry(link: Link, key: str) -> str:
    """Id of the oldest entry still there; "" when there is none."""
    facts = _facts(link, key)
    return facts.first if facts and facts.length else ""


def _facts(link: Link, key: str) -> _Facts | None:
    try:
        reply = link.call("XINFO", "STREAM", key)
    except ResponseError as error:
        if "no such key" in str(error):
            return None
        raise ConfigError(f"cannot read {key}: {error}", STREAM_MEND, "E0910") from None
    info: dict[bytes, Any] = dict(zip(reply[::2], reply[1::2]))
    first = info[b"first-entry"]
    return _Facts(
        length=info[b"length"],
        added=info[b"entries-added"],
        last=info[b"last-generated-id"].decode(),
        first=first[0].decode() if first else "",
    )


def _make_empty(link: Link, key: str) -> None:
    link.call("XGROUP", "CREATE", key, "cep-mend", "$", "MKSTREAM")  # the only command that makes a stream without an entry
    link.call("XGROUP", "DESTROY", key, "cep-mend")


def _move_end(link: Link, key: str, cursor: str) -> None:
    """Let the next entry come after our cursor; a stream that has grown past it meanwhile is right already."""
    try:
        link.call("XSETID", key, cursor)
    except ResponseError as error:
        if "smaller than" not in str(error):
            raise
