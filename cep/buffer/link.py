"""Connections to Redis: redis-py clients with timeouts that fit, and a raw link that skips the client's reply callbacks.

redis-py re-sends and reconnects on its own by default, and hides a dead server for a minute; here every retry is ours. Whatever
means "not now" (gone, loading, failing over, out of memory) is one error, `RedisGone`, and the caller waits and comes back.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import redis
from redis import exceptions
from redis.backoff import NoBackoff
from redis.retry import Retry

from cep.errors import CepError, ConfigError

if TYPE_CHECKING:
    from redis.asyncio import Redis as AsyncRedis

TIMEOUT_S = 10.0  # longer than any blocking read we send; a server that is silent for so long is gone
READ_BYTES = 256 << 10  # taken from the socket at a time: a whole answer to a read, mostly
NOT_NOW = ("LOADING", "READONLY", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "MISCONF", "OOM", "BUSY", "NOREPLICAS", "UNBLOCKED")
log = logging.getLogger(__name__)


class RedisGone(CepError):
    """Redis cannot answer now; what was sent may or may not have been done."""


def connect(url: str, **more: Any) -> redis.Redis:
    """A plain client for questions and tools: RESP2, no hidden retries, bytes in and out.

    more    further options of the client
    raises  ConfigError: the URL cannot be read. It does not connect yet
    """
    try:
        return redis.Redis.from_url(_spelled(url), **_options(), **more)
    except ValueError as error:
        raise _bad_url(url, error) from None


def connect_async(url: str) -> AsyncRedis:
    """The same for asyncio: delivery and HTTP."""
    from redis.asyncio import Redis as AsyncRedis  # heavy, and only the process with an event loop needs it
    from redis.asyncio.retry import Retry as AsyncRetry

    try:
        return AsyncRedis.from_url(_spelled(url), **{**_options(), "retry": AsyncRetry(NoBackoff(), 0)})
    except ValueError as error:
        raise _bad_url(url, error) from None


def _spelled(url: str) -> str:
    """Valkey's own schemes in the words that the client knows."""
    return "redis" + url.removeprefix("valkey") if url.startswith(("valkey://", "valkeys://")) else url


def _options() -> dict[str, Any]:
    return {"protocol": 2, "socket_timeout": TIMEOUT_S, "socket_connect_timeout": 5.0, "retry": Retry(NoBackoff(), 0)}


def _bad_url(url: str, error: ValueError) -> ConfigError:
    return ConfigError(f"cannot read the Redis URL {url!r}: {error}", "write redis://HOST:PORT/0 or unix:///PATH", "E0901")


class Link:
    """One connection, commands sent and answers received apart, so that Redis works while we do.

    Answers come raw: RESP2 lists and bytes. An error reply is raised as `redis.ResponseError`, or as RedisGone when it only
    means "not now". After RedisGone the link is closed; the next send() opens it again.
    """

    def __init__(self, url: str) -> None:
        self._pool = connect(url, socket_read_size=READ_BYTES).connection_pool
        self._connection: Any = None  # redis-py's connection classes share no public base
        self.unanswered = 0

    def send(self, *words: Any) -> None:
        try:
            if self._connection is None:
                self._connection = self._pool.make_connection()
                self._connection.connect()
                self.unanswered = 0
            self._connection.send_command(*words, check_health=False)
            self.unanswered += 1
        except (exceptions.ConnectionError, exceptions.TimeoutError) as error:
            self.close()
            raise RedisGone(str(error)) from None

    def receive(self) -> Any:
        """The answer to the oldest unanswered command."""
        if self._connection is None:
            raise RedisGone("the connection was closed")
        try:
            self.unanswered -= 1
            return self._connection.read_response()
        except (exceptions.ConnectionError, exceptions.TimeoutError) as error:
            self.close()
            raise RedisGone(str(error)) from None
        except exceptions.ResponseError as error:
            if means_not_now(error):
                self.close()
                raise RedisGone(str(error)) from None
            raise

    def call(self, *words: Any) -> Any:
        self.send(*words)
        return self.receive()

    def close(self) -> None:
        self.unanswered = 0
        if self._connection is not None:
            self._connection.disconnect()
            self._connection = None


def means_not_now(error: exceptions.ResponseError) -> bool:
    """Whether the server said that it cannot do it at this moment (rather than that we asked for nonsense)."""
    words = str(error).split(None, 1)
    if isinstance(error, exceptions.OutOfMemoryError | exceptions.ReadOnlyError):
        return True  # redis-py cuts the leading word off these
    return bool(words) and words[0].rstrip(":") in NOT_NOW


class Patience:
    """Waits between attempts: from 50 ms, doubling to 2 s, with jitter. Says at most one line a second."""

    FIRST_S, MOST_S = 0.05, 2.0

    def __init__(self, wait: Callable[[float], object], now_us: Callable[[], int]) -> None:
        self._wait, self._now_us = wait, now_us
        self._delay_s = self.FIRST_S
        self._said_us: int | None = None
        self._unsaid = 0

    def failed(self, what: str) -> None:
        """Say it (or count it), then wait."""
        now = self._now_us()
        if self._said_us is None or now - self._said_us >= 1_000_000:
            log.warning("%s%s; trying again", what, f" ({self._unsaid} times more)" if self._unsaid else "")
            self._said_us, self._unsaid = now, 0
        else:
            self._unsaid += 1
        self._wait(self._delay_s * random.uniform(0.5, 1.0))
        self._delay_s = min(self._delay_s * 2, self.MOST_S)

    def succeeded(self) -> None:
        if self._delay_s != self.FIRST_S:
            self._delay_s = self.FIRST_S
            log.info("Redis answers again")
