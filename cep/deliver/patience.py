"""Waiting for Redis to come back: the same request again, with growing pauses, until it is answered."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from redis import exceptions

from cep.buffer import link
from cep.clock import Clock

T = TypeVar("T")


class Patience:
    """Repeats what failed because Redis is away; whatever else goes wrong is raised."""

    def __init__(self, clock: Clock) -> None:
        self._pause_s = 0.0
        self._pauses = link.Patience(self._note, clock.elapsed_us)

    async def insist(self, ask: Callable[[], Awaitable[T]]) -> T:
        """The answer, however long it takes. The request must be one that may be made twice."""
        while True:
            try:
                answer = await ask()
            except (exceptions.ConnectionError, exceptions.TimeoutError, OSError) as fault:
                self._pauses.failed(f"delivery: Redis does not answer ({fault})")
            except exceptions.ResponseError as fault:
                if not link.means_not_now(fault):
                    raise
                self._pauses.failed(f"delivery: Redis cannot answer now ({fault})")
            else:
                self._pauses.succeeded()
                return answer
            await asyncio.sleep(self._pause_s)

    def _note(self, pause_s: float) -> None:
        self._pause_s = pause_s
