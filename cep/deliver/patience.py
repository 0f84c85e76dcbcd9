"""Waiting for what does not come at once: Redis to answer again, tasks to end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, TypeVar

from redis import exceptions

from cep.buffer import link
from cep.clock import Clock
from cep.errors import ConfigError

T = TypeVar("T")


class Patience:
    """Repeats what failed because Redis is away."""

    def __init__(self, clock: Clock) -> None:
        self._pause_s = 0.0
        self._pauses = link.Patience(self._note, clock.elapsed_us)

    async def insist(self, ask: Callable[[], Awaitable[T]]) -> T:
        """The answer, however long it takes. The request must be one that may be made twice.

        raises  ConfigError E0940: Redis is there and refuses
        """
        while True:
            try:
                answer = await ask()
            except (exceptions.ConnectionError, exceptions.TimeoutError, OSError) as fault:
                self._pauses.failed(f"delivery: Redis does not answer ({fault})")
            except exceptions.ResponseError as fault:
                if not link.means_not_now(fault):
                    mend = "look at the rights of its user, and whether something else uses keys that begin with `cep:`"
                    raise ConfigError(f"Redis refuses what delivery asks: {fault}", mend, "E0940") from fault
                self._pauses.failed(f"delivery: Redis cannot answer now ({fault})")
            else:
                self._pauses.succeeded()
                return answer
            await asyncio.sleep(self._pause_s)

    def _note(self, pause_s: float) -> None:
        self._pause_s = pause_s


async def end_tasks(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel what still runs, and return when all of it has ended, with whatever fault.

    Cancelling once is not enough: before Python 3.12 `asyncio.wait_for` can swallow it, and the Redis client uses that to send.
    """
    found = list(tasks)
    left = {task for task in found if not task.done()}
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=0.05)
    await asyncio.gather(*found, return_exceptions=True)
