"""What matchers with state per key share: the table of keys, what changed since the last snapshot, and how a match is told.

A matcher says how one key's state becomes plain data and comes back; keys that are gone stand in a delta as None.
"""

from __future__ import annotations

from typing import Any, Generic, TypeVar

from cep.event import MAX_EVIDENCE, EventId, Key, Match
from cep.match.matcher import RuleState
from cep.match.state import Touched, merge
from cep.plan.kernels import Registers, RuleKernels
from cep.plan.plan import RulePlan

State = TypeVar("State")
Tried = tuple[Any, int, EventId, int]  # an event that is offered to a key's state: row, time, id, index in the batch
HALF = MAX_EVIDENCE // 2


class Keyed(Generic[State]):
    """Base of matchers that hold a state for each live key. Keys without state are not in the table."""

    def __init__(self, plan: RulePlan, kernels: RuleKernels) -> None:
        self.plan = plan
        self.kernels = kernels
        self._fields = kernels.fields
        self._titled = bool(plan.title)
        self.bare = kernels.bare
        self.keys: dict[Key, State] = {}
        self.noted = Touched()

    # -- one key to plain data and back; the rest of the matcher from its keys

    def dump_key(self, state: State) -> Any:
        raise TypeError(f"{type(self).__name__} does not say how its state is written")

    def load_key(self, data: Any) -> State:
        raise TypeError(f"{type(self).__name__} does not say how its state is read")

    def dump_meta(self) -> dict[str, Any]:
        return {}

    def rebuild(self, meta: dict[str, Any]) -> None:
        """Called once all keys stand again: timers and counters."""

    # -- the interface

    def snapshot(self, *, delta: bool) -> RuleState:
        keys, changed = self.keys, self.noted.begin(delta=delta)
        if changed is None:
            return RuleState([[key, self.dump_key(state)] for key, state in keys.items()], self.dump_meta())
        told = [[key, self.dump_key(keys[key]) if key in keys else None] for key in changed]
        return RuleState(told, self.dump_meta(), delta=True)

    def restore(self, states: list[RuleState]) -> None:
        self.keys = {key: self.load_key(data) for key, data in merge(states).items()}
        self.noted.begin(delta=False)
        self.rebuild(states[-1].meta)

    def size(self) -> int:
        return len(self.keys)

    def touched(self) -> int:
        return self.noted.count(len(self.keys))

    # -- telling

    def told(
        self,
        key: Key,
        time_us: int,
        cause: int,
        g: Registers,
        first_us: int,
        last_us: int,
        ids: tuple[EventId, ...],
        events: int,
    ) -> Match:
        """The match with its fields and title.

        time_us, cause      when it was decided, by which row of the batch
        first_us, last_us   times of its first and last event; `ids` are their evidence, already shortened, of `events` in all
        """
        if self.bare:
            return Match(key, time_us, cause, {}, "", first_us, last_us, ids[0], ids[-1], ids, events)
        fields = self._fields(g, key)
        title = self.kernels.title(fields, self.kernels.read(g), key, None, 0) if self._titled else ""
        return Match(key, time_us, cause, fields, title, first_us, last_us, ids[0], ids[-1], ids, events)


def keep_id(ids: list[EventId], one: EventId) -> None:
    """Add an event to the evidence: the first half stays, the last half slides."""
    if len(ids) == MAX_EVIDENCE:
        del ids[HALF]
    ids.append(one)
