"""Which of several matches of a key at one moment is told: `pick first`, `pick latest`, `pick longest`."""

from __future__ import annotations

from collections.abc import Sequence

from cep.match.runs import Run
from cep.plan.plan import PickKind


def best_of(matches: Sequence[Run], pick: PickKind) -> Run:
    """The match to tell. `matches` stand in the order of ties: by start, of one start the earlier choice first."""
    starts = [run.start for run in matches]
    start = max(starts) if pick is PickKind.LATEST else min(starts)
    return max((run for run in matches if run.start == start), key=_events)  # the first of the longest


def _events(run: Run) -> int:
    return run.events
