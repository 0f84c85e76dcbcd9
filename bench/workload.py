"""What a workload is: rules in our language beside the hand-written loop that does the same, and the events both read."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import generate

Counts = tuple[int, ...]
Event = dict[str, Any]


@dataclass(frozen=True)
class Workload:
    """`rules` in our language, `by_hand` the yardstick; both count alerts, by rule with `by_rule`, else in all.

    more_rules  further files of rules: one holds 5,000 at most
    constants   of many rules of one shape, a rule each, for engines that are told them otherwise
    lines       so many events as JSON lines, always the same
    most        events at most: a slow one says enough over fewer
    data        first word of the name of their file
    lateness_ms how far behind an event may come
    """

    name: str
    about: str
    rules: str
    by_hand: Callable[[Iterable[Event]], Counts]
    more_rules: tuple[str, ...] = ()
    constants: tuple[tuple[Any, ...], ...] = ()
    lines: Callable[[int], list[bytes]] = generate.lines
    data: str = "events"
    lateness_ms: int = 0
    by_rule: bool = False
    most: int = 10**9
