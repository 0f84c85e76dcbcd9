"""A case of Flink as a rule of ours, in the text form.

followedBy next followedByAny     ->  =>  ->>          notFollowedBy notNext      -> !x   => !x
oneOrMore()                       x+?                  oneOrMore().greedy()       x+
times(2, 3) timesOrMore(2)        x{2,3}? x{2,}?       optional()                 x? x* x{0,3}, (x{2})?
consecutive() allowCombinations() x+[=>] x+[->>]       until(y)                   x+ until y
within(t), first to last          within t exclusive   within(t), step to step    ->[..t]  (1 ms less: both ends are in)
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from tests.flink.conditions import Speaker

ARROWS = {"next": "=>", "notNext": "=>", "followedBy": "->", "notFollowedBy": "->", "followedByAny": "->>"}
INNER = {"relaxed": "", "consecutive": "[=>]", "combinations": "[->>]"}
SKIPS = {"no_skip": "none", "skip_to_next": "to next", "skip_past_last_event": "past last"}
Case = dict[str, Any]
Step = dict[str, Any]


@dataclass
class Text:
    """A rule, and which step of the case each label stands for."""

    rule: str
    steps: dict[str, str] = field(default_factory=dict)


def rule_of(case: Case) -> Text:
    """The rule. Raises CannotSay."""
    writer = _Writer(case)
    pattern = writer.chain(case["pattern"])
    lines = ["rule case", "  by key", f"  match {pattern}", "  where"]
    lines += [f"    {label}: e where {condition}" for label, condition in writer.where.items()]
    if "within_ms" in case:
        lines.append(f"  within {case['within_ms']}ms exclusive")
    lines += ["  pick all", f"  after match skip {writer.skip()}", "  budget 100000 runs", "  emit rows label, pos"]
    return Text("\n".join(lines) + "\n", {label: step for step, label in writer.labels.items()})


class _Writer:
    def __init__(self, case: Case) -> None:
        self.case = case
        self.labels: dict[str, str] = {}
        self.where: dict[str, str] = {}

    def skip(self) -> str:
        skip = self.case.get("skip", "no_skip")
        if isinstance(skip, str):
            return SKIPS[skip]
        [(kind, step)] = skip.items()
        return f"to {kind.removeprefix('skip_to_')} {self.labels[step]}"

    def chain(self, steps: list[Step]) -> str:
        words: list[str] = []
        for number, step in enumerate(steps):
            contiguity = step["contiguity"] if number else "begin"
            if number:
                words.append(ARROWS[contiguity] + self._delay(step))
            words.append("!" * contiguity.startswith("not") + self._part(step))
        return " ".join(words)

    def _delay(self, step: Step) -> str:
        most = self.case.get("within_prev_ms", {}).get(step["name"], _gap(step))  # Flink measures the first one as well
        return "" if most is None else f"[..{most - 1}ms]"

    def _part(self, step: Step) -> str:
        quantifier = step.get("quantifier") or {}
        low = max(1, quantifier.get("min", 1))
        high = quantifier.get("max", low)
        high = None if high is None else max(1, high)
        optional = quantifier.get("optional", False) or quantifier.get("min", 1) == 0
        if "group" in step:
            part = f"({self.chain(step['group'])})"
        else:
            part = self._label(step, repeats=high != 1)
        until = self._until(step)
        inner = "" if high == 1 else INNER[quantifier.get("inner", "relaxed")]
        least = 0 if optional and low == 1 else low
        # Not greedy: lazy. A group is never greedy; `(x{2})?` is x twice or not at all, `(x{2})??` a group that may be left out.
        lazy = (high != low and not quantifier.get("greedy")) if "group" not in step else least == 0 and high == 1
        gap = _gap(step)
        gap_said = "" if gap is None else f" gap {gap - 1}ms"
        part += _times(least, high) + "?" * lazy + inner + gap_said + until
        return f"({part})?" if optional and low > 1 else part

    def _label(self, step: Step, *, repeats: bool) -> str:
        label = self.labels[step["name"]] = f"l{len(self.labels)}"
        self.where[label] = self._speaker(step["name"] if repeats else "").say(step.get("condition")).true
        return label

    def _until(self, step: Step) -> str:
        if "until" not in step:
            return ""
        label = f"u{len(self.where)}"
        self.where[label] = self._speaker("").say(step["until"]).true
        return f" until {label}"

    def _speaker(self, own: str) -> Speaker:
        return Speaker(self.case["inputs"], self.labels, own)


def _times(low: int, high: int | None) -> str:
    match low, high:
        case 1, 1:
            return ""
        case 0, 1:
            return "?"
        case 1, None:
            return "+"
        case 0, None:
            return "*"
        case _, None:
            return f"{{{low},}}"
        case _:
            return f"{{{low}}}" if low == high else f"{{{low},{high}}}"


def excuse(case: Case) -> str:
    """Why the answers may differ: what Flink does there is not what its words mean (docs/flink.md). Empty: they may not."""
    steps = case["pattern"]
    for before, step in pairwise(steps):
        if before["contiguity"] == "notNext" and step["name"] in case.get("within_prev_ms", {}):
            return "Flink does not measure the time since the step before if the next event decides a notNext"
    if any(map(_forgets, _chains(steps))):
        return "Flink forgets a notFollowedBy right before a notNext, or before another one at the end"
    return "Flink leaves some of the gaps between repetitions unmeasured" if any(map(_gap, steps)) else ""


def _gap(step: Step) -> int | None:
    """The longest time between repetitions: less than so many milliseconds."""
    gap: int | None = (step.get("quantifier") or {}).get("max_gap_between_repetitions_ms")
    return gap


def _chains(steps: list[Step]) -> Iterator[list[Step]]:
    yield steps
    for step in steps:
        yield from _chains(step["group"]) if "group" in step else ()


def _forgets(steps: list[Step]) -> bool:
    leads = [step["contiguity"] for step in steps]
    pairs = list(pairwise(leads))
    return ("notFollowedBy", "notNext") in pairs or leads[-2:] == ["notFollowedBy", "notFollowedBy"]
