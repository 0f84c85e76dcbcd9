"""Patterns of plans in the words of the language."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from cep.plan.plan import ONCE, AnyOrder, Bound, Chain, Either, Link, Loop, Part, PatternBody, PickKind, SkipKind, Take
from cep.plan.words import say_duration


def say_pattern(body: PatternBody) -> str:
    """`a{2,}[=>] gap 1m -> (b | c) ->[..5m] !x`."""
    return _chain(body.pattern, [step.label for step in body.steps])


def say_pick(body: PatternBody) -> str:
    """`pick all limit 10, after match skip to next`; "" for what holds without being said."""
    said = "" if body.pick is PickKind.FIRST else f"pick {body.pick}"
    said += f" limit {body.limit}" if body.limit is not None else ""
    if body.skip is SkipKind.NONE:
        return said
    where = {SkipKind.FIRST: "to first", SkipKind.LAST: "to last", SkipKind.NEXT: "to next"}.get(body.skip, str(body.skip))
    label = "" if body.skip_to is None else f" {body.steps[body.skip_to].label}"
    return f"{said}, after match skip {where}{label}"


def say_within(bound: Bound) -> str:
    """`10m exclusive`, `200 events`, or both; "" for no bound."""
    time = "" if bound.us is None else say_duration(bound.us) + (" exclusive" if bound.exclusive else "")
    events = "" if bound.events is None else f"{bound.events} events"
    return " and ".join(filter(None, (time, events)))


def say_times(least: int, most: int | None) -> str:
    """The quantifier, in its shortest spelling."""
    short: dict[tuple[int, int | None], str] = {(1, 1): "", (0, 1): "?", (1, None): "+", (0, None): "*"}
    if (least, most) in short:
        return short[least, most]
    if most is None:
        return f"{{{least},}}"
    return f"{{{least}}}" if least == most else f"{{{least},{most}}}"


def _chain(chain: Chain, labels: Sequence[str]) -> str:
    return "".join(_link(link, labels) for link in chain.links)


def _link(link: Link, labels: Sequence[str]) -> str:
    arrow = f" {link.arrow}{_delay(link)} " if link.arrow else ""
    return f"{arrow}{'!' if link.negated else ''}{_part(link.part, labels)}"


def _delay(link: Link) -> str:
    ends = ["" if us is None else say_duration(us) for us in (link.min_us, link.max_us)]
    return f"[{'..'.join(ends)}]" if any(ends) else ""


def _part(part: Part, labels: Sequence[str]) -> str:
    match part:
        case Take(step=step, loop=loop):
            return labels[step] + _loop(loop, labels)
        case Chain(loop=loop, bound=bound):
            within = f" within {say_within(bound)}" if bound is not None else ""
            return f"({_chain(part, labels)}{within}){_loop(loop, labels)}"
        case Either(options=options):
            return "(" + " | ".join(_part(option, labels) for option in options) + ")"
        case AnyOrder(steps=steps, count=count):
            listed = ", ".join(labels[step] for step in steps)
            return f"all({listed})" if count == len(steps) else f"{count} of ({listed})"
        case _:
            assert_never(part)


def _loop(loop: Loop, labels: Sequence[str]) -> str:
    if loop == ONCE:
        return ""
    said = say_times(loop.min, loop.max) + ("?" if loop.lazy else "")
    said += f"[{loop.inner}]" if loop.inner != "->" else ""
    said += f" gap {say_duration(loop.gap_us)}" if loop.gap_us is not None else ""
    return said + (f" until {labels[loop.until]}" if loop.until is not None else "")
