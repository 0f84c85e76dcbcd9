"""What the first events of a finite run look like, kept apart from the run, so that one without result can say why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import msgspec

from cep.config import StreamSpec
from cep.event import Document
from cep.match.decode import Decoder
from cep.match.fieldcheck import Layout, read_dict

MOST_EVENTS = 2_000  # of each stream
MOST_DEPTH = 64
MOST_VALUES = 50  # different texts remembered of one field


@dataclass(slots=True)
class Kind:
    """The events of one type: how many, how often each dotted field holds a value, and texts that it holds."""

    events: int = 0
    fields: Counter[str] = field(default_factory=Counter)
    texts: dict[str, set[str]] = field(default_factory=dict)


class Sample:
    """The first documents of each stream, as they came. Nothing is decoded before somebody asks."""

    def __init__(self) -> None:
        self._kept: dict[str, list[Sequence[Document]]] = {}
        self._left: dict[str, int] = {}

    def wants(self, stream: str) -> bool:
        return self._left.get(stream, MOST_EVENTS) > 0

    def take(self, stream: str, documents: Sequence[Document]) -> None:
        """Keep a batch; it must not change afterwards."""
        self._kept.setdefault(stream, []).append(documents)
        self._left[stream] = self._left.get(stream, MOST_EVENTS) - len(documents)

    def documents(self, stream: str) -> list[Document]:
        """The first documents of a stream, blank ones left out."""
        every = (document for batch in self._kept.get(stream, ()) for document in batch)
        return list(islice((document for document in every if not isinstance(document, bytes) or document.strip()), MOST_EVENTS))

    def objects(self, stream: str) -> Iterator[dict[str, Any]]:
        """Those of them that are JSON objects."""
        for document in self.documents(stream):
            try:
                value = msgspec.json.decode(document) if isinstance(document, bytes) else document
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
                continue
            if isinstance(value, dict):
                yield value

    def kinds(self, streams: Mapping[str, StreamSpec]) -> dict[str, Kind]:
        """What there is, by event type, over all streams."""
        found: dict[str, Kind] = {}
        for name, spec in streams.items():
            layout = Layout(spec)
            for event in self.objects(name):
                kind = found.setdefault(_type_of(event, layout), Kind())
                kind.events += 1
                _note_fields(kind, event, "", MOST_DEPTH)
        return found

    def latest_time(self, stream: str, spec: StreamSpec) -> int | None:
        """The largest event time, in microseconds; None where no event has one that can be read."""
        return max(Decoder({}, spec).decode(self.documents(stream)).times_us, default=None)


def _type_of(event: Mapping[str, Any], layout: Layout) -> str:
    if layout.type is None:
        return layout.fixed_type or ""
    named = read_dict(event, layout.type)
    return named if isinstance(named, str) else layout.type_otherwise


def _note_fields(kind: Kind, event: Mapping[str, Any], before: str, depth: int) -> None:
    for name, value in event.items():
        if value is None:
            continue
        path = f"{before}{name}"
        kind.fields[path] += 1
        if isinstance(value, dict) and depth:
            _note_fields(kind, value, f"{path}.", depth - 1)
        elif isinstance(value, str):
            texts = kind.texts.setdefault(path, set())
            if len(texts) < MOST_VALUES:
                texts.add(value)
