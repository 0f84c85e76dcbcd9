"""Real servers for the tests: the embedded Valkey, and Redis where it is installed."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from cep.buffer.embedded import EmbeddedServer, find_binary
from cep.buffer.link import Link, connect

BINARIES = {"embedded": find_binary()} | ({"redis": found} if (found := shutil.which("redis-server")) else {})


@pytest.fixture(scope="session", params=list(BINARIES))
def server_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with EmbeddedServer(tmp_path_factory.mktemp(request.param), binary=BINARIES[request.param], fsync="no") as server:
        yield server.url


@pytest.fixture
def client(server_url: str) -> Iterator[redis.Redis]:
    client = connect(server_url)
    client.flushall()
    yield client
    client.close()


@pytest.fixture
def link(server_url: str, client: redis.Redis) -> Iterator[Link]:
    link = Link(server_url)
    yield link
    link.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data"
