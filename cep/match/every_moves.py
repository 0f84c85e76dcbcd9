"""From places to tables: which bits a place looks at, and what an event with given bits does there."""

from __future__ import annotations

from collections.abc import Iterable

from cep.match.every_graph import Act, Edge, Kind, Moves, Place, Stand, Test, begin, follow, stands, test_of


class Tests:
    """The bits of a rule's tests: a test without bounds has its step's own bit, others follow behind the steps."""

    def __init__(self, steps: int) -> None:
        self._steps = steps
        self._bits: dict[Test, int] = {}

    def bit(self, test: Test) -> int:
        if not test.bounded:
            return 1 << test.step
        if test not in self._bits:
            self._bits[test] = 1 << self._steps + len(self._bits)
        return self._bits[test]


def prepare(places: Iterable[Place], tests: Tests, judged: frozenset[int]) -> None:
    """Fill in what each place looks at. `judged` are the steps whose condition needs the run."""
    for place in places:
        found: dict[Test, None] = {}
        longest: list[int | None] = []
        for stand in stands(place):
            for edge in stand.place.edges:
                mentioned = {literal: test_of(literal, stand) for clause in edge.guard for literal in clause}
                found |= dict.fromkeys(mentioned.values())
                if edge.kind is Kind.TAKE:
                    wanted = [test.max_us for literal, test in mentioned.items() if literal.entering and literal.wanted]
                    longest.append(wanted[0] if wanted else None)
                    found |= dict.fromkeys(_tests_to_the_end(edge.target))
                elif edge.kind is Kind.PASS and edge.target is not stand.place and edge.target.ends:
                    longest.append(None)
        steps = {test.step for test in found}
        place.interest = sum(1 << step for step in steps)
        place.judged = tuple(sorted(steps & judged))
        place.bounded = tuple((tests.bit(test), test) for test in found if test.bounded)
        place.rests = moves_of(place, 0, tests, starts=False).idle
        if place.waits:
            place.patience_us = place.max_us
        elif longest and None not in longest:
            place.patience_us = max(us for us in longest if us is not None)


def _tests_to_the_end(place: Place) -> list[Test]:
    return [
        test_of(literal, stand)
        for stand in stands(place)
        for edge in stand.place.edges
        if edge.kind is Kind.PROCEED
        for clause in edge.guard
        for literal in clause
    ]


def moves_of(place: Place, bits: int, tests: Tests, *, starts: bool) -> Moves:
    """What an event with these bits does at the place. `starts`: no partial match stands there yet, nothing to pass by."""
    acts: list[Act] = []
    strikes = False
    stack = [begin(place)]
    while stack:
        stand = stack.pop()
        for edge in stand.place.edges:
            if not _holds(edge, stand, bits, tests):
                continue
            match edge.kind:
                case Kind.PROCEED:
                    further = follow(stand, edge.target)
                    if further is not None:
                        stack.append(further)
                case Kind.STRIKE:
                    strikes = True
                case Kind.TAKE:
                    completes = not edge.target.ends and _reaches_end(edge.target, bits, tests)
                    acts.append(Act(stand.place.step, edge.target, completes, tuple(sorted(stand.opened))))
                case Kind.PASS if not starts:
                    acts.append(Act(-1, edge.target, False, ()))
                case _:
                    pass
    passes = len(acts) == 1 and acts[0].step < 0 and acts[0].target is place
    idle = not strikes and (passes or (starts and not acts))
    return Moves(idle, strikes, tuple(acts))


def _holds(edge: Edge, stand: Stand, bits: int, tests: Tests) -> bool:
    return all(
        any(bool(bits & tests.bit(test_of(literal, stand))) is literal.wanted for literal in clause) for clause in edge.guard
    )


def _reaches_end(place: Place, bits: int, tests: Tests) -> bool:
    """Whether the end can be walked to, as far as this event has a say."""
    stack = [begin(place)]
    while stack:
        stand = stack.pop()
        if stand.place.ends:
            return True
        for edge in stand.place.edges:
            if edge.kind is Kind.PROCEED and _holds(edge, stand, bits, tests):
                further = follow(stand, edge.target)
                if further is not None:
                    stack.append(further)
    return False
