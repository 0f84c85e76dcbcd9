"""What one HTTP request holds: NDJSON, a JSON array or object, or CloudEvents, cut into one JSON document per event.

Documents go to the buffer as they came. Only what would break a line is changed: line ends inside a document go, and
the two halves of a CloudEvent in binary mode are put together. A CloudEvent keeps its envelope (`id`, `source`, `type`,
`time` and `data` are fields of the event). Whether an event fits its stream is judged later, when it is decoded.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

import msgspec

from cep.errors import EventError

NDJSON = frozenset({"application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines"})
JSON = "application/json"
CLOUD_EVENT = "application/cloudevents+json"
CLOUD_BATCH = "application/cloudevents-batch+json"
UNDERSTOOD = (JSON, "application/x-ndjson", CLOUD_EVENT, CLOUD_BATCH)
MAX_EVENT_BYTES = 1024 * 1024
UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)  # the last: nested deeper than the decoder goes


class UnknownMediaType(EventError):
    """The content type is none that is understood."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one event: its place in the request (from 0, blank lines counted) and the reason."""

    index: int
    reason: str


@dataclass(slots=True)
class Payload:
    """docs: one line of JSON per event, faulty ones too (the worker puts them in the dead letter), except those that are
    too long to be kept. faults: what is known to be wrong by now. good: how many of the docs have no fault."""

    docs: list[bytes] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    good: int = 0


class _Object(msgspec.Struct):
    """Decodes from any JSON object: reads it to its end and keeps nothing."""


class _CloudEvent(msgspec.Struct):
    specversion: str
    id: str
    source: str
    type: str


TOO_LONG = f"the event is longer than {MAX_EVENT_BYTES:,} bytes"
_OBJECT = msgspec.json.Decoder(_Object)
_CLOUD_EVENT = msgspec.json.Decoder(_CloudEvent)
_RAW = msgspec.json.Decoder(msgspec.Raw)
_ARRAY = msgspec.json.Decoder(list[msgspec.Raw])


def read_payload(body: bytes, content_type: str, headers: Mapping[str, str]) -> Payload:
    """Cut a request into documents.

    content_type  without parameters, lower case
    raises        UnknownMediaType; EventError when nothing can be cut out of the body (a broken array, say)
    """
    if "ce-specversion" in {name.lower() for name in headers} and content_type != CLOUD_BATCH:
        return _judge([_binary_cloud_event(body, content_type, headers)], _CLOUD_EVENT)
    if content_type in NDJSON:
        return _judge(body.split(b"\n"), _OBJECT)
    if content_type == JSON:
        return _judge(_elements(body), _OBJECT)
    if content_type == CLOUD_EVENT:
        return _judge([_one_line(body)], _CLOUD_EVENT)
    if content_type == CLOUD_BATCH:
        return _judge(_elements(body), _CLOUD_EVENT)
    said = f"`{content_type}`" if content_type else "no content type"
    raise UnknownMediaType(f"{said} is not understood; send {', '.join(UNDERSTOOD)}")


def _judge(docs: list[bytes], decoder: msgspec.json.Decoder[Any]) -> Payload:
    payload = Payload()
    for index, doc in enumerate(docs):
        doc = doc.strip()
        if not doc:
            continue
        if len(doc) > MAX_EVENT_BYTES:
            payload.faults.append(Fault(index, TOO_LONG))
            continue
        payload.docs.append(doc)
        try:
            doc.decode()  # text that the decoder skips is not judged by it
            decoder.decode(doc)
        except UNREADABLE as error:
            payload.faults.append(Fault(index, _words(error)))
        else:
            payload.good += 1
    return payload


def _words(error: Exception) -> str:
    text = str(error)
    if isinstance(error, RecursionError):
        return "not JSON: nested too deeply"
    if isinstance(error, msgspec.ValidationError):
        if text.startswith("Object missing required field"):
            return f"a CloudEvent needs {text.rsplit(' ', 1)[-1]}"
        if " - at `$." in text:
            return f"{text.rsplit(' - at ', 1)[-1]}: expected text"
        return "an event is a JSON object"
    return f"not JSON: {text}"


def _elements(body: bytes) -> list[bytes]:
    """The elements of a JSON array, each on one line; anything else is one element."""
    if body.lstrip()[:1] != b"[":
        return [_one_line(body)]
    try:
        return [_one_line(bytes(raw)) for raw in _ARRAY.decode(body)]
    except UNREADABLE as error:
        raise EventError(f"the body is no JSON array: {_words(error)}; in lines of JSON each is judged by itself") from error


def _one_line(doc: bytes) -> bytes:
    """The document without line ends; text that is no JSON has its line ends turned to blanks, so that it stays one line."""
    if b"\n" not in doc and b"\r" not in doc:
        return doc
    try:
        return msgspec.json.format(doc, indent=-1)
    except UNREADABLE:
        return doc.replace(b"\r", b" ").replace(b"\n", b" ")


def _binary_cloud_event(body: bytes, content_type: str, headers: Mapping[str, str]) -> bytes:
    """The document of a CloudEvent whose attributes are headers and whose data is the body (HTTP binding, 3.1)."""
    event: dict[str, Any] = {}
    for name, value in headers.items():
        if name.lower().startswith("ce-"):
            event[name[3:].lower()] = unquote(value.strip('"'))
    if content_type:
        event["datacontenttype"] = content_type
    if content_type == JSON or content_type.endswith("+json"):
        try:
            event["data"] = _RAW.decode(body) if body.strip() else None
        except UNREADABLE as error:
            raise EventError(f"the body is {_words(error)}") from error
        return _one_line(msgspec.json.encode(event))
    if content_type.startswith("text/"):
        event["data"] = body.decode("utf-8", "replace")
    elif body:
        event["data_base64"] = base64.b64encode(body).decode("ascii")
    return msgspec.json.encode(event)
