"""All small patterns and all short words: every pattern of up to three steps over three letters, with the quantifiers that the
Flink oracle is asked about too, and what they mean for every word of up to six letters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product

from cep.plan.plan import ONCE, Bound, Chain, Link, Loop, PatternBody, PickKind, Register, RegisterKind, RulePlan, StepPlan, Take
from cep.types import Type
from tests.judge.moments import until
from tests.judge.patterns import one_of, sequence_rule
from tests.judge.runs import OneKey
from tests.judge.values import Seen, Verdict

ALPHABET = "abc"
LONGEST_WORD = 6
WITHIN = Bound(3)
BOTH = (Bound(2, events=3), Bound(4, exclusive=True, events=2), Bound(4, events=3))
EVEN_US = tuple(range(LONGEST_WORD))  # when the letters come
UNEVEN_US = (0, 0, 1, 3, 4, 4)  # now time ends first, now the number of events
END_US = 100
FEW = {
    "one": ONCE,
    "optional": Loop(0, 1),
    "plus": Loop(1, None, lazy=True),
    "star-greedy": Loop(0, None),
    "two": Loop(2, 2),
}
MANY = FEW | {
    "optional-lazy": Loop(0, 1, lazy=True),
    "plus-greedy": Loop(1, None),
    "plus-consecutive": Loop(1, None, inner="=>"),
    "plus-combinations": Loop(1, None, inner="->>"),
    "star": Loop(0, None, lazy=True),
    "two-consecutive": Loop(2, 2, inner="=>"),
    "one-to-two": Loop(1, 2),
    "two-plus": Loop(2, None),
}
ARROWS = ("->", "=>", "->>")
NEGATIONS = ("-> !", "=> !")


@dataclass(frozen=True)
class Step:
    letter: str
    arrow: str
    quantifier: str


Steps = tuple[Step, ...]


def patterns(length: int, quantifiers: dict[str, Loop]) -> Iterator[Steps]:
    """Every pattern of that many steps: letters in order of first use, for others differ in names alone."""
    if length == 0:
        yield ()
        return
    for before in patterns(length - 1, quantifiers):
        used = len({step.letter for step in before})
        for letter, arrow in product(ALPHABET[: used + 1], (*ARROWS, *NEGATIONS) if before else ("",)):
            if before and "!" in before[-1].arrow and (arrow == "=>" or "!" in arrow):
                continue  # behind a negation comes a step, later
            for name in ["one"] if "!" in arrow else quantifiers:
                yield (*before, Step(letter, arrow, name))


def rule(steps: Steps, pick: PickKind, within: Bound | None = None) -> RulePlan:
    """The rule that tells how many events each step took; bounded only where it has to be, unless `within` says how."""
    links = tuple(Link(Take(i, MANY[s.quantifier]), s.arrow[:2].strip(), "!" in s.arrow) for i, s in enumerate(steps))
    links = tuple(replace(link, arrow="->>") if step.arrow == "->>" else link for link, step in zip(links, steps))
    plans = tuple(StepPlan(f"s{i}", one_of(step.letter)) for i, step in enumerate(steps))
    counts = tuple(Register(RegisterKind.COUNT, i, Type.NUMBER) for i, step in enumerate(steps) if "!" not in step.arrow)
    bound = WITHIN if pick is PickKind.LONGEST or steps[-1].arrow == "-> !" else Bound()
    return sequence_rule(PatternBody(plans, Chain(links), within or bound, pick, registers=counts))


def words(longest: int = LONGEST_WORD) -> Iterator[str]:
    for length in range(1, longest + 1):
        yield from map("".join, product(ALPHABET, repeat=length))


def stream(word: str, times_us: Sequence[int] = EVEN_US) -> list[Seen]:
    """One letter a microsecond, or at these times."""
    return [Seen(times_us[at], "e", {"k": "p", "l": letter, "v": at}, at) for at, letter in enumerate(word)]


def judged(plan: RulePlan, longest: int = LONGEST_WORD, times_us: Sequence[int] = EVEN_US) -> Iterator[tuple[str, list[Verdict]]]:
    """Every word with what is told of it; what words have in common is judged once."""

    def branch(word: str, key: OneKey, told: list[Verdict]) -> Iterator[tuple[str, list[Verdict]]]:
        if word:
            yield word, told + until(key.branch(), END_US)
        if len(word) == longest:
            return
        for letter in ALPHABET:
            longer = key.branch()
            more = until(longer, times_us[len(word)] - 1) + longer.take(stream(word + letter, times_us)[-1])
            yield from branch(word + letter, longer, told + more)

    yield from branch("", OneKey(plan, ("p",), {}), [])
