"""Waiting for what another process does: on the condition itself, with a deadline."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

_NEVER = threading.Event()


def eventually(condition: Callable[[], object], *, within_s: float = 20.0) -> None:
    """Return as soon as the condition holds; fail when it does not in time."""
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, f"not within {within_s} s"
        _NEVER.wait(0.005)
