"""What a step of the pipeline brings: alerts, and the events that are not fed."""

from __future__ import annotations

from dataclasses import dataclass, field

from cep.alert import Alert
from cep.event import Document, EventId

LATE = "E0690"
FUTURE = "E0691"


@dataclass(frozen=True, slots=True)
class Rejected:
    """An event that is not fed and not lost: it goes to the late or the dead-letter stream with its reason.

    behind_us  how far a late one is behind the watermark of its partition
    """

    stream: str
    position: EventId
    code: str
    reason: str
    document: Document
    behind_us: int = 0


@dataclass(frozen=True, slots=True)
class Returned:
    """A partition that came back from idle, or first spoke, and took W as its own. W depended on how far each stream had
    been read then, so a replay must first feed all streams exactly up to there.

    before  position of the last row of the stream before it; None: it was the first row of this push
    """

    stream: str
    partition: str
    before: EventId | None


@dataclass(slots=True)
class Outcome:
    """What a step of the pipeline brought."""

    alerts: list[Alert] = field(default_factory=list)
    late: list[Rejected] = field(default_factory=list)
    dead: list[Rejected] = field(default_factory=list)
    moves: list[Returned] = field(default_factory=list)
