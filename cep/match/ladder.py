"""Which of many rules `so many within so long` have come true: one look per number, however many rules ask for it.

rung        3 within 10, 20 or 60      5 within 20 or 60
history     the third last is 15 old: the rules of 20 and 60; the fifth last is 70 old: none
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rung:
    """The rules that ask for `least` events.

    spans_us  how long ago the first of them may be, ascending
    rules     rules[n]: those, as bits, of spans_us[n] and longer; the last is 0
    """

    least: int
    spans_us: list[int]
    rules: list[int]

    def reached(self, age_us: int) -> int:
        """The rules for which it is not too long ago."""
        return self.rules[bisect_left(self.spans_us, age_us)]

    def all(self) -> int:
        return self.rules[0]


def rungs_of(asked: Iterable[tuple[int, int, int]]) -> list[Rung]:
    """Rungs by number, of (least, span_us, bit) of each rule."""
    by_least: dict[int, dict[int, int]] = {}
    for least, span_us, rule in asked:
        spans = by_least.setdefault(least, {})
        spans[span_us] = spans.get(span_us, 0) | rule
    rungs = []
    for least, spans in sorted(by_least.items()):
        rules, reached = [0], 0
        for _, some in sorted(spans.items(), reverse=True):
            reached |= some
            rules.append(reached)
        rungs.append(Rung(least, sorted(spans), rules[::-1]))
    return rungs
