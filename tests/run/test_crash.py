"""Nothing lost, nothing twice: real worker processes, really killed, against real servers."""

from __future__ import annotations

import os
import random
import shutil
import signal
import threading
from functools import partial
from pathlib import Path

import msgspec
import pytest

from cep.buffer.embedded import EmbeddedServer
from tests.buffer.waiting import eventually
from tests.run.service import Left, Service, entries

EVENTS = entries(6000)
# of a backlog of 12,000 rows at least three commits are made (cep.run.cell.COMMIT_ROWS)
POINTS = [
    "after_read:4", "mid_batch:9", "before_commit:1", "before_commit:3", "after_commit:1", "after_commit:2", "mid_checkpoint:1",
]  # fmt: skip


@pytest.fixture(scope="module")
def undisturbed(one_url: str, tmp_path_factory: pytest.TempPathFactory) -> Left:
    """What a run leaves that nothing interrupts."""
    service = Service(tmp_path_factory.mktemp("undisturbed"), one_url)
    service.append(EVENTS)
    service.run_to_end()
    left = service.left()
    assert len(left.outbox) > 500 and len(left.late) > 20 and len(left.dead) > 20
    assert len(set(left.ids)) == len(left.ids)
    return left


def killed_and_finished(service: Service, point: str) -> Left:
    service.append(EVENTS)
    assert service.start(point).wait(30) == -signal.SIGKILL, service.log
    service.run_to_end()
    return service.left()


@pytest.mark.parametrize("point", POINTS)
def test_a_worker_killed_at_a_failpoint_leaves_what_an_undisturbed_one_leaves(
    undisturbed: Left, service: Service, point: str
) -> None:
    assert killed_and_finished(service, point) == undisturbed


@pytest.mark.parametrize("point", ["after_commit:2", "mid_checkpoint:1"])
def test_it_is_so_on_every_kind_of_server(undisturbed: Left, service_anywhere: Service, point: str) -> None:
    assert killed_and_finished(service_anywhere, point) == undisturbed


def test_a_commit_whose_answer_is_lost_counts_once(undisturbed: Left, service: Service) -> None:
    service.append(EVENTS)
    with service.running("lost_answer:2"):
        eventually(service.caught_up)
    assert service.left() == undisturbed
    assert "Redis does not answer" in service.log


def test_connections_lost_again_and_again_in_a_backlog_lose_and_double_nothing(undisturbed: Left, service: Service) -> None:
    """Reads and commits under way are cut off: rows wait in the worker that no commit covers, commits wait for answers."""
    service.append(EVENTS)
    cut = 0
    with service.running():
        eventually(lambda: service.standing() is not None)
        committed = None
        while not service.caught_up():
            number = service.client.hget("cep:{cell.main}:commit", "number")
            if number != committed:  # it came a step further since the last time
                committed = number
                cut += int(service.client.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"))
    assert cut > 2 and "Redis does not answer" in service.log
    assert service.left() == undisturbed


@pytest.mark.parametrize("seed", range(1, 1 + int(os.environ.get("CEP_CHAOS", "2"))))
def test_a_worker_killed_at_random_again_and_again_leaves_the_same(undisturbed: Left, service: Service, seed: int) -> None:
    dice = random.Random(seed)
    rest = list(EVENTS)
    kills = 0
    while rest:
        count = dice.randrange(1000, 2500)
        some, rest = rest[:count], rest[count:]
        worker = service.start()
        before = service.owner()
        eventually(partial(has_new_owner, service, before))
        service.append(some)
        committed = service.client.hget("cep:{cell.main}:commit", "number")
        if dice.random() < 0.7:
            eventually(partial(has_committed_beyond, service, committed))
        threading.Event().wait(dice.random() * 0.02)  # somewhere in the work that has begun
        worker.kill()
        assert worker.wait(10) == -signal.SIGKILL
        kills += 1
    service.run_to_end()
    assert kills >= 3
    assert service.left() == undisturbed


def has_new_owner(service: Service, before: bytes | None) -> bool:
    return service.owner() != before


def has_committed_beyond(service: Service, number: bytes | None) -> bool:
    return service.client.hget("cep:{cell.main}:commit", "number") != number


def test_a_server_killed_under_the_worker_costs_nothing_but_time(undisturbed: Left, tmp_path: Path) -> None:
    server = EmbeddedServer(tmp_path / "redis", fsync="always")
    server.start()
    service = Service(tmp_path, server.url)
    with service.running():
        for start in range(0, len(EVENTS), 2000):
            service.append(EVENTS[start : start + 2000])
            eventually(lambda: service.standing() is not None)
            assert server.pid is not None
            signal_to(server.pid, signal.SIGKILL)
            eventually(lambda: not server.runs())
            server.start()
            eventually(service.caught_up)
    assert service.left() == undisturbed
    server.stop()


def test_a_server_without_memory_is_waited_for(undisturbed: Left, service: Service) -> None:
    with service.running():
        service.append(EVENTS[:2000])
        eventually(service.caught_up)
        service.client.config_set("maxmemory", 1)
        eventually(lambda: "OOM" in service.log or "out of memory" in service.log.lower() or "maxmemory" in service.log)
        service.client.config_set("maxmemory", 0)
        service.append(EVENTS[2000:])
        eventually(service.caught_up)
    assert service.left() == undisturbed


def test_a_server_that_stands_still_is_waited_for(undisturbed: Left, tmp_path: Path) -> None:
    server = EmbeddedServer(tmp_path / "redis")
    server.start()
    service = Service(tmp_path, server.url)
    assert server.pid is not None
    with service.running():
        service.append(EVENTS[:3000])
        eventually(service.caught_up)
        signal_to(server.pid, signal.SIGSTOP)
        threading.Event().wait(0.5)  # the worker asks for more meanwhile
        signal_to(server.pid, signal.SIGCONT)
        service.append(EVENTS[3000:])
        eventually(service.caught_up)
    assert service.left() == undisturbed
    server.stop()


def test_a_server_that_went_back_in_time_takes_state_cursor_and_outbox_with_it(undisturbed: Left, tmp_path: Path) -> None:
    server = EmbeddedServer(tmp_path / "redis", fsync="always")
    server.start()
    service = Service(tmp_path, server.url)
    with service.running():
        service.append(EVENTS[:3000])
        eventually(service.caught_up)
        stop_server(server)
        shutil.copytree(tmp_path / "redis", tmp_path / "older", ignore=shutil.ignore_patterns("*.sock"))
        server.start()
        service.append(EVENTS[3000:5000])
        eventually(service.caught_up)
        stop_server(server)
        shutil.rmtree(tmp_path / "redis")
        shutil.copytree(tmp_path / "older", tmp_path / "redis")
        server.start()
        assert not service.client.xrange("cep:{telemetry}:events", min=EVENTS[3000][0])
        service.append(EVENTS[3000:])  # their producers had no answer, or send them again
        eventually(service.caught_up)
    assert service.left() == undisturbed
    assert "Redis went back" in service.log
    ((_, told),) = service.client.xrange("cep:{cell.main}:gaps")
    assert msgspec.json.decode(told[b"gap"])["kind"] == "rewound"
    server.stop()


def stop_server(server: EmbeddedServer) -> None:
    assert server.pid is not None
    signal_to(server.pid, signal.SIGKILL)
    eventually(lambda: not server.runs())


def signal_to(pid: int, number: signal.Signals) -> None:
    os.kill(pid, number)


def test_a_worker_that_slept_past_its_lease_writes_nothing_any_more(undisturbed: Left, service: Service) -> None:
    with service.running() as first:
        service.append(EVENTS[:2000])
        eventually(service.caught_up)
        owner = service.owner()
        first.send_signal(signal.SIGSTOP)
        with service.running():
            eventually(lambda: service.owner() not in (None, owner))  # when the lease is over
            service.append(EVENTS[2000:4000])
            eventually(service.caught_up)
            first.send_signal(signal.SIGCONT)
            eventually(lambda: "belongs to another worker" in service.log)
            service.append(EVENTS[4000:5000])
            eventually(service.caught_up)
        service.append(EVENTS[5000:])  # the second one has given the cell up: the first takes it again
        eventually(service.caught_up)
    assert service.left() == undisturbed
