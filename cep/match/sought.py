"""Which texts of columns some of many rules could want, the rules not judged: they hold a value or a piece that is asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from cep.functions.literals import folded
from cep.match.needles import Way, Ways, asks, choose, ways_in
from cep.match.scan import Scanner, make_scanner
from cep.plan import ir
from cep.plan.ir import Expr
from cep.types import Type

TOGETHER = 2_000  # texts scanned at once


class Sought:
    """What rules ask of the texts of one event type.

    fields  of which one at least has a wanted text in any row that a rule could want
    """

    def __init__(self, ways: Sequence[Ways]) -> None:
        self._values: dict[ir.Field, set[str]] = {}
        pieces: dict[ir.Field, dict[str, None]] = {}
        for way in (way for each in ways for way in each):
            self._values.setdefault(way.field, set()).update(way.values)
            pieces.setdefault(way.field, {}).update(dict.fromkeys(way.pieces))
        self._scanners: dict[ir.Field, Scanner] = {field: make_scanner(list(some)) for field, some in pieces.items() if some}
        self.fields = tuple(self._values)

    def wanted(self, field: ir.Field, texts: Sequence[str | None]) -> Iterator[bool]:
        """Of each text whether a rule could want a row with it."""
        values, scanner = self._values[field], self._scanners.get(field)
        for start in range(0, len(texts), TOGETHER):
            some = texts[start : start + TOGETHER]
            if scanner is None:
                yield from (text in values for text in some)
            else:
                found = scanner.find([folded(text or "") for text in some])
                yield from (bool(pieces) or text in values for text, pieces in zip(some, found))


def sought_in(wanted: Sequence[Sequence[Expr]]) -> tuple[list[Ways], list[Sequence[Expr]]]:
    """Of lists of conditions the ways in which each may be true, by texts of top-level fields; and the lists that have none."""
    options = [(conjuncts, [ways for ways in ways_in(conjuncts) if all(map(_by_text, ways))]) for conjuncts in wanted]
    asked = Counter(one for _, ways in options for one in {one for each in ways for one in asks(each)})
    return [choose(ways, asked) for _, ways in options if ways], [conjuncts for conjuncts, ways in options if not ways]


def _by_text(way: Way) -> bool:
    return way.field.type is Type.TEXT and len(way.field.path) == 1
