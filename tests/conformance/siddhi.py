"""Siddhi's own tests of patterns, sequences, absences, windows and partitions, said as rules of ours.

every e1=S[..] -> e2=T[..]      e1 -> e2, pick all                 each e1 begins a run, and runs overlap
every (e1 -> e2)                e1 -> e2                           what is matched is used up: `pick first`
e1 -> e2                        e1 -> e2, told once                Siddhi's pattern ends with its first match
e1, e2                          e1 => e2
e1 and e2, e1 or e2             all(e1, e2), e1 | e2
e1 -> not S for 1 sec           e1 ->[..1s] !x
e1 -> not S for 1 sec -> e2     e1 ->[..1s] !x ->[1s..] e2
not S for 1 sec -> e2           !x ->[..1s] e2
e1 -> not S and e2              e1 -> !x -> e2
partition with (f of S, ..)     by {S: f, ..}
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from cep.alert import Alert
from cep.plan.words import say_duration
from tests.conformance.cases import BASE_US, Case, read_cases
from tests.conformance.siddhi_query import Both, Every, Line, Part, Query, Single, parse

LONG = "1d"  # longer than any case; a pattern of Siddhi's may wait for ever
GRACE_MS = 10_000  # what is waited at the end where the case does not say: absences come true
_FUNCTIONS = {"ifThenElse": "if"}
_INDEX = re.compile(r"last(?:-(\d+))?$|(\d+)$")


class Unsayable(Exception):
    """Why a query has no rule."""


def cases() -> list[Case]:
    return [_case(row) for row in read_cases("siddhi")["cases"]]


def _case(row: dict[str, Any]) -> Case:
    name, app = row["name"], row["app"]
    if row.get("inconsistent"):
        return Case(name, cannot="the recorded rows and their number contradict each other")
    window = re.search(r"#window\.(\w+)\(([^)]*)\)", app)
    try:
        rule, fields = _window_rule(app, *window.groups()) if window else _pattern_rule(parse(app))
    except Unsayable as reason:
        return Case(name, cannot=str(reason))
    events = tuple(_event(fields, sent, own_time=window is not None) for sent in row["sends"])
    stands_still = window or row.get("playback")
    wait_us = 0 if stands_still else 1000 * (row["wait_after_ms"] or GRACE_MS)
    return Case(name, rule, events, max(event["ts"] for event in events) + wait_us, _Expected(row), expected=_said(row))


def _event(streams: dict[str, tuple[str, ...]], sent: dict[str, Any], *, own_time: bool) -> dict[str, Any]:
    values = dict(zip(streams[sent["send"]], sent["data"]))
    ts = 1000 * sent["at_ms"] + (0 if sent.get("explicit_ts") else BASE_US)
    if own_time and "timestamp" in values:
        ts = 1000 * values.pop("timestamp")
    return {"type": sent["send"], "ts": ts, **{name: value for name, value in values.items() if value is not None}}


def _said(row: dict[str, Any]) -> str:
    return f"{row['expected_count']} rows {row['expected_rows'] or ''}".strip()


class _Expected:
    """Whether alerts are the rows that Siddhi gave: as a multiset, or their number where the rows were not recorded."""

    def __init__(self, row: dict[str, Any]) -> None:
        self._rows = row["expected_rows"]
        self._count = row["expected_count"]

    def __call__(self, alerts: Sequence[Alert]) -> bool:
        if not self._rows:
            return len(alerts) == self._count
        told = [[alert.fields.get(f"c{n}") for n in range(len(self._rows[0]))] for alert in alerts]
        return Counter(map(repr, map(_plain, told))) == Counter(map(repr, map(_plain, self._rows)))


def _plain(row: list[Any]) -> list[Any]:
    return [round(float(value), 4) if isinstance(value, int | float) and not isinstance(value, bool) else value for value in row]


# ---------------------------------------------------------------- windows


def _window_rule(app: str, kind: str, inside: str) -> tuple[str, dict[str, tuple[str, ...]]]:
    """A rule that tells whenever the window gives a row."""
    streams = {name: tuple(part.split()[0] for part in fields.split(",")) for name, fields in
               re.findall(r"define stream (\w+)\s*\(([^)]*)\)", app)}  # fmt: skip
    source = re.search(r"\bfrom (\w+)\s*#window", app)
    if " join " in app:
        raise Unsayable("a join of two windows: a rule correlates by keys and patterns")
    if source is None:
        raise Unsayable("it keeps a sketch of the most frequent values, and tells which came and went")
    if kind == "length" and inside:
        return f"rule r\n  from {source[1]}\n  when count() >= 1 over {inside} events\n  fire each\n", streams
    if kind == "externalTimeBatch" and re.fullmatch(r"timestamp, ?1 sec", inside):
        return f"rule r\n  from {source[1]}\n  when count() >= 1\n  per 1s\n  then reset\n", streams
    raise Unsayable(_WINDOWS.get(kind, "a window that is none of ours"))


_WINDOWS = {
    "length": "the window has no length: it tests that Siddhi says so",
    "externalTime": "each event is a row, and so is each that leaves: a rule tells a condition, not what comes and goes",
    "externalTimeBatch": "batches begin with the first event, or are closed by their own clock; ours are aligned to the epoch",
    "timeBatch": "a row for each event of a batch, or of the one before: a rule tells a condition once, at the window's end",
    "lengthBatch": "batches by number: a rule that is emptied by each alert (`then reset`) tells the last event of each",
    "expressionBatch": "the batch ends where an expression of its first and last event says",
    "timeLength": "a window bounded by time and by number at once",
    "sort": "a window that keeps the smallest or largest values",
}


# ---------------------------------------------------------------- patterns


@dataclass
class _Rule:
    """What has been said so far. links: arrow and part; selects: lines of `where`."""

    query: Query
    links: list[tuple[str, str]] = field(default_factory=list)
    selects: list[str] = field(default_factory=list)
    pick_all: bool = False
    once: bool = True
    least_us: int = 0  # the next part comes no earlier
    most_us: int = 0  # a leading absence lasts so long


def _pattern_rule(query: Query) -> tuple[str, dict[str, tuple[str, ...]]]:
    assert query.pattern is not None
    if query.partition and set(query.partition) != set(_used(query.pattern)):
        raise Unsayable("a stream outside of the partition goes to every partition; our key map names every type")
    line = query.pattern if isinstance(query.pattern, Line) else Line((query.pattern,), "->")
    rule = _Rule(query)
    if len(line.parts) == 1 and isinstance(line.parts[0], Every):
        rule.once = False
        inner = line.parts[0].part
        line = Line(inner.parts, inner.sign, line.within_us or inner.within_us) if isinstance(inner, Line) else Line(
            (inner,), "->", line.within_us)  # fmt: skip
        if isinstance(inner, Single) and inner.negated:
            raise Unsayable("an absence that is told again and again; ours is told once, until the next event")
    for number, part in enumerate(line.parts):
        _add(rule, part, line.sign, first=number == 0, last=number == len(line.parts) - 1, within=line.within_us)
    if rule.pick_all and line.sign == "," and any(isinstance(part, Single) and part.counted for part in _singles(line)):
        rule.pick_all = False  # a sequence with a loop keeps one run
    return _text(rule, line), query.streams


def _text(rule: _Rule, line: Line) -> str:
    query = rule.query
    pattern = "".join(f" {arrow} {part}" if number else part for number, (arrow, part) in enumerate(rule.links))
    lines = ["rule r"]
    if query.partition:
        lines.append("  by " + "{" + ", ".join(f"{stream}: {value}" for stream, value in query.partition.items()) + "}")
    lines.append(f"  match {pattern}")
    lines += [f"  {'where' if number == 0 else '     '} {select}" for number, select in enumerate(rule.selects)]
    lines.append(f"  within {say_duration(line.within_us) if line.within_us else LONG}")
    if query.having:
        lines.append(f"  when {_expression(_aliased(query), '', query)}")
    if rule.pick_all:
        lines.append("  pick all")
    emit = _emit(query)
    lines += [f"  emit {emit}"] if emit else []
    if rule.once:
        key = next(iter(query.partition.values()), "")
        lines.append(f"  once {f'per {key} ' if key else ''}every 3650d")
    return "\n".join(lines) + "\n"


def _aliased(query: Query) -> tuple[str, ...]:
    """`having`, with the names of columns written out."""
    found: list[str] = []
    for token in query.having:
        match = re.fullmatch(r"price(\d+)_(\d+)", token)
        found += [f"e{match[1]}", "[", match[2], "]", ".", "price"] if match else [token]
    return tuple(found)


def _emit(query: Query) -> str:
    if any("(" in column or column == ("*",) for column in query.select):
        return ""
    return ", ".join(f"c{number} = {_expression(column, '', query)}" for number, column in enumerate(query.select))


def _used(part: Part) -> list[str]:
    return [single.stream for single in _singles(part)]


def _singles(part: Part) -> list[Single]:
    match part:
        case Single():
            return [part]
        case Both(left=left, right=right):
            return [left, right]
        case Every(part=inner):
            return _singles(inner)
        case Line(parts=parts):
            return [single for inner in parts for single in _singles(inner)]


def _add(rule: _Rule, part: Part, sign: str, *, first: bool, last: bool, within: int | None) -> None:
    arrow = "=>" if sign == "," else "->"
    if isinstance(part, Every):
        rule.once = False
        part = part.part
        if isinstance(part, Line):
            raise Unsayable(
                "`every (..)` beside other steps: a group that begins anew when it is complete, while others still wait"
            )
        if last and any(single.negated for single in _singles(part)):
            raise Unsayable("an absence that is told again and again; ours is told once, until the next event")
        rule.pick_all = not (isinstance(part, Single) and part.counted and first)
        if not first:
            arrow = "->>"
    match part:
        case Single(negated=True):
            _add_absence(rule, part, first=first, last=last)
        case Single():
            _link(rule, arrow, _step(rule, part, last=last, strict=sign == ","))
        case Both(left=left, right=right):
            _add_both(rule, part.word, left, right, arrow, first=first, last=last)
        case _:
            raise Unsayable("a group inside of a pattern with a bound of its own")


def _add_absence(rule: _Rule, single: Single, *, first: bool, last: bool) -> None:
    assert single.for_us is not None
    _describe(rule, single)
    if first or all(part.startswith("!") for _, part in rule.links):
        rule.links.append(("->", f"!{single.label}"))
        rule.most_us = max(rule.most_us, single.for_us)
        return
    _link(rule, f"->[..{say_duration(single.for_us)}]", f"!{single.label}")
    if not last:
        rule.least_us = single.for_us


def _add_both(rule: _Rule, word: str, left: Single, right: Single, arrow: str, *, first: bool, last: bool) -> None:
    if not left.negated and not right.negated:
        steps = [_step(rule, single, last=False, strict=False) for single in (left, right)]
        _link(rule, arrow, f"all({', '.join(steps)})" if word == "and" else " | ".join(steps))
        return
    if word == "or":
        raise Unsayable("an absence or an event, whichever is first: two rules say it")
    if left.negated and right.negated:
        for single in (left, right):
            _add_absence(rule, single, first=first and single is left, last=last)
        return
    negated, other = (left, right) if left.negated else (right, left)
    if negated.for_us is not None:
        raise Unsayable("an absence that is over and an event, in either order")
    _describe(rule, negated)
    if first:
        rule.links.append(("", f"!{negated.label}"))
    else:
        _link(rule, "->", f"!{negated.label}")
    _link(rule, "->", _step(rule, other, last=last, strict=False))


def _link(rule: _Rule, arrow: str, part: str) -> None:
    if rule.least_us:
        sign = "->>" if arrow == "->>" else "->"  # also in a sequence: what came in the meantime was let pass
        arrow = f"{sign}[{say_duration(rule.least_us)}..]"
        rule.least_us = 0
    elif rule.most_us and not part.startswith("!"):
        arrow = f"->[..{say_duration(rule.most_us)}]"
        rule.most_us = 0
    rule.links.append((arrow, part))


def _step(rule: _Rule, single: Single, *, last: bool, strict: bool) -> str:
    _describe(rule, single)
    if not single.counted:
        return single.label
    least, most = single.least, single.most
    if last and least:
        most = least  # Siddhi tells when the least are there
    inner = "[=>]" if strict and most != 1 else ""
    if (least, most) == (0, 1):
        return f"{single.label}?"
    if most is None:
        return f"{single.label}{'*' if not least else f'{{{least},}}'}{inner}"
    return f"{single.label}{{{least}}}{inner}" if least == most else f"{single.label}{{{least},{most}}}{inner}"


def _describe(rule: _Rule, single: Single) -> None:
    where = f" where {_expression(single.where, single.label, rule.query)}" if single.where else ""
    rule.selects.append(f"{single.label}: {single.stream}{where}")


def _expression(tokens: Sequence[str], own: str, query: Query) -> str:
    """A condition in our spelling. In its own step Siddhi's `e2[last]` is the event before the one that is tried."""
    labels = {single.label for single in _singles(query.pattern)} if query.pattern else set()
    said: list[str] = []
    at = 0
    while at < len(tokens):
        token = tokens[at]
        if token in labels and at + 1 < len(tokens) and tokens[at + 1] == "[":
            end = tokens.index("]", at)
            said.append(f"{token}[{_index(''.join(tokens[at + 2 : end]), own == token)}].{tokens[end + 2]}")
            at = end + 3
            continue
        if token in labels and at + 1 < len(tokens) and tokens[at + 1] == ".":
            said.append(f"{token}.{tokens[at + 2]}")
            at += 3
            continue
        if token == "instanceOfFloat":
            end = tokens.index(")", at)
            said.append(f"({_expression(tokens[at + 2 : end], own, query)} is not null)")
            at = end + 1
            continue
        said.append(_FUNCTIONS.get(token, '"' + token[1:-1] + '"' if token[0] == "'" else token))
        at += 1
    return " ".join(said)


def _index(text: str, own: bool) -> int:
    match = _INDEX.match(text)
    assert match is not None, text
    if match[2] is not None:
        return int(match[2])
    return -1 - own - int(match[1] or 0)


_FROM_THE_EVENT = "`not X for T` waits from the app's start; ours looks back from the event, and nothing lies before the start"
_ONE_STEP = "one event fills one step of a run: it cannot be both e2 and e3"
_ENDS = "without `every` Siddhi's pattern ends with its first run, matched or not; ours begins anew with the next event that fits"
_PASSED = "Siddhi's sequence is ended by any event of the streams it has passed; ours waits only for what the absence forbids"
DIFFERENT = {
    "PatternPartitionTestCase.testPatternPartitionQuery25": _ONE_STEP,
    "LogicalPatternTestCase.testQuery5": _ONE_STEP,
    "CountPatternTestCase.testQuery19": "a second pair waits beside the first and is told too; a match uses up what came before",
    "SequenceTestCase.testQuery7": "an event that fits both options of `|` is a match for each, where every match is asked for",
    "AbsentPatternTestCase.testQueryAbsent43": _ENDS,
    "SequenceTestCase.testQuery31": _ENDS,
    "EveryAbsentPatternTestCase.testQueryAbsent30": _FROM_THE_EVENT,
    "AbsentSequenceTestCase.testQueryAbsent7": _FROM_THE_EVENT,
    "EveryAbsentSequenceTestCase.testQueryAbsent13": _FROM_THE_EVENT,
    "AbsentWithEverySequenceTestCase.testQuery1": _PASSED,
    "AbsentWithEverySequenceTestCase.testQuery3": _PASSED,
}
