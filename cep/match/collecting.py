"""A generated function that walks over rows as they come, where rows have to wait: it judges them, and collects those that some
rule could want. The others move nothing but the watermark.

    for e, r in zip(ids, rows):          documents, decoded as they are asked for: decoding has checked them
        v = r.ts
        if v > top: top = v; edge = v - lateness                       the row that is the latest so far
        elif v < edge: late((e - start, v, top)); continue             behind the watermark as it stands at this row
        y = r.type
        if y == 'login':
            hold((v * 1000.0, rank, r, e, y))                          `cep.match.held.Held`
        elif y == 'sensor':
            f0 = r.speed
            if f0 is not None and f0 > 80: hold(...)                   conditions that are cheap, where there are few

Dicts are looked at on the way, as in `cep.match.straightloop`; the walk ends before the first row that is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

from cep.event import Batch, Document, EventId, Reads
from cep.match.fuse import Bits, Fused
from cep.match.held import Group, Held
from cep.match.order import Orderer
from cep.match.picks import Pick, Target, targets_of
from cep.match.rowloop import CHAIN, RowLoop
from cep.match.straightloop import REFUSED, ending
from cep.match.takers import Takers
from cep.plan import ir
from cep.plan.codegen import Namespace, Rows, Tables
from cep.plan.ir import Expr
from cep.plan.plan import RulePlan, rule_read
from cep.texts import LineText
from cep.types import Type

Late = tuple[int, int, int]  # number of the row in this walk; its time and the largest before it, both as they are written
# (rows, ids, largest time, watermark, lateness, latest credible time, rank, takes a row that waits, takes a late one): times as
# they are written -> how many rows it judged, the largest time now, whether it ended before the rows did
Collect = Callable[
    [Iterator[Any], Sequence[EventId], int, int, int, int, int, Callable[[Held], None], Callable[[Late], None]],
    tuple[int, int, bool],
]
TAKES = "rows, ids, top, edge, lateness, latest, rank, hold, late"
MOST_WAYS = 4  # of one event type to be wanted: with more, each row of it is


@dataclass(slots=True)
class Collected:
    """What became of some rows.

    taken, cut  how many were judged, and whether that was before their end
    late        (index, microseconds behind)
    unread      how many wait that no rule reads
    batch       what may be fed now
    """

    taken: int
    cut: bool
    late: Sequence[tuple[int, int]] = ()
    unread: int = 0
    batch: Batch | None = None


def collect_rows(
    order: Orderer, stream: str, collect: Collect, reads: Reads, rows: Iterator[Any], positions: Sequence[EventId],
    documents: Sequence[Document], latest_us: int,
) -> Collected:  # fmt: skip
    """Judge rows as they come, and hold them in order.

    documents, positions  of the rows; there may be more
    latest_us             what is later than that is for others to judge
    """
    watermark_us, lateness_us, rank = order.judged_by(stream)
    top_us = watermark_us + lateness_us
    if top_us > latest_us:
        return Collected(0, cut=True)  # one may be too late to be true, and yet not the latest
    scale = reads.scale or 1
    held: list[Held] = []
    late: list[Late] = []
    taken, top, cut = collect(
        rows, positions, top_us // scale, -(-watermark_us // scale), lateness_us // scale, latest_us // scale,
        rank, held.append, late.append,
    )  # fmt: skip
    if not taken:
        return Collected(0, cut)
    unread = taken - len(held) - len(late)
    if isinstance(documents, LineText):
        documents = documents.kept()
    without = frozenset(i for i, _, _ in late)
    group = Group(positions[0], {}, watermark_us, documents, positions, taken, without, unread)
    batch = order.collected(stream, held, group, positions[taken - 1], top * scale)
    behind = [(i, max(watermark_us, before * scale - lateness_us) - v * scale) for i, v, before in late]
    return Collected(taken, cut, behind, unread, batch)


def compile_collect(plans: Sequence[RulePlan], tables: Tables, rows: Rows, reads: Reads, *, numbered: bool) -> Collect | None:
    """The function for the rows that these plans read; None: such rows cannot be taken one by one.

    numbered  it is only given ids that are a range, and no latest time
    """
    if rows == "dict" and not numbered:
        return None
    target = Target(wanted(plans), masked=False, own=False)
    scale = f"{reads.scale or 1}.0"
    number = "e" if rows == "struct" else "final - left()"

    def row(key: str, bits: Bits) -> list[str]:
        return [f"hold((v * {scale}, rank, r, {number}, y))"]

    takers = Takers((), [], frozenset(), {0: [(0, Fused(None, row), [])]}, {}, [])
    loop = RowLoop(list(target.picks), [target], takers, {}, Namespace(tables), rows, reads)
    return _collect_decoded(loop, reads, numbered=numbered) if rows == "struct" else _collect_dicts(loop, reads)


def _collect_decoded(loop: RowLoop, reads: Reads, *, numbered: bool) -> Collect:
    loop.bind("refused", REFUSED)
    if numbered:
        first, each_of = "start = ids.start; e = start - 1", "e, r in zip(ids, rows)"
        n, taken, too_late = "e - start", "e + 1 - start", []
    else:
        first, each_of = "n = -1", "n, r, e in zip(count(), rows, ids)"
        n, taken, too_late = "n", "n + 1", ["    if v > latest: n -= 1; break"]
        loop.bind("count", count)
    each = [
        f"v = {reads.raw if reads.scale else reads.time}",
        "if v > top:",
        *too_late,
        "    top = v; edge = v - lateness",
        f"elif v < edge: late(({n}, v, top)); continue",
        f"y = {reads.type}",
        *loop.dispatch(loop.bodies(reads)[1]),
    ]
    walk = [f"{first}; cut = True", *ending(f"for {each_of}:", each, "refused")]
    collect: Collect = loop.function(TAKES, [], [], walk, f"return {taken}, top, cut")
    return collect


def _collect_dicts(loop: RowLoop, reads: Reads) -> Collect:
    """Rows are given as the iterator of a list, which knows how many are left: so none has to be numbered."""
    assert reads.within is not None and reads.scale
    lowest, end = reads.within
    loop.taken = judged = [
        "if odd:",
        "    if v > top: top = v; edge = v - lateness",
        "    else: late((final - left() - ids.start, v, top)); continue",
    ]
    bodies = loop.bodies(reads)[1]
    few = len(bodies) <= CHAIN
    each = [
        "if r.__class__ is not dict: break",
        f"v = {reads.raw}",
        "if v.__class__ is not int: break",
        "odd = v > top or v < edge",
        f"if odd and (v >= {end} or v < {lowest}): break",
        f"y = {reads.type}",
        *([] if few else ["if y.__class__ is not str: break"]),
        *loop.dispatch(bodies),
        "elif y.__class__ is str:" if few else "else:",
        *(f"    {line}" for line in judged),
        *(["else: break"] if few else []),
    ]
    first = ["left = rows.__length_hint__; final = ids.start - 1 + left()"]
    walk = ["cut = True", *ending("for r in rows:", each, "KeyError")]
    collect: Collect = loop.function(TAKES, first, [], walk, "return final - ids.start - left() + (not cut), top, cut")
    return collect


# -- which rows


def wanted(plans: Sequence[RulePlan]) -> tuple[Pick, ...]:
    """Ways in which an event may concern some rule, per type a few, or the one that any event of it goes."""
    ways: dict[str, dict[tuple[Expr, ...], None]] = {}
    for target in targets_of(plans)[0]:
        for pick in target.picks:
            if rule_read(pick.type) is None:
                cheap = () if target.own else tuple(expr for expr in pick.conjuncts if _is_cheap(expr))
                ways.setdefault(pick.type, {})[cheap] = None
    return tuple(
        Pick(0, name, conjuncts, 1, ())
        for name, some in ways.items()
        for conjuncts in ([()] if () in some or len(some) > MOST_WAYS else some)
    )


def _is_cheap(expr: Expr) -> bool:
    """Whether it is worth being asked twice: now, and when the row waits no longer."""
    match expr:
        case ir.Compare(left=a, right=b):
            return _is_leaf(a) and _is_leaf(b)
        case ir.InSet(operand=x) | ir.IsNull(operand=x):
            return _is_leaf(x)
        case ir.Not(operand=x):
            return _is_cheap(x)
        case _:
            return False


def _is_leaf(expr: Expr) -> bool:
    if isinstance(expr, ir.Field):
        return len(expr.path) == 1 and expr.type is not Type.TIME
    return isinstance(expr, ir.Const)
