"""Columns to rows: Arrow record batches, of which only the rows that some rule could want become Python objects.

    100,000 rows -> times, lateness and conditions by column (NumPy) -> 2,000 rows that could fit a step -> the usual pipeline

What a column cannot tell is left to the row: a condition that no column can judge counts as true here. A batch that is not
plain (nested fields, columns of another type than the rules read, NaN, several partitions) is given back to the caller, who takes
it row by row; so the answer is that of the same events as dicts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from cep.config import StreamSpec
from cep.match.fieldcheck import EVENT_TIME, Layout, Projection
from cep.match.masks import EXACT, Masks, columnable
from cep.match.picks import targets_of
from cep.match.sought import Sought, sought_in
from cep.plan import ir
from cep.plan.codegen import Rows, Tables
from cep.plan.ir import Expr
from cep.plan.paths import attribute
from cep.plan.plan import RulePlan
from cep.timestamps import UNTIL_US, unit_by_size
from cep.types import Type

MOST_JUDGED = 64  # lists of conditions on one event type; of more only the texts are looked at, where they ask for some
_PER_US = {"s": 1_000_000, "ms": 1_000, "us": 1}


class Frame:
    """What became of one batch.

    times_us  int64[rows]       keep  int64[kept], ascending: rows that some rule could want and that are in time
    late      (row, microseconds behind) of those behind the watermark
    rows, types  of the kept ones
    """

    __slots__ = ("keep", "late", "rows", "times_us", "types")

    def __init__(self, times_us: Any, keep: Any, late: list[tuple[int, int]], rows: list[Any], types: list[str]) -> None:
        self.times_us = times_us
        self.keep = keep
        self.late = late
        self.rows = rows
        self.types = types


class FrameReader:
    """Reads the Arrow batches of one stream for one rule set."""

    def __init__(
        self, plans: Sequence[RulePlan], projection: Projection, spec: StreamSpec, tables: Tables, *, rows: Rows = "struct"
    ) -> None:
        import numpy  # heavy: only who brings columns needs it

        self._numpy = numpy
        self._layout = Layout(spec)
        self._lateness_us = spec.lateness_us
        self._projection = {name: dict(fields) for name, fields in projection.items()}
        self._paths = sorted({path for fields in projection.values() for path in fields if path != EVENT_TIME})
        self.plain = spec.partition is None and spec.order is None and spec.id is None and all(len(p) == 1 for p in self._paths)
        self._wants, masks, self._sought = _wanted(plans)
        self._masks = Masks(masks, tables, "struct") if masks else None
        fields: list[Any] = [(attribute(path[0]), Any, None) for path in self._paths]
        self._row: Any = msgspec.defstruct("Row", fields, gc=False)
        self._as_dicts = rows == "dict"

    def read(self, batch: Any, watermark_us: int) -> Frame | None:
        """The frame of a `pyarrow.RecordBatch`; None when it has to be taken row by row.

        watermark_us  of the stream's partition before the batch
        """
        names = set(batch.schema.names)
        if not self.plain or any(len(at.path) > 1 for at in self._layout.times):
            return None
        times_us = self._times(batch, names)
        if times_us is None:
            return None
        codes, texts = self._types(batch, names)
        if texts is None or not self._right_types(batch, names, texts):
            return None
        wanted = self._mask(batch, names, codes, texts)
        if wanted is None:
            return None
        late = self._late(times_us, watermark_us)
        for row, _ in late:
            wanted[row] = False
        keep = wanted.nonzero()[0]
        return Frame(times_us, keep, late, self._rows(batch, names, keep), [texts[code] for code in codes[keep].tolist()])

    # -- time and type

    def _times(self, batch: Any, names: set[str]) -> Any:
        """int64 microseconds of all rows; None where one is missing, absurd or written otherwise."""
        import pyarrow as pa

        at = next((at for at in self._layout.times if at.path[0] in names), None)
        if at is None or not batch.num_rows:
            return None
        column = batch.column(at.path[0])
        if column.null_count:
            return None
        if pa.types.is_timestamp(column.type):
            times_us = column.cast(pa.timestamp("us"), safe=False).cast(pa.int64()).to_numpy(zero_copy_only=False)
        elif pa.types.is_integer(column.type) and not pa.types.is_uint64(column.type):
            numbers = column.to_numpy(zero_copy_only=False).astype(self._numpy.int64, copy=False)
            low, high = int(numbers.min()), int(numbers.max())
            unit = at.unit if at.unit != "auto" else unit_by_size(low)
            if low < 0 or (at.unit == "auto" and unit_by_size(high) != unit):
                return None
            if unit == "ns":
                times_us = numbers // 1000
            elif high < UNTIL_US // _PER_US[unit]:
                times_us = numbers * _PER_US[unit]
            else:
                return None
        else:
            return None
        return times_us if times_us.min() >= 0 and times_us.max() < UNTIL_US else None

    def _types(self, batch: Any, names: set[str]) -> tuple[Any, list[str] | None]:
        """A code per row and the type it stands for."""
        layout, numpy = self._layout, self._numpy
        if layout.type is None or (len(layout.type) == 1 and layout.type[0] not in names and not layout.type_needed):
            name = layout.type_otherwise if layout.type is not None else layout.fixed_type or ""
            return numpy.zeros(batch.num_rows, numpy.int32), [name]
        if len(layout.type) > 1 or layout.type[0] not in names or not _is_text(batch.column(layout.type[0]).type):
            return None, None
        column = _encoded(batch.column(layout.type[0]))
        if column.null_count:
            return None, None
        return column.indices.to_numpy(zero_copy_only=False), column.dictionary.to_pylist()

    def _right_types(self, batch: Any, names: set[str], texts: list[str]) -> bool:
        """Whether every column that rules read holds what they read it as. Unsure is no."""
        for name in texts:
            for path, want in self._projection.get(name, {}).items():
                if path != EVENT_TIME and path[0] in names and not _fits(batch.column(path[0]), want):
                    return False
        return True

    def _late(self, times_us: Any, watermark_us: int) -> list[tuple[int, int]]:
        """Rows behind the partition's watermark as it stood just before them: a running maximum."""
        numpy = self._numpy
        before = numpy.empty_like(times_us)
        before[0] = watermark_us
        numpy.maximum(numpy.maximum.accumulate(times_us[:-1]) - self._lateness_us, watermark_us, out=before[1:])
        return [(int(row), int(before[row] - times_us[row])) for row in (times_us < before).nonzero()[0]]

    # -- which rows

    def _mask(self, batch: Any, names: set[str], codes: Any, texts: list[str]) -> Any:
        """bool[rows]: some rule could want it. None: a column holds numbers too large to be compared as floats."""
        numpy = self._numpy
        wanted = numpy.zeros(batch.num_rows, bool)
        judged: list[Any] = []
        if self._masks is not None:
            columns = {field: self._column(batch, names, field) for field in self._masks.fields}
            if any(column is None for column in columns.values()):
                return None
            judged = self._masks.judge_columns(columns)
        for code, name in enumerate(texts):
            if name in self._wants:
                here = codes == code
                ways = self._wants[name]
                if None not in ways:
                    some = numpy.zeros(batch.num_rows, bool)
                    for way in ways:
                        some |= judged[way]  # type: ignore[index]  # no None is among them
                    if name in self._sought:
                        some |= self._seek(batch, names, self._sought[name])
                    here &= some
                wanted |= here
        return wanted

    def _seek(self, batch: Any, names: set[str], sought: Sought) -> Any:
        """bool[rows]: it holds a text that is sought."""
        found = self._numpy.zeros(batch.num_rows, bool)
        for field in sought.fields:
            texts, codes = self._column(batch, names, field)
            found |= self._numpy.fromiter(sought.wanted(field, texts), bool, len(texts))[codes]
        return found

    def _column(self, batch: Any, names: set[str], field: ir.Field) -> Any:
        numpy, rows = self._numpy, batch.num_rows
        if field.type is Type.TEXT:
            if field.path[0] not in names:
                return [None], numpy.zeros(rows, numpy.intp)
            column = _encoded(batch.column(field.path[0]))
            texts = [*column.dictionary.to_pylist(), None]
            codes = column.indices
            if codes.null_count:
                codes = codes.fill_null(len(texts) - 1)
            return texts, codes.to_numpy(zero_copy_only=False)
        if field.path[0] not in names:
            return numpy.full(rows, numpy.nan)
        numbers = batch.column(field.path[0]).to_numpy(zero_copy_only=False)
        numbers = numbers.astype(numpy.float64, copy=False)
        return None if (abs(numbers) >= EXACT).any() else numbers

    # -- rows

    def _rows(self, batch: Any, names: set[str], keep: Any) -> list[Any]:
        import pyarrow as pa

        if not len(keep):
            return []
        chosen = pa.array(keep)
        columns = [
            _values(batch.column(path[0]).take(chosen)) if path[0] in names else [None] * len(keep) for path in self._paths
        ]
        if self._as_dicts:
            titles = [path[0] for path in self._paths]
            return [dict(zip(titles, values)) for values in zip(*columns)] if columns else [{}] * len(keep)
        row = self._row
        return list(map(row, *columns)) if columns else [row()] * len(keep)

    def documents(self, batch: Any, keep: Sequence[int]) -> list[dict[str, Any]]:
        """Whole events of some rows, for who has to be told of them."""
        import pyarrow as pa

        return whole_rows(batch.take(pa.array(keep, pa.int64())))


def whole_rows(batch: Any) -> list[dict[str, Any]]:
    """Whole events as dicts, moments as ISO 8601 text."""
    import pyarrow as pa

    columns = [
        column.cast(pa.string()).to_pylist() if pa.types.is_timestamp(column.type) else column.to_pylist()
        for column in batch.columns
    ]
    names = batch.schema.names
    return [dict(zip(names, values)) for values in zip(*columns)]


def _wanted(plans: Sequence[RulePlan]) -> tuple[dict[str, set[int | None]], list[tuple[Expr, ...]], dict[str, Sought]]:
    """Per event type the ways in which a row of it may be wanted: numbers of lists of conditions, None: as it is. The lists. And
    where there are many of them, the texts that are sought instead."""
    by_type: dict[str, dict[tuple[Expr, ...], None]] = {}  # (): all rows
    for target in targets_of(plans)[0]:
        for pick in target.picks:
            by_type.setdefault(pick.type, {})[() if target.own else pick.conjuncts] = None
    wants: dict[str, set[int | None]] = {}
    masks: dict[tuple[Expr, ...], int] = {}
    sought: dict[str, Sought] = {}
    for name, lists in by_type.items():
        rest: Sequence[Sequence[Expr]] = list(lists)
        if len(rest) > MOST_JUDGED:
            found, rest = sought_in(rest)
            if found:
                sought[name] = Sought(found)
        wants[name] = set()
        for conjuncts in rest:
            conditions = tuple(expr for expr in conjuncts if columnable(expr) and _flat(expr))
            wants[name].add(masks.setdefault(conditions, len(masks)) if conditions else None)
    return wants, list(masks), sought


def _flat(expr: Expr) -> bool:
    """Whether it reads top-level fields only, and not the time."""
    if isinstance(expr, ir.Field) and (len(expr.path) > 1 or expr.path == EVENT_TIME):
        return False
    return all(map(_flat, ir.children(expr)))


def _is_text(kind: Any) -> bool:
    import pyarrow as pa

    types = pa.types
    if types.is_dictionary(kind):
        kind = kind.value_type
    return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind))


def _encoded(column: Any) -> Any:
    import pyarrow as pa

    if pa.types.is_string_view(column.type):
        column = column.cast(pa.string())
    return column if pa.types.is_dictionary(column.type) else column.dictionary_encode()


def _fits(column: Any, want: Type) -> bool:
    """Whether no value of the column is of another type than rules take it for."""
    import pyarrow as pa
    import pyarrow.compute as pc

    types, kind = pa.types, column.type
    if types.is_null(kind):
        return True
    if want in (Type.NUMBER, Type.SPAN):
        if types.is_floating(kind):
            return bool(pc.all(pc.is_finite(column), min_count=0).as_py() is not False)
        return bool(types.is_integer(kind))
    if want is Type.TEXT:
        return _is_text(kind)
    if want is Type.BOOL:
        return bool(types.is_boolean(kind))
    if want is Type.ANY:
        scalar = types.is_integer(kind) or types.is_boolean(kind) or _is_text(kind)
        return bool(scalar)
    return False


def _values(column: Any) -> list[Any]:
    import pyarrow as pa

    if (pa.types.is_integer(column.type) or pa.types.is_floating(column.type)) and not column.null_count:
        values: list[Any] = column.to_numpy(zero_copy_only=False).tolist()
        return values
    listed: list[Any] = column.to_pylist()
    return listed
