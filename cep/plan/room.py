"""What a pattern needs at least, in time and in events: one that needs more than its `within` leaves never matches."""

from __future__ import annotations

from typing import assert_never

from cep.plan.plan import AnyOrder, Bound, Chain, Either, Part, Take


def no_room(chain: Chain, within: Bound) -> tuple[int | None, int | None]:
    """Microseconds that the pattern needs, and events; None where `within` leaves as many."""
    us, events = _least(chain)
    too_long = within.us is not None and (us > within.us or (within.exclusive and us == within.us > 0))
    too_many = within.events is not None and events > within.events
    return us if too_long else None, events if too_many else None


def _least(part: Part) -> tuple[int, int]:
    """From its first event to its last at least so long, with at least so many events; 0 events: it may be left out."""
    match part:
        case Take(loop=loop):
            return 0, loop.min
        case AnyOrder(count=count):
            return 0, count
        case Either(options=options):
            each = [_least(option) for option in options]
            return min(us for us, _ in each), min(events for _, events in each)
        case Chain(links=links, loop=loop):
            us = events = 0
            for link in links:
                inner_us, inner_events = (0, 0) if link.negated else _least(link.part)
                if inner_events:
                    # a delay counts from the event before: without one there is none
                    us += inner_us + ((link.min_us or 0) if events else 0)
                    events += inner_events
            return us * loop.min, events * loop.min
        case _:
            assert_never(part)
