"""Receivers on this machine: standard output and files. Both keep the order of the outbox.

A file gets one JSON object a line. A burst of lines is one append followed by fsync, and counts as delivered only then: a power
cut loses nothing that counts. After a crash between the append and the record the burst comes again; lines that stand at the end
of the file already are recognised by id and transition (and number, of updates) and not written twice.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TextIO

import msgspec

from cep.alert import Alert
from cep.config import ChannelSpec
from cep.deliver.outcome import Kind, Outcome
from cep.deliver.parcel import Parcel
from cep.deliver.render import alert_as_line, json_line

BURST = 128  # lines written at once
TAIL_BYTES = 4 * 1024 * 1024  # how much of a file is searched for lines of a burst that was cut off
Writer = Callable[[Alert], bytes]


class StdoutSink:
    """Writes each alert as a line for people, or as JSON.

    stream  None: `sys.stdout` at the time of writing
    """

    burst = BURST

    def __init__(self, *, stream: TextIO | None = None, json: bool = False, color: bool = False) -> None:
        self._stream = stream
        self._json, self._color = json, color

    def lane(self, alert: Alert) -> str:
        return ""

    def render(self, alert: Alert) -> bytes:
        return json_line(alert) if self._json else alert_as_line(alert, self._color).encode() + b"\n"

    def sign(self, parcel: Parcel) -> None:
        """Nothing to sign."""

    async def send(self, parcels: Sequence[Parcel]) -> Outcome:
        return await _write(lambda: self._print(parcels), "standard output")

    async def close(self) -> None:
        """Standard output is not ours to close."""

    def _print(self, parcels: Sequence[Parcel]) -> None:
        stream = self._stream or sys.stdout
        stream.write(b"".join(parcel.body for parcel in parcels).decode())
        stream.flush()


class FileSink:
    """Appends each alert to a file as a line of JSON. The file is opened for each burst, so it may be moved away (rotated)."""

    burst = BURST

    def __init__(self, spec: ChannelSpec, base: Path = Path()) -> None:
        self.path = base / (spec.path or "")
        self._looked = False  # whether the end of the file was searched for a burst that was cut off

    def lane(self, alert: Alert) -> str:
        return ""

    def render(self, alert: Alert) -> bytes:
        return json_line(alert)

    def sign(self, parcel: Parcel) -> None:
        """Nothing to sign."""

    async def send(self, parcels: Sequence[Parcel]) -> Outcome:
        return await _write(lambda: self._append(parcels), f"file {self.path}")

    async def close(self) -> None:
        """Nothing stays open between bursts."""

    def _append(self, parcels: Sequence[Parcel]) -> None:
        file = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
        try:
            there = set() if self._looked else _mend_end(file)
            lines = b"".join(parcel.body for parcel in parcels if _mark(parcel.body) not in there)
            _append_whole(file, lines)
            os.fsync(file)
            self._looked = True
        finally:
            os.close(file)


def _append_whole(file: int, lines: bytes) -> None:
    """All of it or nothing: a full disk leaves no half line behind."""
    before = os.fstat(file).st_size
    try:
        rest = memoryview(lines)
        while rest:
            rest = rest[os.write(file, rest) :]
    except OSError:
        os.ftruncate(file, before)
        raise


def _mend_end(file: int) -> set[tuple[str, str, int]]:
    """Cut off a half line of ours that a crash left (a half line of somebody else's is ended instead); gives the marks of the
    lines before it."""
    size = os.fstat(file).st_size
    tail = os.pread(file, TAIL_BYTES, max(0, size - TAIL_BYTES))
    whole, newline, half = tail.rpartition(b"\n")
    if half:
        if half.startswith(b'{"id":') or b'{"id":'.startswith(half):
            os.ftruncate(file, size - len(half))
        else:
            os.write(file, b"\n")
    return {mark for line in (whole + newline).split(b"\n") if (mark := _mark(line))}


class _Mark(msgspec.Struct):
    id: str
    transition: str
    updates: int = 0


def _mark(line: bytes) -> tuple[str, str, int] | None:
    try:
        mark = msgspec.json.decode(line, type=_Mark)
    except msgspec.DecodeError:
        return None
    return mark.id, mark.transition, mark.updates


async def _write(write: Callable[[], None], name: str) -> Outcome:
    """Write in a thread: a slow disk or a paused terminal must not hold up the other channels."""
    try:
        await asyncio.to_thread(write)
    except (OSError, ValueError) as fault:  # ValueError: the stream was closed
        reason = fault.strerror if isinstance(fault, OSError) else None
        return Outcome(Kind.RETRY, f"{name}: {reason or fault}")
    return Outcome(Kind.OK, "written")
