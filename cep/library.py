"""Rules over events in your own process: no server, no files of state, nothing in the background.

    import cep

    engine = cep.Engine.from_rules("rules/")
    for alert in engine.feed(events):          # dicts, JSON lines, Arrow, pandas or polars
        print(alert.rule, alert.key, alert.fields)

Guide: docs/library.md. For durable state, delivery and reload run the service: `cep run`.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any, cast

import msgspec

from cep.alert import Alert
from cep.config import Config, StreamSpec
from cep.errors import ConfigError, EventError, RuleError
from cep.lang.literals import read_duration
from cep.loader.config import read_config
from cep.loader.files import Loaded, load, load_texts
from cep.loader.section import DURATION
from cep.match.engine import Rows
from cep.match.outcome import Outcome, Rejected
from cep.match.packed import pack, unpack
from cep.match.pipeline import Pipeline
from cep.texts import LineText
from cep.timestamps import EPOCH

BATCH = 1024
CHUNK_BYTES = 512 * 1024
ARROW_ROWS = 65_536  # of a table taken at once: the columns of so many stay in the cache
Event = Mapping[str, Any] | bytes | str
_decode = msgspec.json.decode
_encode = msgspec.json.Encoder().encode


class Engine:
    """A rule set and its state.

    rejected  events that were late or bad, with their reasons, until you take them away; with `on_reject` they go there instead
    """

    def __init__(self, loaded: Loaded, streams: Mapping[str, StreamSpec], on_reject: Callable[[Rejected], None] | None) -> None:
        self._loaded = loaded
        self._streams = dict(streams)
        self._first = next(iter(self._streams))
        self._pipeline: Pipeline | None = None
        self._rows: Rows = "dict"
        self._positions = dict.fromkeys(self._streams, 1)
        self.rejected: list[Rejected] = []
        self._reject = on_reject or self.rejected.append

    @classmethod
    def from_rules(
        cls,
        *paths: str | Path,
        config: str | Path | Config | None = None,
        time: str | None = None,
        type: str | None = None,
        id: str | None = None,
        lateness: str | timedelta | None = None,
        on_reject: Callable[[Rejected], None] | None = None,
    ) -> Engine:
        """The rules of files and folders (none: those the configuration names).

        config    a cep.yml, or one that is read already; None: the one in this folder, if any
        time, type, id, lateness   what cep.yml says of a stream, said here: the field of the time (by itself `ts`, `time`,
                  `timestamp`, ... are found), the field of the type or the type itself, the field of the event's own id, and
                  how far behind an event may come (`"5s"`)
        raises    RuleError: faults in the rules, all of them; ConfigError
        """
        read = config if isinstance(config, Config) else read_config(config)
        loaded = load([Path.cwd() / path for path in paths] or None, read)
        return cls._made(loaded, read, (time, type, id, lateness), on_reject)

    @classmethod
    def from_text(
        cls,
        text: str,
        *,
        config: str | Path | Config | None = None,
        time: str | None = None,
        type: str | None = None,
        id: str | None = None,
        lateness: str | timedelta | None = None,
        on_reject: Callable[[Rejected], None] | None = None,
    ) -> Engine:
        """The rules of a text, as a `.cep` file would hold it. Otherwise as `from_rules`."""
        read = config if isinstance(config, Config) else Config() if config is None else read_config(config)
        return cls._made(load_texts({"rules.cep": text}, read), read, (time, type, id, lateness), on_reject)

    @classmethod
    def _made(
        cls,
        loaded: Loaded,
        config: Config,
        said: tuple[str | None, str | None, str | None, str | timedelta | None],
        on_reject: Callable[[Rejected], None] | None,
    ) -> Engine:
        faults = [one for one in loaded.diagnostics if one.level == "error"]
        if faults:
            raise RuleError(faults)
        if not loaded.rulebook.plans:
            raise ConfigError("there are no rules", "name a file or folder that holds some, or pass their text", "E0962")
        return cls(loaded, {name: _spec(spec, *said) for name, spec in config.streams.items()}, on_reject)

    # -- events in, alerts out

    def feed(self, events: Any, *, stream: str | None = None) -> Iterator[Alert]:
        """The alerts that these events bring, in order, as they come.

        events  an iterable of dicts, or of JSON documents (bytes or text); one bytes or text of JSON lines; a `pyarrow` Table,
                RecordBatch or reader; a pandas or polars DataFrame
        stream  which stream of the configuration they are of; None: its first
        Alerts come while the iterator is walked over: nothing is fed that nobody asks for. One feed goes on where the one before
        ended. Absences and windows whose time has not come are told by later events, or by `advance` and `finish`.

        raises  EventError: something else than events; ConfigError: an unknown stream
        """
        name = self._stream(stream)
        columns = _as_arrow(events)
        if columns is not None:
            return self._feed_arrow(columns, name)
        if isinstance(events, bytes | str):
            text = events.encode() if isinstance(events, str) else events
            return self._feed_lines(text, name)
        if isinstance(events, Mapping) or not isinstance(events, Iterable):
            raise EventError(f"feed takes many events; this is one {_named(events)}: write feed([event])")
        return self._feed_each(events, name)

    def feed_arrow(self, events: Any, *, stream: str | None = None) -> Iterator[Alert]:
        """As `feed`, for a `pyarrow` Table, RecordBatch or reader (a Parquet file's, say): rows that no rule could want never
        become Python objects.

        raises  EventError: it is none of these
        """
        columns = _as_arrow(events)
        if columns is None:
            raise EventError(f"feed_arrow takes a pyarrow Table, RecordBatch or reader, not {_named(events)}: `feed` takes any")
        return self._feed_arrow(columns, self._stream(stream))

    async def watch(self, events: AsyncIterable[Any], *, stream: str | None = None) -> AsyncIterator[Alert]:
        """The same for what comes over time: an async iterable of events, or of lists of events. Each is fed when it comes."""
        async for one in events:
            several = [one] if isinstance(one, Mapping | bytes | str) else one
            for alert in self.feed(several, stream=stream):
                yield alert

    def advance(self, until: datetime | int) -> list[Alert]:
        """Say that nothing earlier than this moment comes any more (an aware datetime, or microseconds since the epoch): what is
        due before it is told."""
        until_us = until if isinstance(until, int) else (until - EPOCH) // timedelta(microseconds=1)
        return self._told(self._ready("dict").wall(until_us))

    def finish(self) -> list[Alert]:
        """Say that the input has ended: all up to its last moment is done, timers of that moment too."""
        return self._told(self._ready("dict").finish())

    # -- state

    def snapshot(self) -> bytes:
        """All state as bytes, for `restore` of an engine with the same rules."""
        pipeline = self._ready("dict")
        if pipeline.held:
            raise EventError("events are held back by `lateness`: call `advance` or `finish` before, or run the service")
        return pack([self._rows, self._positions, pipeline.snapshot(delta=False)])

    def restore(self, state: bytes) -> None:
        """Go on where the snapshot was taken. Rules that decide otherwise now start afresh.

        raises  ConfigError: it is no snapshot
        """
        try:
            rows, positions, snapshot = unpack(state)
            pipeline = Pipeline(self._loaded.rulebook, self._streams, rows=rows)
            pipeline.restore([snapshot])
        except (msgspec.DecodeError, ValueError, TypeError, KeyError) as error:
            raise ConfigError("this is no snapshot of an engine", "pass what `snapshot` returned", "E0980") from error
        self._pipeline, self._rows = pipeline, rows
        self._positions.update(positions)

    @property
    def rules(self) -> tuple[str, ...]:
        """The ids of the rules."""
        return tuple(plan.id for plan in self._loaded.rulebook.plans)

    # -- the pipeline

    def _ready(self, rows: Rows) -> Pipeline:
        """The pipeline, made for the kind of events that comes first; others are turned into that kind."""
        if self._pipeline is None:
            self._rows = rows
            self._pipeline = Pipeline(self._loaded.rulebook, self._streams, rows=rows)
        return self._pipeline

    def _stream(self, name: str | None) -> str:
        if name is None:
            return self._first
        if name not in self._streams:
            raise ConfigError(f"there is no stream `{name}`", f"declared are: {', '.join(self._streams)}", "E0953")
        return name

    def _feed_each(self, events: Iterable[Any], stream: str) -> Iterator[Alert]:
        rest = iter(events)
        while chunk := list(islice(rest, BATCH)):
            documents, rows = _documents(chunk)
            pipeline = self._ready(rows)
            yield from self._told(pipeline.push(stream, self._turned(documents, rows), self._take(stream, len(documents))))

    def _feed_lines(self, text: bytes, stream: str) -> Iterator[Alert]:
        pipeline = self._ready("struct")
        for start, end in _cuts(text):
            part = text[start:end]
            lines: Sequence[Any] = (
                LineText(part)
                if self._rows == "struct"
                else self._turned([line for line in part.splitlines() if line.strip()], "struct")
            )
            count = len(lines)
            yield from self._told(pipeline.push(stream, lines, self._take(stream, count)))

    def _feed_arrow(self, batches: Iterable[Any], stream: str) -> Iterator[Alert]:
        for batch in batches:
            pipeline = self._ready("struct")
            for start in range(0, batch.num_rows, ARROW_ROWS):
                part = batch.slice(start, ARROW_ROWS)
                yield from self._told(pipeline.push_arrow(stream, part, self._take(stream, part.num_rows).start))

    def _turned(self, documents: list[Any], rows: Rows) -> list[Any]:
        if rows == self._rows:
            return documents
        return [_encode(one) for one in documents] if self._rows == "struct" else [_loads(one) for one in documents]

    def _take(self, stream: str, count: int) -> range:
        first = self._positions[stream]
        self._positions[stream] = first + count
        return range(first, first + count)

    def _told(self, outcome: Outcome) -> list[Alert]:
        for rejected in (*outcome.late, *outcome.dead):
            self._reject(rejected)
        return outcome.alerts


def _spec(spec: StreamSpec, time: str | None, type_: str | None, id_: str | None, lateness: str | timedelta | None) -> StreamSpec:
    said = {"time": time, "type": type_, "id": id_, "lateness_us": None if lateness is None else _microseconds(lateness)}
    return replace(spec, **cast(Any, {name: value for name, value in said.items() if value is not None}))


def _microseconds(lateness: str | timedelta) -> int:
    if isinstance(lateness, timedelta):
        return lateness // timedelta(microseconds=1)
    if not DURATION.fullmatch(lateness):
        raise ConfigError(
            f"`lateness` is a duration, not {lateness!r}", 'write numbers and units, as in `lateness="5s"`', "E0955"
        )
    return read_duration(lateness)


def _as_arrow(events: Any) -> Iterable[Any] | None:
    """Record batches of what holds columns; None of anything else. Nothing is imported that is not there already."""
    home = type(events).__module__.partition(".")[0]
    if home == "pyarrow":
        if hasattr(events, "to_batches"):  # a Table
            return cast(Iterable[Any], events.combine_chunks().to_batches())
        return [events] if hasattr(events, "num_rows") else cast(Iterable[Any], events)  # a batch; a reader is walked over
    if home == "polars" and hasattr(events, "to_arrow"):
        return _as_arrow(events.to_arrow())
    if home == "pandas" and hasattr(events, "to_records"):
        try:
            import pyarrow as pa
        except ImportError as error:
            raise ConfigError("pandas frames are read through Arrow", "pip install 'cepheid[arrow]'", "E0981") from error
        return _as_arrow(pa.Table.from_pandas(events, preserve_index=False))
    return None


def _documents(chunk: list[Any]) -> tuple[list[Any], Rows]:
    """Events of one kind: dicts, or JSON documents."""
    texts = sum(isinstance(one, bytes | str) for one in chunk)
    if not texts:
        return chunk, "dict"
    if texts < len(chunk):
        return [_encode(one) if not isinstance(one, bytes | str) else _bytes(one) for one in chunk], "struct"
    return [_bytes(one) for one in chunk], "struct"


def _bytes(document: bytes | str) -> bytes:
    return document.encode() if isinstance(document, str) else document


def _loads(document: bytes) -> Any:
    """The event of a document, for an engine whose events are dicts; what is no JSON stays as it is, and is told as no event."""
    try:
        return _decode(document)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return document


def _cuts(text: bytes) -> Iterator[tuple[int, int]]:
    """Pieces of whole lines, each small enough to be looked at in columns."""
    start = 0
    while start < len(text):
        end = text.find(b"\n", start + CHUNK_BYTES)
        end = len(text) if end < 0 else end + 1
        yield start, end
        start = end


def _named(events: Any) -> str:
    return "event" if isinstance(events, Mapping) else type(events).__name__
