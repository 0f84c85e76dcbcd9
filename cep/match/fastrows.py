"""The usual shape of a stream's events, learned from those seen, and the struct that accepts exactly that shape.

What the struct accepts is good without another look: the types of its fields are the checks, the range of its time says the
unit, its event type is one of a set (and comes out as the very same text each time, which makes comparing it cheap).
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, MutableSequence, Sequence
from typing import Any, Literal

import msgspec

from cep.event import Column, Reads
from cep.match.fieldcheck import EVENT_TIME, Checked, Layout, Projection, Read, order_value, prefixes, wrong_type
from cep.match.rowtypes import column, kind_of, row_class, value_code
from cep.match.timefield import Fault, Way, read_time, way_of
from cep.plan.plan import Path
from cep.timestamps import UNTIL_US, microseconds
from cep.types import Type

MOST_TYPES = 64  # event types told apart while decoding; with more, their names are read like any text
Values = Callable[[list[Any]], list[Any]]


class Shape:
    """What has been learned.

    way      how times are written; None before the first good event
    known    event types met; None: too many, any text
    untyped  whether events without a type field were met
    loose    fields that other event types use otherwise than the rules do: checked per type instead of by the struct
    texts    fields that rules take for values of any type, of which all met so far were text or null
    """

    def __init__(self, projection: Projection, layout: Layout, read: Read) -> None:
        self._layout = layout
        self.read = read
        self.uses: dict[Path, set[Type]] = {}
        for fields in projection.values():
            for path, want in fields.items():
                if path != EVENT_TIME:
                    self.uses.setdefault(path, set()).add(want)
        self.way: Way | None = None
        self.known: set[str] | None = set(projection)
        self.untyped = False
        self.loose: set[Path] = set()
        own = {*layout.paths, *prefixes(self.uses)}
        self.texts = {path for path, wants in self.uses.items() if wants == {Type.ANY} and path not in own}
        self.stale = False  # whether something new was learned
        self._strange: Counter[Way] = Counter()  # ways met in this batch that are not the known one

    def learn(self, row: Any, checked: Checked) -> None:
        """Take note of a good event that was not of the shape known so far."""
        way = way_of(checked.written_time, self._layout.times, checked.candidate)
        if self.way is None:
            self.way, self.stale = way, True
        elif way != self.way:
            self._strange[way] += 1
        self._learn_type(row, checked.type)
        strange = {path for path in self.texts if not isinstance(self.read(row, path), str | None)}
        if strange:
            self.texts -= strange
            self.stale = True
        for path, wants in self.uses.items():
            if path not in self.loose and all(wrong_type(self.read(row, path), want, path) for want in wants):
                self.loose.add(path)
                self.stale = True

    def settle(self, events: int) -> None:
        """After a batch of so many: another way of writing times is the usual one once most events keep to it."""
        if not self._strange:
            return
        for way, count in self._strange.most_common(1):
            if 2 * count > events:
                self.way, self.stale = way, True
        self._strange.clear()

    def _learn_type(self, row: Any, name: str) -> None:
        path = self._layout.type
        if path is None:
            return
        if not isinstance(self.read(row, path), str):
            self.stale |= not self.untyped
            self.untyped = True
        elif self.known is not None and name not in self.known:
            self.known.add(name)
            self.stale = True
            if len(self.known) > MOST_TYPES:
                self.known = None

    def type_kind(self) -> Any:
        # interned, so that comparing one with a constant of generated code is comparing addresses
        kind: Any = Literal[tuple(map(sys.intern, sorted(self.known)))] if self.known else str
        return kind | None if self.untyped else kind


class FastRows:
    """The struct for a shape, and what is read from its rows.

    decode  one document to a row; raises for whatever is not of the shape
    times   microseconds of each row, None where they cannot be read or are absurd (never when `way.code` is known)
    types   of each, None where it is missing
    reads   how times and types are read off rows, if that is all there is to know of them
    """

    def __init__(self, projection: Projection, layout: Layout, shape: Shape, way: Way, read: Read) -> None:
        self._read = read
        self._at = layout.times[way.candidate]
        kinds: dict[Path, Any] = {path: Any if path in shape.loose else kind_of(wants) for path, wants in shape.uses.items()}
        kinds.update(dict.fromkeys(shape.texts, kind_of({Type.TEXT})))
        unsure = {path for path, wants in shape.uses.items() if len(wants) > 1 or Type.TIME in wants} | shape.loose
        plain_time = self._at.path not in shape.uses  # else rows must hold the very value that was sent
        kinds[self._at.path] = way.accepts if plain_time else Any
        required = {self._at.path}
        for at in layout.times[: way.candidate]:
            kinds[at.path] = None
        for path, kind in _own_kinds(layout, shape):
            if not shape.uses.get(path, set()) <= ({Type.ANY, Type.TEXT} if kind is not _ID else {Type.ANY}):
                unsure.add(path)
            kinds[path] = kind
        if layout.type is not None and not shape.untyped:
            required.add(layout.type)
        self.decode: Callable[[Any], Any] = msgspec.json.Decoder(row_class(kinds, frozenset(required))).decode
        self.times: Values = column(self._at.path, way.code) if plain_time and way.code else self._look_at_times
        self.checks_times = not (plain_time and way.code)
        self._raw_times: Values = column(self._at.path)
        self.types, type_code = _type_column(layout, shape)
        self.ids = self._column_of(layout.id, _same)
        self.partitions = self._column_of(layout.partition, _or_empty)
        self.orders = self._column_of(layout.order, order_value)
        self.checks = _checks(projection, unsure | ({self._at.path} if not plain_time else set()))
        told = bool(type_code) and not self.checks and not self.checks_times
        raw = value_code(self._at.path)
        self.reads = (
            Reads(value_code(self._at.path, way.code), type_code, raw, way.scale, frozenset(shape.texts)) if told else None
        )

    def columns(self, rows: list[Any]) -> tuple[MutableSequence[Any], MutableSequence[Any]]:
        """Times and types, to be listed when someone asks for them, if that can be."""
        if self.reads is None:
            return self.times(rows), self.types(rows)
        reads = self.reads
        return Column(rows, reads.time, self.times, self._raw_times), Column(rows, reads.type, self.types)

    def _look_at_times(self, rows: list[Any]) -> list[Any]:
        unit = self._at.unit
        times_us = [microseconds(self._read(row, self._at.path), unit) for row in rows]
        return [time_us if time_us is not None and 0 <= time_us < UNTIL_US else None for time_us in times_us]

    def _column_of(self, path: Path | None, made: Callable[[Any], Any]) -> Values | None:
        if path is None:
            return None
        read = self._read
        return lambda rows: [made(read(row, path)) for row in rows]

    def faults(self, rows: list[Any], times_us: Sequence[Any], types: Sequence[str]) -> dict[int, Fault]:
        """What is wrong with rows that the struct accepted: only where it cannot be the whole check."""
        found: dict[int, Fault] = {}
        for n, name in enumerate(types) if self.checks else ():
            for path, want in self.checks.get(name, ()):
                if n not in found and (fault := wrong_type(self._read(rows[n], path), want, path)):
                    found[n] = fault
        if self.checks_times:
            for n, time_us in enumerate(times_us):
                if time_us is None:
                    why = read_time(self._read(rows[n], self._at.path), self._at)
                    assert isinstance(why, tuple)
                    found[n] = why
        return found


_ID = int | str | None


def _own_kinds(layout: Layout, shape: Shape) -> list[tuple[Path, Any]]:
    """Kinds of the fields that say what an event is, besides its time."""
    found: list[tuple[Path, Any]] = []
    if layout.type is not None:
        found.append((layout.type, shape.type_kind()))
    if layout.id is not None:
        found.append((layout.id, _ID))
    if layout.partition is not None:
        found.append((layout.partition, str | None))
    if layout.order is not None:
        found.append((layout.order, int | float | str | None))
    return found


def _checks(projection: Projection, unsure: set[Path]) -> dict[str, tuple[tuple[Path, Type], ...]]:
    found = {
        name: tuple((path, want) for path, want in fields.items() if path in unsure and path != EVENT_TIME)
        for name, fields in projection.items()
    }
    return {name: checks for name, checks in found.items() if checks}


def _type_column(layout: Layout, shape: Shape) -> tuple[Values, str]:
    """The types of rows, and code for one if there is any."""
    path, otherwise = layout.type, layout.type_otherwise
    if path is None:
        name = layout.fixed_type or ""
        return lambda rows: [name] * len(rows), repr(name)
    if not shape.untyped:
        return column(path), value_code(path)
    if len(path) == 1:
        code = f"({otherwise!r} if {{}} is None else {{}})"
        return column(path, code), value_code(path, code)
    read = shape.read
    return lambda rows: [otherwise if (name := read(row, path)) is None else name for row in rows], ""


def _same(value: Any) -> Any:
    return value


def _or_empty(value: Any) -> Any:
    return "" if value is None else value
