"""Rules of one shape matched together: the events of a key are kept once for all of them.

What is here is the same for all such shapes: who shares the histories, and what of them is whose. The rules come and go with
the rulebook; to the outside each keeps its own state, in the very form in which its own matcher would write it, so that it can
be alone again, or among others, after any restart.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from cep.event import Batch, Key, Match
from cep.match.ages import Ages
from cep.match.ladder import Rung, rungs_of
from cep.match.matcher import Hits, RuleState
from cep.match.starts import FIRST, History, Starts, admit, cut, events_of, fits, settle, start_of, with_start, without
from cep.match.state import Touched


class Alone(Protocol):
    """The matcher of one rule, whose state of a key is a flat list: time, id (and what else is kept) of each event."""

    ages: Ages[Any]
    noted: Touched

    def snapshot(self, *, delta: bool) -> RuleState: ...


Own = TypeVar("Own", bound=Alone)
LOOKED_AT = 64  # events of one key: as often as they are as many more, what has lapsed is looked at
MOST_LISTED = 1_000  # sets of members that are kept as lists


class Ruled(Protocol):
    """The rule of a matcher.

    keeper  who holds its state: the matcher, or what stands for it among others
    """

    id: str
    matcher: Any
    keeper: Any


class Candidate(NamedTuple, Generic[Own]):
    """A rule that may join.

    alone        its own matcher
    least, most  how many events it asks for, and how many it takes (None: all)
    """

    rule: Ruled
    alone: Own
    least: int
    most: int | None


class Member(Generic[Own]):
    """One rule among others: what holds its state while its own matcher holds none.

    bit      that stands for it in the starts of a history
    span_us  within which its events must lie
    """

    __slots__ = ("alone", "bit", "least", "most", "rule", "span_us", "together")

    def __init__(self, together: Together[Own], one: Candidate[Own], bit: int) -> None:
        self.together = together
        self.rule, self.alone, self.least, self.most = one
        self.bit = bit
        self.span_us = one.alone.ages.span_us

    def snapshot(self, *, delta: bool) -> RuleState:
        return self.together.snapshot(self, delta=delta)

    def size(self) -> int:
        return self.together.size(self)

    def touched(self) -> int:
        """At most so many keys changed since the last snapshot."""
        return self.together.touched(self)


class Together(Generic[Own]):
    """The histories of all keys, and the rules that share them.

    stride  values of an event
    all     the bits of all members
    ages    how long a key matters: to the member with the longest span
    noted   keys changed since anyone's last snapshot; what each member has not written since its own stands with that
    """

    def __init__(self, stride: int) -> None:
        self.stride = stride
        self.members: dict[int, Member[Own]] = {}
        self.all = 0
        self._listed: dict[int, list[Member[Own]]] = {}
        self.rungs: list[Rung] = []
        self.noted = Touched()
        self.ages: Ages[History] = Ages(0, self._latest, self.noted)

    def _latest(self, history: History) -> int | None:
        return history[-self.stride] if len(history) > FIRST else None

    def _histories(self) -> dict[Key, History]:
        return {**self.ages.old, **self.ages.young}

    # -- who shares

    def join(self, candidates: Iterable[Candidate[Own]]) -> None:
        """Take in these, with the states of their matchers.

        Left out are those that hold other events than are kept here: where all met the same ones, what one holds of a key is the
        end of what another holds. A state from elsewhere may be anything.
        """
        histories = self._histories()
        holding: list[tuple[Candidate[Own], dict[Key, Any]]] = []
        new: list[Candidate[Own]] = []
        for one in candidates:
            own = one.alone.ages
            held = {key: events for part in (own.old, own.young) for key, events in part.items() if events}
            if held:
                holding.append((one, held))
            else:
                new.append(one)
        for one, held in holding:
            if all(fits(histories[key], events, self.stride) for key, events in held.items() if key in histories):
                self._admit(one, held, histories)
        bits = sum(self._seat(one).bit for one in new)
        for history in histories.values() if bits else ():
            settle(history, with_start(history[0] or [FIRST, self.all & ~bits], bits, len(history)))
        self._changed(histories)

    def _admit(self, one: Candidate[Own], held: dict[Key, Any], histories: dict[Key, History]) -> None:
        others, own = self.all, one.alone.ages
        bit = self._seat(one).bit
        for key, history in histories.items():
            if key not in held:
                admit(history, (), bit, others)
        for key, events in held.items():
            admit(histories.setdefault(key, [None]), events, bit, others)
        self.ages.last_us, self.ages.now_us = max(self.ages.last_us, own.last_us), max(self.ages.now_us, own.now_us)
        own.put_back({}, 0, 0)

    def _seat(self, one: Candidate[Own]) -> Member[Own]:
        """The new member."""
        bit = ~self.all & (self.all + 1)
        self.all |= bit
        member = self.members[bit] = one.rule.keeper = Member(self, one, bit)
        if one.alone.noted.keys is not None and self.noted.keys is None:
            self.noted.begin(delta=False)
        return member

    def leave(self, members: Iterable[Member[Own]], *, with_state: bool = True) -> None:
        """These are alone from now on. `with_state`: and go on from here."""
        self._spread()
        histories, gone = self._histories(), 0
        for member in members:
            if with_state:
                held = {key: events for key, history in histories.items() if (events := events_of(history, member.bit))}
                member.alone.ages.put_back(held, self.ages.last_us, self.ages.now_us)
            member.rule.keeper = member.rule.matcher
            del self.members[member.bit]
            gone |= member.bit
        self.all &= ~gone
        for history in histories.values() if self.all else ():
            if history[0] is not None:
                settle(history, without(history[0], gone))
        self._changed({key: history for key, history in histories.items() if self.all and len(history) > FIRST})

    def _changed(self, histories: dict[Key, History]) -> None:
        """Others share these histories from now on."""
        members = self.members.values()
        self._listed.clear()
        self.changed()
        self.rungs = rungs_of((member.least, member.span_us, member.bit) for member in members)
        self.ages.span_us = max((member.span_us for member in members), default=0)
        self.ages.put_back(histories, self.ages.last_us, self.ages.now_us)

    def changed(self) -> None:
        """Called when members have come or gone."""

    def members_of(self, rules: int) -> list[Member[Own]]:
        """Who these are, by their ids: in that order alerts of one event are told. Do not change the list."""
        listed = self._listed.get(rules)
        if listed is None:
            if len(self._listed) == MOST_LISTED:
                self._listed.clear()
            found = [member for bit, member in self.members.items() if rules & bit]
            listed = self._listed[rules] = sorted(found, key=lambda member: member.rule.id)
        return listed

    # -- rows and time

    def feed(self, batch: Batch, hits: Hits, out: list[Any]) -> None:
        """Take the rows in order; append (rule, match) of what matched to `out`."""
        raise TypeError(f"{type(self).__name__} does not say what it does with rows")

    def advance(self, watermark_us: int, out: list[Match]) -> None:
        """Forget what has run out; nothing is told."""
        self.ages.forget(watermark_us)

    def next_due(self) -> int | None:
        return self.ages.turn_us

    # -- who has enough

    def enough(self) -> int:
        """A history that is no longer than this has too few events for all."""
        return FIRST + self.rungs[0].least * self.stride - 1

    def come_true(self, history: History, time_us: int) -> list[tuple[int, int]]:
        """(start, rules) of those that have as many in time as they ask for."""
        size, stride, rungs = len(history), self.stride, self.rungs
        starts = history[0] or (FIRST, self.all)
        found = []
        reached = rung = 0
        for at in range(len(starts) - 2, -1, -2):  # the latest start first: the earlier, the more there are
            start = starts[at]
            end = size - start
            while rung < len(rungs) and (back := rungs[rung].least * stride) <= end:
                reached |= rungs[rung].reached(time_us - history[size - back])
                rung += 1
            if reached & starts[at + 1]:
                found.append((start, reached & starts[at + 1]))
        return found

    # -- what of a history is let go

    def trim(self, history: History, time_us: int) -> None:
        """Take out the events that lie too far back for all."""
        earliest, first = time_us - self.ages.span_us, FIRST
        while first < len(history) and history[first] < earliest:
            first += self.stride
        cut(history, first)

    def shorten(self, history: History, time_us: int) -> None:
        """As `trim`, where it is worth it. Done now and then, each event pays O(1) for it."""
        middle = FIRST + (len(history) - FIRST) // self.stride // 2 * self.stride
        if history[middle] < time_us - self.ages.span_us:
            self.trim(history, time_us)

    def use_up(self, key: Key, history: History, rules: int) -> None:
        """To these rules nothing up to here counts any more."""
        starts, size = without(history[0] or [FIRST, self.all], rules), len(history)
        if starts and starts[-2] == size:
            starts[-1] |= rules
        else:
            starts += (size, rules)
        self.begin(key, history, starts)

    def begin(self, key: Key, history: History, starts: Starts) -> None:
        """These are the starts from now on. A key of which nothing counts for any rule is forgotten."""
        if starts[0] == len(history):
            self.ages.drop(key)
        else:
            settle(history, starts)

    # -- the state of one

    def snapshot(self, member: Member[Own], *, delta: bool) -> RuleState:
        """As the rule's own matcher writes it: it is given what is the rule's, for so long."""
        self._spread()
        if self.noted.keys is None:
            self.noted.begin(delta=False)
        own, changed = member.alone.ages, member.alone.noted.keys if delta else None
        found = self._histories() if changed is None else {key: self.ages.get(key) for key in changed}
        own.young = {key: events for key, history in found.items() if history and (events := events_of(history, member.bit))}
        own.last_us, own.now_us = self.ages.last_us, self.ages.now_us
        state = member.alone.snapshot(delta=delta)
        own.young = {}
        return state

    def _spread(self) -> None:
        """Keys changed since anyone's last snapshot are changed for each member."""
        if self.noted.keys:
            for member in self.members.values():
                member.alone.noted.add_all(self.noted.keys)
            self.noted.keys.clear()

    def size(self, member: Member[Own]) -> int:
        earliest, bit, stride = self.ages.now_us - member.span_us, member.bit, self.stride
        return sum(
            start_of(history, bit) < len(history) and history[-stride] >= earliest for history in self._histories().values()
        )

    def touched(self, member: Member[Own]) -> int:
        own = member.alone.noted
        return own.count(len(self.ages)) + (len(self.noted.keys or ()) if own.keys is not None else 0)
