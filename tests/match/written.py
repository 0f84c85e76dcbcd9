"""Patterns as written in rules, over streams written as text: one letter an event, its place its time in minutes; `.` lets a
minute pass. Letters in brackets share a minute: `a[bc]d`."""

from __future__ import annotations

from collections.abc import Iterator

from cep.event import Batch, Match
from cep.lang.parser import parse_text
from cep.match.matcher import Hits, Matcher
from cep.match.planner import make_matcher
from cep.plan.kernels import compile_rule
from cep.plan.plan import RulePlan
from cep.plan.rulebook import build_rulebook
from tests.judge.patterns import hits_of
from tests.judge.values import Seen

MINUTE = 60_000_000


def rule(pattern: str, *clauses: str, letters: dict[str, str] | None = None) -> RulePlan:
    """A rule of that pattern. Label `a` takes the letter a, unless `letters` says which ones, or gives a condition."""
    said = letters or {}
    labels = list(dict.fromkeys(label for label in _labels(pattern)))
    where = "\n        ".join(f"{label}: e where {_condition(said.get(label, label))}" for label in labels)
    body = "".join(f"  {clause}\n" for clause in clauses)
    file, syntax = parse_text(f"rule r\n  by k\n  match {pattern}\n  where {where}\n{body}", "r.cep")
    assert syntax == [], syntax
    book, faults = build_rulebook([file])
    assert [fault for fault in faults if fault.level == "error"] == [], faults
    return book.plans[0]


def _condition(said: str) -> str:
    if not said.isalpha():
        return said
    return " or ".join(f'l == "{letter}"' for letter in said)


WORDS = {"all", "of", "gap", "until", "within", "exclusive", "events", "and"}


def _labels(pattern: str) -> Iterator[str]:
    word = ""
    for sign in pattern + " ":
        if sign.isalnum() or sign == "_":
            word += sign
            continue
        if word and word[0].isalpha() and word not in WORDS:
            yield word
        word = ""


def stream(text: str) -> list[Seen]:
    """The events; each bears the letter `l`, the number `n` of its place among all, and the key `k`."""
    events: list[Seen] = []
    minute, together = 0, False
    for sign in text:
        if sign in "[]":
            together = sign == "["
            minute += sign == "]"
            continue
        if sign != ".":
            number = len(events)
            name = f"{sign}{minute}"
            events.append(Seen(minute * MINUTE, "e", {"k": "p", "l": sign, "n": number}, name))
        minute += not together
    return events


def feed(plan: RulePlan, text: str, *, until: int = 1000) -> list[Match]:
    """What a rule tells of a stream, time moved on to minute `until` at its end; afterwards it holds nothing."""
    events = stream(text)
    matcher = make_matcher(plan, compile_rule(plan, {}, rows="dict"))
    out: list[Match] = []
    matcher.feed(batch(events), hits(plan, events), out)
    matcher.advance(until * MINUTE + 1, out)
    assert plan.body.needs_own_events or until < 1000 or matcher.size() == 0
    return out


def batch(events: list[Seen]) -> Batch:
    return Batch(
        [dict(one.row) for one in events],
        [one.time_us for one in events],
        [one.id for one in events],
        [one.type for one in events],
    )


def hits(plan: RulePlan, events: list[Seen]) -> Hits:
    return hits_of(plan, events, own=plan.body.needs_own_events)


def told(plan: RulePlan, text: str) -> list[str]:
    """Each match as `minute: events`, a row of `on timeout` with `lapsed` before it."""
    return [said(match) for match in feed(plan, text)]


def said(match: Match) -> str:
    lapsed = "lapsed " if match.transition == "timeout" else ""
    minute = match.time_us / MINUTE
    return f"{lapsed}{minute:g}: {' '.join(map(str, match.evidence))}"


__all__ = ["Matcher", "batch", "feed", "hits", "rule", "said", "stream", "told"]
