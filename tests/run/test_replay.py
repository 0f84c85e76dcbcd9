"""The log alone decides: fed once more along the control log, it gives the outbox again, byte for byte."""

from __future__ import annotations

import random
import signal
from collections.abc import Iterable

import msgspec

from cep.buffer import keys
from cep.buffer.commit import Entries
from cep.buffer.control import Idle, Returned, Swap, Wall, read_control
from cep.buffer.link import Link
from cep.buffer.position import place
from cep.buffer.reader import Reader
from cep.loader.config import read_config
from cep.match.outcome import Outcome
from cep.match.pipeline import Pipeline
from cep.run.cell import entries_of
from cep.run.generations import read_generation
from cep.run.recovery import Replay, input_keys
from cep.run.rules import Rules
from tests.buffer.waiting import eventually
from tests.run.service import RULES, Service, entries

CONFIG = """
streams:
  telemetry: {time: ts_ms, type: kind, lateness: 1s, partition: gateway, idle: 150ms}
  beats: {time: ts_ms, idle: 250ms}
"""
SILENT = "\nrule silent\n  by host\n  absent beat for 2s\n  emit host\n"
ANOTHER = "\nrule slow\n  from speed where kmh < 5\n  emit truck, kmh\n"
BEATS = "cep:{beats}:events"


def replayed(service: Service) -> Entries:
    """What the streams and the control log give, from their beginning."""
    config = read_config(service.folder / "cep.yml")
    link = Link(service.url)
    rules = Rules(None, config, None, watch=False)
    pipeline = Pipeline(rules.again(read_generation(link, 1)), config.streams, generation=1)
    reader = Reader(link, input_keys(config.streams), {}, {})
    found = Entries()

    def take(outcome: Outcome) -> None:
        some = entries_of(outcome)
        found.alerts += some.alerts
        found.late += some.late
        found.dead += some.dead

    standing = service.standing()
    assert standing is not None
    replay = Replay(pipeline, reader, standing, take, lambda number: rules.again(read_generation(link, number)))
    for entry in read_control(link, keys.cell("main", "control"), 0):
        replay.obey(entry)
    replay.finish()
    link.close()
    return found


def beat(n: int, at_ms: int) -> tuple[str, dict[str, str]]:
    event = {"ts_ms": at_ms, "type": "beat", "host": f"h{n % 5}"}
    return f"{at_ms}-{n}", {"json": msgspec.json.encode(event).decode()}


def last_kinds(service: Service) -> list[bytes]:
    """What moved time last."""
    return [fields[b"kind"] for _, fields in service.client.xrevrange("cep:{cell.main}:control", count=3)]


def quiet(service: Service) -> bool:
    """Whether the last thing that moved time was no event."""
    return bool({b"idle", b"wall"}.intersection(last_kinds(service)[:1]))


def in_order(rows: Iterable[tuple[str, str, str]]) -> list[tuple[str, str, str]]:
    """(stream, position, reason) by stream: how rows of two streams interleaved in reading decides nothing."""
    return sorted(rows, key=lambda row: (row[0], place(row[1])))


def test_the_log_gives_the_same_outbox_again_through_kills_silences_and_swaps(service: Service) -> None:
    dice = random.Random(11)
    service.write("cep.yml", CONFIG)
    service.write("rules/all.cep", RULES + SILENT)
    events = entries(4000, seed=9)
    kills = ["", "after_commit:9", "mid_batch:5", "", "before_commit:6", ""]
    for turn, failpoint in enumerate(kills):
        if turn == 3:
            service.write("rules/more.cep", ANOTHER)
        some, events = events[:600], events[600:]
        before = service.owner()
        worker = service.start(failpoint)
        eventually(lambda before=before: service.owner() != before)
        while some:
            cut = dice.randrange(50, 250)
            service.append(some[:cut])
            last_ms = int(some[:cut][-1][0].partition("-")[0])
            service.append([beat(n, last_ms + n * 50) for n in range(dice.randrange(4))], BEATS)
            some = some[cut:]
            if dice.random() < 0.5:
                eventually(lambda worker=worker: quiet(service) or worker.poll() is not None)
            if worker.poll() is not None:
                assert worker.returncode == -signal.SIGKILL, service.log
                worker = service.start()
        worker.kill()
        worker.wait()
    with service.running():
        service.append([beat(0, last_ms + 60_000)], BEATS)
        eventually(lambda: service.caught_up() and service.caught_up(BEATS, "beats"))
        eventually(lambda: b"wall" in last_kinds(service))
    link = Link(service.url)
    kinds = {type(entry) for entry in read_control(link, keys.cell("main", "control"), 0)}
    link.close()
    assert kinds == {Idle, Returned, Swap, Wall}
    left, again = service.left(), replayed(service)
    assert len(left.outbox) > 300
    assert [fields[b"alert"] for fields in left.outbox] == [msgspec.json.encode(alert.row()) for alert in again.alerts]
    for was, now in ((left.late, again.late), (left.dead, again.dead)):
        told = [(f[b"stream"].decode(), f[b"position"].decode(), f[b"reason"].decode()) for f in was]
        assert in_order(told) == in_order((row.stream, row.position, row.reason) for row in now)
