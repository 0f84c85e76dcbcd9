"""What the parser makes besides the tree: words with their places, clauses and blocks before they are put together."""

from __future__ import annotations

from typing import Any

from cep.errors import Span
from cep.lang import tree
from cep.records import record


@record(frozen=True, slots=True)
class Word:
    """A word that names something, and where it stands."""

    text: str
    span: Span
    bare: bool = True  # not in backquotes


@record(frozen=True, slots=True)
class Clause:
    """One clause as written: which (`by`, `from`, `given`...), where, and what it says."""

    kind: str
    span: Span
    value: Any


@record(frozen=True, slots=True)
class Block:
    """A rule or a test before it is put together; `head` is where its name stands."""

    kind: str
    id: tree.Name
    span: Span
    clauses: tuple[Clause, ...]
    head: Span


@record(frozen=True, slots=True)
class Listing:
    """Values between brackets or commas, and where they stand together."""

    items: tuple[Any, ...]
    span: Span


@record(frozen=True, slots=True)
class Emit:
    """The fields of `emit` or, with `rows`, of `emit rows`."""

    items: tuple[tree.EmitField, ...]
    span: Span
    rows: bool = False


@record(frozen=True, slots=True)
class Mode:
    """`mode canary 10%`: the word, and the share if one is given."""

    word: Word
    span: Span
    percent: int | None = None


def part_name(expr: tree.Expr) -> str | None:
    """The name an expression goes by when none is given: the last part of the one path in it, if there is just one."""
    match expr:
        case tree.Path(parts=parts):
            return parts[-1]
        case tree.Call(args=(only,), where=None):
            return part_name(only)
        case tree.Member(name=name):
            return name
        case _:
            return None
