"""Runs of a pattern and what is kept of a key: plain values, and how they are written down."""

from __future__ import annotations

from typing import Any

import msgspec

from cep.event import EventId
from cep.match.moves import Spot, SpotBook
from cep.plan.kernels import Registers, RuleKernels

Mark = tuple[int, int]  # time and own number of the event that began a pass
Taken = tuple[int, Any] | None  # number of the last event taken, and the same of those before


class Run(msgspec.Struct, eq=False, gc=False):  # a run holds no cycles
    """A match in progress.

    start, last   numbers of the first and last event among all rows the matcher was given: they order events of equal time
    own           number of the first event among the own events of the key (counted where the pattern counts them)
    g, ids        registers, and evidence of at most MAX_EVIDENCE
    marks         when the passes began that have a bound of their own, from the outside in
    events        how many it has taken
    matched       as it stands it is a match, held until it can grow no more (`pick longest`)
    held          the run as it was at its latest match, if it has grown since and is none now
    waited        its deadline came and `when` was not true
    taken         numbers of its events, where runs that lapse are told
    """

    spot: Spot
    events: int
    start_us: int
    start: int
    own: int
    last_us: int
    last: int
    g: Registers
    ids: list[EventId]
    marks: tuple[Mark, ...] = ()
    matched: bool = False
    held: Run | None = None
    waited: bool = False
    taken: Taken = None

    @property
    def match(self) -> Run | None:
        """What `pick longest` tells when the run ends."""
        return self if self.matched else self.held


class KeyState(msgspec.Struct, eq=False):
    """Everything of one key.

    runs      by start; of one start as they would be preferred at a tie
    own       number of own events so far
    timer_us  when the key is next due, as the matcher has noted it
    struck    per leading negation times and own numbers of its events, as many as make a difference
    told      numbers of the events of rows told of runs that lapsed, as long as a run could lie in them
    """

    runs: list[Run]
    struck: list[list[Mark]]
    own: int = 0
    timer_us: int | None = None
    told: list[frozenset[int]] = []


def dump_run(run: Run, kernels: RuleKernels) -> list[Any]:
    return [
        run.spot.place,
        run.spot.passed,
        run.events,
        run.start_us,
        run.start,
        run.own,
        run.last_us,
        run.last,
        kernels.dump(run.g),
        run.ids[:],
        run.marks,
        run.matched,
        None if run.held is None else dump_run(run.held, kernels),
        run.waited,
        numbers_of(run.taken),
    ]


def load_run(data: Any, kernels: RuleKernels, book: SpotBook) -> Run:
    place, passed, events, start_us, start, own, last_us, last, g, ids, marks, matched, held, waited, numbers = data
    taken: Taken = None
    for number in numbers:
        taken = (number, taken)
    return Run(
        spot=book.at(as_tuple(place), passed=passed),
        events=events,
        start_us=start_us,
        start=start,
        own=own,
        last_us=last_us,
        last=last,
        g=kernels.load(g),
        ids=list(ids),
        marks=as_tuple(marks),
        matched=matched,
        held=None if held is None else load_run(held, kernels, book),
        waited=waited,
        taken=taken,
    )


def numbers_of(taken: Taken) -> list[int]:
    """The numbers of the events taken, first to last."""
    numbers: list[int] = []
    while taken is not None:
        number, taken = taken
        numbers.append(number)
    numbers.reverse()
    return numbers


def as_tuple(data: Any) -> Any:
    return tuple(as_tuple(item) for item in data) if isinstance(data, list | tuple) else data
