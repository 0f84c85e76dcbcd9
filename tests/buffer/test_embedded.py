from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cep.buffer.embedded import EmbeddedServer, find_binary
from cep.buffer.link import connect
from cep.errors import ConfigError
from tests.buffer.waiting import eventually

HOLDER = """
import sys, threading
from pathlib import Path
from cep.buffer.embedded import EmbeddedServer
server = EmbeddedServer(Path(sys.argv[1]))
server.start()
print(server.pid, flush=True)
threading.Event().wait()
"""


def started_by_another_process(folder: Path) -> tuple[subprocess.Popen[str], int]:
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(folder)], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    return holder, int(holder.stdout.readline())


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_what_was_written_is_there_after_a_restart(folder: Path) -> None:
    with EmbeddedServer(folder) as server:
        connect(server.url).xadd("s", {"json": "{}"}, id="7-0")
    with EmbeddedServer(folder) as server:
        assert connect(server.url).xrange("s") == [(b"7-0", {b"json": b"{}"})]


def test_a_killed_server_loses_nothing_that_reached_its_file(folder: Path) -> None:
    with EmbeddedServer(folder, fsync="always") as server:
        connect(server.url).set("k", "v")
        assert server.pid is not None
        os.kill(server.pid, signal.SIGKILL)
    with EmbeddedServer(folder) as server:
        assert connect(server.url).get("k") == b"v"


def test_a_running_server_of_the_folder_is_adopted_and_left_alone(folder: Path) -> None:
    with EmbeddedServer(folder) as first:
        connect(first.url).set("k", "v")
        with EmbeddedServer(folder) as second:
            assert second.pid is None
            assert connect(second.url).get("k") == b"v"
        assert first.runs()


def test_the_server_ends_when_its_starter_is_killed(folder: Path) -> None:
    holder, pid = started_by_another_process(folder)
    assert is_running(pid)
    holder.kill()
    holder.wait()
    eventually(lambda: not is_running(pid))


def test_a_new_server_starts_when_the_adopted_one_has_gone(folder: Path) -> None:
    holder, _ = started_by_another_process(folder)
    server = EmbeddedServer(folder)
    server.start()
    assert server.pid is None
    holder.kill()
    holder.wait()
    eventually(lambda: not server.runs())
    server.start()
    try:
        assert server.pid is not None
    finally:
        server.stop()


def test_a_folder_whose_path_is_too_long_for_a_socket_works(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 100)
    with EmbeddedServer(deep) as server:
        assert connect(server.url).ping()
        assert len(str(server.socket)) < 104


def test_a_folder_that_cannot_be_written_is_said_with_its_mend(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("in the way")
    with pytest.raises(ConfigError, match="cannot write to the data folder") as caught:
        EmbeddedServer(file / "data").start()
    assert caught.value.code == "E0905"
    assert "data:" in caught.value.help


def test_a_missing_binary_is_said_with_its_mend(folder: Path) -> None:
    with pytest.raises(ConfigError, match="cannot start /nowhere/valkey-server") as caught:
        EmbeddedServer(folder, binary="/nowhere/valkey-server").start()
    assert caught.value.code == "E0907"


def test_a_server_that_cannot_read_its_files_says_why(folder: Path) -> None:
    with EmbeddedServer(folder) as server:
        connect(server.url).set("k", "v")
    manifest = next((folder / "appendonlydir").glob("*.manifest"))
    manifest.write_text("nonsense\n")
    with pytest.raises(ConfigError, match="did not start") as caught:
        EmbeddedServer(folder).start()
    assert caught.value.code == "E0908"
    assert "AOF" in caught.value.message


def test_the_bundled_server_is_preferred() -> None:
    assert find_binary().endswith("valkey-server")
