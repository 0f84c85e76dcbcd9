"""The rule set that an editor works on: files on disk, and those that are open as they stand in the editor."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from cep.config import Config
from cep.errors import ConfigError, Diagnostic
from cep.lang import tree
from cep.lang.read import is_rule_file, read_rules
from cep.loader.config import FILE_NAME, read_config
from cep.loader.files import Loaded, diagnostic_of, load_disk
from cep.loader.paths import shown
from cep.loader.scan import Disk, scan


class RuleSet:
    """`open` and `close` say what the editor holds; `look` finds all faults, as `cep check` does."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.config = Config(base=root)
        self.loaded: Loaded | None = None
        self._open: dict[Path, str] = {}

    def open(self, path: Path, text: str) -> None:
        """What stands in the editor counts from now on, not what is on disk."""
        self._open[path] = text

    def close(self, path: Path) -> None:
        self._open.pop(path, None)

    def text(self, path: Path) -> str | None:
        return self._open.get(path)

    def look(self) -> dict[Path, list[Diagnostic]]:
        """Every fault of the rule set by file; every open file has an entry."""
        found: dict[Path, list[Diagnostic]] = {path: [] for path in self._open}
        for one in self._faults():
            found.setdefault(self._absolute(one.span.file), []).append(one)
        return found

    def file(self, path: Path) -> tree.File:
        """The tree of an open file, as far as it can be read."""
        return read_rules(path.name, self._open.get(path, ""))[0]

    def files(self) -> tuple[tree.File, ...]:
        """All that can be read of the rule set."""
        return tuple(file for file, _ in self.loaded.read.values()) if self.loaded is not None else ()

    def _faults(self) -> tuple[Diagnostic, ...]:
        try:
            self.config = self._read_config()
            disk = self._disk()
            self.loaded = load_disk(disk, self.config, known=self.loaded)
        except ConfigError as fault:
            return (diagnostic_of(fault),) if fault.span.line else ()
        return self.loaded.diagnostics

    def _read_config(self) -> Config:
        path = self.root / FILE_NAME
        return read_config(path) if path.is_file() else Config(base=self.root, rules=(".",))

    def _disk(self) -> Disk:
        """What is on disk, with the open files in the place of theirs. An open file beyond the rules of cep.yml counts too: it is
        what the author looks at."""
        disk = scan(self.config.rules, self.config)
        apart = {((table.base or self.config.base) / table.file).resolve() for table in self.config.tables.values()}
        texts = dict(disk.texts)
        for path, text in self._open.items():
            if is_rule_file(path.name) and path.resolve() not in apart:
                texts[shown(path)] = text
        return replace(disk, texts=dict(sorted(texts.items())), missing=() if texts else disk.missing)

    def _absolute(self, file: str) -> Path:
        return Path(file).absolute()
