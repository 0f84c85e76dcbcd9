"""Watching the files of rules, tables and cep.yml: a new `Loaded` whenever what they say has changed.

The system's file events only mean "something changed, look again"; what counts is the hash of the contents. A look every
two seconds finds what no event tells (NFS, the symbolic link that a ConfigMap swaps).
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from watchfiles import Change, watch

from cep.config import Config
from cep.errors import ConfigError, Diagnostic, Span
from cep.lang.read import is_rule_file
from cep.loader.config import AT_START, read_config, waiting_for_restart
from cep.loader.files import Loaded, diagnostic_of, load_disk
from cep.loader.scan import Disk, scan

QUIET_MS = 300  # editors write in several steps: look when nothing has happened for so long
LONGEST_MS = 1500  # but look at last
LOOK_EVERY_S = 2.0
_UNREAD = object()
log = logging.getLogger(__name__)


class Watcher:
    """A thread that looks at the files. `poll()` gives the newest rule set that has not been taken yet.

    wake  called from the thread when there is something to take; it must only set a flag or write to a pipe
    """

    def __init__(
        self,
        loaded: Loaded,
        *,
        paths: Sequence[str | Path] | None = None,
        config_path: Path | None = None,
        wake: Callable[[], None] = lambda: None,
        quiet_ms: int = QUIET_MS,
        look_every_s: float = LOOK_EVERY_S,
    ) -> None:
        """paths: what `load` was given (None: what the configuration names); config_path: cep.yml, if it is to be watched."""
        self._paths, self._wake = paths, wake
        self._quiet_ms, self._look_every_s = quiet_ms, look_every_s
        self._config = _WatchedConfig(config_path, loaded.config)
        self._last = loaded
        self._newest: Loaded | None = None
        self._folders: tuple[Path, ...] = ()
        self._looking = threading.Lock()  # one look at a time
        self._handing = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="cep-watch", daemon=True)

    def start(self) -> Self:
        self._thread.start()
        return self

    def stop(self) -> None:
        """End the thread; returns when it has ended."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def poll(self) -> Loaded | None:
        """The newest rule set since the last call, or None. From any thread, without waiting."""
        with self._handing:
            newest, self._newest = self._newest, None
        return newest

    def look(self) -> bool:
        """Look at the files now; whether anything changed. The thread does it by itself; a signal or a request may too."""
        with self._looking:
            changed = self._config.look()
            config = self._config.config
            disk = scan(config.rules if self._paths is None else self._paths, config)
            self._folders = disk.folders
            if not changed and disk.hash == self._last.disk_hash:
                return False
            try:
                loaded = load_disk(disk, config, self._last)
            except ConfigError:
                raise
            except Exception as error:  # told once, not at each look, until the files are others
                log.exception("looking at the rules failed; they go on as they are")
                loaded = replace(self._last, diagnostics=(_our_fault(error, disk, self._last),), disk_hash=disk.hash)
            if self._config.faults:
                loaded = replace(loaded, diagnostics=(*self._config.faults, *loaded.diagnostics))
            self._last = loaded
        with self._handing:
            self._newest = loaded
        self._wake()
        return True

    def _run(self) -> None:
        while not self._stop.is_set():
            self._look_safely()
            folders = self._watched()
            try:
                self._look_at_each_change(folders)
            except OSError as error:
                # a folder went between listing and watching, or the system has no watches left: look every two seconds
                log.debug("cannot watch %s: %s", folders, error)
                self._stop.wait(self._look_every_s)

    def _look_at_each_change(self, folders: Sequence[Path]) -> None:
        """Look at changes and at intervals, until the folders to watch are others."""
        if not folders:
            self._stop.wait(self._look_every_s)
            return
        changes = watch(
            *folders,
            recursive=False,
            watch_filter=_matters,
            stop_event=self._stop,
            step=self._quiet_ms,
            debounce=max(LONGEST_MS, self._quiet_ms),
            rust_timeout=round(self._look_every_s * 1000),
            yield_on_timeout=True,
            raise_interrupt=False,
        )
        for found in changes:
            if not found:
                self._wait_for_quiet()
            self._look_safely()
            if self._watched() != folders:
                return

    def _wait_for_quiet(self) -> None:
        """At a look that no change has brought: a file that is just being written may stand there emptied, so what differs has to
        stay the same for as long as a change is waited for."""
        known = self._last.disk_hash
        while (seen := self._disk_hash()) != known and not self._stop.wait(self._quiet_ms / 1000):
            known = seen

    def _disk_hash(self) -> str:
        config = self._config.config
        return scan(config.rules if self._paths is None else self._paths, config).hash

    def _watched(self) -> list[Path]:
        folders = [*self._folders, *self._config.folders]
        return sorted({folder for folder in folders if folder.is_dir()})

    def _look_safely(self) -> None:
        try:
            self.look()
        except ConfigError as error:
            log.warning("%s", error)
        except Exception:  # the thread must live: without it no later change would be seen either
            log.exception("looking at the rules failed; they go on as they are")


class _WatchedConfig:
    """cep.yml while a process runs: what may change does, what takes a restart is told, what is broken changes nothing."""

    def __init__(self, path: Path | None, config: Config) -> None:
        self.config = self._at_start = config
        self.faults: tuple[Diagnostic, ...] = ()
        self._path = path
        self._content: object = _UNREAD  # the first look reads it anew: it may have been written since `config` was read

    @property
    def folders(self) -> list[Path]:
        return [] if self._path is None else [self._path.absolute().parent]

    def look(self) -> bool:
        """Read the file again; whether it says something else than last time."""
        content = self._read()
        if self._path is None or content == self._content:
            return False
        self._content = content
        try:
            read = read_config(self._path)
        except ConfigError as fault:
            self.faults = (diagnostic_of(fault),)
            return True
        before = self.config, self.faults
        self.faults = tuple(_waits(str(self._path), name) for name in waiting_for_restart(self._at_start, read))
        self.config = replace(read, **{name: getattr(self._at_start, name) for name in AT_START})
        return (self.config, self.faults) != before

    def _read(self) -> bytes | None:
        try:
            return None if self._path is None else self._path.read_bytes()
        except OSError:
            return None


def _waits(file: str, name: str) -> Diagnostic:
    message = f"`{name}` has changed in {file}; the process runs with what it started with"
    return Diagnostic("W0951", message, Span(file, 1, 1, 1, 2), "warning", help="start it again when it suits you")


def _our_fault(error: Exception, disk: Disk, before: Loaded) -> Diagnostic:
    """What is said where reading the rules fails by a fault of ours: the place is the first file that has changed."""
    changed = [path for path, text in disk.texts.items() if before.sources.get(path) != text]
    message = f"internal error, the rules go on as they were: {type(error).__name__}: {error}"
    place = Span(min(changed, default="the rules"), 1, 1, 1, 2)
    return Diagnostic("E0967", message, place, help="take the last change back, and report what the log says")


def _matters(_change: Change, path: str) -> bool:
    """Not every file beside cep.yml is worth a look: alerts may be written there many times a second."""
    name = Path(path).name
    return is_rule_file(name) or name.endswith(".csv") or name.startswith("..")
