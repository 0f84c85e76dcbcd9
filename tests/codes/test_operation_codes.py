"""Codes of operation that no other test asks for by name, each earned by the thing itself."""

from __future__ import annotations

import fcntl
import os
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from cep.buffer import embedded
from cep.buffer.embedded import EmbeddedServer
from cep.buffer.link import Link, connect
from cep.buffer.server import check_server
from cep.cli import send
from cep.codes import CODES, bounds, names, syntax, types
from cep.config import Config, StreamSpec, resolve_references
from cep.errors import CepError, ConfigError
from cep.loader.scan import scan
from cep.match.pipeline import Pipeline
from cep.plan.rulebook import build_rulebook
from cep.run.failpoints import Failpoints
from cep.run.generations import read_generation
from cep.run.process import start_log
from cep.run.rules import Rules
from cep.run.worker import Worker

TESTS = Path(__file__).parents[1]
BY_EXAMPLE = {code.code for family in (syntax, names, types, bounds) for code in family.CODES}  # test_codes_of_plans, beside this


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    with EmbeddedServer(tmp_path / "data", fsync="no") as server:
        yield server.url


@contextmanager
def earns(code: str) -> Iterator[None]:
    with pytest.raises(CepError) as caught:
        yield
    assert isinstance(caught.value, ConfigError)
    assert caught.value.code == code
    assert caught.value.help


class _OldServer(socketserver.StreamRequestHandler):
    """Says of itself what a Redis 6.2 says."""

    def handle(self) -> None:
        said = b"redis_version:6.2.14\r\nmaxmemory_policy:noeviction\r\n"
        while line := self.rfile.readline():
            words = []
            for _ in range(int(line[1:])):
                length = int(self.rfile.readline()[1:])
                words.append(self.rfile.read(length + 2)[:-2].upper())
            self.wfile.write(b"$%d\r\n%s\r\n" % (len(said), said) if words[0] == b"INFO" else b"+OK\r\n")


def test_an_old_server_is_refused() -> None:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _OldServer) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        client = connect(f"redis://127.0.0.1:{server.server_address[1]}/0?protocol=2")
        with earns("E0903"):
            check_server(client)
        client.close()
        server.shutdown()


def test_a_folder_that_somebody_holds_who_is_no_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "START_TIMEOUT_S", 0.0)
    lock = os.open(tmp_path / "lock", os.O_RDWR | os.O_CREAT)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with earns("E0906"):
            EmbeddedServer(tmp_path).start()
    finally:
        os.close(lock)


def test_a_failpoint_that_does_not_exist() -> None:
    with earns("E0914"):
        Failpoints("after_lunch:1")


def test_a_generation_that_is_gone(url: str) -> None:
    link = Link(url)
    with earns("E0915"):
        read_generation(link, 7)
    link.close()


def test_a_user_without_the_right_to_run_scripts(url: str, tmp_path: Path) -> None:
    (tmp_path / "r.cep").write_text("rule r\n  from login where failed\n")
    config = Config(base=tmp_path, streams={"event": StreamSpec()}, rules=("r.cep",))
    connect(url).execute_command("ACL", "SETUSER", "small", "on", ">word", "~*", "+@all", "-eval", "-evalsha")
    worker = Worker(config, url.replace("unix://", "unix://small:word@"), Rules(None, config, None, watch=False))
    with earns("E0916"):
        worker.run()


def test_a_log_level_that_does_not_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CEP_LOG", "loud")
    with earns("E0917"):
        start_log()


def test_a_reference_to_a_variable_that_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CEP_TEST_NOTHING", raising=False)
    with earns("E0957"):
        resolve_references("${env:CEP_TEST_NOTHING}")


def test_a_file_of_rules_that_leads_in_a_circle(tmp_path: Path) -> None:
    (tmp_path / "r.cep").symlink_to("r.cep")
    assert [fault.code for fault in scan([tmp_path], Config(base=tmp_path)).faults] == ["E0964"]


def test_an_address_to_send_to_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "events.jsonl").write_text("{}\n")
    with earns("E0966"):
        send.command.main([str(tmp_path / "events.jsonl"), "--to", "localhost:8088"], standalone_mode=False)


def test_a_time_far_beyond_its_arrival() -> None:
    pipeline = Pipeline(build_rulebook([])[0], {"event": StreamSpec(time="ts", unit="s")})
    event = msgspec.json.encode({"ts": 1_767_225_600 + 400 * 86_400, "type": "login"})
    outcome = pipeline.push("event", [event], ["1-0"], [1_767_225_600_000_000])
    assert [one.code for one in outcome.dead] == ["E0691"]


def test_every_code_is_asked_for_by_some_test() -> None:
    told = "\n".join(path.read_text(encoding="utf-8") for path in TESTS.rglob("*") if path.suffix in (".py", ".expected", ".txt"))
    assert [code for code in CODES if code not in BY_EXAMPLE and code not in told] == []
