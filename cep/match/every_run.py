"""What `pick all` holds: partial matches, and the events they share.

An event taken is an entry that knows the one before it, so all partial matches that began alike hold the same entries and a
match is read by walking back. An entry keeps what the registers want of its event, never the event.

    a1 a2 b      entry b -> entry a2 -> entry a1        entry b' -> entry a1
                                            one entry a1, whoever took it
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from cep.event import EventId
from cep.match.every_graph import Place
from cep.match.leading import Came
from cep.plan.kernels import Registers, RuleKernels

FAR = 1 << 62  # the start of what has not begun; later than any timer

# (entry before or None, step, number, time_us, id, values for registers). Tuples: a long chain of them is freed without
# recursion.
Entry = tuple[Any, int, int, int, EventId, tuple[Any, ...]]
Mark = tuple[int, int] | None  # time and own number of the first event of the present pass of a bounded group


class Partial(msgspec.Struct, eq=False, gc=False):  # it holds no cycles
    """A match in progress, or a complete one that waits to be told.

    start    number of its first event among all rows; it orders events of equal time
    own      number of the first event among the key's own events
    g        registers, where conditions need them while it runs; else None
    asked_us the timer set for it: a place it comes to without taking an event may have less patience than the one before
    """

    place: Place
    entry: Any
    count: int
    start_us: int
    start: int
    last_us: int
    own: int
    g: Registers | None
    marks: tuple[Mark, ...]
    asked_us: int = FAR


class KeyState:
    """All that one key holds. A key with nothing in it is forgotten.

    partials  by start; with a skip strategy a queue (cep.match.every_heap) in which the origin stands too
    done      complete ones that are withheld while an earlier start may still match, a queue
    own       number of own events seen
    struck    per leading negation times and own numbers of its events (cep.match.leading)
    covered   numbers of the events of what was told, where `on timeout` asks
    """

    __slots__ = ("covered", "done", "own", "partials", "struck")

    def __init__(self, struck: Came) -> None:
        self.partials: list[Partial] = []
        self.done: list[Partial] = []
        self.own = 0
        self.struck = struck
        self.covered: list[frozenset[int]] = []


def entries_of(partial: Partial) -> list[Entry]:
    """The events of a match, in order."""
    found = []
    entry = partial.entry
    while entry is not None:
        found.append(entry)
        entry = entry[0]
    found.reverse()
    return found


def preference(partial: Partial) -> tuple[int, int, list[tuple[int, int]]]:
    """The order of matches of one event: the earliest start, the most events, then taken before left and the earlier step
    before the later at the first event they treat differently."""
    return partial.start, -partial.count, [(entry[2], entry[1]) for entry in entries_of(partial)]


# -- plain data


def dump_state(state: KeyState, kernels: RuleKernels) -> list[Any]:
    """Entries are written once, however many hold them, and then called by their number."""
    rows: list[list[Any]] = []
    numbers: dict[int, int] = {}
    partials = [_dump(run, rows, numbers, kernels) for run in state.partials]
    done = [_dump(run, rows, numbers, kernels) for run in state.done]
    return [rows, partials, done, state.own, [came[:] for came in state.struck], [sorted(one) for one in state.covered]]


def _dump(run: Partial, rows: list[list[Any]], numbers: dict[int, int], kernels: RuleKernels) -> list[Any]:
    unknown: list[Any] = []
    entry = run.entry
    while entry is not None and id(entry) not in numbers:
        unknown.append(entry)
        entry = entry[0]
    at = -1 if entry is None else numbers[id(entry)]
    for one in reversed(unknown):
        rows.append([at, *one[1:5], list(one[5])])
        at = numbers[id(one)] = len(rows) - 1
    g = None if run.g is None else kernels.dump(run.g)
    return [run.place.number, at, run.count, run.start_us, run.start, run.last_us, run.own, g, list(run.marks)]


def load_state(data: list[Any], places: Sequence[Place], kernels: RuleKernels) -> KeyState:
    rows, partials, done, own, struck, covered = data
    entries: list[Entry] = []
    for before, step, number, time_us, one, values in rows:
        entries.append((entries[before] if before >= 0 else None, step, number, time_us, one, tuple(values)))
    state = KeyState([[(time_us, at) for time_us, at in came] for came in struck])
    state.partials = [_load(one, entries, places, kernels) for one in partials]
    state.done = [_load(one, entries, places, kernels) for one in done]
    state.own = own
    state.covered = [frozenset(one) for one in covered]
    return state


def _load(data: list[Any], entries: list[Entry], places: Sequence[Place], kernels: RuleKernels) -> Partial:
    place, at, count, start_us, start, last_us, own, g, marks = data
    return Partial(
        places[place],
        entries[at] if at >= 0 else None,
        count,
        start_us,
        start,
        last_us,
        own,
        None if g is None else kernels.load(g),
        tuple(None if mark is None else (mark[0], mark[1]) for mark in marks),
    )
