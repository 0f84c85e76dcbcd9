"""What `cep.yml` says, as plain data. Reading the file, with exact positions in its errors, is `cep.loader.config`."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from cep.errors import NOWHERE, ConfigError, Span

SECOND_US = 1_000_000
TimeUnit = Literal["auto", "s", "ms", "us", "ns"]

REFERENCE = re.compile(r"\$\{(env|file):([^}]*)\}")


@dataclass(frozen=True, slots=True)
class StreamSpec:
    """A stream of events and how to read one.

    time        path of the field that holds the event time: epoch number (unit by the name's ending `_ms _us _ns _s`, else by
                size) or ISO 8601 text
    type        a field of the event that holds its type, or the type itself: if the event has a text field of that name,
                its value; else the word itself (`type_field` / `type_fixed` when the configuration says which)
    id          field with the event's own id; None: its position
    partition   field that names the producer's partition (each has its own watermark); None: one partition
    order       field that breaks ties of time; None: position in the buffer
    lateness_us how far behind the largest time seen of its partition an event may come
    idle_us     quiet this long (and read to its end), a partition is left out of the watermark
    future_us   further ahead of its arrival than this, a time is absurd
    key         Redis key of the stream; None: `buffer.keys.events(name)`
    fields      declared types: path -> "number" | "text" | "bool" | "time" | "list" (a wrong one sends the event to dead letter)
    """

    name: str = "event"
    time: str | None = None  # None: the first of ts, time, timestamp, @timestamp, ts_ms, time_ms, event_time
    unit: TimeUnit = "auto"
    type: str = "type"
    type_field: str | None = None
    type_fixed: str | None = None
    id: str | None = None
    partition: str | None = None
    order: str | None = None
    lateness_us: int = 0
    idle_us: int = 30 * SECOND_US
    future_us: int = 24 * 3600 * SECOND_US
    key: str | None = None
    retain_us: int = 7 * 24 * 3600 * SECOND_US
    fields: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ChannelSpec:
    """Where alerts go. `kind` is stdout, file or webhook; secrets are references, resolved when used, never kept here."""

    name: str
    kind: Literal["stdout", "file", "webhook"]
    path: str | None = None  # file
    url: str | None = None  # webhook; may itself hold ${env:NAME} or ${file:PATH}
    secret: str | None = None  # reference `${env:NAME}` or `${file:PATH}` to a Standard Webhooks secret (whsec_...)
    headers: tuple[tuple[str, str], ...] = ()
    schedule_s: tuple[float, ...] = (0, 5, 30, 120, 600, 1800, 3600, 7200, 14400, 28800, 28800)
    connect_timeout_s: float = 5.0
    timeout_s: float = 15.0
    concurrency: int = 4
    public_only: bool = False  # refuse private and loopback addresses, besides those always refused (link-local, metadata)
    allow: tuple[str, ...] = ()  # CIDRs reachable although `public_only` would refuse them
    ca: str | None = None
    updates: bool = False  # what changes of an alert that is open goes there too


@dataclass(frozen=True, slots=True)
class TableSpec:
    """Reference data: a CSV or YAML file, one column of which is the key.

    span  where the file is named, in cep.yml or in a file of rules
    base  folder that a relative `file` starts at; None: that of cep.yml
    """

    name: str
    file: str
    key: str
    span: Span = field(default=NOWHERE, compare=False)
    base: Path | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Config:
    """A whole `cep.yml`, defaults filled in."""

    streams: dict[str, StreamSpec] = field(default_factory=lambda: {"event": StreamSpec()})
    channels: dict[str, ChannelSpec] = field(default_factory=dict)
    tables: dict[str, TableSpec] = field(default_factory=dict)
    rules: tuple[str, ...] = ("rules",)
    redis: str | None = None  # None: an embedded Valkey in `data`
    data: str = ".cep"
    listen: str | None = None  # "127.0.0.1:8088": HTTP ingest and health
    ingest_token: str | None = None  # reference; needed to listen beyond loopback
    default_to: tuple[str, ...] = ()  # channels of rules without `to`; empty: stdout
    base: Path = Path()  # folder the file lies in: relative paths start here
    extra: dict[str, Any] = field(default_factory=dict)


def resolve_references(text: str) -> str:
    """The text with each `${env:NAME}` and `${file:PATH}` replaced by what it names now; call it when the value is needed.

    Files are read anew each time (a mounted secret may be rotated), without the line end at their end.
    raises  ConfigError: the variable is not set, the file cannot be read
    """
    return REFERENCE.sub(_resolve_one, text)


def redis_of(config: Config) -> str | None:
    """The Redis of the configuration, references resolved (passwords belong into them); None: an embedded server."""
    return None if config.redis is None else resolve_references(config.redis)


def _resolve_one(found: re.Match[str]) -> str:
    kind, name = found.groups()
    if kind == "env":
        if name not in os.environ:
            raise ConfigError(
                f"the environment variable {name} is not set", f"set it, or mend ${{env:{name}}} in cep.yml", "E0957"
            )
        return os.environ[name]
    try:
        return Path(name).read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the file {name} cannot be read: {error}", f"mend ${{file:{name}}} in cep.yml", "E0957") from error
