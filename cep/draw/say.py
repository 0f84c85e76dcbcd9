"""The words on a picture: bounds, loops, windows, what holds for the whole rule."""

from __future__ import annotations

from collections.abc import Iterator

from cep.plan.plan import Bound, Loop, PatternBody, PickKind, RulePlan, Select, SkipKind, WindowBody, WindowKind
from cep.plan.words import Words, say_duration

INNER = {"->": "", "=>": "each right after the one before", "->>": "every combination"}


def say_select(select: Select, words: Words) -> str:
    """`login where outcome == "denied"`."""
    return select.type if select.where is None else f"{select.type} where {words.say(select.where)}"


def say_bound_of(bound: Bound) -> str:
    """`within 10m`, `within 200 events`, `within 10m, end excluded, and 200 events`; empty if there is none."""
    said = [] if bound.us is None else [say_duration(bound.us) + (", end excluded" if bound.exclusive else "")]
    said += [] if bound.events is None else [f"{bound.events} events"]
    return f"within {(', and ' if bound.exclusive else ' and ').join(said)}" if said else ""


def say_loop(loop: Loop, until: str = "") -> str:
    """How often, and how passes follow each other: `3 or more, at most 1m apart`. Empty: once, or once and optional."""
    if (loop.max, loop.until) == (1, None):
        return ""
    said = [_times(loop.min, loop.max)]
    said += ["as few as will do"] if loop.lazy else []
    said += [INNER[loop.inner]] if INNER[loop.inner] else []
    said += [f"at most {say_duration(loop.gap_us)} apart"] if loop.gap_us is not None else []
    said += [f"until {until}"] if until else []
    return ", ".join(said)


def _times(least: int, most: int | None) -> str:
    if most is None:
        return f"{least} or more" if least else "any number"
    if least == most:
        return f"{least} times"
    return f"{least} to {most}" if least else f"up to {most}"


def say_window(body: WindowBody) -> tuple[str, ...]:
    """The window's title, then what else there is to say of it; an empty title: there is no window."""
    width, every = say_duration(body.window_us), say_duration(body.every_us)
    zone = f"days of {body.zone}" if body.zone else ""
    match body.kind:
        case WindowKind.SLIDE:
            return f"last {width}", "at each event and each departure"
        case WindowKind.EVENTS:
            return f"last {body.events} events", "at each event"
        case WindowKind.HOP if body.every_us == body.window_us:
            return f"each {width}", "at its end", zone
        case WindowKind.HOP:
            return f"{width} every {every}", "at each end", zone
        case WindowKind.SESSION:
            most = f"at most {say_duration(body.max_us)} long" if body.max_us else ""
            return f"session, gap {width}", most, "when it closes"
        case WindowKind.BUCKET:
            return f"bucket of {body.events}", f"{body.leak} leaks per {every}", "when it runs over"
        case WindowKind.NONE:
            return ("",)


def say_facts(plan: RulePlan) -> tuple[str, ...]:
    """What holds for the whole rule."""
    return tuple(fact for fact in _facts(plan) if fact)


def _facts(plan: RulePlan) -> Iterator[str]:
    yield f"by {', '.join(plan.key.names)}" if plan.key.names else "all events together"
    body = plan.body
    if isinstance(body, PatternBody) and body.pick is not PickKind.FIRST:
        yield f"pick {body.pick}" + ("" if body.limit is None else f" limit {body.limit}")
        if body.skip is not SkipKind.NONE:
            to = "" if body.skip_to is None else f" {body.steps[body.skip_to].label}"
            yield f"after match skip {'to ' if body.skip is not SkipKind.PAST_LAST else ''}{body.skip}{to}"
    if plan.once is not None:
        yield plan.once.words
    if plan.suppress is not None:
        yield plan.suppress.words
    if plan.budget is not None:
        yield f"budget {plan.budget.most:,}, then drop {plan.budget.on_full}"
    if plan.mode == "canary":
        yield f"mode canary {plan.canary_percent}%"
    elif plan.mode != "enabled" or not plan.enabled:
        yield f"mode {'disabled' if not plan.enabled else plan.mode}"
    if plan.to:
        yield f"to {', '.join(plan.to)}"
