"""Window rules in words: what the window is, what becomes of its alerts, what is kept."""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

from cep.plan.plan import WindowBody, WindowKind
from cep.plan.words import Words, say_duration


def window_lines(body: WindowBody, words: Words) -> Iterator[str]:
    """Lines of `cep plan`."""
    how = ", an alert at each event" if body.fire_each else ", emptied by each alert" if body.then_reset else ""
    yield f"  window {say_window(body)}{how}"
    if body.kind is not WindowKind.BUCKET:
        yield f"  when   {words.say(body.when)}"
    if body.for_us:
        yield f"  for    {say_duration(body.for_us)}"
    if body.until is not None:
        yield f"  until  {words.say(body.until)}"


def say_window(body: WindowBody) -> str:
    """The window as an author writes it, or nearly so."""
    length, every = say_duration(body.window_us), say_duration(body.every_us)
    zone = f' in "{body.zone}"' if body.zone else ""
    match body.kind:
        case WindowKind.SLIDE:
            return f"over {length}"
        case WindowKind.EVENTS:
            return f"over {body.events} events"
        case WindowKind.HOP:
            return f"per {length}{zone}" if body.every_us == body.window_us else f"over {length} every {every}{zone}"
        case WindowKind.SESSION:
            return f"session gap {length}" + (f" max {say_duration(body.max_us)}" if body.max_us else "")
        case WindowKind.BUCKET:
            return f"bucket {body.events} leak {body.leak} per {every}"
        case WindowKind.NONE:
            return "none: each event is judged by what came before it"
        case _:
            assert_never(body.kind)


def say_kept(body: WindowBody) -> str:
    """What is kept of a key, and until when."""
    length = say_duration(body.window_us)
    match body.kind:
        case WindowKind.SLIDE:
            kept = f"the events of the last {length}; forgotten when there are none"
        case WindowKind.EVENTS:
            kept = f"the last {body.events} events; kept until the budget drops the key"
        case WindowKind.HOP if body.every_us == body.window_us:
            kept = f"the aggregates of the {length} under way; forgotten when it ends and no alert is open"
        case WindowKind.HOP:
            kept = f"the events of the last {length}; forgotten when there are none and no alert is open"
        case WindowKind.SESSION:
            end = f"{length} after its last event" + (f", {say_duration(body.max_us)} after its first" if body.max_us else "")
            kept = f"the aggregates of one session; forgotten {end}"
        case WindowKind.BUCKET:
            kept = "one level, and the aggregates since it was last 0; forgotten when it is 0"
        case WindowKind.NONE:
            kept = ""
        case _:
            assert_never(body.kind)
    recalled = [_say_recalled(recall.kind, recall.over_us, recall.per_us) for recall in body.recalls]
    return "; ".join(filter(None, [kept, *recalled]))


def _say_recalled(kind: str, over_us: int, per_us: int) -> str:
    match kind:
        case "first_seen":
            return f"the different values of the last {say_duration(over_us)}"
        case "changed":
            return f"the last values, for {say_duration(over_us)}"
        case _:
            return f"one number for each {say_duration(per_us)} of {say_duration(over_us)}"
