"""Who takes the rows that a loop finds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cep.event import Match
from cep.match.fuse import At
from cep.match.matcher import Hits
from cep.match.strike import Striker


@dataclass(frozen=True, slots=True)
class Takers:
    """hits      one per target
    hit       takes the numbers of targets that tables wrote to (repeatedly, in no order)
    listed    targets whose rows are written down in their hits
    fused     per target the matchers that are written into the loop
    strikers  per target the filters whose matches are made where the row is found, and go to
    struck    with their rules
    """

    hits: Sequence[Hits]
    hit: list[int]
    listed: frozenset[int]
    fused: Mapping[int, list[At]]
    strikers: Mapping[int, list[Striker]]
    struck: list[tuple[Any, Match]]

    @property
    def called(self) -> dict[str, Any]:
        """What the lines of `strike` call, by name."""
        return {"struck": self.struck.append, "new": Match}
