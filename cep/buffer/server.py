"""What a Redis must be before we entrust it with anything: new enough, and never evicting."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import redis
from redis import exceptions

from cep.errors import ConfigError

OLDEST = (7, 0)


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """What was found: `durability` is what an answered append means ("synced" only under `appendfsync always`)."""

    version: str
    product: str  # "Redis" or "Valkey"
    maxmemory_bytes: int  # 0: no limit
    aof: bool
    durability: str  # "appended" | "synced"
    warnings: tuple[str, ...]


def check_server(client: redis.Redis) -> ServerFacts:
    """Look at the server before use.

    raises  ConfigError: unreachable, password refused, older than 7.0, or a policy that evicts keys
    """
    try:
        info: dict[str, Any] = client.info("everything")
    except (exceptions.AuthenticationError, exceptions.NoPermissionError) as error:
        raise ConfigError(
            f"Redis refuses us: {error}", "put user and password into the URL: redis://USER:PASSWORD@HOST:PORT/0", "E0902"
        ) from None
    except exceptions.RedisError as error:
        raise ConfigError(
            f"cannot reach Redis: {error}", "start it, mend `redis:` in cep.yml, or leave it out to use the embedded one", "E0902"
        ) from None
    version = str(info.get("redis_version", "0"))
    if tuple(int(part) for part in version.split(".")[:2]) < OLDEST:
        raise ConfigError(f"Redis {version} is too old", "use Redis 7.0 or newer, or Valkey", "E0903")
    policy = str(info.get("maxmemory_policy", "noeviction"))
    if policy != "noeviction":
        raise ConfigError(
            f"maxmemory-policy is {policy}: Redis would throw away events and state when memory runs short",
            "set it to noeviction: redis-cli config set maxmemory-policy noeviction (and in redis.conf)",
            "E0904",
        )
    aof = bool(info.get("aof_enabled"))
    warnings = (
        () if aof else ("append-only file is off: a crash of Redis loses everything since its last dump (set appendonly yes)",)
    )
    valkey = info.get("valkey_version")
    return ServerFacts(
        version=str(valkey or version),
        product="Valkey" if valkey else "Redis",
        maxmemory_bytes=int(info.get("maxmemory", 0)),
        aof=aof,
        durability="synced" if aof and _fsync(client) == "always" else "appended",
        warnings=warnings,
    )


def _fsync(client: redis.Redis) -> str:
    """The fsync policy; managed services forbid CONFIG, and then nothing is promised."""
    try:
        answer: dict[Any, Any] = client.config_get("appendfsync")
    except exceptions.ResponseError:
        return "unknown"
    value = answer.get("appendfsync", answer.get(b"appendfsync", "unknown"))
    return value.decode() if isinstance(value, bytes) else str(value)
