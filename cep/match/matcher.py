"""The one small interface all matchers keep. Pure: no IO, no wall clock, no knowledge of where events came from.

A matcher runs one rule over all its keys. It is given only the rows that fit one of its steps (and, where the plan
`needs_own_events`, all rows of the rule's types), in feeding order, and fires its own timers between them: what is due
before the row's time goes first; what is due at it goes after all rows of that time.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from cep.event import Batch, Key, Match


@dataclass(slots=True)
class Hits:
    """The rows of a batch that concern one rule.

    rows   indices into the batch, ascending
    keys   the key of each, never with a null part (such rows do not exist for the rule)
    masks  for each the bits of the steps whose event-only part it fits (0: an own event that fits none); left empty for
           rules with one step, where every row in `rows` fits it
    """

    rows: list[int] = field(default_factory=list)
    keys: list[Key] = field(default_factory=list)
    masks: list[int] = field(default_factory=list)


@dataclass(slots=True)
class RuleState:
    """What a restart needs of one rule: plain data (lists, dicts with text keys, scalars), ready for msgpack.

    keys   [[key, state], ...]; in a delta only keys touched since the last snapshot, with state None for those now gone
    meta   what belongs to no key; always whole
    delta  whether `keys` is a delta
    """

    keys: list[list[Any]]
    meta: dict[str, Any] = field(default_factory=dict)
    delta: bool = False


@runtime_checkable
class Expecting(Protocol):
    """A matcher that waits for keys which no event has named.

    begun  whether it waits for them already
    """

    begun: bool

    def meet(self, time_us: int, out: list[Match]) -> None:
        """Time begins, or what is expected has changed: wait for whom it names from now on, and for no others."""
        ...


class Keeper(Protocol):
    """Who holds the state of one rule."""

    def snapshot(self, *, delta: bool) -> RuleState:
        """The state; with `delta` only what changed since the last snapshot of either kind."""
        ...

    def size(self) -> int:
        """Number of keys that hold state."""
        ...

    def touched(self) -> int:
        """Number of keys changed since the last snapshot."""
        ...


class Timed(Protocol):
    """Who acts when time has come so far."""

    def advance(self, watermark_us: int, out: list[Match]) -> None:
        """Fire the timers due before `watermark_us` (a timer due at d acts once the watermark is beyond d)."""
        ...

    def next_due(self) -> int | None:
        """Time of the earliest timer, or a lower bound of it; None when there is none."""
        ...


class Matcher(Keeper, Timed, Protocol):
    """One that keeps a budget has it as its attribute `budget` (`cep.match.budget.Budget`): it is saved, and marks alerts."""

    def feed(self, batch: Batch, hits: Hits, out: list[Match]) -> None:
        """Take the rows in order, timers between them; append what matched to `out`."""
        ...

    def restore(self, states: list[RuleState]) -> None:
        """Start from a whole snapshot followed by deltas, in order. Keys come back as lists where they were tuples."""
        ...
