"""One history of a key that several rules share, and from where in it each of them counts.

A history is one flat list: its starts, then time, id (and what else is kept) of each event, oldest first.

    [None, t1, e1, t2, e2, ...]                        all rules count from the first event
    [[1, 0b0110, 5, 0b1001], t1, e1, t2, e2, t3, e3]   rules 1 and 2 from the first, rules 0 and 3 from the third

A rule is a bit. Starts are indices into the list, ascending, each with the rules that count from there: each rule stands once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

History = list[Any]
Starts = list[int]
FIRST = 1  # where the events begin


def pairs(starts: Starts) -> Iterator[tuple[int, int]]:
    """(start, its rules), the earliest first."""
    return zip(starts[::2], starts[1::2])


def start_of(history: History, rule: int) -> int:
    """From where the rule counts."""
    starts = history[0]
    return FIRST if starts is None else next(start for start, rules in pairs(starts) if rules & rule)


def without(starts: Starts, rules: int) -> Starts:
    """What is left when these are taken out."""
    left: Starts = []
    for start, some in pairs(starts):
        if some & ~rules:
            left += (start, some & ~rules)
    return left


def with_start(starts: Starts, rules: int, start: int) -> Starts:
    """These rules, which stand nowhere yet, count from there."""
    found: dict[int, int] = dict(pairs(starts))
    found[start] = found.get(start, 0) | rules
    return [cell for one in sorted(found.items()) for cell in one]


def settle(history: History, starts: Starts) -> None:
    """These are the starts from now on: what lies before all of them is let go."""
    if starts[0] > FIRST:
        gone = starts[0] - FIRST
        del history[FIRST : starts[0]]
        starts[::2] = [start - gone for start in starts[::2]]
    history[0] = None if len(starts) == 2 else starts


def cut(history: History, first: int) -> None:
    """Let go what lies before the event at that index."""
    starts, gone = history[0], first - FIRST
    del history[FIRST:first]
    if starts is not None:
        found: dict[int, int] = {}
        for start, rules in pairs(starts):
            start = max(start - gone, FIRST)
            found[start] = found.get(start, 0) | rules
        history[0] = None if len(found) == 1 and FIRST in found else [cell for one in found.items() for cell in one]


def events_of(history: History, rule: int) -> list[Any]:
    """What of the history counts for the rule."""
    return history[start_of(history, rule) :]


def fits(history: History, events: Sequence[Any], stride: int) -> bool:
    """Whether these events are the last ones of the history, or it is the last ones of these."""
    size = min(len(history) - FIRST, len(events))
    mine, others = history[len(history) - size :], events[len(events) - size :]
    return mine[::stride] == others[::stride] and mine[1::stride] == others[1::stride]


def admit(history: History, events: Sequence[Any], rule: int, rules: int) -> None:
    """A rule that holds these events, which fit, shares the history from now on; so far `rules` do."""
    starts = history[0] or ([FIRST, rules] if rules else [])
    more = len(events) - (len(history) - FIRST)
    if more > 0:
        history[FIRST:FIRST] = events[:more]
        starts = [cell for start, some in pairs(starts) for cell in (start + more, some)]
    settle(history, with_start(starts, rule, len(history) - len(events)))
