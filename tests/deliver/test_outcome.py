"""What answers mean, and when the next attempt is due; what a channel learns from them."""

from __future__ import annotations

import random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cep.config import ChannelSpec
from cep.deliver.health import OPEN_AFTER, PROBE_US, Health
from cep.deliver.outcome import LONGEST_WAIT_US, SECOND_US, Kind, Outcome, Tries, kind_of, next_attempt, retry_after_us
from tests.deliver.bench import NOW_US

SCHEDULE = ChannelSpec("c", "webhook").schedule_s
FAILED, REFUSED, OK = (Outcome(kind, kind.value) for kind in (Kind.RETRY, Kind.REFUSED, Kind.OK))


@pytest.mark.parametrize(
    ("statuses", "kind"),
    [
        ([200, 201, 202, 204, 299], Kind.OK),
        ([300, 301, 302, 303, 304, 307, 308], Kind.REFUSED),
        ([400, 401, 403, 404, 405, 413, 422], Kind.REFUSED),
        ([408, 425, 429, 500, 502, 503, 504, 599], Kind.RETRY),
        ([410], Kind.GONE),
    ],
)
def test_only_2xx_is_success_and_only_some_failures_pass_by_themselves(statuses: list[int], kind: Kind) -> None:
    assert {kind_of(status) for status in statuses} == {kind}


@pytest.mark.parametrize(
    ("status", "header", "wait_s"),
    [
        (429, "7", 7),
        (503, " 120 ", 120),
        (503, "Sun, 01 Mar 2026 09:01:00 GMT", 5),
        (503, "Sunday, 01-Mar-26 09:01:00 GMT", 5),
        (429, "999999999999999999", 24 * 3600),
        (429, "Mon, 01 Mar 2027 00:00:00 GMT", 24 * 3600),
        (429, "0", None),
        (429, "-5", None),
        (429, "1.5", None),
        (429, "Sun, 01 Mar 2026 08:00:00 GMT", None),
        (429, "soon", None),
        (429, "", None),
        (429, "٣", None),
        (429, None, None),
        (500, "7", None),
        (404, "7", None),
    ],
)
def test_retry_after_is_seconds_or_a_date_of_429_and_503(status: int, header: str | None, wait_s: int | None) -> None:
    assert retry_after_us(status, header, NOW_US) == (None if wait_s is None else wait_s * SECOND_US)


@given(st.integers(0, 2**32), st.sampled_from([Kind.RETRY, Kind.UNSENT]))
def test_failures_follow_the_schedule_within_a_fifth_and_end(seed: int, kind: Kind) -> None:
    tries, now_us, dice = Tries(), NOW_US, random.Random(seed)
    for wait_s in SCHEDULE[1:]:
        tries, due_us = next_attempt(Outcome(kind, "no"), tries, SCHEDULE, now_us, dice)
        assert due_us is not None
        assert 0.8 * wait_s <= (due_us - now_us) / SECOND_US <= 1.2 * wait_s
        now_us = due_us
    tries, due_us = next_attempt(Outcome(kind, "last words"), tries, SCHEDULE, now_us, dice)
    assert (due_us, tries.attempts, tries.error) == (None, len(SCHEDULE), "last words")


def test_jitter_spreads_attempts() -> None:
    dice = random.Random(1)
    assert len({next_attempt(FAILED, Tries(), SCHEDULE, NOW_US, dice)[1] for _ in range(50)}) > 40


def test_a_refusal_skips_to_the_slow_part() -> None:
    tries, due_us = next_attempt(REFUSED, Tries(), SCHEDULE, NOW_US, random.Random(1))
    assert due_us is not None
    assert 480 <= (due_us - NOW_US) / SECOND_US <= 720
    tries, due_us = next_attempt(REFUSED, tries, SCHEDULE, due_us, random.Random(1))
    assert tries.step == 5


def test_a_refusal_under_a_short_schedule_gets_its_last_delay() -> None:
    tries, due_us = next_attempt(REFUSED, Tries(), (0, 1, 2, 60), NOW_US, random.Random(1))
    assert due_us is not None
    assert due_us - NOW_US >= 48 * SECOND_US
    assert next_attempt(REFUSED, tries, (0, 1, 2, 60), due_us, random.Random(1))[1] is None


def test_a_wait_the_receiver_asks_for_is_kept_exactly_and_costs_no_step() -> None:
    busy = Outcome(Kind.RETRY, "busy", 429, 2 * SECOND_US)
    tries, now_us = Tries(), NOW_US
    for attempt in range(1, 100):
        tries, due_us = next_attempt(busy, tries, SCHEDULE, now_us, random.Random(1))
        assert due_us == now_us + 2 * SECOND_US
        assert (tries.attempts, tries.step) == (attempt, 0)
        now_us = due_us


def test_a_receiver_that_asks_for_waits_for_ever_does_not_get_for_ever() -> None:
    busy = Outcome(Kind.RETRY, "busy", 503, LONGEST_WAIT_US)
    tries, now_us, attempts = Tries(), NOW_US, 0
    due_us: int | None = now_us
    while due_us is not None:
        now_us, attempts = due_us, attempts + 1
        tries, due_us = next_attempt(busy, tries, SCHEDULE, now_us, random.Random(1))
        assert due_us is None or due_us - now_us >= LONGEST_WAIT_US
    assert attempts <= len(SCHEDULE) + 2


def test_gone_is_never_tried_again() -> None:
    assert next_attempt(Outcome(Kind.GONE, "gone", 410), Tries(), SCHEDULE, NOW_US, random.Random(1))[1] is None


def test_the_breaker_opens_after_five_failures_in_a_row() -> None:
    health = Health()
    for number in range(1, OPEN_AFTER + 1):
        assert health.room(NOW_US, 0, 4) == 4
        news = health.took(FAILED, NOW_US)
        assert bool(news) == (number == OPEN_AFTER)
    assert health.breaker == "open"
    assert health.room(NOW_US + PROBE_US - 1, 0, 4) == 0
    assert health.opens_us(NOW_US) == NOW_US + PROBE_US
    assert health.room(NOW_US + PROBE_US, 0, 4) == 1
    assert health.room(NOW_US + PROBE_US, 1, 4) == 0, "one probe at a time"
    health.started(NOW_US + PROBE_US)
    assert health.room(NOW_US + PROBE_US + 1, 0, 4) == 0, "one probe in thirty seconds"
    assert health.took(OK, NOW_US + PROBE_US + 1) == ["delivers again"]
    assert health.room(NOW_US + PROBE_US + 1, 0, 4) == 4


def test_the_breaker_opens_when_half_of_twenty_fail() -> None:
    health = Health()
    for number in range(19):
        health.took(FAILED if number % 2 else OK, NOW_US)
    assert health.breaker == "closed"
    health.took(FAILED, NOW_US)
    assert health.breaker == "open"


def test_nine_of_twenty_do_not_open_the_breaker() -> None:
    health = Health()
    for number in range(60):
        health.took(FAILED if number % 20 in (1, 3, 5, 7, 9, 11, 13, 15, 17) else OK, NOW_US)
    assert health.breaker == "closed"


def test_five_refusals_in_a_row_mark_the_channel_and_a_delivery_clears_it() -> None:
    health = Health()
    for _ in range(4):
        health.took(REFUSED, NOW_US)
    assert health.misconfigured == ""
    assert any("misconfigured" in news for news in health.took(REFUSED, NOW_US))
    health.took(OK, NOW_US)
    assert (health.misconfigured, health.refusals) == ("", 0)


def test_our_own_faults_mark_the_channel_but_say_nothing_of_the_receiver() -> None:
    health = Health()
    for _ in range(30):
        health.took(Outcome(Kind.UNSENT, "no secret"), NOW_US)
    assert health.misconfigured == "no secret"
    assert health.breaker == "closed"


def test_health_survives_being_written_and_read() -> None:
    health = Health(7, "t", "", "x", 1, 2, ".x", 3, 4)
    assert msgspec.json.decode(msgspec.json.encode(health), type=Health) == health


def test_another_receiver_starts_afresh() -> None:
    health = Health()
    health.aim("https://one.test")
    health.took(Outcome(Kind.GONE, "gone"), NOW_US)
    health.aim("https://one.test")
    assert health.disabled
    health.aim("https://two.test")
    assert not health.disabled
    assert "two.test" not in msgspec.json.encode(health).decode()
