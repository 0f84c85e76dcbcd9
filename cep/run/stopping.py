"""A flag that a signal handler may set: no lock in it, or a handler could wait for the very thread it interrupted."""

from __future__ import annotations

import time

STEP_S = 0.05


class StopFlag:
    """Set once, never cleared."""

    def __init__(self) -> None:
        self._set = False

    def set(self) -> None:
        self._set = True

    def is_set(self) -> bool:
        return self._set

    def wait(self, seconds: float) -> None:
        """Wait so long, or until a twentieth of a second after the flag was set."""
        end = time.monotonic() + seconds
        while not self._set and (left := end - time.monotonic()) > 0:
            time.sleep(min(left, STEP_S))
