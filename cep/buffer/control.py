"""The control log: what moved time or changed rules besides events, and where in the input it took effect.

A replay feeds all inputs exactly up to `at`, then obeys the entry; so the answer is the same whatever the clock says.
"""

from __future__ import annotations

from typing import Any

import msgspec

from cep.buffer.link import Link


class Idle(msgspec.Struct, frozen=True, tag="idle"):
    """A quiet partition was left out of the watermark."""

    at: dict[str, str]
    stream: str
    partition: str


class Returned(msgspec.Struct, frozen=True, tag="returned"):
    """A partition spoke again (or first) just after `at`: the watermark it took as its own depended on all inputs."""

    at: dict[str, str]
    stream: str
    partition: str


class Wall(msgspec.Struct, frozen=True, tag="wall"):
    """All were quiet, and wall time moved the watermark."""

    at: dict[str, str]
    watermark_us: int


class Swap(msgspec.Struct, frozen=True, tag="swap"):
    """Another generation of rules took over."""

    at: dict[str, str]
    generation: int


Control = Idle | Returned | Wall | Swap
_DECODER = msgspec.json.Decoder(Control)


def encode(entry: Control) -> tuple[str, bytes]:
    """(kind, JSON), as the log holds them."""
    return type(entry).__name__.lower(), msgspec.json.encode(entry)


def read_control(link: Link, key: str, after_commit: int) -> list[Control]:
    """The entries written by commits beyond that number, in order."""
    entries: list[Any] = link.call("XRANGE", key, f"{after_commit + 1}-0", "+")
    return [_DECODER.decode(dict(zip(fields[::2], fields[1::2]))[b"data"]) for _, fields in entries]
