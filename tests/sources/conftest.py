"""A real server of its own for each module, on a unix socket in a short folder: redis-server if it is installed, else Valkey."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from cep.buffer.embedded import find_binary

SERVER = shutil.which("redis-server") or str(find_binary())


@pytest.fixture(scope="module")
def redis_url() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="cep") as folder:
        socket = Path(folder) / "s"
        options = ["--port", "0", "--unixsocket", str(socket), "--dir", folder, "--save", "", "--appendonly", "no"]
        server = subprocess.Popen([SERVER, *options], stdout=subprocess.PIPE)
        assert server.stdout is not None
        for line in server.stdout:  # wait for its word, not for a time
            if b"ready to accept connections" in line.lower() or b"server is now ready" in line.lower():
                break
        url = f"unix://{socket}"
        assert redis.Redis.from_url(url).ping()
        yield url
        server.terminate()
        server.stdout.read()
        server.wait(10)
        server.stdout.close()


@pytest.fixture
def server(redis_url: str) -> Iterator[redis.Redis]:
    """A client of the server, everything in it gone before each test."""
    client = redis.Redis.from_url(redis_url)
    client.flushall()
    client.config_set("maxmemory", "0")
    yield client
    client.close()
