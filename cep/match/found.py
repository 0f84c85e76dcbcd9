"""From what a matcher holds to the `Match` it tells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cep.event import MAX_EVIDENCE, EventId, Key, Match
from cep.plan.kernels import RuleKernels

HALF = MAX_EVIDENCE // 2


def shortened(ids: Sequence[EventId]) -> tuple[EventId, ...]:
    """At most `MAX_EVIDENCE` ids: the first half and the last half."""
    return tuple(ids) if len(ids) <= MAX_EVIDENCE else (*ids[:HALF], *ids[-HALF:])


def found(
    kernels: RuleKernels,
    key: Key,
    time_us: int,
    cause: int,
    registers: list[Any],
    times_us: tuple[int, int],
    ids: Sequence[EventId],
) -> Match:
    """A match of events (one at least) of which the first and last times and all ids are given; `registers` are read ones."""
    fields = kernels.emit(registers, key, None, 0)
    return Match(
        key=key,
        time_us=time_us,
        cause=cause,
        fields=fields,
        title=kernels.title(fields, registers, key, None, 0),
        first_us=times_us[0],
        last_us=times_us[1],
        first_id=ids[0],
        last_id=ids[-1],
        evidence=shortened(ids),
        events=len(ids),
    )
