"""Which rows of a batch concern which rule: for all rules in one pass, each condition judged at most once per row.

How rows are found is a choice made per rule set (`cep.match.columns` says when): one generated loop over the rows, or
conditions over whole columns. Both give the same hits.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

from cep.event import Batch, Match, Reads
from cep.match.columns import Columns, column_targets
from cep.match.fuse import fuse
from cep.match.matcher import Hits
from cep.match.picks import targets_of
from cep.match.rowloop import Found, Loop, compile_loops, tabled_targets
from cep.match.straightloop import Run, compile_run
from cep.match.strike import strikers_of
from cep.plan.codegen import Rows, Tables
from cep.plan.plan import RulePlan


class Selector:
    """Finds the rows of each plan.

    active  indices of the plans that the last batch brought rows for, ascending: with many rules, look only at these
    fused   of plans whose matchers stand in the loop itself: index, and the list that takes their matches. They get no hits
    struck  matches of filters, each beside its rule, made where the rows were found: these get no hits either. Who takes them
            clears it

    matchers, rules  of each plan: its matcher, and what stands for it in `struck`; without them all rows are hits
    """

    def __init__(
        self,
        plans: Sequence[RulePlan],
        tables: Tables,
        *,
        rows: Rows = "struct",
        matchers: Sequence[object] = (),
        rules: Sequence[Any] = (),
    ) -> None:
        targets, of_plan = targets_of(plans)
        self.active: list[int] = []
        self._hits = [Hits() for _ in targets]
        self._of_plan = [self._hits[target] for target in of_plan]
        self._hit: list[int] = []
        self._filled: list[int] = []
        tabled, in_families = tabled_targets(targets)
        by_column = column_targets(targets, tabled)
        self._columns = Columns(by_column, targets, self._hits, tables, rows) if by_column else None
        in_columns = {pick.target for picks in by_column.values() for pick in picks}
        self.struck: list[tuple[Any, Match]] = []
        strikers = strikers_of(matchers, rules, of_plan)
        strikers = {target: some for target, some in strikers.items() if target not in in_columns}
        no_place = in_families | in_columns | strikers.keys()
        places = fuse(matchers, [None if target in no_place else target for target in of_plan])
        self.fused = [(n, out) for some in places.values() for n, _, out in some]
        apart = dict(self.fused)
        self._plans_of: list[list[int]] = [[] for _ in targets]
        for plan, target in enumerate(of_plan):
            if plan not in apart and target not in strikers:
                self._plans_of[target].append(plan)
        loose = frozenset(target for target, some in enumerate(self._plans_of) if some)
        found = Found(self._hits, self._hit, loose, places, strikers, self.struck)
        self._watched = [n for n in range(len(targets)) if n not in tabled and n in loose]

        def compiled(some: Iterable[int], reads: Reads | None) -> list[Loop]:
            return compile_loops(targets, list(some), tabled, found, tables, rows, reads)

        def both(reads: Reads | None) -> tuple[list[Loop], list[Loop]]:
            """Loops for what only rows can tell, and for batches whose columns do not pay."""
            return compiled((n for n in range(len(targets)) if n not in in_columns), reads), compiled(sorted(in_columns), reads)

        self._compile = both
        self._compile_run = partial(compile_run, targets, tabled, tables, rows, found)
        self._runs: dict[tuple[Reads, bool], Run | None] = {}
        self._loops: dict[Reads | None, tuple[list[Loop], list[Loop]]] = {}

    def run(self, reads: Reads, *, numbered: bool) -> Run | None:
        """The loop over rows as they are decoded, of which times and types are read so; None: some rules need a batch."""
        asked = reads, numbered
        if asked not in self._runs:
            self._runs[asked] = self._compile_run(reads, numbered=numbered)
        return self._runs[asked]

    def select(self, batch: Batch) -> list[Hits]:
        """The hits of each plan, in order. They are filled anew by the next call, and plans that select alike share one:
        read them, do not keep or change them."""
        for target in self._filled:
            hits = self._hits[target]
            hits.rows.clear()
            hits.keys.clear()
            hits.masks.clear()
        self._hit.clear()
        reads = batch.reads
        if reads not in self._loops:
            self._loops[reads] = self._compile(reads)
        loops, instead_of_columns = self._loops[reads]
        if self._columns is not None and not (self._columns.worth(batch) and self._columns.select(batch)):
            loops = loops + instead_of_columns
        for loop in loops:
            loop(batch)
        filled = [target for target in self._watched if self._hits[target].rows]
        if self._hit:
            filled = list({*filled, *self._hit})
        self._filled = filled
        self.active = sorted(plan for target in filled for plan in self._plans_of[target])
        return self._of_plan
