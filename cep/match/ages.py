"""Keys whose state runs out by time alone, forgotten by generations: no key has a timer, and no row pays for any.

    young   keys that had an event since the last turn         old   keys whose last event came before it
    turn    all of `old` has run out: it is dropped, and `young` becomes `old`

Turns are at least a span apart. Outside (`alive`) a key is gone as soon as it has run out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

from cep.event import Key, Match
from cep.match.keyed import Keyed
from cep.match.matcher import RuleState
from cep.match.state import Touched, merge
from cep.plan.kernels import RuleKernels
from cep.plan.plan import RulePlan

State = TypeVar("State")


class Ages(Generic[State]):
    """The two generations.

    span_us   how long after its last event a key's state can matter; it has run out beyond that
    latest    the time of a state's last event; None of an empty one
    noted     takes the keys that are dropped
    """

    __slots__ = ("_latest", "last_us", "noted", "now_us", "old", "span_us", "turn_us", "young")

    def __init__(self, span_us: int, latest: Callable[[State], int | None], noted: Touched) -> None:
        self.span_us = span_us
        self._latest = latest
        self.noted = noted
        self.young: dict[Key, State] = {}
        self.old: dict[Key, State] = {}
        self.turn_us: int | None = None  # once the watermark is beyond it, all of `old` has run out
        self.last_us = 0  # time of the last row
        self.now_us = 0  # what ended more than a span before it has run out

    def get(self, key: Key) -> State | None:
        return self.young.get(key) or self.old.get(key)

    def drop(self, key: Key) -> None:
        """Forget a key that is in one of them, if in any."""
        if self.young.pop(key, None) is None:
            self.old.pop(key, None)

    def saw(self, time_us: int) -> None:
        """Rows up to this time were taken."""
        self.last_us = self.now_us = time_us
        if self.turn_us is None:
            self.turn_us = time_us + self.span_us

    def forget(self, watermark_us: int) -> None:
        """Time has come so far."""
        self.now_us = max(self.now_us, watermark_us)
        if self.turn_us is None or watermark_us <= self.turn_us:
            return
        self.noted.add_all(self.old)
        self.old, self.young = self.young, {}
        self.turn_us = self.last_us + self.span_us if self.old else None
        if watermark_us > self.last_us + self.span_us:
            self.noted.add_all(self.old)
            self.old = {}
            self.turn_us = None

    # -- from outside

    def is_alive(self, state: State | None) -> bool:
        latest_us = None if state is None else self._latest(state)
        return latest_us is not None and latest_us >= self.now_us - self.span_us

    def alive(self) -> list[tuple[Key, State]]:
        return [item for part in (self.old, self.young) for item in part.items() if self.is_alive(item[1])]

    def __len__(self) -> int:
        return len(self.young) + len(self.old)

    def put_back(self, states: dict[Key, State], last_us: int, now_us: int) -> None:
        """Hold these, as if all had come up to `last_us`."""
        self.old = {}
        self.young = states
        self.last_us, self.now_us = last_us, now_us
        self.turn_us = last_us + self.span_us if states else None


class Aged(Keyed[State]):
    """Base of matchers that need no timers, and keep their keys in `ages`."""

    def __init__(self, plan: RulePlan, kernels: RuleKernels, span_us: int) -> None:
        super().__init__(plan, kernels)
        self.ages: Ages[State] = Ages(span_us, self.latest, self.noted)

    def latest(self, state: State) -> int | None:
        raise TypeError(f"{type(self).__name__} does not say when its state had its last event")

    def advance(self, watermark_us: int, out: list[Match]) -> None:
        """Forget what has run out; nothing is told."""
        self.ages.forget(watermark_us)

    def next_due(self) -> int | None:
        return self.ages.turn_us

    def snapshot(self, *, delta: bool) -> RuleState:
        changed, ages = self.noted.begin(delta=delta), self.ages
        if changed is None:
            return RuleState([[key, self.dump_key(state)] for key, state in ages.alive()])
        return RuleState([[key, self._dumped(ages.get(key))] for key in changed], delta=True)

    def _dumped(self, state: State | None) -> Any:
        return self.dump_key(state) if state is not None and self.ages.is_alive(state) else None

    def restore(self, states: list[RuleState]) -> None:
        keys: Mapping[Key, Any] = merge(states)
        held = {key: self.load_key(data) for key, data in keys.items()}
        last_us = max((latest for state in held.values() if (latest := self.latest(state)) is not None), default=0)
        self.ages.put_back(held, last_us, last_us)
        self.noted.begin(delta=False)

    def size(self) -> int:
        return len(self.ages.alive())

    def touched(self) -> int:
        return self.noted.count(len(self.ages))
