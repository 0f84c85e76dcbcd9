"""Events that are Python dicts, through the same pipeline as documents: the dicts themselves are the rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cep.config import StreamSpec
from cep.match.decode import Decoded
from cep.match.fieldcheck import Layout, Projection, order_value, read_dict
from cep.match.memory import DictReader
from cep.plan.plan import Path


class DictDecoder:
    """The twin of `cep.match.decode.Decoder`: checked like decoded events, with the same codes for what is wrong."""

    def __init__(self, projection: Projection, spec: StreamSpec) -> None:
        self._reader = DictReader(projection, spec)
        self._layout = Layout(spec)

    def straight(self, documents: Sequence[Any]) -> None:
        """Dicts are looked at before they are fed: never straight."""
        return

    def decode(self, documents: Sequence[Any]) -> Decoded:
        """All events, in order: the good ones as they are, reasons of the bad ones."""
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
