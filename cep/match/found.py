"""From what a matcher holds to the `Match` it tells."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from itertools import islice
from typing import Any

from cep.event import MAX_EVIDENCE, EventId, Key, Match
from cep.plan.kernels import RuleKernels

HALF = MAX_EVIDENCE // 2


def ends(entries: Sequence[Any] | deque[Any]) -> Sequence[Any] | deque[Any]:
    """At most `MAX_EVIDENCE` of the entries: the first half and the last half. cost: O(MAX_EVIDENCE), of deques too"""
    if len(entries) <= MAX_EVIDENCE:
        return entries
    return [*islice(entries, HALF), *reversed(list(islice(reversed(entries), HALF)))]


def found(
    kernels: RuleKernels,
    key: Key,
    time_us: int,
    cause: int,
    registers: list[Any],
    times_us: tuple[int, int],
    evidence: Sequence[EventId],
    events: int,
    transition: str = "opened",
    fields: dict[str, Any] | None = None,
) -> Match:
    """A match of some events, one at least: the times of the first and the last, ids at `ends`, their number. `registers` are
    read ones; `fields` what they emit, where that is known."""
    if fields is None:
        fields = kernels.emit(registers, key, None, 0)
    title = kernels.title(fields, registers, key, None, 0)
    first_us, last_us = times_us
    return Match(
        key, time_us, cause, fields, title, first_us, last_us, evidence[0], evidence[-1], tuple(evidence), events, transition
    )  # fmt: skip


def emptied(key: Key, time_us: int, cause: int) -> Match:
    """The end of an alert whose window holds nothing any more."""
    return Match(key, time_us, cause, {}, "", None, None, None, None, (), 0, "resolved")


def same_fields(a: Any, b: Any) -> bool:
    """Whether fields say the same, by type and value: 1 is 1.0, and not true."""
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same_fields(value, b[name]) for name, value in a.items())
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same_fields, a, b))
    return bool(a == b) and (a.__class__ is bool) is (b.__class__ is bool)
