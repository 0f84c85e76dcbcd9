"""Events that are Python dicts already: checked like decoded ones and put into a batch, the dicts themselves being the rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import compress
from typing import Any

from cep.config import StreamSpec
from cep.event import Batch, EventId
from cep.match.decode import Bad
from cep.match.fieldcheck import EVENT_TIME, NOTHING, Checked, Judge, Layout, Projection, broken_objects, prefixes, read_dict
from cep.match.rowtypes import name_of
from cep.match.timefield import Fault, Way, way_of
from cep.plan.codegen import Namespace
from cep.types import Type

_RIGHT = {
    Type.TEXT: "v.__class__ is str or v is None",
    Type.BOOL: "v.__class__ is bool or v is None",
    Type.NUMBER: "v.__class__ is float and v - v == 0 or v.__class__ is int or v is None",
}


MOST_READERS = 8  # kept, so that one batch after the other need not learn the same again


def batch_from_dicts(
    events: Sequence[Mapping[str, Any]], spec: StreamSpec, projection: Projection, first_position: int = 1
) -> tuple[Batch, list[Bad]]:
    """The good events as a batch, in the order given, and (index, code, reason) of the bad ones.

    first_position  id of the first event, counted on for the others, where the stream declares no id
    """
    for reader in _readers:
        if reader.projection is projection and reader.spec == spec:
            return reader.batch(events, first_position)
    reader = DictReader(projection, spec)
    _readers.insert(0, reader)
    del _readers[MOST_READERS:]
    return reader.batch(events, first_position)


class DictReader:
    """Makes batches of dicts for one stream and one rule set: a generated loop accepts events of the usual shape (that of the
    first good one), all others are judged field by field."""

    def __init__(self, projection: Projection, spec: StreamSpec) -> None:
        self.projection = projection
        self.spec = spec
        self._layout = Layout(spec)
        self._judge = Judge(projection, self._layout, read_dict)
        read = {path for fields in projection.values() for path in fields if path != EVENT_TIME}
        self._objects = prefixes([*read, *self._layout.paths])
        self._loop: Callable[..., None] | None = None

    def batch(self, events: Sequence[Mapping[str, Any]], first_position: int = 1) -> tuple[Batch, list[Bad]]:
        """See `batch_from_dicts`.

        cost  about 0.15 us per event and 0.03 us per field that rules read of it
        """
        times_us: list[int] = []
        types: list[str] = []
        bad: list[Bad] = []

        def look(index: int, event: Any) -> Checked | None:
            checked = self._look_at(event)
            if isinstance(checked, tuple):
                bad.append((index, *checked))
                return None
            return checked

        if self._loop is None and events:
            self._loop = self._compile(events)
        if self._loop is not None:
            self._loop(events, times_us, types, look)
        rows: Sequence[Any] = events
        ids: Sequence[EventId] = range(first_position, first_position + len(events))
        if bad:
            refused = {index for index, _, _ in bad}
            good = [n not in refused for n in range(len(events))]
            rows, ids = list(compress(events, good)), list(compress(ids, good))
        if (path := self._layout.id) is not None:
            own = (read_dict(row, path) for row in rows)
            ids = [position if one is None else one for one, position in zip(own, ids)]
        return Batch(rows, times_us, ids, types), bad

    def _look_at(self, event: Any) -> Checked | Fault:
        if not isinstance(event, dict):
            return "E0601", f"$: expected an object, got {name_of(event)}"
        return self._judge.judge(event, broken_objects(event, self._objects) if self._objects else NOTHING)

    def way(self, event: Any) -> Way | None:
        """How the event writes its time; None: it is not a good one."""
        checked = self._look_at(event)
        if not isinstance(checked, Checked):
            return None
        return way_of(checked.written_time, self._layout.times, checked.candidate)

    # -- the loop

    def _compile(self, events: Sequence[Any]) -> Callable[..., None]:
        usual = self._usual(events)
        lines = ["def loop(events, times, types, look):", "    for i, r in enumerate(events):"]
        lines += [f"        {line}" for line in usual]
        lines += ["        c = look(i, r)", "        if c is not None: times.append(c.time_us); types.append(c.type)"]
        names = Namespace({})
        names.globals["fits"] = self._fits
        loop: Callable[..., None] = names.run("\n".join(lines))["loop"]
        return loop

    def _usual(self, events: Sequence[Any]) -> list[str]:
        """Code that accepts an event like the first good one and goes on with the next; nothing when there is no pattern."""
        layout = self._layout
        checked = next((one for one in map(self._look_at, events) if isinstance(one, Checked)), None)
        if checked is None or not isinstance(checked.written_time, int):
            return []
        way = way_of(checked.written_time, layout.times, checked.candidate)
        at = layout.times[way.candidate]
        own = [path for path in (layout.type, layout.id, layout.partition, layout.order) if path is not None]
        if way.candidate or any(len(path) > 1 for path in (at.path, *own)):
            return []
        code = way.code.replace("{}", "t")
        y = repr(layout.fixed_type) if layout.type is None else f"r[{layout.type[0]!r}]"
        ask = f"t.__class__ is int and {way.lowest} <= t < {way.highest} and y.__class__ is str"
        for path in (layout.id, layout.partition, layout.order):
            if path is not None:
                ask += f" and ((v := r.get({path[0]!r})).__class__ is str or v.__class__ is int or v is None)"
        return [
            "if r.__class__ is dict:",
            f"    try: t = r[{at.path[0]!r}]; y = {y}",
            "    except KeyError: t = None",
            f"    if {ask}:",
            *(f"        {line}" for line in self._checks()),
            f"        if ok: times.append({code}); types.append(y); continue",
        ]

    def _checks(self) -> list[str]:
        """Code that says in `ok` whether the fields that rules read of the event's type are right."""
        lines: list[str] = []
        for name, fields in self.projection.items():
            asks: list[str] = []
            for path, want in fields.items():
                if path == EVENT_TIME or (want is Type.ANY and len(path) == 1):
                    continue
                if len(path) > 1 or want not in _RIGHT:
                    asks = ["fits(r)"]
                    break
                asks.append(f"({_RIGHT[want].replace('v', f'(v := r.get({path[0]!r}))', 1)})")
            if asks:
                lines += [f"{'elif' if lines else 'if'} y == {name!r}: ok = {' and '.join(asks)}"]
        return [*lines, "else: ok = True"] if lines else ["ok = True"]

    def _fits(self, event: Any) -> bool:
        return isinstance(self._look_at(event), Checked)


_readers: list[DictReader] = []
