"""Which files of rules there are, and what is in them: folders scanned, symbolic links followed, contents hashed."""

from __future__ import annotations

import functools
import hashlib
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from cep.config import Config, TableSpec
from cep.errors import Diagnostic, Span
from cep.lang.read import MAX_BYTES, is_rule_file, read_rules
from cep.loader.config import FILE_NAME
from cep.loader.paths import shown
from cep.loader.tables import tables_of

_MAY_DECLARE = re.compile(r"^table\b|^\s*(?:['\"])?tables(?:['\"])?\s*:", re.MULTILINE)
BIG_TABLE_BYTES = 1024 * 1024  # of a table beyond this, size and time of change stand for the content


@dataclass(frozen=True, slots=True)
class Disk:
    """What was found at one moment.

    texts    path as the user wrote it (below its folder) -> text
    faults   files that are there and cannot be read as text
    missing  paths of the configuration that are not there at all
    folders  every folder that was looked into, for the watcher
    hash     of all paths, texts and tables
    """

    texts: dict[str, str]
    faults: tuple[Diagnostic, ...]
    missing: tuple[str, ...]
    folders: tuple[Path, ...]
    hash: str


def scan(paths: Iterable[str | Path], config: Config) -> Disk:
    """Read all files of rules below the paths (relative ones start at the folder of the configuration).

    Names with a leading dot are left out, `cep.yml` and the files of tables too. A file that goes while we look is not there.
    """
    apart = {os.path.realpath(config.base / table.file) for table in config.tables.values()}
    texts: dict[str, str] = {}
    faults: list[Diagnostic] = []
    missing: list[str] = []
    folders: dict[Path, None] = {}
    digest = hashlib.sha256()
    for given in paths:
        whole = config.base / given
        if not whole.exists():
            missing.append(str(given))
            folders[whole.parent] = None
            continue
        for file in _files(whole, folders):
            name = shown(file)
            if name in texts or (file.name == FILE_NAME and file != whole) or os.path.realpath(file) in apart:
                continue
            content = _content(file, name, faults)
            if content is None:
                digest.update(f"{name}\0".encode())
                continue
            digest.update(f"{name}\0{len(content)}\0".encode())
            digest.update(content)
            text = _text(name, content, faults)
            if text is not None:
                texts[name] = text
        if not whole.exists():
            # It went while we looked: what was not found in it any more is not deleted, but out of sight.
            missing.append(str(given))
            folders[whole.parent] = None
    for table in [*config.tables.values(), *_declared(texts)]:
        path = (table.base or config.base) / table.file
        texts.pop(shown(path), None)  # a table in YAML is no file of rules
        digest.update(_table_mark(path))
        folders[path.parent] = None
    return Disk(texts, tuple(faults), tuple(missing), tuple(folders), digest.hexdigest())


def _declared(texts: Mapping[str, str]) -> list[TableSpec]:
    """The tables that files of rules declare."""
    return [spec for name, text in texts.items() if _MAY_DECLARE.search(text) for spec in _tables_in(name, text)]


@functools.lru_cache(maxsize=256)  # a look every two seconds finds mostly what it found before
def _tables_in(name: str, text: str) -> tuple[TableSpec, ...]:
    return tuple(tables_of(read_rules(name, text)[0]))


def _files(path: Path, folders: dict[Path, None]) -> Iterator[Path]:
    """The files below a path, in the order of their names; a path of a file is that file."""
    if not path.is_dir():
        folders[path.parent] = None
        yield path
        return
    seen: set[str] = set()
    for folder, below, names in os.walk(path, followlinks=True):
        real = os.path.realpath(folder)
        if real in seen:  # a link to a folder further up
            below.clear()
            continue
        seen.add(real)
        folders[Path(folder)] = None
        below[:] = sorted(name for name in below if not name.startswith("."))
        yield from (Path(folder, name) for name in sorted(names) if is_rule_file(name) and not name.startswith("."))


def _content(file: Path, name: str, faults: list[Diagnostic]) -> bytes | None:
    """At most one byte more than is read of a file of rules; None if it is gone, or may not be read (then with a fault)."""
    try:
        with file.open("rb") as stream:
            return stream.read(MAX_BYTES + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        message = f"cannot read the file: {error.strerror}"
        faults.append(Diagnostic("E0964", message, Span(name, 1, 1, 1, 2), help="give the process the right to read it"))
        return None


def _text(name: str, content: bytes, faults: list[Diagnostic]) -> str | None:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = None
    if text is None or len(content) > MAX_BYTES:
        faults += read_rules(name, content)[1]
        return None
    return text


def _table_mark(file: Path) -> bytes:
    try:
        about = file.stat()
        if about.st_size > BIG_TABLE_BYTES:
            return f"{file}\0{about.st_size}\0{about.st_mtime_ns}\0{about.st_ino}".encode()
        return f"{file}\0".encode() + file.read_bytes()
    except OSError as error:
        return f"{file}\0{error.errno}".encode()
