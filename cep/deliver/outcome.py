"""What an attempt came to, and when to try again. Functions from values to values: the clock and the dice are handed in."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum

import msgspec

from cep.timestamps import EPOCH

SECOND_US = 1_000_000
LONGEST_WAIT_US = 24 * 3600 * SECOND_US  # however long a Retry-After is
SLOW_S = 600.0  # the slow part of a schedule: its delays from here on
JITTER = 0.2
TRANSIENT = frozenset({408, 425, 429})  # besides 5xx: the receiver may say yes to the same request later


class Kind(StrEnum):
    OK = "delivered"
    RETRY = "failed"  # may pass by itself
    REFUSED = "refused"  # passes only when somebody mends the receiver or the channel
    GONE = "gone"  # 410, or a channel that 410 disabled: never ask again
    UNSENT = "not sent"  # our own configuration was in the way; nothing reached the receiver
    LOST = "lost"  # nothing is left to send


@dataclass(frozen=True, slots=True)
class Outcome:
    """said: what to tell people, secrets struck out. retry_after_us: how long the receiver asked us to wait."""

    kind: Kind
    said: str
    status: int | None = None
    retry_after_us: int | None = None
    elapsed_ms: int = 0


class Tries(msgspec.Struct, frozen=True):
    """How far an alert has come on its schedule: kept in Redis beside it.

    attempts  requests made
    step      index in the schedule of the latest attempt
    first_us  wall time of the first attempt; 0: none yet
    """

    attempts: int = 0
    step: int = 0
    first_us: int = 0
    error: str = ""


def kind_of(status: int) -> Kind:
    """Only 2xx is success. A redirect is never followed: like other refusals it takes a person to mend."""
    if 200 <= status < 300:
        return Kind.OK
    if status == 410:
        return Kind.GONE
    return Kind.RETRY if status in TRANSIENT or status >= 500 else Kind.REFUSED


def retry_after_us(status: int, header: str | None, now_us: int) -> int | None:
    """The wait that a 429 or 503 asks for, in seconds or as a date; at most a day. None: it asks for none."""
    if status not in (429, 503) or header is None:
        return None
    text = header.strip()
    if text.isascii() and text.isdecimal():
        wait_us = int(text[:12]) * SECOND_US
    else:
        try:
            until = parsedate_to_datetime(text)
        except ValueError:
            return None
        wait_us = (until.replace(tzinfo=until.tzinfo or UTC) - EPOCH) // timedelta(microseconds=1) - now_us
    return min(wait_us, LONGEST_WAIT_US) if wait_us > 0 else None


def next_attempt(
    outcome: Outcome, tries: Tries, schedule_s: Sequence[float], now_us: int, dice: random.Random
) -> tuple[Tries, int | None]:
    """The alert's tries after a failed attempt, and when it is due again; None: its schedule is exhausted.

    A wait the receiver asked for stands in place of the schedule's and does not use it up, as long as the alert is no older
    than the whole schedule. A refusal skips to the slow part: people mend receivers, but not within seconds.
    """
    first_us = tries.first_us or now_us
    step = tries.step
    if outcome.retry_after_us is not None and now_us - first_us <= sum(schedule_s) * SECOND_US:
        due_us = now_us + outcome.retry_after_us
    else:
        step += 1
        if outcome.kind is Kind.REFUSED:
            step = max(step, _slow_from(schedule_s))
        wait_s = schedule_s[step] * dice.uniform(1 - JITTER, 1 + JITTER) if step < len(schedule_s) else 0.0
        due_us = now_us + max(round(wait_s * SECOND_US), outcome.retry_after_us or 0)
    after = Tries(tries.attempts + 1, step, first_us, outcome.said)
    return after, due_us if step < len(schedule_s) and outcome.kind not in (Kind.GONE, Kind.LOST) else None


def _slow_from(schedule_s: Sequence[float]) -> int:
    """Index of the first slow delay; of the last one where all are short."""
    return next((index for index, wait_s in enumerate(schedule_s) if wait_s >= SLOW_S), len(schedule_s) - 1)
