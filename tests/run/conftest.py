from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cep.buffer.embedded import EmbeddedServer
from tests.buffer.conftest import BINARIES
from tests.run.service import Service


@pytest.fixture(scope="session", params=list(BINARIES))
def any_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with EmbeddedServer(tmp_path_factory.mktemp(request.param), binary=BINARIES[request.param]) as server:
        yield server.url


@pytest.fixture(scope="session")
def one_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with EmbeddedServer(tmp_path_factory.mktemp("embedded")) as server:
        yield server.url


@pytest.fixture
def service(tmp_path: Path, one_url: str) -> Iterator[Service]:
    service = Service(tmp_path, one_url)
    yield service
    service.end()


@pytest.fixture
def service_anywhere(tmp_path: Path, any_url: str) -> Iterator[Service]:
    service = Service(tmp_path, any_url)
    yield service
    service.end()
