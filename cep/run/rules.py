"""Where a worker's rules come from: the files on disk, and (when they are broken, or for a replay) a stored generation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from cep.config import Config
from cep.loader.files import Loaded, load, load_texts
from cep.loader.watch import Watcher
from cep.plan.plan import Rulebook
from cep.run.generations import Generation, pack_tables, unpack_tables

NAMED = 10  # rules that are named in a line of the log; more are counted


class Rules:
    """Rules of one service: loaded, watched, offered.

    Use in this order: start() once, then poll() between batches; close() ends the watching.
    """

    def __init__(self, paths: Sequence[str] | None, config: Config, config_path: Path | None, *, watch: bool = True) -> None:
        self._paths, self._config, self._config_path = paths, config, config_path
        self._watch = watch
        self._watcher: Watcher | None = None
        self._first: Loaded | None = None

    def start(self, last: Generation | None) -> Loaded:
        """Read the files; what is broken in them is filled in from the last generation that ran.

        raises  ConfigError: there is nothing to run
        """
        previous = load_texts(last.texts, self._config) if last is not None else None
        if self._watcher is not None:
            self._watcher.stop()
        self._first = load(self._paths, self._config, previous)
        self._watcher = Watcher(self._first, paths=self._paths, config_path=self._config_path)
        if self._watch:
            self._watcher.start()
        return self._first

    def poll(self) -> Loaded | None:
        """Rules that changed since the last call (at the first call: those that were there at the start)."""
        newest = self._watcher.poll() if self._watcher is not None else None
        first, self._first = self._first, None
        return newest or first

    def close(self) -> None:
        if self._watcher is not None and self._watch:
            self._watcher.stop()
        self._watcher = None

    def again(self, generation: Generation) -> Rulebook:
        """The rulebook of a generation that ran before: its rules, and the tables as they were."""
        loaded = load_texts(generation.texts, self._config)
        return replace(loaded.rulebook, tables=unpack_tables(generation.tables), tables_version=generation.tables_version)


def make_generation(loaded: Loaded, number: int, at_us: int, author: str = "files") -> Generation:
    """What is stored of a rule set before it runs."""
    problems = [f"{d.span.file}:{d.span.line} {d.code} {d.message}" for d in loaded.diagnostics if d.level == "error"]
    return Generation(
        number=number,
        hash=hash_of(loaded),
        disk_hash=loaded.disk_hash,
        author=author,
        at_us=at_us,
        texts=loaded.texts,
        tables=pack_tables(loaded.rulebook.tables),
        tables_version=loaded.rulebook.tables_version,
        problems=problems,
    )


def hash_of(loaded: Loaded) -> str:
    """Equal for rule sets that run alike."""
    return f"{loaded.running_hash}.{loaded.rulebook.tables_version}"


def changes(before: Mapping[str, str], now: Mapping[str, str]) -> str:
    """`a changed (starts afresh), b added, c removed`: rules by name -> version, before and now.

    A version is of what decides, so a rule whose words alone changed is not named.
    """
    changed = sorted(name for name in before.keys() & now.keys() if before[name] != now[name])
    told = [f"{_names(changed)} changed ({'starts' if len(changed) == 1 else 'start'} afresh)"] if changed else []
    told += [f"{_names(sorted(now.keys() - before.keys()))} added"] if now.keys() - before.keys() else []
    told += [f"{_names(sorted(before.keys() - now.keys()))} removed"] if before.keys() - now.keys() else []
    return ", ".join(told) or "every rule decides as before"


def versions_of(rulebook: Rulebook) -> dict[str, str]:
    """Rule -> version."""
    return {plan.id: plan.version for plan in rulebook.plans}


def _names(rules: Sequence[str]) -> str:
    shown = ", ".join(rules[:NAMED])
    return f"{shown} and {len(rules) - NAMED} more" if len(rules) > NAMED else shown
