"""What happens to an alert between the outbox and its receiver: the list STAGES, in that order.

The first stages run once, when an alert is read, and end in the channels' queues; the others run at each attempt. What concerns
many alerts at once has its place between them: dedupe, silence, group and rate belong after `mute`, before `order`.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from cep.clock import Clock
from cep.config import ChannelSpec
from cep.deliver.health import Health
from cep.deliver.outcome import SECOND_US, Kind, Outcome, next_attempt
from cep.deliver.parcel import Parcel, Receiver, Turn
from cep.deliver.patience import Patience
from cep.deliver.queue import ChannelQueue, Verdict
from cep.errors import ConfigError

log = logging.getLogger("cep.deliver")


@dataclass(slots=True)
class Desk:
    """What intake needs to know: the channels there are, and where alerts go that name none of them."""

    receivers: Mapping[str, Receiver]
    default_to: Sequence[str]
    updates: frozenset[str] = frozenset()  # channels that want the updates of open alerts too
    unknown: set[str] = field(default_factory=set)  # names complained about


@dataclass(slots=True)
class Post:
    """What an attempt needs to know of its channel."""

    spec: ChannelSpec
    receiver: Receiver
    queue: ChannelQueue
    health: Health
    clock: Clock
    dice: random.Random
    patience: Patience


def route(parcels: list[Parcel], desk: Desk) -> list[Parcel]:
    """One parcel for each channel the alert goes to; the default ones stand in for a name that no channel has."""
    routed = []
    for parcel in parcels:
        targets: dict[str, None] = {}
        for name in parcel.alert.to:
            if name in desk.receivers:
                targets[name] = None
            else:
                _complain(name, parcel.alert.rule, desk)
        if len(targets) < len(set(parcel.alert.to)) or not parcel.alert.to:
            targets |= dict.fromkeys(desk.default_to)
        routed += [Parcel(parcel.id, parcel.alert, parcel.raw, parcel.entry, channel=name) for name in targets]
    return routed


def _complain(name: str, rule: str, desk: Desk) -> None:
    if name not in desk.unknown:
        desk.unknown.add(name)
        log.warning("rule %s: there is no channel %s; its alerts go to %s", rule, name, ", ".join(desk.default_to))


def mute(parcels: list[Parcel], desk: Desk) -> list[Parcel]:
    """What noise control muted, and what is in shadow, stays in the outbox, counted and listed, and goes nowhere; updates go
    where a channel asks for them."""
    return [parcel for parcel in parcels if parcel.alert.delivered and _asked_for(parcel, desk)]


def _asked_for(parcel: Parcel, desk: Desk) -> bool:
    return parcel.alert.transition != "updated" or parcel.channel in desk.updates


def order(parcels: list[Parcel], desk: Desk) -> list[Parcel]:
    """Give each parcel the lane in which it waits."""
    for parcel in parcels:
        parcel.lane = desk.receivers[parcel.channel].lane(parcel.alert)
    return parcels


async def render(turn: Turn, post: Post) -> None:
    """The bytes that go out: the same ones at each attempt."""
    for parcel in turn.parcels:
        parcel.body = post.receiver.render(parcel.alert)


async def sign(turn: Turn, post: Post) -> None:
    """Headers with signatures, made anew for each attempt."""
    if turn.outcome is None:
        try:
            for parcel in turn.parcels:
                post.receiver.sign(parcel)
        except ConfigError as fault:
            turn.outcome = _unsent(fault, post)


async def send(turn: Turn, post: Post) -> None:
    if turn.outcome is None:
        try:
            turn.outcome = await post.receiver.send(turn.parcels)
        except ConfigError as fault:
            turn.outcome = _unsent(fault, post)


def _unsent(fault: ConfigError, post: Post) -> Outcome:
    """Our own configuration was in the way. The channel is named by whoever tells it."""
    return Outcome(Kind.UNSENT, str(fault).removeprefix(f"channel {post.spec.name}: "))


async def record(turn: Turn, post: Post) -> None:
    """Decide what becomes of the parcels, say it, and write it down with what was learnt of the receiver."""
    outcome = turn.outcome
    assert outcome is not None  # `send` leaves none open
    now_us = post.clock.now_us()
    verdict: Verdict = "sent"
    due_us: int | None = now_us
    if outcome.kind is Kind.OK:
        for parcel in turn.parcels:
            parcel.tries = msgspec.structs.replace(parcel.tries, attempts=parcel.tries.attempts + 1)
    else:
        turn.parcels = turn.parcels[:1]  # the others of the burst were not at fault, and come after it
        parcel = turn.parcels[0]
        parcel.tries, due_us = next_attempt(outcome, parcel.tries, post.spec.schedule_s, now_us, post.dice)
        verdict = "dead" if due_us is None else "again"
    for news in post.health.took(outcome, now_us):
        log.warning("channel %s: %s", post.spec.name, news)
    _say(turn.parcels, outcome, verdict, post.spec.name)
    next_us = now_us + round(post.spec.schedule_s[0] * SECOND_US)
    later = {"due_us": due_us or now_us, "next_us": next_us}
    # written again until it stands: what was delivered must not be sent anew because Redis was away for a moment
    await post.patience.insist(lambda: post.queue.record(turn, outcome, verdict, now_us, health=post.health, **later))


def _say(parcels: Sequence[Parcel], outcome: Outcome, verdict: Verdict, channel: str) -> None:
    level = {"sent": logging.DEBUG, "again": logging.INFO, "dead": logging.ERROR}[verdict]
    for parcel in parcels:
        log.log(
            level,
            "%s -> %s: %s in %d ms, attempt %d%s",
            parcel.id,
            channel,
            outcome.said,
            outcome.elapsed_ms,
            parcel.tries.attempts,
            ", given up (dead letter)" if verdict == "dead" else "",
        )


INTAKE: tuple[Callable[[list[Parcel], Desk], list[Parcel]], ...] = (route, mute, order)
ATTEMPT: tuple[Callable[[Turn, Post], Awaitable[None]], ...] = (render, sign, send, record)
STAGES = (*INTAKE, *ATTEMPT)
