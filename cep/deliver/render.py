"""What an alert looks like from outside: as JSON, as a line for people, as the body of a webhook.

The command line and the delivery channels share these, so an alert reads the same wherever it arrives.
"""

from __future__ import annotations

from typing import Any

import msgspec

from cep.alert import Alert
from cep.timestamps import iso_text

_COLORS = {"critical": "1;31", "high": "31", "medium": "33", "low": "36"}


def iso_time(time_us: int) -> str:
    """A time as ISO 8601 in UTC: `2026-03-01T09:00:55.000Z`; a year no calendar has stays the number of microseconds."""
    return iso_text(time_us) or f"{time_us}us"


def alert_as_json(alert: Alert) -> dict[str, Any]:
    """The alert as receivers get it. Times are ISO 8601 text (`first` and `last` null without events), evidence is event ids."""
    return {
        "id": alert.id,
        "rule": alert.rule,
        "generation": alert.generation,
        "key": alert.key,
        "severity": alert.severity,
        "tags": list(alert.tags),
        "title": alert.title,
        "transition": alert.transition,
        "updates": alert.updates,
        "opened": iso_time(alert.time_us if alert.opened_us is None else alert.opened_us),
        "time": iso_time(alert.time_us),
        "first": None if alert.first_us is None else iso_time(alert.first_us),
        "last": None if alert.last_us is None else iso_time(alert.last_us),
        "fields": alert.fields,
        "evidence": list(alert.evidence),
        "events": alert.events,
        **({"evicted": alert.evicted} if alert.evicted else {}),
    }


def alert_as_line(alert: Alert, color: bool = False) -> str:
    """The alert on one line for people: time, severity, rule, key, title and emitted fields.

    Text that came with events cannot steer a terminal: control characters are written as escapes.
    """
    severity = f"{alert.severity.upper():<8}"
    rule = alert.rule
    if color:
        severity = f"\x1b[{_COLORS.get(alert.severity.lower(), '0')}m{severity}\x1b[0m"
        rule = f"\x1b[1m{rule}\x1b[0m"
    words = [iso_time(alert.time_us), severity, rule]
    if alert.transition != "opened":
        words.append(alert.transition)
    if alert.key is not None:
        words.append(_plain(alert.key))
    if alert.title and alert.title != alert.rule:
        words.append(_plain(alert.title))
    words += [f"{_plain(name)}={_plain(value)}" for name, value in alert.fields.items()]
    return "  ".join(words)


def webhook_body(alert: Alert) -> bytes:
    """The native format: `{type, timestamp, data}` as JSON. The same bytes at every attempt; `timestamp` is the alert's time."""
    body = {"type": f"alert.{alert.transition}", "timestamp": iso_time(alert.time_us), "data": alert_as_json(alert)}
    return msgspec.json.encode(body)


def json_line(alert: Alert) -> bytes:
    """`alert_as_json` as one line of a file, newline included (JSON escapes those within)."""
    return msgspec.json.encode(alert_as_json(alert)) + b"\n"


def _plain(value: Any) -> str:
    """A value as words: text as it is, lists with commas, other values as JSON writes them; nothing unprintable."""
    match value:
        case str():
            text = value
        case list() | tuple():
            return ", ".join(_plain(part) for part in value)
        case _:
            text = msgspec.json.encode(value).decode()
    return text if text.isprintable() else "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
