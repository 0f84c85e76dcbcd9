"""The tables of the parser, read from the file that keeps them, made again when the grammar has changed.

The file stands beside this module: in a wheel since it was built; in a source tree it is written when first needed. Where it may
not be written the tables are made at each start, which takes a second or so. It holds plain JSON, and lies where the code lies:
who can change one can change the other.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("tables.json")
FORM = 1  # of the file; goes up when `make_tables` makes anything else of the same grammar


def grammar_text() -> str:
    """The grammar: beside the package in a wheel, at the top of the source tree otherwise."""
    packed = resources.files("cep").joinpath("grammar.lark")
    if packed.is_file():
        return packed.read_text(encoding="utf-8")
    return (Path(__file__).resolve().parents[2] / "grammar.lark").read_text(encoding="utf-8")


def load_tables(starts: Sequence[str], file: Path = FILE) -> dict[str, Any]:
    """The tables of the grammar as it is now, for `cep.lang.lalr`. Kept for the next start, if they had to be made."""
    grammar = grammar_text()
    key = _key(grammar, starts)
    try:
        kept = json.loads(file.read_bytes())
        if kept["key"] == key:
            tables: dict[str, Any] = kept["tables"]
            return tables
    except (OSError, ValueError, TypeError, KeyError):
        pass  # not there, or broken: it is made again
    tables = _made(grammar, starts)
    _keep(tables, key, file)
    return tables


def keep_tables(starts: Sequence[str], grammar: str, file: Path) -> None:
    """Make the tables and write the file: a step of building the package."""
    _keep(_made(grammar, starts), _key(grammar, starts), file)


def _key(grammar: str, starts: Sequence[str]) -> str:
    return hashlib.sha256("\0".join((str(FORM), *starts, grammar)).encode()).hexdigest()


def _made(grammar: str, starts: Sequence[str]) -> dict[str, Any]:
    # Here and not above: nothing but this needs Lark, whose import and tables take a second.
    from cep.lang.make_tables import make_tables

    return make_tables(grammar, starts)


def _keep(tables: dict[str, Any], key: str, file: Path) -> None:
    """Write the file whole or not at all, whoever else may be writing it."""
    text = json.dumps({"key": key, "tables": tables}, separators=(",", ":"))
    try:
        descriptor, name = tempfile.mkstemp(dir=file.parent, prefix=f"{file.name}.")
    except OSError:
        return  # a folder that is not ours to write to
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as made:
            made.write(text)
        Path(name).chmod(0o644)  # as code is: whoever may run it may read it
        Path(name).replace(file)
    except OSError:
        Path(name).unlink(missing_ok=True)
