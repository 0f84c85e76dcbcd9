"""A real server for the tests of delivery: Redis where it is installed, else the embedded Valkey."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from cep.buffer.embedded import EmbeddedServer, find_binary
from cep.buffer.link import connect
from tests.deliver.bench import Bench

BINARIES = {"embedded": find_binary()} | ({"redis": found} if (found := shutil.which("redis-server")) else {})


def _server(binary: str, folder: Path) -> Iterator[str]:
    with EmbeddedServer(folder, binary=binary, fsync="no") as server:
        yield server.url


@pytest.fixture(scope="session", params=list(BINARIES))
def any_redis(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One after the other, all servers there are: for what the server itself must get right."""
    yield from _server(BINARIES[request.param], tmp_path_factory.mktemp(request.param))


@pytest.fixture(scope="session")
def one_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    yield from _server(list(BINARIES.values())[-1], tmp_path_factory.mktemp("one"))


@pytest.fixture
def empty_redis(one_redis: str) -> str:
    """The URL of a server that holds nothing."""
    client = connect(one_redis)
    client.flushall()
    client.close()
    return one_redis


@pytest.fixture
def bench(empty_redis: str, tmp_path: Path) -> Bench:
    return Bench(empty_redis, tmp_path)
