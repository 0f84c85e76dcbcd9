"""A peer's process: started once for a workload, asked for a pass in each round, ended.

It says "ready" when it has loaded its events and warmed up, then prints a JSON line for each line it is given.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import tempfile
import time
from typing import Any


class PeerError(Exception):
    """It ended, or took longer than the limit; the text says which."""


class Live:
    """`with Live(command, limit_s) as peer: peer.measure()`; raises PeerError on entering, or from `measure`."""

    def __init__(self, command: list[str], limit_s: float) -> None:
        self._command = command
        self._limit_s = limit_s
        self._told = b""

    def __enter__(self) -> Live:
        self._errors = tempfile.TemporaryFile()
        self._process = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors, bufsize=0
        )
        try:
            while self._line("to start") != "ready":
                pass
        except PeerError:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()
        self._errors.close()

    def measure(self) -> dict[str, Any]:
        """A pass: counts, cpu_s, wall_s, base_kb, peak_kb."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(b"\n")
        except BrokenPipeError:
            raise PeerError(self._why()) from None
        while not (line := self._line("for a pass")).startswith("{"):
            pass
        result: dict[str, Any] = json.loads(line)
        return result

    def _line(self, what: str) -> str:
        assert self._process.stdout is not None
        until = time.monotonic() + self._limit_s
        while b"\n" not in self._told:
            left = until - time.monotonic()
            if left <= 0 or not select.select([self._process.stdout], [], [], left)[0]:
                raise PeerError(f"over the limit of {self._limit_s:g} s {what}")
            some = os.read(self._process.stdout.fileno(), 65536)
            if not some:
                raise PeerError(self._why())
            self._told += some
        line, _, self._told = self._told.partition(b"\n")
        return line.decode().strip()

    def _why(self) -> str:
        """The last exception that it names, else the last thing it said."""
        self._process.wait()
        self._errors.seek(0)
        said = [line.strip() for line in self._errors.read().decode(errors="replace").splitlines() if line.strip()]
        causes = [line for line in said if line.startswith("Caused by:") or "Error" in line.partition(":")[0]]
        return (causes or said or [f"ended with exit code {self._process.returncode}"])[-1][:200]
