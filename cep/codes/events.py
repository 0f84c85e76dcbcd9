"""E06xx: reasons for which an event goes to the dead-letter or the late stream."""

from __future__ import annotations

from cep.codes.code import Code

CODES: tuple[Code, ...] = (
    Code(
        "E0600",
        "not JSON",
        "The document cannot be read as JSON: broken syntax, NaN or Infinity, a number no double can hold.",
        "Send one JSON object per event, as RFC 8259 says; write null where there is no number.",
    ),
    Code(
        "E0601",
        "not an object",
        "The document is JSON, but a list, a text, a number or null: it has no fields.",
        'Send an object: {"ts": 1718000000000, "type": "login", ...}. A list of events goes in one line each.',
    ),
    Code(
        "E0602",
        "too large",
        "The document is larger than 1 MiB.",
        "Send what rules and readers of alerts need, and a reference to the rest.",
    ),
    Code(
        "E0603",
        "time cannot be read",
        "The time is neither an epoch number nor ISO 8601 text.",
        'Send a number (seconds, milliseconds, microseconds or nanoseconds since 1970) or text like "2024-06-10T08:00:00Z".',
    ),
    Code(
        "E0604",
        "absurd time",
        "The time lies before 1970 or after 2099: most often the unit is not what was meant.",
        "Name the unit in the stream's `unit:`, or by the field's ending (_s, _ms, _us, _ns).",
    ),
    Code(
        "E0605",
        "wrong type",
        "A field that rules read is not of the type they use it as (or that `fields:` declares), so they cannot be judged.",
        "Send the field as that type, or leave it out: a missing field is null and harms nothing.",
    ),
    Code(
        "E0606",
        "no time",
        "The event has no time, so nothing can be said of its order.",
        "Send the moment it happened in the field that `time:` of the stream names (else one of ts, time, timestamp, ...).",
    ),
    Code(
        "E0607",
        "too deep",
        "The document is nested hundreds of levels deep.",
        "Send flatter events; real ones are rarely deeper than ten levels.",
    ),
    Code(
        "E0608",
        "no type",
        "The stream says that a field names the type of an event, and this event has no text there.",
        "Send the field, or give all events of the stream one type with `type: {fixed: NAME}`.",
    ),
    Code(
        "E0609",
        "not UTF-8",
        "A text that rules read holds bytes that are not UTF-8.",
        "Encode documents as UTF-8.",
    ),
    Code(
        "E0690",
        "late",
        "The event's time lies behind the watermark of its partition as it stood when the event came: that time was done.",
        "Raise `lateness:` of the stream to how far out of order events come; an alert waits that long for them.",
    ),
    Code(
        "E0691",
        "absurd future",
        "The event's time is further ahead of its arrival than `future:` allows. Fed, it would make all others late.",
        "Set the sender's clock, check the unit of its times, or raise `future:`.",
    ),
)
