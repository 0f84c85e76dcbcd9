"""One document at a time, every field accepted as it comes: the slow and exact way to a row, and to what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from cep.event import Document
from cep.match.fieldcheck import EVENT_TIME, NOTHING, Layout, Projection, broken_objects, prefixes, read_dict
from cep.match.plainfields import nested
from cep.match.rowtypes import getter, row_class
from cep.match.timefield import Fault
from cep.plan.paths import attribute
from cep.plan.plan import Path
from cep.types import Type

LARGEST_DOCUMENT = 1 << 20  # bytes
_REFUSED = re.compile(r"Expected `(?P<want>[^`]+)`, got `(?P<got>\w+)`(?: - at `(?P<place>[^`]+)`)?")
_WORDS = {"array": "a list", "object": "an object", "str": "text", "int": "number", "float": "number", "bool": "true or false"}
_DECLARED = {"number": Type.NUMBER, "text": Type.TEXT, "bool": Type.BOOL, "time": Type.TIME, "list": Type.LIST}


class OpenRows:
    """Decodes into a struct that accepts any value in the fields rules read."""

    def __init__(self, projection: Projection, layout: Layout, declared: Mapping[str, str]) -> None:
        self._projection = projection
        self._layout = layout
        read = {path for fields in projection.values() for path in fields if path != EVENT_TIME}
        self._paths = sorted({*read, *layout.paths})
        self._class = row_class(dict.fromkeys(self._paths, Any))
        self._decode = msgspec.json.Decoder(self._class).decode
        self._objects = prefixes(self._paths)
        self._names = {attribute(path[0]): path[0] for path in self._paths}
        self._decode_top = msgspec.json.Decoder(row_class({path[:1]: Any for path in self._paths})).decode
        self._getters = {path: getter(path) for path in self._paths}
        self._declared = {tuple(name.split(".")): _DECLARED[kind] for name, kind in declared.items() if kind in _DECLARED}

    def read(self, row: Any, path: Path) -> Any:
        """A field of such a row (or of any row with these fields); None where it is absent."""
        return self._getters[path](row)

    def row(self, document: Document) -> tuple[Any, Mapping[Path, Any], Fault | None]:
        """The row and what is broken in it (see `Judge.judge`), or what is wrong with the document as a whole."""
        try:
            if isinstance(document, Mapping):
                return *self._mend(self._nested(document)), None
            if len(document) > LARGEST_DOCUMENT:
                return None, NOTHING, ("E0602", f"the document has {len(document):,} bytes, more than {LARGEST_DOCUMENT:,}")
            return *self._from_json(document), None
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            return None, NOTHING, _fault(error)

    def _from_json(self, document: bytes) -> tuple[Any, Mapping[Path, Any]]:
        try:
            return self._decode(document), NOTHING
        except msgspec.ValidationError as error:
            refused = _REFUSED.match(str(error))
            if refused is None or refused["place"] is None:
                raise
        top = self._decode_top(document)
        return self._mend({name: getattr(top, held) for held, name in self._names.items()})

    def _mend(self, event: dict[str, Any]) -> tuple[Any, Mapping[Path, Any]]:
        """The row of an event in which something else stands where an object is meant: as if it were absent."""
        broken = broken_objects(event, self._objects)
        for path in broken:
            read_dict(event, path[:-1])[path[-1]] = None
        return msgspec.convert(event, self._class), broken

    def _nested(self, fields: Mapping[str, str]) -> dict[str, Any]:
        types: dict[Path, Type | None] = {path: self._declared.get(path) for path in self._layout.paths}
        layout = self._layout
        for path in (layout.type, layout.id, layout.partition):
            if path is not None:
                types[path] = Type.TEXT
        event_type = layout.fixed_type
        if event_type is None and layout.type is not None:
            event_type = fields.get(".".join(layout.type), layout.type_otherwise)
        for path, want in self._projection.get(event_type or "", {}).items():
            if path != EVENT_TIME:
                types[path] = self._declared.get(path, want) if want is Type.ANY else want
        return nested(fields, types)


def _fault(error: Exception) -> Fault:
    if isinstance(error, RecursionError):
        return "E0607", "the document is nested too deep"
    if isinstance(error, UnicodeDecodeError) or "Invalid UTF-8" in str(error):  # which of the two depends on msgspec's version
        return "E0609", "a text is not UTF-8"
    refused = _REFUSED.match(str(error))
    if refused:
        return "E0601", f"$: expected an object, got {_WORDS.get(refused['got'], refused['got'])}"
    if isinstance(error, msgspec.ValidationError):
        said, _, place = str(error).partition(" - at ")
        return "E0600", f"{place.strip('`') or '$'}: {said[:1].lower()}{said[1:]}"
    return "E0600", str(error).replace("JSON is malformed", "not JSON").replace(
        "Input data was truncated", "not JSON: it ends too early"
    )
