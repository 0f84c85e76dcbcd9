"""Filter rules where their rows are found: the match is made there and then, beside the rule it is of.

No row is listed for such a rule and no matcher is walked, so a batch costs what its matches cost, however many rules there are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from cep.event import EventId, Key, Match
from cep.match.filter import FilterMatcher

Make = Callable[[Key, Any, int, int, EventId], Match]  # (key, row, time, index, id)
Striker = tuple[Any, Make | None]  # a rule, and what makes its match; None: the match says no more than which event it is


def strikers_of(matchers: Sequence[object], rules: Sequence[Any], of_plan: Sequence[int]) -> dict[int, list[Striker]]:
    """Per target the rules that strike. A target is left out if any of its rules does not.

    matchers, rules, of_plan  of each plan: its matcher, what is to stand beside its matches, its target
    """
    found: dict[int, list[Striker]] = {}
    others: set[int] = set()
    for matcher, rule, target in zip(matchers, rules, of_plan):
        if isinstance(matcher, FilterMatcher):
            found.setdefault(target, []).append((rule, matcher.make))
        else:
            others.add(target)
    return {target: strikers for target, strikers in found.items() if target not in others}


def strike(rule: str, make: str, key: str) -> str:
    """The line that notes a match, in the loop: `struck` takes it. Row, time, index and id stand in `r t i e` there.

    rule, make  local names of the rule and of what makes its match; "": a match of the event alone
    """
    made = f"{make}({key}, r, t, i, e)" if make else f"new({key}, t, i, {{}}, '', t, t, e, e, (e,), 1)"
    return f"struck(({rule}, {made}))"
