"""Checkpoints: state as a base and deltas, in chunks under names of their own, made current by one commit that flips a manifest.

Chunks are plain SETs of at most a mebibyte; no script ever carries state. Names hold the owner and the number of the
checkpoint, so a worker that lost its cell overwrites nothing. What no manifest mentions any more is unlinked.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from cep.buffer import keys
from cep.buffer.commit import Standing
from cep.buffer.link import Link
from cep.errors import ConfigError
from cep.match.packed import pack, unpack

CHUNK_BYTES = 1 << 20
LEAST_BASE_BYTES = 1 << 18  # deltas may always grow to this size before they are folded into a new base
MOST_DELTAS = 64
_AT_ONCE = 16  # chunks on the way at a time


class Part(msgspec.Struct, frozen=True):
    """One snapshot: its chunks in order."""

    chunks: list[str]
    bytes: int


class Manifest(msgspec.Struct, frozen=True):
    """The state as of a commit.

    number   of the checkpoint
    commit   of the commit that had brought the cell to this state; control entries beyond it are still to be obeyed
    parts    the base, then deltas
    lows     stream -> position of the oldest row that was held; streams without one hold none
    rejected stream -> positions beyond `low` of rows that went to dead letter: they must not be held when read again
    """

    version: int
    number: int
    commit: int
    standing: Standing
    lows: dict[str, str]
    rejected: dict[str, list[str]]
    parts: list[Part]


VERSION = 1


class Saving:
    """A checkpoint under way: bytes that no later change can touch, written as often as it takes."""

    def __init__(self, manifest: Manifest, chunks: list[tuple[str, bytes]]) -> None:
        self.manifest, self.chunks = manifest, chunks

    def encoded(self) -> bytes:
        return msgspec.msgpack.encode(self.manifest)


class Checkpoints:
    """Where the state of one cell lies, and when to start over with a new base."""

    def __init__(self, cell: str, owner: str) -> None:
        self._cell, self._owner = cell, owner
        self._index = keys.cell(cell, "chunks")
        self.current: Manifest | None = None

    def wants_base(self) -> bool:
        """Whether the next snapshot is to be a whole one: deltas outgrew the base, or there is none."""
        if self.current is None or not self.current.parts:
            return True
        base, *deltas = self.current.parts
        return len(deltas) >= MOST_DELTAS or sum(d.bytes for d in deltas) > max(base.bytes, LEAST_BASE_BYTES)

    def capture(
        self,
        snapshot: Any,
        *,
        base: bool,
        commit: int,
        standing: Standing,
        lows: dict[str, str],
        rejected: dict[str, list[str]] | None = None,
    ) -> Saving:
        """Freeze a snapshot (plain data) that belongs to the state after that commit."""
        number = self.current.number + 1 if self.current else 1
        blob = pack(snapshot)
        names = [keys.cell(self._cell, f"chunk:{number}:{self._owner}:{i}") for i in range(-(-len(blob) // CHUNK_BYTES))]
        chunks = [(name, blob[i * CHUNK_BYTES : (i + 1) * CHUNK_BYTES]) for i, name in enumerate(names)]
        older = [] if base or self.current is None else self.current.parts
        return Saving(Manifest(VERSION, number, commit, standing, lows, rejected or {}, [*older, Part(names, len(blob))]), chunks)

    def write(self, link: Link, saving: Saving, midway: Callable[[], None] = lambda: None) -> None:
        """Write the chunks; the commit that carries the manifest makes them count. `midway` runs when half of them are there.

        raises  RedisGone: call again
        """
        link.call("SADD", self._index, *(name for name, _ in saving.chunks))
        half = len(saving.chunks) // 2
        for start in range(0, len(saving.chunks), _AT_ONCE):
            some = saving.chunks[start : start + _AT_ONCE]
            for name, chunk in some:
                link.send("SET", name, chunk)
            for i in range(len(some)):
                link.receive()
                if start + i == half:
                    midway()

    def flipped(self, link: Link, manifest: Manifest) -> None:
        """The manifest is committed: what the one before alone mentioned can go."""
        before, self.current = self.current, manifest
        kept = {name for part in manifest.parts for name in part.chunks}
        self._unlink(link, [name for part in before.parts for name in part.chunks if name not in kept] if before else [])

    def load(self, link: Link) -> list[Any]:
        """The snapshots of the current manifest, base first; none for a cell without a checkpoint.

        raises  ConfigError: written by a newer version, or chunks are missing
        """
        blob = link.call("GET", keys.cell(self._cell, "manifest"))
        self.current = None
        if blob is None:
            return []
        manifest = _decode_manifest(blob)
        self.current = manifest
        return [unpack(b"".join(self._chunk(link, name) for name in part.chunks)) for part in manifest.parts]

    def sweep(self, link: Link) -> int:
        """Unlink chunks that workers before us wrote and no manifest mentions; how many."""
        kept = {name.encode() for part in self.current.parts for name in part.chunks} if self.current else set()
        stray = [name.decode() for name in link.call("SMEMBERS", self._index) if name not in kept]
        self._unlink(link, stray)
        return len(stray)

    def _chunk(self, link: Link, name: str) -> bytes:
        chunk: bytes | None = link.call("GET", name)
        if chunk is None:
            raise ConfigError(
                f"a piece of the saved state is missing ({name}): something else removed keys from this Redis",
                f"restore Redis from a backup, or give up the state: DEL {keys.cell(self._cell, 'manifest')}"
                f" {keys.cell(self._cell, 'commit')} (events still in the streams are then read again from the beginning)",
                "E0912",
            )
        return chunk

    def _unlink(self, link: Link, names: list[str]) -> None:
        for start in range(0, len(names), 500):
            some = names[start : start + 500]
            link.call("UNLINK", *some)
            link.call("SREM", self._index, *some)


def _decode_manifest(blob: bytes) -> Manifest:
    try:
        manifest = msgspec.msgpack.decode(blob, type=Manifest)
    except msgspec.MsgspecError as error:
        raise ConfigError(
            f"the saved state cannot be read: {error}", "run the version of cepheid that wrote it", "E0913"
        ) from None
    if manifest.version != VERSION:
        raise ConfigError(
            f"the saved state has version {manifest.version}; this cepheid reads {VERSION}",
            "run the version of cepheid that wrote it", "E0913",
        )  # fmt: skip
    return manifest
