"""From trees to one Rulebook, and everything that is wrong with them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from cep.collector import collector_waits
from cep.errors import Diagnostic
from cep.lang import tree
from cep.plan.draft import BookDraft
from cep.plan.passes import PASSES
from cep.plan.plan import Rulebook
from cep.plan.projection import project
from cep.plan.shared import of_shared
from cep.plan.wire import digest, to_wire


def build_rulebook(
    files: Sequence[tree.File],
    *,
    schemas: Mapping[str, Mapping[str, str]] | None = None,
    fields: Mapping[str, str] | None = None,
    tables: Mapping[str, Mapping[Any, Mapping[str, Any]]] | None = None,
    channels: Collection[str] | None = None,
) -> tuple[Rulebook, list[Diagnostic]]:
    """The plans of all sound rules, and every fault of the rule set by file and line; a faulty rule breaks no other.

    schemas   event type -> dotted field path -> "number" | "text" | "bool" | "time" | "list"; a type with declared fields
              has no others
    fields    the same for events of any other type, which may have others
    tables    name -> key -> column -> value
    channels  the channels that exist; None: they are not checked
    """
    tables = tables or {}
    book = BookDraft(files, schemas or {}, fields or {}, tables, channels)
    with collector_waits():
        for work in PASSES:
            work(book)
        return _finished(book, tables)


def _finished(book: BookDraft, tables: Mapping[str, Mapping[Any, Mapping[str, Any]]]) -> tuple[Rulebook, list[Diagnostic]]:
    plans = tuple(draft.plan for draft in book.rules if draft.plan is not None)
    rulebook = Rulebook(
        plans=plans,
        projection=project(plans),
        tables={name: {key: dict(row) for key, row in rows.items()} for name, rows in tables.items()},
        tables_version=digest(to_wire(_plain(tables))) if tables else "",
    )
    own = [(draft.tree.id.text, fault) for draft in book.rules for fault in draft.faults.found]
    found = [*book.faults.found, *(of_shared(own, book.shared) if book.shared else (fault for _, fault in own))]
    return rulebook, sorted(found, key=lambda one: one.span)


def _plain(tables: Mapping[str, Mapping[Any, Mapping[str, Any]]]) -> dict[str, dict[Any, dict[str, Any]]]:
    """The same content in one order, whatever order the files gave it."""
    return {
        name: {key: dict(sorted(rows[key].items())) for key in sorted(rows, key=repr)} for name, rows in sorted(tables.items())
    }
