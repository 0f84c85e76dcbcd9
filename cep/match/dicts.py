"""Events that are Python dicts, through the same pipeline as documents: the dicts themselves are the rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from cep.config import StreamSpec
from cep.event import Reads
from cep.match.decode import Decoded
from cep.match.fieldcheck import EVENT_TIME, Layout, Projection, order_value, read_dict
from cep.match.memory import DictReader
from cep.match.rowloop import WRONG
from cep.match.timefield import Way
from cep.plan.plan import Path
from cep.types import Type

CHECKED = {Type.ANY, *WRONG}  # types that a loop over rows can look for
MOST_MISSING = 4  # fields learned to be missing at times, one by one; then each is taken to be


class DictDecoder:
    """The twin of `cep.match.decode.Decoder`: checked like decoded events, with the same codes for what is wrong."""

    def __init__(self, projection: Projection, spec: StreamSpec) -> None:
        self._projection = projection
        self._reader = DictReader(projection, spec)
        self._layout = layout = Layout(spec)
        own = [path for path in (layout.id, layout.partition, layout.order) if path is not None]
        fields = {(path, want) for some in projection.values() for path, want in some.items() if path != EVENT_TIME}
        paths = [*(path for path, _ in fields), layout.type or ("",)]
        self._plain = not own and all(len(path) == 1 for path in paths) and {want for _, want in fields} <= CHECKED
        self._missing: set[Path] = set()
        self._reads: Reads | None = None

    def straight(self, documents: Sequence[Any]) -> tuple[Callable[[], Iterator[Any]], Reads] | None:
        """What gives the events themselves, and how they are read, looked at on the way; None: they must be looked at before."""
        if not self._plain:
            return None
        if self._reads is None:
            way = self._reader.way(documents[0])
            self._plain = way is None or way.scale > 0
            self._reads = self._read_so(way) if way is not None and self._plain else None
        if self._reads is None:
            return None
        return lambda: iter(documents if isinstance(documents, list) else list(documents)), self._reads

    def _read_so(self, way: Way) -> Reads | None:
        """How events are read whose times are written in this way."""
        layout = self._layout
        at = layout.times[way.candidate]
        if way.candidate or len(at.path) > 1:
            self._plain = False
            return None
        told = [(name, path, want) for name, fields in self._projection.items() for path, want in fields.items()]
        checks = tuple(one for one in told if one[1] != EVENT_TIME and one[2] is not Type.ANY)
        present = frozenset(path for _, path, _ in told) - self._missing if len(self._missing) <= MOST_MISSING else frozenset()
        raw = f"r[{at.path[0]!r}]"
        kind = repr(layout.fixed_type or "") if layout.type is None else f"r[{layout.type[0]!r}]"
        within = (way.lowest, way.highest)
        return Reads(
            f"{raw} * {way.scale}", kind, raw, way.scale, checks=checks, within=within, present=present - {EVENT_TIME}
        )  # fmt: skip

    def _learn(self, event: Any) -> None:
        """Take note of fields that the event lacks: it stands where a loop over rows ended."""
        if self._reads is None or event.__class__ is not dict:
            return
        name = self._layout.fixed_type if self._layout.type is None else event.get(self._layout.type[0])
        fields = self._projection.get(name, {}) if isinstance(name, str) else {}
        missing = {path for path in fields if path in self._reads.present and path[0] not in event}
        if missing:
            self._missing |= missing
            self._reads = None

    def decode(self, documents: Sequence[Any]) -> Decoded:
        """All events, in order: the good ones as they are, reasons of the bad ones."""
        if documents:
            self._learn(documents[0])
        batch, bad = self._reader.batch(documents)
        layout, rows = self._layout, batch.rows
        return Decoded(
            rows if isinstance(rows, list) else list(rows),
            list(batch.times_us),
            list(batch.types),
            ids=None if layout.id is None else [_whole(one) for one in _column(rows, layout.id)],
            partitions=None if layout.partition is None else [_name(one) for one in _column(rows, layout.partition)],
            orders=None if layout.order is None else [order_value(one) for one in _column(rows, layout.order)],
            bad=bad,
        )


def _column(rows: Sequence[Any], path: Path) -> list[Any]:
    return [read_dict(row, path) for row in rows]


def _whole(value: Any) -> int | str | None:
    return int(value) if isinstance(value, float) else value


def _name(value: Any) -> str:
    return "" if value is None else str(int(value) if isinstance(value, float) and value.is_integer() else value)
