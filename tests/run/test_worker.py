"""What a worker does besides surviving: time without events, several streams, rules swapped, gaps, trimming."""

from __future__ import annotations

import signal
import threading
from typing import Any

import msgspec
import pytest

from cep.alert import Alert, AlertRow
from cep.clock import ManualClock
from cep.loader.config import read_config
from cep.run.rules import Rules
from cep.run.worker import Worker
from tests.buffer.waiting import eventually
from tests.run.service import RULES, STREAM, Service, entries

START_MS = 1_767_225_600_000
HEARTBEATS = """
streams:
  telemetry: {time: ts_ms, idle: 300ms}
"""
SILENT = """
rule silent
  by      host
  absent  beat for 1s
  emit    host
"""


def beat(n: int, host: str) -> tuple[str, dict[str, str]]:
    event = {"ts_ms": START_MS + n, "type": "beat", "host": host}
    return f"{START_MS + n}-0", {"json": msgspec.json.encode(event).decode()}


def alerts(service: Service) -> list[Alert]:
    return [msgspec.json.decode(fields[b"alert"], type=AlertRow).alert() for fields in service.left().outbox]


def control(service: Service) -> list[dict[str, Any]]:
    return [msgspec.json.decode(fields[b"data"]) for _, fields in service.client.xrange("cep:{cell.main}:control")]


def test_silence_is_told_though_no_event_moves_time_and_only_once_whoever_dies(service: Service) -> None:
    service.write("cep.yml", HEARTBEATS)
    service.write("rules/all.cep", SILENT)
    service.append([beat(n, f"h{n}") for n in range(5)])
    assert service.start("after_commit:2").wait(30) == -signal.SIGKILL
    with service.running():
        eventually(lambda: len(alerts(service)) >= 5)
        service.append([beat(10_000, "h0")])
        eventually(service.caught_up)
        eventually(lambda: len(alerts(service)) >= 6)
    found = alerts(service)
    assert [(alert.fields["host"], alert.time_us) for alert in found[:5]] == [
        (f"h{n}", (START_MS + n + 1000) * 1000) for n in range(5)
    ]
    assert (found[5].fields["host"], len(found)) == ("h0", 6)
    kinds = [entry["type"] for entry in control(service)]
    assert {"idle", "wall", "returned"} <= set(kinds)


def test_a_restart_replays_moves_of_time_where_they_happened(service: Service) -> None:
    service.write("cep.yml", HEARTBEATS)
    service.write("rules/all.cep", SILENT)
    service.append([beat(n, f"h{n}") for n in range(3)])
    with service.running() as worker:
        eventually(lambda: len(alerts(service)) == 3)
        worker.kill()  # the moves of time lie behind the first checkpoint
        worker.wait()
    manifest = service.client.get("cep:{cell.main}:manifest")
    before = service.left()
    with service.running():
        eventually(lambda: "recovered from checkpoint" in service.log)
        service.append([beat(n, "h9") for n in range(500, 520)])  # behind the watermark that wall time had reached
        eventually(service.caught_up)
        eventually(lambda: len(service.left().late) == 20)
    assert manifest is not None
    assert service.left().outbox[:3] == before.outbox
    assert "E0690" in {fields[b"code"].decode() for fields in service.left().late}


def commits_made(service: Service) -> int:
    return int(service.client.hget("cep:{cell.main}:commit", "number") or 0)


def test_a_backlog_takes_few_commits_and_an_event_alone_has_its_own(service: Service) -> None:
    service.write("cep.yml", HEARTBEATS)
    service.append([beat(n, "h") for n in range(10_000)])
    config = read_config(service.folder / "cep.yml")
    clock = ManualClock()  # it stands still: no commit and no checkpoint is made because of time
    worker = Worker(config, service.url, Rules(None, config, service.folder / "cep.yml", watch=False), clock=clock)
    thread = threading.Thread(target=worker.run)
    thread.start()
    try:
        eventually(service.caught_up)
        made = commits_made(service)
        assert made <= 5  # one begins; twelve reads are needed
        for n in range(3):
            service.append([beat(10_000 + n, "h")])
            eventually(service.caught_up)
            assert commits_made(service) == made + n + 1
    finally:
        worker.stop()
        thread.join()
    assert commits_made(service) == made + 4  # the state is saved at the end


def two_streams(service: Service) -> None:
    service.write("cep.yml", "streams:\n  a: {time: ts_ms, idle: 1h}\n  b: {time: ts_ms, idle: 1h}\n")
    service.write("rules/all.cep", "rule pair\n  by k\n  match x -> y\n  where x: x\n        y: y\n  within 1m\n  emit k\n")


def fill_two(service: Service, count: int) -> None:
    for stream, kind, shift in (("a", "x", 0), ("b", "y", 7)):
        rows = []
        for n in range(count):
            event = {"ts_ms": START_MS + 10 * n + shift * (n % 3), "type": kind, "k": n % 17}
            rows.append((f"{START_MS + 10 * n}-{shift}", {"json": msgspec.json.encode(event).decode()}))
        service.append(rows, f"cep:{{{stream}}}:events")


def test_several_streams_give_the_same_however_they_are_read(service: Service) -> None:
    two_streams(service)
    fill_two(service, 3000)
    key = "cep:{b}:events"
    with service.running():
        eventually(lambda: service.caught_up(key, "b") and service.caught_up("cep:{a}:events", "a"))
    undisturbed = service.left()
    assert len(undisturbed.outbox) > 1000
    service.client.flushall()
    fill_two(service, 3000)
    for point in ("after_commit:1", "mid_batch:3"):
        assert service.start(point).wait(30) == -signal.SIGKILL
    with service.running():
        eventually(lambda: service.caught_up(key, "b") and service.caught_up("cep:{a}:events", "a"))
    assert service.left() == undisturbed


EVENTS = entries(3000, seed=5)
ANOTHER = """
rule slow
  from  speed where kmh < 5
  emit  truck, kmh
"""


def generation(service: Service) -> int:
    standing = service.standing()
    return standing.generation if standing else 0


def test_rules_are_swapped_while_running_and_unchanged_ones_keep_their_state(service: Service) -> None:
    with service.running(watch=True):
        service.append(EVENTS[:1500])
        eventually(service.caught_up)
        service.write("rules/more.cep", ANOTHER)
        eventually(lambda: generation(service) == 2)
        service.append(EVENTS[1500:])
        eventually(service.caught_up)
    assert "generation 2: slow added; 7 rules" in service.log
    swapped = alerts(service)
    assert {alert.generation for alert in swapped} == {1, 2}
    assert all(alert.generation == 2 for alert in swapped if alert.rule == "slow")
    assert next(entry for entry in control(service) if entry["type"] == "swap")["generation"] == 2
    plain = Service(service.folder / "plain", service.url)
    plain.append(EVENTS)
    plain.run_to_end()
    assert [a.id for a in alerts(plain)] == [alert.id for alert in swapped if alert.rule != "slow"]
    assert any(alert.rule == "slow" for alert in swapped)


def test_a_worker_killed_in_a_swap_swaps_when_it_is_back(service: Service) -> None:
    service.append(EVENTS[:1500])
    with service.running("mid_swap:1", watch=True) as worker:
        eventually(service.caught_up)
        service.write("rules/more.cep", ANOTHER)
        assert worker.wait(20) == -signal.SIGKILL
    assert generation(service) == 1
    with service.running():
        eventually(lambda: generation(service) == 2)
        service.append(EVENTS[1500:])
        eventually(service.caught_up)
    assert len({alert.entry_id for alert in alerts(service)}) == len(alerts(service))
    assert any(alert.rule == "slow" for alert in alerts(service))


def test_a_broken_file_stops_nothing_and_a_restart_runs_the_last_good_rules(service: Service) -> None:
    with service.running(watch=True):
        service.append(EVENTS[:1000])
        eventually(service.caught_up)
        service.write("rules/all.cep", "rule fast\n  from speed where kmh >\n")
        eventually(lambda: generation(service) == 2)
        service.append(EVENTS[1000:2000])
        eventually(service.caught_up)
    with service.running():
        service.append(EVENTS[2000:])
        eventually(service.caught_up)
    found = [alert.id for alert in alerts(service)]
    service.write("rules/all.cep", RULES)
    service.client.flushall()
    service.append(EVENTS)
    service.run_to_end()
    assert [alert.id for alert in alerts(service)] == found


def test_entries_trimmed_before_they_were_read_are_a_recorded_gap(service: Service) -> None:
    service.append(EVENTS[:500])
    service.run_to_end()
    service.append(EVENTS[500:1000])
    service.client.xtrim(STREAM, minid=EVENTS[900][0], approximate=False)
    with service.running():
        eventually(lambda: service.client.xlen("cep:{cell.main}:gaps") == 2)
        eventually(service.caught_up)
    held, missed = [msgspec.json.decode(told[b"gap"]) for _, told in service.client.xrange("cep:{cell.main}:gaps")]
    assert (held["kind"], held["before"]) == ("trimmed", EVENTS[900][0])  # rows that waited for their time went as well
    assert (missed["kind"], missed["missed"]) == ("trimmed", 400)


def test_a_stream_that_was_rewound_is_read_on(service: Service) -> None:
    service.append(EVENTS[:500])
    service.run_to_end()
    service.client.delete(STREAM)
    with service.running():
        eventually(lambda: service.client.xlen("cep:{cell.main}:gaps"))
        service.append(EVENTS[500:])
        eventually(service.caught_up)
    assert any(alert.time_us > (int(EVENTS[2000][0].partition("-")[0]) - 10_000) * 1000 for alert in alerts(service))


@pytest.mark.parametrize(
    ("key", "code"), [("cep:{cell.main}:outbox", "E0911"), (STREAM, "E0910"), ("cep:{cell.main}:manifest", "E0913")]
)
def test_a_key_spoiled_by_others_ends_the_worker_with_a_message(service: Service, key: str, code: str) -> None:
    service.client.set(key, "x")
    assert service.start().wait(20) == 3
    assert code in service.log
    assert "Traceback" not in service.log
