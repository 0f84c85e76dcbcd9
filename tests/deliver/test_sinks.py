"""Standard output and files: order, whole lines, no line twice after a crash, faults as outcomes."""

from __future__ import annotations

import asyncio
import io
import resource
import signal
from pathlib import Path

import msgspec
import pytest

from cep.alert import Alert
from cep.buffer import keys
from cep.config import ChannelSpec
from cep.deliver.outcome import Kind, Outcome
from cep.deliver.parcel import Parcel
from cep.deliver.render import alert_as_json, json_line
from cep.deliver.sinks import FileSink, StdoutSink
from tests.deliver.bench import Bench, alert


def sink_of(path: Path) -> FileSink:
    return FileSink(ChannelSpec("log", "file", path=str(path)))


def send(sink: FileSink | StdoutSink, *alerts: Alert) -> Outcome:
    parcels = [Parcel(one.entry_id, one, b"", body=sink.render(one)) for one in alerts]
    return asyncio.run(sink.send(parcels))


def ids_in(path: Path) -> list[str]:
    return [msgspec.json.decode(line)["id"] for line in path.read_bytes().splitlines()]


def test_lines_of_a_file_are_alerts_in_the_order_of_the_outbox(bench: Bench) -> None:
    async def scenario() -> None:
        channel = ChannelSpec("log", "file", path="alerts.jsonl")
        async with bench.running(channel) as dispatcher:
            bench.append(*(alert(n, key=n % 7) for n in range(700)))
            assert await dispatcher.drain() == 0

    asyncio.run(scenario())
    lines = (bench.folder / "alerts.jsonl").read_bytes().splitlines()
    assert [msgspec.json.decode(line) for line in lines] == [
        msgspec.json.decode(msgspec.json.encode(alert_as_json(alert(n, key=n % 7)))) for n in range(700)
    ]


def test_stdout_keeps_the_order_of_the_outbox_and_can_speak_json(bench: Bench) -> None:
    printed = io.StringIO()

    async def scenario() -> None:
        async with bench.running(stdout=lambda: StdoutSink(stream=printed, json=True)) as dispatcher:
            bench.append(*(alert(n) for n in range(300)))
            assert await dispatcher.drain() == 0

    asyncio.run(scenario())
    assert [msgspec.json.decode(line)["id"] for line in printed.getvalue().splitlines()] == [f"a{n}" for n in range(300)]


def test_stdout_writes_to_where_standard_output_goes_now(capsys: pytest.CaptureFixture[str]) -> None:
    assert send(StdoutSink(), alert(1)).kind is Kind.OK
    assert "Door forced 1" in capsys.readouterr().out


def test_a_closed_standard_output_is_a_failure_that_may_pass() -> None:
    stream = io.StringIO()
    stream.close()
    outcome = send(StdoutSink(stream=stream), alert(1))
    assert outcome.kind is Kind.RETRY
    assert outcome.said.startswith("standard output: ")


def test_a_burst_that_was_written_before_a_crash_is_not_written_twice(tmp_path: Path) -> None:
    path = tmp_path / "alerts.jsonl"
    send(sink_of(path), alert(1), alert(2))
    send(sink_of(path), alert(1), alert(2), alert(3), alert(2, transition="resolved"))
    assert ids_in(path) == ["a1", "a2", "a3", "a2"]


@pytest.mark.parametrize("cut", [1, 4, 20, 200])
def test_a_line_cut_by_a_crash_is_replaced_by_the_whole(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "alerts.jsonl"
    path.write_bytes(json_line(alert(1)) + json_line(alert(2))[:cut])
    send(sink_of(path), alert(2), alert(3))
    assert ids_in(path) == ["a1", "a2", "a3"]


def test_what_others_wrote_is_left_and_its_line_ended(tmp_path: Path) -> None:
    path = tmp_path / "alerts.jsonl"
    path.write_bytes(b"# notes without an end of line")
    send(sink_of(path), alert(1))
    assert path.read_bytes() == b"# notes without an end of line\n" + json_line(alert(1))


def test_a_file_that_was_moved_away_is_begun_anew(tmp_path: Path) -> None:
    path, sink = tmp_path / "alerts.jsonl", sink_of(tmp_path / "alerts.jsonl")
    send(sink, alert(1))
    path.rename(tmp_path / "old")
    send(sink, alert(2))
    assert (ids_in(tmp_path / "old"), ids_in(path)) == (["a1"], ["a2"])


def test_a_full_disk_leaves_no_half_line_and_later_nothing_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "alerts.jsonl"
    sink = sink_of(path)
    send(sink, alert(1))
    size = path.stat().st_size
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 100, hard))
        outcome = send(sink, alert(2), alert(3))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)
    assert outcome.kind is Kind.RETRY
    assert "File too large" in outcome.said
    assert ids_in(path) == ["a1"]
    send(sink, alert(2), alert(3))
    assert ids_in(path) == ["a1", "a2", "a3"]


def test_a_folder_that_is_not_there_delays_and_loses_nothing(bench: Bench) -> None:
    async def scenario() -> None:
        channel = ChannelSpec("log", "file", path="logs/alerts.jsonl")
        async with bench.running(channel) as dispatcher:
            bench.append(alert(1), alert(2))
            assert await dispatcher.drain() == 2
            error = msgspec.json.decode(bench.redis.hget(keys.channel("log", "tries"), "a1:opened"))["error"]
            assert error == f"file {bench.folder / 'logs/alerts.jsonl'}: No such file or directory"
            (bench.folder / "logs").mkdir()
            bench.after(dispatcher, 6)
            assert await dispatcher.drain() == 0

    asyncio.run(scenario())
    assert ids_in(bench.folder / "logs/alerts.jsonl") == ["a1", "a2"]


def test_each_alert_of_a_burst_that_fails_has_its_own_schedule(bench: Bench) -> None:
    async def scenario() -> None:
        channel = ChannelSpec("log", "file", path="absent/alerts.jsonl", schedule_s=(0, 5))
        async with bench.running(channel) as dispatcher:
            bench.append(alert(1), alert(2))
            while await dispatcher.drain():
                bench.after(dispatcher, 7)
            letters = await dispatcher.dead_letters("log")
            assert [(letter.id, letter.attempts) for letter in letters] == [("a2:opened", 2), ("a1:opened", 2)]

    asyncio.run(scenario())
