"""Which steps of a pattern may come before which: what a condition can know of a run when it is judged."""

from __future__ import annotations

from dataclasses import dataclass, field

from cep.plan.plan import AnyOrder, Chain, Either, Loop, Part, Take

Steps = frozenset[int]
NONE: Steps = frozenset()


@dataclass(slots=True)
class Follows:
    """previous   per step those whose event may be the last one taken when the step is tried (or strikes, or closes a loop)
    before     per step all that may have taken something by then
    first      steps whose events may begin a run
    """

    previous: dict[int, Steps] = field(default_factory=dict)
    before: dict[int, Steps] = field(default_factory=dict)
    first: Steps = NONE


def follows_of(pattern: Chain) -> Follows:
    """Of a whole pattern."""
    found = Follows()
    _part(pattern, NONE, found)
    found.first = _first(pattern)
    for step in found.previous:
        seen: set[int] = set()
        stack = list(found.previous[step])
        while stack:
            other = stack.pop()
            if other not in seen:
                seen.add(other)
                stack += found.previous.get(other, NONE)
        found.before[step] = frozenset(seen)
    return found


def may_be_empty(part: Part) -> bool:
    """Whether it may be passed by without an event."""
    match part:
        case Take(loop=loop):
            return loop.min == 0
        case Chain(links=links, loop=loop):
            return loop.min == 0 or all(link.negated or may_be_empty(link.part) for link in links)
        case Either(options=options):
            return any(map(may_be_empty, options))
        case AnyOrder(count=count):
            return count == 0


def _first(part: Part) -> Steps:
    match part:
        case Take(step=step):
            return frozenset((step,))
        case Chain(links=links):
            found = NONE
            for link in links:
                if not link.negated:
                    found |= _first(link.part)
                    if not may_be_empty(link.part):
                        break
            return found
        case Either(options=options):
            return NONE.union(*map(_first, options))
        case AnyOrder(steps=steps):
            return frozenset(steps)


def _part(part: Part, entry: Steps, found: Follows) -> Steps:
    """Note what may follow what in the part, entered behind one of `entry`; the steps whose event may be the last when it is
    left with at least one event taken."""
    match part:
        case Take(step=step, loop=loop):
            _note(found, (step,), entry)
            if loop.max != 1:
                _note(found, (step,), frozenset((step,)))
            _note_until(found, loop, frozenset((step,)))
            return frozenset((step,))
        case Chain(links=links, loop=loop):
            last = _links(part, entry, found)
            if loop.max != 1:
                last |= _links(part, last, found)
            inside = NONE.union(*(_steps(link.part) for link in links if not link.negated))
            _note_until(found, loop, inside)
            return last
        case Either(options=options):
            return NONE.union(*[_part(option, entry, found) for option in options])
        case AnyOrder(steps=steps):
            _note(found, steps, entry)
            for step in steps:
                _note(found, (step,), frozenset(steps) - {step})
            return frozenset(steps)


def _links(chain: Chain, entry: Steps, found: Follows) -> Steps:
    here, last = entry, NONE
    for link in chain.links:
        if link.negated:
            _part(link.part, here, found)
            continue
        after = _part(link.part, here, found)
        if may_be_empty(link.part):
            here, last = here | after, last | after
        else:
            here, last = after, after
    return last


def _steps(part: Part) -> Steps:
    match part:
        case Take(step=step):
            return frozenset((step,))
        case Chain(links=links):
            return NONE.union(*(_steps(link.part) for link in links if not link.negated))
        case Either(options=options):
            return NONE.union(*map(_steps, options))
        case AnyOrder(steps=steps):
            return frozenset(steps)


def _note(found: Follows, steps: tuple[int, ...], previous: Steps) -> None:
    for step in steps:
        found.previous[step] = found.previous.get(step, NONE) | previous


def _note_until(found: Follows, loop: Loop, inside: Steps) -> None:
    if loop.until is not None:
        _note(found, (loop.until,), inside)
