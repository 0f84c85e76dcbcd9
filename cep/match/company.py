"""Rules that differ in constants alone are matched together: who is with whom, found anew whenever the rules change.

    rules   s0 s1 other s2 s3        units   (s0 s1 s2 s3) other

A unit is what rows and timers are given to: a rule alone, or several together. Which they are shows nowhere in the answers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Any

from cep.event import Batch, Match
from cep.match.alike import FEWEST, shape_of
from cep.match.alike_counts import CountsTogether
from cep.match.alike_tallies import TalliesTogether
from cep.match.matcher import Hits, Timed
from cep.match.running import Running
from cep.match.tally import TallyMatcher
from cep.match.together import Candidate, Member, Together
from cep.match.window import WindowMatcher
from cep.plan.plan import RulePlan


@dataclass(frozen=True, slots=True)
class Unit:
    """rule    the one rule; None: several, and matches come as (rule, match)
    plan    that says which rows are wanted
    timed   whether it has timers to ask for"""

    rule: Running | None
    plan: RulePlan
    matcher: Timed
    feed: Callable[[Batch, Hits, list[Any]], None]
    timed: bool

    def told(self, out: list[Any]) -> Iterable[tuple[Running, Match]]:
        """What it appended, each match with its rule."""
        return out if self.rule is None else zip(repeat(self.rule), out)


def units_of(rules: Sequence[Running]) -> list[Unit]:
    """The rules of one level, in order; those matched together stand where the first of them stands."""
    alike: dict[str, list[Running]] = {}
    for rule in rules:
        shape = _shape_of(rule)
        if shape is not None:
            alike.setdefault(shape, []).append(rule)
    for some in alike.values():
        _gather(some)
    units: list[Unit] = []
    seen: set[int] = set()
    for rule in rules:
        together = _together(rule)
        if together is None:
            units.append(Unit(rule, rule.plan, rule.matcher, rule.feed, rule.timed))
        elif id(together) not in seen:
            seen.add(id(together))
            units.append(Unit(None, rule.plan, together, together.feed, timed=True))
    return units


def _shape_of(rule: Running) -> str | None:
    """What it has in common with the rules it can be matched together with; None: it is always alone."""
    return shape_of(rule.plan) if type(rule.matcher) in (TallyMatcher, WindowMatcher) else None


def part(rules: Iterable[Running], *, with_state: bool = True) -> None:
    """These are matched alone from now on. `with_state`: and go on from where they stand."""
    for together, members in _members(rules).items():
        together.leave(members, with_state=with_state)


def _members(rules: Iterable[Running]) -> dict[Together[Any], list[Member[Any]]]:
    found: dict[Together[Any], list[Member[Any]]] = {}
    for rule in rules:
        if isinstance(rule.keeper, Member):
            found.setdefault(rule.keeper.together, []).append(rule.keeper)
    return found


def _gather(rules: list[Running]) -> None:
    """Rules of one shape: together from now on, and nobody else with them."""
    if len(rules) < FEWEST:
        part(rules)
        return
    mine = {id(rule) for rule in rules}
    together = next((one for rule in rules if (one := _together(rule)) is not None), None)
    if together is None:
        together = _made_for(rules[0])
    else:
        together.leave([member for member in together.members.values() if id(member.rule) not in mine])
    part([rule for rule in rules if _together(rule) is not together])
    together.join(_candidate(rule) for rule in rules if _together(rule) is None)
    if len(together.members) < FEWEST:
        part(rules)


def _together(rule: Running) -> Together[Any] | None:
    return rule.keeper.together if isinstance(rule.keeper, Member) else None


def _made_for(rule: Running) -> Together[Any]:
    """For rules like this; so far it holds none."""
    one = rule.matcher
    if isinstance(one, TallyMatcher):
        return TalliesTogether(one)
    assert isinstance(one, WindowMatcher) and one.counter is not None
    return CountsTogether(one.counter)


def _candidate(rule: Running) -> Candidate[Any]:
    one = rule.matcher
    if isinstance(one, TallyMatcher):
        return Candidate(rule, one, one.least, one.most)
    assert isinstance(one, WindowMatcher) and one.counter is not None
    return Candidate(rule, one.counter, one.counter.threshold, one.counter.threshold)
