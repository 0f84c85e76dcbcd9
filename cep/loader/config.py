"""Reading `cep.yml`: strict keys, durations as written (`5s`), every fault with its line and column.

References to secrets (`${env:NAME}`, `${file:PATH}`) stay references; a secret written out is refused. Relative paths
are kept as written and start at `Config.base`, except inside `${file:...}`, where they are made absolute.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import cast, get_args

from cep.config import REFERENCE, ChannelSpec, Config, StreamSpec, TableSpec, TimeUnit
from cep.errors import ConfigError
from cep.lang.places import Lines
from cep.lang.yaml_nodes import Mapping, Node, Scalar
from cep.loader.section import Section, compose_one, is_null
from cep.spelling import closest

AT_START = ("streams", "redis", "data", "listen", "ingest_token")  # what a running process does not change
FILE_NAME = "cep.yml"
MAX_CHARS = 1024 * 1024
TOP = (
    "streams", "channels", "tables", "rules", "redis", "data", "listen", "ingest_token", "default_to",
)  # fmt: skip
STREAM = (
    "time", "type", "id", "partition", "order", "lateness", "idle", "future", "key", "retain", "fields",
)  # fmt: skip
WEBHOOK = (
    "webhook", "secret", "headers", "schedule", "connect_timeout", "timeout", "concurrency", "public_only",
    "allow", "ca", "updates",
)  # fmt: skip
KINDS = ("webhook", "file", "stdout")
TABLE = ("file", "key")
FIELD_TYPES = ("number", "text", "bool", "time", "list")
SECRET_HEADERS = ("authorization", "proxy-authorization", "cookie", "x-api-key", "x-auth-token")
REDIS_SCHEMES = ("redis://", "rediss://", "unix://", "valkey://", "valkeys://")


def waiting_for_restart(running: Config, read: Config) -> list[str]:
    """The keys that a running process does not change and that cep.yml now says otherwise."""
    return [name for name in AT_START if getattr(read, name) != getattr(running, name)]


def read_config(path: Path | str | None) -> Config:
    """The configuration in the file; None: `cep.yml` in the current folder if there is one, else all defaults.

    raises  ConfigError with code, span and mend: the first fault found
    """
    if path is None:
        if not Path(FILE_NAME).is_file():
            return Config(base=Path.cwd())
        path = FILE_NAME
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise ConfigError(f"cannot read {path}: {reason}", "name the file with --config", "E0952") from error
    return parse_config(text, str(path), path.absolute().parent)


def parse_config(text: str, file: str, base: Path) -> Config:
    """As `read_config`, from text; `file` is the name used in messages, relative paths start at `base`."""
    if len(text) > MAX_CHARS:
        raise ConfigError(f"{file} is larger than {MAX_CHARS >> 20} MiB", "name the right file with --config", "E0952")
    lines = Lines(file, text)
    node = compose_one(lines)
    if node is None or is_null(node):
        return Config(base=base)
    top = Section(node, lines, known=TOP)
    streams = {name: _stream(name, below, lines) for name, below in top.sections("streams")}
    channels = {name: _channel(name, below, lines, base) for name, below in top.sections("channels")}
    config = Config(
        streams=streams or {"event": StreamSpec()},
        channels=channels,
        tables={name: _table(name, below, lines) for name, below in top.sections("tables")},
        rules=top.take_texts("rules", ("rules",)),
        redis=top.take("redis", None, lambda node, name: _redis(top, node, name)),
        data=top.take_text("data", ".cep"),
        listen=top.take("listen", None, lambda node, name: _listen(top, node, name)),
        ingest_token=_secret(top, "ingest_token", base),
        default_to=top.take_texts("default_to", ()),
        base=base,
    )
    _known_channels(top, config)
    return config


def _stream(name: str, node: Node, lines: Lines) -> StreamSpec:
    section = Section(node, lines, f"streams.{name}", STREAM)
    time, unit = _time(section)
    word, type_field, type_fixed = _type(section)
    fields = section.take_mapping("fields")
    for field, kind in fields.items():
        if kind not in FIELD_TYPES:
            section.section("fields").take_word(field, kind, FIELD_TYPES)
    usual = StreamSpec()
    return StreamSpec(
        name=name,
        time=time,
        unit=unit,
        type=word,
        type_field=type_field,
        type_fixed=type_fixed,
        id=section.take_text("id", None),
        partition=section.take_text("partition", None),
        order=section.take_text("order", None),
        lateness_us=section.take_duration_us("lateness", usual.lateness_us),
        idle_us=section.take_duration_us("idle", usual.idle_us),
        future_us=section.take_duration_us("future", usual.future_us),
        key=section.take_text("key", None),
        retain_us=section.take_duration_us("retain", usual.retain_us),
        fields=fields,
    )


def _time(section: Section) -> tuple[str | None, TimeUnit]:
    """`time: ts_ms` or `time: {field: ts, unit: ms}`."""
    if "time" in section and isinstance(section.node_of("time"), Mapping):
        below = section.section("time", ("field", "unit"))
        unit = below.take_word("unit", "auto", get_args(TimeUnit))
        return below.take_text("field", None), cast(TimeUnit, unit)
    return section.take_text("time", None), "auto"


def _type(section: Section) -> tuple[str, str | None, str | None]:
    """`type: event`, `type: {field: kind}` or `type: {fixed: telemetry}` -> (word, field, fixed)."""
    if "type" in section and isinstance(section.node_of("type"), Mapping):
        below = section.section("type", ("field", "fixed"))
        field, fixed = below.take_text("field", None), below.take_text("fixed", None)
        if (field is None) == (fixed is None):
            mend = "`field` names the field that holds it, `fixed` is the type of all events"
            raise section.fault(section.node_of("type"), f"{below.path} needs either `field` or `fixed`", mend, "E0954")
        return "type", field, fixed
    return section.take_text("type", "type"), None, None


def _channel(name: str, node: Node, lines: Lines, base: Path) -> ChannelSpec:
    path = f"channels.{name}"
    kind = _kind(Section(node, lines, path), path)
    if kind == "stdout":
        section = Section(node, lines, path, ("stdout", "updates"))
        if not section.take_bool("stdout", True):
            raise section.fault(node, f"{path} leads nowhere", "write `stdout: true`, or remove the channel", "E0954")
        return ChannelSpec(name, "stdout", updates=section.take_bool("updates", False))
    if kind == "file":
        section = Section(node, lines, path, ("file", "updates"))
        return ChannelSpec(name, "file", path=section.take_text("file", None), updates=section.take_bool("updates", False))
    return _webhook(name, Section(node, lines, path, WEBHOOK), base)


def _kind(section: Section, path: str) -> str:
    found = [kind for kind in KINDS if kind in section]
    if len(found) == 1:
        return found[0]
    if found:
        raise section.fault(section.node, f"{path} is {' and '.join(found)} at once", "make two channels of it", "E0954")
    near = next((near for key in section if (near := closest(key, KINDS))), None)
    mend = f"did you mean `{near}`?" if near else "give it `webhook: URL`, `file: PATH` or `stdout: true`"
    raise section.fault(section.node, f"{path} does not say where alerts go", mend, "E0954")


def _webhook(name: str, section: Section, base: Path) -> ChannelSpec:
    url = _absolute_references(section.take_text("webhook", ""), base)
    if not url.startswith(("http://", "https://", "${")):
        mend = "write https://host/path, or ${env:NAME}"
        raise section.fault(section.node_of("webhook"), f"{section.name_of('webhook')}: `{url}` is no URL", mend, "E0954")
    usual = ChannelSpec(name, "webhook")
    ca = section.take_text("ca", None)
    return ChannelSpec(
        name,
        "webhook",
        url=url,
        secret=_secret(section, "secret", base),
        headers=_headers(section, base),
        schedule_s=section.take_durations_s("schedule", usual.schedule_s),
        connect_timeout_s=section.take_seconds("connect_timeout", usual.connect_timeout_s),
        timeout_s=section.take_seconds("timeout", usual.timeout_s),
        concurrency=section.take_count("concurrency", usual.concurrency),
        public_only=section.take_bool("public_only", usual.public_only),
        allow=section.take_texts("allow", ()),
        ca=None if ca is None else str(base / ca),
        updates=section.take_bool("updates", usual.updates),
    )


def _headers(section: Section, base: Path) -> tuple[tuple[str, str], ...]:
    headers = section.take_mapping("headers")
    for name, value in headers.items():
        if name.lower() in SECRET_HEADERS and not REFERENCE.search(value):
            node = section.section("headers").node_of(name)
            raise _written_out(section, node, f"{section.path}.headers.{name}", name)
    return tuple((name, _absolute_references(value, base)) for name, value in headers.items())


def _table(name: str, node: Node, lines: Lines) -> TableSpec:
    section = Section(node, lines, f"tables.{name}", TABLE)
    for key in TABLE:
        if key not in section:
            mend = "write `file: customers.csv` and `key: id`, the column that finds a row"
            raise section.fault(node, f"tables.{name} has no `{key}`", mend, "E0954")
    node = section.node_of("file")
    return TableSpec(name, section.take_text("file", ""), section.take_text("key", ""), lines.span(node.start, node.end))


def _secret(section: Section, key: str, base: Path) -> str | None:
    """A reference; anything else under this key is a secret in the wrong place."""
    value = section.take_text(key, None)
    if value is not None and not REFERENCE.fullmatch(value):
        raise _written_out(section, section.node_of(key), section.name_of(key), key)
    return None if value is None else _absolute_references(value, base)


def _written_out(section: Section, node: Node, name: str, key: str) -> ConfigError:
    """Never repeats the value: it may be the secret itself."""
    variable = "CEP_" + "".join(letter if letter.isalnum() else "_" for letter in key.upper())
    mend = f"write ${{env:{variable}}} or ${{file:/run/secrets/{key.lower()}}} and keep the secret there"
    return section.fault(node, f"{name} must be a reference, not the secret itself", mend, "E0956")


def _redis(section: Section, node: Node, name: str) -> str:
    url = node.value if isinstance(node, Scalar) else ""
    if not url.startswith((*REDIS_SCHEMES, "${")):
        raise section.fault(node, f"{name}: `{url}` is no Redis URL", "write redis://host:6379/0 or unix:///path", "E0954")
    return url


def _listen(section: Section, node: Node, name: str) -> str:
    text = node.value if isinstance(node, Scalar) else ""
    host, colon, port = text.rpartition(":")
    if not colon or not host or not (port.isascii() and port.isdigit()) or int(port) > 65535:
        raise section.fault(node, f"{name}: `{text}` is no address", "write host:port, as 127.0.0.1:8088", "E0965")
    return text


def _known_channels(top: Section, config: Config) -> None:
    """`default_to` may name declared channels, and `stdout`, which is always there."""
    known = (*config.channels, "stdout")
    for channel in config.default_to:
        if channel not in known:
            near = closest(channel, known)
            mend = f"did you mean `{near}`?" if near else f"declare it under channels; known: {', '.join(known)}"
            raise top.fault(top.node_of("default_to"), f"default_to: there is no channel `{channel}`", mend, "E0961")


def _absolute_references(text: str, base: Path) -> str:
    """`${file:secrets/x}` with its path made absolute from the folder of the configuration."""
    return REFERENCE.sub(lambda found: found[0] if found[1] == "env" else "${file:" + os.path.join(base, found[2]) + "}", text)  # noqa: PTH118
