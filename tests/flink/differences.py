"""Where `pick all` and Flink CEP differ by design, a case each: the rows of the table in docs/flink.md."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cep.event import Batch
from cep.match.engine import Engine
from tests.flink.asked import compiled

Step = dict[str, Any]
ONCE: Step = {"min": 1, "max": 1, "optional": False, "greedy": False}
PLUS: Step = {"min": 1, "max": None, "optional": False, "greedy": False, "inner": "relaxed"}


@dataclass(frozen=True)
class Difference:
    """`rule` says the pattern and its bounds, labels being letters; `events` are letters and seconds; `ours` and `flinks` are the
    places of each match's events. `pattern` and `bounds` say it in the words of a case."""

    rule: str
    events: str
    ours: str
    flinks: str
    pattern: tuple[Step, ...]
    bounds: tuple[tuple[str, Any], ...] = ()

    @property
    def row(self) -> str:
        """How the row of the table begins."""
        return f"| `{self.rule}` | `{self.events}` | {self.ours} | {self.flinks} |"

    @property
    def case(self) -> dict[str, Any]:
        rows = [{"id": at, "name": letter, "ts": time_us // 1000} for at, (letter, time_us) in enumerate(_events(self.events))]
        return {"name": self.rule, "pattern": list(self.pattern), "inputs": rows, **dict(self.bounds)}

    def found(self) -> str:
        """What our engine finds."""
        labels = sorted({letter for letter in self.rule if letter in "abcdx"} & set(_letters(self.rule)))
        where = "".join(f'\n    {label}: e where l == "{label}"' for label in labels)
        clauses = self.rule.replace(" within ", "\n  within ")
        bound = "" if "within" in clauses else "\n  budget 1000 runs"
        engine = compiled(f"rule r\n  {clauses}\n  where{where}\n  pick all{bound}\n  emit rows pos\n")
        return _told(engine, self.events)

    def answered(self, answer: dict[str, Any]) -> str:
        """What Flink found, in the same words."""
        if "error" in answer:
            return "never ends" if "forever" in answer["error"] else answer["error"]
        matches = [sorted(at for places in match["vars"].values() for at in places) for match in answer["expected"]]
        return _said(matches)


def _letters(rule: str) -> list[str]:
    return [word for word in "".join(c if c.isalpha() else " " for c in rule).split() if len(word) == 1]


def _events(text: str) -> list[tuple[str, int]]:
    return [(word[0], int(word[1:]) * 1_000_000) for word in text.split()]


def _told(engine: Engine, text: str) -> str:
    told = []
    for at, (letter, time_us) in enumerate(_events(text)):
        told += engine.feed(Batch([{"l": letter, "pos": at}], [time_us], [at], ["e"]), time_us)
    told += engine.advance(60_000_000)
    return _said([[row["pos"] for row in alert.fields["rows"]] for alert in told])


def _said(matches: list[list[int]]) -> str:
    return "; ".join(" ".join(map(str, match)) for match in sorted(matches)) or "none"


def _step(letter: str, lead: str, quantifier: Step = ONCE) -> Step:
    is_letter = {"field": "name", "op": "==", "value": letter}
    return {"name": letter, "contiguity": lead, "quantifier": quantifier, "condition": is_letter}


def _group(name: str, lead: str, *steps: Step, quantifier: Step = ONCE) -> Step:
    return {"name": name, "contiguity": lead, "quantifier": quantifier, "group": list(steps)}


WITHIN = (("within_ms", 5000), ("flush_ts", 60_000))
A = _step("a", "begin")
DIFFERENCES = (
    Difference("match a -> b within 5s", "a0 b5", "0 1", "none", (A, _step("b", "followedBy")), WITHIN),
    Difference(
        "match a -> !b -> !c within 5s", "a0 b1", "none", "0",
        (A, _step("b", "notFollowedBy"), _step("c", "notFollowedBy")), WITHIN,
    ),
    Difference(
        "match a -> !b => !c -> d", "a0 b1 d2", "none", "0 2",
        (A, _step("b", "notFollowedBy"), _step("c", "notNext"), _step("d", "followedBy")),
    ),
    Difference(
        "match a => !x ->[..3s] b", "a0 b9", "none", "0 1",
        (A, _step("x", "notNext"), _step("b", "followedBy")), (("within_prev_ms", {"b": 3000}),),
    ),
    Difference(
        "match a{3} gap 3s", "a0 a1 a9", "none", "0 1 2",
        (_step("a", "begin", {**ONCE, "min": 3, "max": 3, "max_gap_between_repetitions_ms": 3000}),),
    ),
    Difference(
        "match a -> ((b -> c) -> d)", "a0 x1 b2 c3 d4", "0 2 3 4", "none",
        (A, _group("out", "followedBy", _group("in", "begin", _step("b", "begin"), _step("c", "followedBy")),
                   _step("d", "followedBy"))),
    ),
    Difference(
        "match (a? -> b?)+", "a0 a1", "0; 0 1; 1", "never ends",
        (_group("g", "begin", _step("a", "begin", {**ONCE, "optional": True}),
                _step("b", "followedBy", {**ONCE, "optional": True}), quantifier=PLUS),),
    ),
)  # fmt: skip
