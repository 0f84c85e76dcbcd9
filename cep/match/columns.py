"""Conditions over whole columns: for rule sets with many different conditions on one event type.

    speed    float64, NaN for null: each distinct comparison is one NumPy call for all rows
    country  codes into the distinct texts of the batch: each distinct text is judged once per condition

A condition can be judged so if it is made of comparisons of number fields (with constants or one another), tests for null,
and conditions that read one text field and nothing else, joined by and, or, not.

cost model (measured over rule sets of 10 to 100 picks and 32 to 1,000 rows; weighed for each batch by `gain`), in ns: the row
loop asks a row one condition in 9. In columns, a number field costs 55 a row and a text field 95; a condition costs 600 and 0.6 a
row, one on text 90 per distinct text besides; a pick costs 1,100 to be written down. So columns pay with 400 rows of a type from
about 30 conditions on, twice as fast with 100, and with 100 rows hardly ever; texts only where they repeat.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from cep.event import Batch
from cep.match.masks import Masks, columnable
from cep.match.matcher import Hits
from cep.match.picks import Pick, Target
from cep.match.places import Key, part_code
from cep.plan.codegen import Namespace, Rows, Tables, Writer, deep_parts

FEWEST_ROWS = 32
FEWEST_PICKS = 24
_PER_CONDITION_AND_ROW = 9.0
_PER_NUMBER, _PER_TEXT = 55.0, 95.0
_PER_CONDITION, _PER_MASK_ROW, _PER_DISTINCT = 600.0, 0.6, 90.0
_PER_PICK = 1100.0


def column_targets(targets: Sequence[Target], tabled: frozenset[int]) -> dict[str, list[Pick]]:
    """Picks that can be judged by column, per event type, where there are many: of targets with this one pick alone, so
    that their rows come in order, and not of those that a table serves."""
    found: dict[str, list[Pick]] = {}
    for n, target in enumerate(targets):
        if n not in tabled and len(target.picks) == 1 and not target.own:
            pick = target.picks[0]
            if pick.conjuncts and all(map(columnable, pick.conjuncts)) and not deep_parts(*pick.key):
                found.setdefault(pick.type, []).append(pick)
    return {name: picks for name, picks in found.items() if len(picks) >= FEWEST_PICKS}


class Columns:
    """All column picks of a rule set."""

    def __init__(
        self, picks: dict[str, list[Pick]], targets: Sequence[Target], hits: Sequence[Hits], tables: Tables, rows: Rows
    ) -> None:
        self._types = {name: _TypeColumns(some, targets, hits, tables, rows) for name, some in picks.items()}

    def worth(self, batch: Batch) -> bool:
        """Whether this batch is judged faster by column."""
        gain = 0.0
        for name, columns in self._types.items():
            gain += columns.gain(batch.types.count(name))
        return gain > 0

    def select(self, batch: Batch) -> bool:
        """Fill the hits; False, and nothing is written, when a column cannot hold its numbers exactly."""
        masks = []
        for name, columns in self._types.items():
            indices = [i for i, one in enumerate(batch.types) if one == name]
            if indices:
                rows = [batch.rows[i] for i in indices]
                judged = columns.judge(rows)
                if judged is None:
                    return False
                masks.append((columns, indices, rows, judged))
        for columns, indices, rows, judged in masks:
            columns.write(indices, rows, [batch.times_us[i] for i in indices], judged)
        return True


class _TypeColumns:
    """The column picks of one event type."""

    def __init__(self, picks: list[Pick], targets: Sequence[Target], hits: Sequence[Hits], tables: Tables, rows: Rows) -> None:
        self._picks = picks
        self._hits = [hits[pick.target] for pick in picks]
        self._masked = [targets[pick.target].masked for pick in picks]
        self._masks = Masks([pick.conjuncts for pick in picks], tables, rows)
        self._distinct = 64.0  # texts in a column, as last seen
        names = Namespace(tables)
        keys = list(dict.fromkeys(pick.key for pick in picks))
        made = names.run("\n".join(_key_source(n, key, Writer(names, rows=rows)) for n, key in enumerate(keys)))
        self._keys: dict[Key, Callable[..., list[Any]]] = {key: made[f"key{n}"] for n, key in enumerate(keys)}

    def gain(self, rows: int) -> float:
        """Nanoseconds saved by column, with so many rows of the type."""
        if rows < FEWEST_ROWS:
            return 0.0
        numbers, texts, conditions, on_text = self._masks.size
        by_row = rows * conditions * _PER_CONDITION_AND_ROW
        by_column = (
            rows * (numbers * _PER_NUMBER + texts * _PER_TEXT)
            + conditions * (_PER_CONDITION + rows * _PER_MASK_ROW)
            + on_text * min(rows, self._distinct) * _PER_DISTINCT
            + len(self._picks) * _PER_PICK
        )
        return by_row - by_column

    def judge(self, rows: list[Any]) -> list[Any] | None:
        """For each pick where it is true; None when the numbers are too large."""
        judged, distinct = self._masks.judge(rows)
        self._distinct = max(distinct, self._distinct * 0.9)
        return judged

    def write(self, indices: list[int], rows: list[Any], times_us: list[int], masks: list[Any]) -> None:
        made: dict[Key, list[Any]] = {}
        for pick, hits, masked, mask in zip(self._picks, self._hits, self._masked, masks):
            places = mask.nonzero()[0].tolist()
            if not places:
                continue
            if pick.key not in made:
                made[pick.key] = self._keys[pick.key](rows, times_us)
            keys = made[pick.key]
            for at in places:
                key = keys[at]
                if key is not None:
                    hits.rows.append(indices[at])
                    hits.keys.append(key)
            if masked:
                hits.masks.extend([pick.bits] * len(hits.rows))


def _key_source(number: int, key: Key, write: Writer) -> str:
    """A function that gives the key of each row, None where a part is null."""
    parts = [part_code(write, part) for part in key]
    if len(parts) == 1:
        code = parts[0]
    else:
        names = [f"q{n}" for n in range(len(parts))]
        nulls = " or ".join(f"({name} := ({part})) is None" for name, part in zip(names, parts))
        whole = "(" + "".join(f"{name}, " for name in names) + ")"
        code = f"None if {nulls} else {whole}" if parts else "()"
    return f"def key{number}(rows, times): return [({code}) for r, t in zip(rows, times)]"
