"""`pick all` finds what Flink CEP 2.3 finds. Its answers to 4,000 cases of our own are recorded (`tests.flink.record`);
`make flink` asks Flink itself."""

from __future__ import annotations

from random import Random

from tests.flink.record import recorded
from tests.flink_cases import judge

CUT = 400


def test_recorded_answers_of_flink_are_ours() -> None:
    cases = Random(1).sample(list(recorded()), CUT)
    verdict = judge(cases)
    assert verdict.different == []
    assert verdict.unsaid < CUT * 3 // 100
