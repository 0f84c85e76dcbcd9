"""One event judged field by field: its time, type, id, partition and order, and whether the fields that rules read are of the
types they are used as. This is the slow and exact way; whatever it says is what the fast ways must say too."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from cep.config import StreamSpec
from cep.match.rowtypes import name_of
from cep.match.timefield import Candidate, Fault, candidates_of, read_time
from cep.plan.plan import Path
from cep.timestamps import microseconds
from cep.types import Type

Projection = Mapping[str, Mapping[Path, Type]]  # event type -> field that rules read -> what they use it as
Read = Callable[[Any, Path], Any]  # (row, path) -> value, None where it is absent
EVENT_TIME: Path = ("ts",)  # what rules call the event's time, whatever field holds it
DEFAULT_TYPE_FIELD = "type"
NOTHING: Mapping[Path, Any] = {}
_CLASSES: dict[Type, tuple[type, ...]] = {
    Type.NUMBER: (int, float),
    Type.SPAN: (int, float),
    Type.TEXT: (str,),
    Type.BOOL: (bool,),
    Type.LIST: (list, tuple),
}
_EXPECTED = {Type.BOOL: "true or false", Type.LIST: "a list"}


@dataclass(frozen=True, slots=True)
class Checked:
    """What is known of a good event. `candidate`: which field held the time, and the value as written."""

    time_us: int
    type: str
    id: int | str | None
    partition: str
    order: Any
    candidate: int
    written_time: Any


def path_of(name: str | None) -> Path | None:
    return None if name is None else tuple(name.split("."))


class Layout:
    """Where the fields of a stream are that matter to every event."""

    def __init__(self, spec: StreamSpec) -> None:
        self.times: tuple[Candidate, ...] = candidates_of(spec)
        self.fixed_type = spec.type_fixed
        self.type = None if spec.type_fixed is not None else path_of(spec.type_field or spec.type)
        self.type_needed = spec.type_field is not None
        self.type_otherwise = spec.name if spec.type == DEFAULT_TYPE_FIELD else spec.type
        self.id = path_of(spec.id)
        self.partition = path_of(spec.partition)
        self.order = path_of(spec.order)

    @property
    def paths(self) -> list[Path]:
        named = (self.type, self.id, self.partition, self.order)
        return [*(at.path for at in self.times), *(path for path in named if path is not None)]


def prefixes(paths: Iterable[Path]) -> list[Path]:
    """Where objects must stand for the paths to lead on, outer ones first."""
    return sorted({path[:depth] for path in paths for depth in range(1, len(path))}, key=lambda path: (len(path), path))


def broken_objects(event: Mapping[str, Any], objects: Iterable[Path]) -> dict[Path, Any]:
    """What stands in these places of a nested dict and is no object (null is absent)."""
    found: dict[Path, Any] = {}
    for path in objects:
        value = read_dict(event, path)
        if value is not None and not isinstance(value, dict):
            found[path] = value
    return found


def read_dict(row: Any, path: Path) -> Any:
    """A field of nested dicts; None where it, or an object on the way, is missing."""
    for name in path:
        if not isinstance(row, dict):
            return None
        row = row.get(name)
    return row


def order_value(value: Any) -> Any:
    """A value of the `order` field as one that compares with all others: nothing, then numbers, then text."""
    if value is None:
        return (0, 0)
    return (2, value) if isinstance(value, str) else (1, value)


class Judge:
    """Says of one event what it is, or what is wrong with it."""

    def __init__(self, projection: Mapping[str, Mapping[Path, Type]], layout: Layout, read: Read) -> None:
        self._projection = projection
        self._layout = layout
        self._read = read

    def judge(self, row: Any, broken: Mapping[Path, Any] = NOTHING) -> Checked | Fault:
        """`broken`: what stands where paths lead on but is no object; behind it everything is absent."""
        layout = self._layout
        time = self._time(row)
        if len(time) == 2:
            return time
        event_type = self.type_of(row)
        if isinstance(event_type, tuple):
            return event_type
        for path, want in self._projection.get(event_type, {}).items():
            if path == EVENT_TIME:
                continue
            for prefix, value in broken.items():
                if path[: len(prefix)] == prefix:
                    return _wrong(prefix, "an object", value)
            if fault := wrong_type(self._read(row, path), want, path):
                return fault
        event_id = self._scalar(row, layout.id)
        partition = self._scalar(row, layout.partition)
        order = self._scalar(row, layout.order)
        if isinstance(event_id, tuple):
            return event_id
        if isinstance(partition, tuple):
            return partition
        if isinstance(order, tuple):
            return order
        if isinstance(event_id, float):
            return _wrong(layout.id or (), "a whole number or text", event_id)
        time_us, candidate, written = time
        name = "" if partition is None else str(partition)
        return Checked(time_us, event_type, event_id, name, order_value(order), candidate, written)

    def _time(self, row: Any) -> tuple[int, int, Any] | Fault:
        for n, at in enumerate(self._layout.times):
            value = self._read(row, at.path)
            if value is not None:
                time_us = read_time(value, at)
                return time_us if isinstance(time_us, tuple) else (time_us, n, value)
        names = ", ".join(at.place for at in self._layout.times)
        return "E0606", f"no time: {names} {'is' if len(self._layout.times) == 1 else 'are'} missing or null"

    def type_of(self, row: Any) -> str | Fault:
        layout = self._layout
        if layout.fixed_type is not None or layout.type is None:
            return layout.fixed_type or ""
        value = self._read(row, layout.type)
        if isinstance(value, str):
            return value
        if layout.type_needed:
            return "E0608", f"{_place(layout.type)}: expected the event's type as text, got {name_of(value)}"
        if value is not None and layout.type == (DEFAULT_TYPE_FIELD,):
            return _wrong(layout.type, "text", value)
        return layout.type_otherwise

    def _scalar(self, row: Any, path: Path | None) -> int | float | str | Fault | None:
        if path is None:
            return None
        value = self._read(row, path)
        if isinstance(value, bool) or not (value is None or isinstance(value, int | float | str)):
            return _wrong(path, "a number or text", value)
        return int(value) if isinstance(value, float) and value.is_integer() else value


def _place(path: Path) -> str:
    return "$." + ".".join(path)


def _wrong(path: Path, want: str, value: Any) -> Fault:
    return "E0605", f"{_place(path)}: expected {want}, got {name_of(value)}"


def wrong_type(value: Any, want: Type, path: Path) -> Fault | None:
    """What is wrong with a field, None when nothing is. Null is of every type."""
    if value is None or want is Type.ANY:
        return None
    if want is Type.TIME:
        if microseconds(value) is None:
            return "E0605", f"{_place(path)}: expected a time (epoch number or ISO 8601 text), got {str(value)[:40]!r}"
        return None
    if value.__class__ in _CLASSES[want]:
        if value.__class__ is float and value - value != 0:
            return "E0605", f"{_place(path)}: expected a finite number, got {value}"
        return None
    return _wrong(path, _EXPECTED.get(want, want.value), value)
