"""Which of several matches of a key at one moment is told: `pick first`, `pick latest`, `pick longest`."""

from __future__ import annotations

from collections.abc import Sequence

from cep.match.runs import Run
from cep.plan.plan import PickKind


def best_of(matches: Sequence[Run], pick: PickKind) -> Run:
    """The match to tell. `matches` stand in the order of ties: by start, of one start the earlier choice first."""
    latest = pick is PickKind.LATEST
    best = matches[0]
    for run in matches:
        if (run.start > best.start) if latest else (run.start < best.start):
            best = run
        elif run.start == best.start and run.events > best.events:
            best = run
    return best
