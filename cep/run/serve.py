"""`cep run` as a service: a supervisor that starts Redis (if it is ours), the matcher and the faces, and keeps them running.

The supervisor does nothing else. Signals are passed on; a process that died is started again, after a wait that doubles; one
that cannot start at all ends the service with its exit code.
"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cep.buffer.embedded import EmbeddedServer, die_with
from cep.buffer.link import Link, connect
from cep.buffer.server import check_server
from cep.config import Config, redis_of
from cep.errors import ConfigError, RuleError
from cep.loader.config import read_config
from cep.loader.files import load
from cep.run.generations import newest_generation
from cep.run.process import CONFIG_FAULT, RULE_FAULT, start_log
from cep.run.stopping import StopFlag

LOOK_EVERY_S = 0.1
STOP_WITHIN_S = 9.5
FIRST_WAIT_S, MOST_WAIT_S = 0.2, 10.0
SETTLED_S = 10.0  # a process that lived so long did start; its next death is an accident
log = logging.getLogger(__name__)


def serve(rules: Sequence[str], config_path: str | None, *, redis_url: str | None = None) -> int:
    """Serve until SIGTERM or SIGINT; the exit code.

    raises  ConfigError, RuleError: nothing was started
    """
    start_log()
    config = read_config(config_path)
    paths = [str(Path.cwd() / rule) for rule in rules]
    url = redis_url or redis_of(config)
    server = EmbeddedServer(config.base / config.data / "redis") if url is None else None
    if server is not None and not server.folder.is_dir():
        _check_rules(paths, config, None)  # nothing ran here yet: what cannot start leaves no folder behind
    try:
        url = url or _start(server)
        facts = check_server(connect(url))
        for warning in facts.warnings:
            log.warning("%s", warning)
        _check_rules(paths, config, url)
        where = "embedded" if server else url.rpartition("@")[2]
        log.info("%s %s, %s; streams %s; Ctrl-C stops", facts.product, facts.version, where, ", ".join(config.streams))
        words = ["--redis", url, "--service", uuid.uuid4().hex, *(["--config", config_path] if config_path else []), *paths]
        return _Supervisor(words, server).run()
    finally:
        if server is not None:
            server.stop()


def _start(server: EmbeddedServer | None) -> str:
    return server.start() if server is not None else ""


def _check_rules(paths: Sequence[str], config: Config, url: str | None) -> None:
    """Refuse to start with rules that do not run, unless others ran before: those go on, and the log says why."""
    loaded = load(paths or None, config)
    errors = [diagnostic for diagnostic in loaded.diagnostics if diagnostic.level == "error"]
    if errors and (url is None or not _ran_before(url)):
        raise RuleError(errors)
    if url is not None and not loaded.rulebook.plans and not errors:
        log.warning("there are no rules in %s yet; they are picked up as they appear", ", ".join(paths or config.rules))


def _ran_before(url: str) -> bool:
    link = Link(url)
    try:
        return newest_generation(link) is not None
    finally:
        link.close()


@dataclass(slots=True)
class _Child:
    role: str
    process: subprocess.Popen[bytes] | None = None
    started_s: float = 0.0
    wait_s: float = FIRST_WAIT_S
    again_s: float = 0.0
    settled: bool = False


class _Supervisor:
    """Keeps two processes, and the server if it is ours."""

    def __init__(self, words: Sequence[str], server: EmbeddedServer | None) -> None:
        self._words, self._server = words, server
        self._children = [_Child("worker"), _Child("faces")]
        self._stop = StopFlag()
        self._code = 0
        self._server_looked_s = time.monotonic()

    def run(self) -> int:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._stop.set())
        signal.signal(signal.SIGHUP, lambda *_: log.info("rules are watched: a change on disk is picked up by itself"))
        while not self._stop.is_set():
            for child in self._children:
                self._keep(child)
            self._keep_server()
            self._stop.wait(LOOK_EVERY_S)
        self._end()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)  # nothing is left that could be ended sooner
        return self._code

    def _keep(self, child: _Child) -> None:
        now = time.monotonic()
        if child.process is None:
            if now >= child.again_s:
                child.process = self._launch(child.role)
                child.started_s = now
            return
        code = child.process.poll()
        if code is None:
            if not child.settled and now - child.started_s >= SETTLED_S:
                child.settled, child.wait_s = True, FIRST_WAIT_S
            return
        child.process = None
        if code in (RULE_FAULT, CONFIG_FAULT) and not child.settled:
            self._code = code  # it has said why
            self._stop.set()
            return
        child.again_s = now + child.wait_s
        child.wait_s = FIRST_WAIT_S if now - child.started_s >= SETTLED_S else min(child.wait_s * 2, MOST_WAIT_S)
        log.warning("the %s ended (%s); starting it again in %.1f s", child.role, _how(code), child.again_s - now)

    def _launch(self, role: str) -> subprocess.Popen[bytes]:
        parent = os.getpid()
        words = [sys.executable, "-m", "cep.run.process", role, *self._words]
        return subprocess.Popen(words, start_new_session=True, preexec_fn=lambda: die_with(parent))

    def _keep_server(self) -> None:
        """Start our server again if it died; the processes wait for it by themselves."""
        if self._server is None or self._server.runs():
            return
        try:
            self._server.start()
            log.warning("the embedded server had ended; it runs again")
        except ConfigError as error:
            log.error("%s", error)
            self._stop.wait(1.0)

    def _end(self) -> None:
        living = [child.process for child in self._children if child.process is not None and child.process.poll() is None]
        for process in living:
            process.terminate()
        deadline = time.monotonic() + STOP_WITHIN_S
        saved = self._code == 0
        for process in living:
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                log.warning("process %d did not end in time; it is killed, what it did not save is replayed", process.pid)
                process.kill()
                process.wait()
                saved = False
        log.info("stopped; state is saved" if saved else "stopped")


def _how(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
