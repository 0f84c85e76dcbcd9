"""The words of delivery: a parcel (one alert for one channel), a receiver, a turn (one attempt at the head of a lane)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from cep.alert import Alert
from cep.deliver.outcome import Outcome, Tries


@dataclass(slots=True)
class Parcel:
    """One alert on its way to one channel.

    id     alert id, ":", transition (and the number of an update): the `webhook-id`, the same at every attempt and redrive
    raw    the alert as it stands in the outbox
    entry  id of its outbox entry; empty once it is in the channel's queue
    lane   parcels of one lane go one after the other
    """

    id: str
    alert: Alert
    raw: bytes
    entry: str = ""
    channel: str = ""
    lane: str = ""
    tries: Tries = field(default_factory=Tries)
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


class Receiver(Protocol):
    """Where a channel's alerts go. `burst`: how many alerts of one lane it takes at once."""

    burst: int

    def lane(self, alert: Alert) -> str:
        """What the alert must not overtake another of."""
        ...

    def render(self, alert: Alert) -> bytes: ...

    def sign(self, parcel: Parcel) -> None:
        """Set the headers of this attempt. Raises ConfigError when a secret cannot be read."""
        ...

    async def send(self, parcels: Sequence[Parcel]) -> Outcome:
        """One attempt for all of them together. Raises nothing but ConfigError: whatever goes wrong is an outcome."""
        ...

    async def close(self) -> None: ...


@dataclass(slots=True)
class Turn:
    """An attempt at the head of a lane."""

    lane: str
    parcels: list[Parcel]
    outcome: Outcome | None = None
