from __future__ import annotations

import msgspec

from cep.clock import ManualClock
from cep.config import Config, StreamSpec
from cep.loader.files import load_texts
from cep.match.pipeline import Pipeline
from cep.run.quiet import Quiet

SECOND = 1_000_000
RULE = """
rule silent
  by      host
  absent  beat for 30s
  emit    host
"""
AT = 1_767_225_600  # seconds


class Watched:
    """A pipeline with one stream of partitions, watched by a clock that the test moves."""

    def __init__(self, **spec: object) -> None:
        self.spec = StreamSpec(name="s", time="ts_s", partition="p", idle_us=10 * SECOND, **spec)  # type: ignore[arg-type]
        self.clock = ManualClock()
        self.pipeline = Pipeline(load_texts({"r.cep": RULE}, Config(streams={"s": self.spec})).rulebook, {"s": self.spec})
        self.quiet = Quiet(self.pipeline, {"s": self.spec}, 0)
        self.rows = 0

    def push(self, at_s: float, partition: str = "a", host: str = "h") -> None:
        self.rows += 1
        event = {"ts_s": AT + at_s, "type": "beat", "p": partition, "host": host}
        self.pipeline.push("s", [msgspec.json.encode(event)], [f"{self.rows}-0"])

    def idle_after(self, seconds: float, *, at_end: bool = True) -> list[str]:
        self.clock.advance_us(round(seconds * SECOND))
        self.quiet.read({"s": at_end})
        found = self.quiet.newly_idle(self.clock.now_us())
        for stream, partition in found:
            self.pipeline.idle(stream, partition)
        return [partition for _, partition in found]

    def moved(self) -> float | None:
        to = self.quiet.watermark(self.clock.now_us())
        return None if to is None else to / SECOND - AT


def test_a_partition_is_idle_when_it_was_quiet_long_enough_after_the_end_was_read() -> None:
    w = Watched()
    w.push(0)
    assert w.idle_after(1) == []
    assert w.idle_after(9.9) == []
    assert w.idle_after(0.2) == ["a"]
    assert w.idle_after(20) == []  # it is told once


def test_a_backlog_makes_nobody_idle() -> None:
    w = Watched()
    w.push(0)
    for _ in range(5):
        assert w.idle_after(60, at_end=False) == []
    assert w.idle_after(9) == []
    assert w.idle_after(1.1) == ["a"]


def test_only_the_quiet_one_is_left_out_and_it_may_come_back() -> None:
    w = Watched()
    w.push(0, "a")
    w.push(0, "b")
    assert w.idle_after(1) == []
    for n in range(1, 11):
        w.push(n, "b")
        assert w.idle_after(1) == (["a"] if n == 10 else [])
    w.push(11, "a")
    assert not w.pipeline.is_idle("s", "a")
    assert w.idle_after(0.2) == []
    assert w.idle_after(9) == []
    assert sorted(w.idle_after(1.1)) == ["a", "b"]


def test_wall_time_moves_the_watermark_by_what_has_elapsed_once_something_is_due() -> None:
    w = Watched()
    w.push(100)
    w.idle_after(0.2)
    assert w.idle_after(10.1) == ["a"]
    assert w.moved() is None  # the host is silent for thirty seconds only at 130
    assert w.idle_after(19.9) == []
    assert w.moved() is None
    w.idle_after(0.3)
    to = w.moved()
    assert to is not None and 130 < to < 130.5
    assert [alert.time_us / SECOND - AT for alert in w.pipeline.wall(round((AT + to) * SECOND)).alerts] == [130]
    w.idle_after(3600)
    assert w.moved() is None  # nothing waits for time any more


def test_the_clock_says_nothing_about_old_data() -> None:
    w = Watched()
    w.clock.advance_us(10**15)
    w.push(0)
    w.idle_after(0.2)
    w.idle_after(10.1)
    w.idle_after(20.3)
    to = w.moved()
    assert to is not None and to < 31


def test_the_wait_ends_when_something_is_due() -> None:
    w = Watched()
    w.push(100)
    w.idle_after(0.2)
    assert w.quiet.wait_us(w.clock.now_us(), 250_000) == 250_000
    w.idle_after(10.1)
    w.moved()
    w.idle_after(19.8)
    left = w.quiet.wait_us(w.clock.now_us(), 250_000)
    assert 50_000 <= left <= 200_001
