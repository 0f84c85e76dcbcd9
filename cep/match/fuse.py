"""Matchers written into the loop that finds the rows: their rows are neither listed nor walked over a second time.

A matcher that can be written so offers `fuse`: lines of source for one row of its rule, which work on the matcher's own tables.
State, timers and snapshots stay with the matcher, and rare or long work is a call to one of its methods; in the loop stands
only what nearly every row needs. Both ways give the same matches: `feed` and the lines are tested against each other.

names a line may use     i r t e   index, row, time and id of the event; before `t` on each way there must be a line `AT`
                         M7 O7     the matcher, and the list of its matches (7: the number of the rule)
                         w z       free for a moment; what outlives the line ends in the number and begins with a capital
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from cep.event import Match

Bits = int | str  # which steps the row fits: known where the lines stand, or in a local name there
AT = "t = at"  # stands for the code that makes the time, or for nothing where it is known
MOST_FUSED = 48  # rules of one set: each costs a microsecond a batch, whether it has rows in it or not


@dataclass(frozen=True, slots=True)
class Fused:
    """What a matcher does in the loop.

    matcher what stands behind `M7`
    row     (key, bits) -> the lines for a row; `key` is a local name or `()`
    before, after   lines around the loop: tables in local names, and what has to be put back
    """

    matcher: Any
    row: Callable[[str, Bits], list[str]]
    before: Sequence[str] = ()
    after: Sequence[str] = ()


@runtime_checkable
class Fusable(Protocol):
    def fuse(self, n: int) -> Fused | None:
        """The lines of rule number `n`; None: this rule is not written so."""
        ...


At = tuple[int, Fused, list[Match]]  # number of a rule, what its matcher does in the loop, where its matches go


def fuse(matchers: Sequence[object], targets: Sequence[int | None]) -> dict[int, list[At]]:
    """Per target the matchers to be written into the loop where its rows are found. `targets`: of each; None: not there."""
    found: dict[int, list[At]] = {}
    free = MOST_FUSED
    for n, (matcher, target) in enumerate(zip(matchers, targets)):
        fused = matcher.fuse(n) if free and target is not None and isinstance(matcher, Fusable) else None
        if fused is not None and target is not None:
            found.setdefault(target, []).append((n, fused, []))
            free -= 1
    return found


def where(bits: Bits, mask: int, lines: Sequence[str]) -> list[str]:
    """The lines, for rows that fit one of the steps of `mask`."""
    if isinstance(bits, int):
        return list(lines) if bits & mask else []
    return indented(f"if {bits} & {mask}:", lines)


def indented(head: str, lines: Sequence[str]) -> list[str]:
    """A statement with its block."""
    return [head, *(f"    {line}" for line in lines)] if lines else []
