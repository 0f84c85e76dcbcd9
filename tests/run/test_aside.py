"""What is put aside is told: the first of a kind at once, the others counted, never a line for each."""

from __future__ import annotations

import logging

import pytest

from cep.buffer.commit import Rejection
from cep.clock import ManualClock
from cep.run.aside import Aside, in_words
from tests.buffer.waiting import eventually
from tests.run.service import Service, entries


def row(n: int, code: str = "E0606", stream: str = "a") -> Rejection:
    return Rejection(stream, f"{n}-0", code, f"reason {n}", b"{}")


def test_the_first_of_a_kind_is_told_at_once_and_the_others_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    clock = ManualClock()
    aside = Aside(clock)
    aside.note([row(n) for n in range(1000)] + [row(7, "E0690"), row(8, stream="b")])
    aside.tell()
    assert [message.split(" is put")[0] for message in caplog.messages] == [
        "stream a: the event at 0-0", "stream a: the event at 7-0", "stream b: the event at 8-0",
    ]  # fmt: skip
    assert "reason 0 (E0606)" in caplog.messages[0]
    for _ in range(3):
        clock.advance_us(59_000_000)
        aside.note([row(1000)])
        aside.tell()
    assert caplog.messages[3:] == ["stream a: 1001 more put aside (E0606), the last at 1000-0: reason 1000"]
    aside.tell(all_of_it=True)
    assert len(caplog.messages) == 5 and "1 more put aside" in caplog.messages[4]
    aside.tell(all_of_it=True)
    assert len(caplog.messages) == 5


def test_counts_in_words_leave_out_what_there_is_none_of() -> None:
    assert in_words({"seen": 1, "fed": 1, "late": 0, "dead": 0}) == "1 event seen, 1 fed"
    counts = {"seen": 1000, "fed": 990, "late": 3, "dead": 5, "E0690": 3, "E0601": 4, "E0606": 1}
    assert in_words(counts) == "1,000 events seen, 990 fed, 2 waiting for their time, 3 late (E0690), 5 bad (E0601 4, E0606 1)"


def test_a_worker_says_what_it_puts_aside_and_counts_go_on_after_a_kill(service: Service) -> None:
    some = entries(600)
    service.append(some[:400])
    with service.running() as worker:
        eventually(service.caught_up)
        worker.kill()
        worker.wait()
    service.append(some[400:])
    service.run_to_end()
    standing, left = service.standing(), service.left()
    assert standing is not None and left.late and left.dead
    counts = standing.counts
    assert (counts["late"], counts["E0690"], counts["dead"]) == (len(left.late), len(left.late), len(left.dead))
    bad = {code: n for code, n in counts.items() if code.startswith("E06") and code != "E0690"}
    assert sum(bad.values()) == len(left.dead)
    assert counts["fed"] + counts["late"] + counts["dead"] <= counts["seen"]
    assert "WARNING" in service.log and "(E0690); more of them are counted" in service.log
    assert service.log.count("more of them are counted") <= 2 * (1 + len(bad))
