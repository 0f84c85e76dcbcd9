"""A generated function that walks over rows as they come, where all matchers stand in it: no batch is made of them.

It ends before the first row that is refused or goes back in time; what was taken until then is done.

    for e, r in zip(ids, rows):          documents, decoded as they are asked for: decoding has checked them
        v = r.ts
        if v < since: break              times are compared as they are written, and made microseconds only where one is used
        i = e; since = v; y = r.type
        if y == 'sensor': ...            `cep.match.rowloop`

    for r in rows:                       dicts, which are looked at on the way
        v = r['ts']
        if v.__class__ is not int or v < since or v >= 4102444800000: break
        y = r['type']
        if y == 'sensor':
            f0 = r['speed']
            if f0.__class__ is not float ...: break
            since = v                    from here on the row is taken
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import count
from typing import Any

import msgspec

from cep.event import EventId, Reads
from cep.match.picks import Target
from cep.match.rowloop import CHAIN, Found, RowLoop, parts_of
from cep.plan.codegen import Namespace, Rows, Tables

# (rows, ids, earliest time, latest time) -> how many rows it took, the time of the last one, whether it ended before the rows did
Run = Callable[[Iterator[Any], Sequence[EventId], int, int], tuple[int, int, bool]]
REFUSED = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, TypeError)  # what decoding a document may raise


def compile_run(
    targets: Sequence[Target], tabled: frozenset[int], tables: Tables, rows: Rows, found: Found, reads: Reads, *, numbered: bool
) -> Run | None:
    """The function, if all targets are of matchers that stand in it, or of filters that strike.

    numbered  it is only given ids that are a range, and no latest time
    """
    parts = parts_of(targets, range(len(targets)), tabled)
    if len(parts) != 1 or found.listed:
        return None
    loop = RowLoop(parts[0], targets, found, Namespace(tables), rows, reads)
    if rows == "struct":
        return _run_decoded(loop, reads, numbered=numbered)
    return _run_dicts(loop, reads) if numbered else None


def _run_decoded(loop: RowLoop, reads: Reads, *, numbered: bool) -> Run:
    here = loop.fused_here()
    timed, bodies = loop.bodies(reads)
    if numbered:  # an id says which row it is: the index of its match is that number, which orders matches as well
        begin, each_of, taken = "ids.start", "e, r in zip(ids, rows)", "i + 1 - ids.start"
    else:
        begin, each_of, taken = "0", "n, r, e in zip(count(), rows, ids)", "i + 1"
        loop.bind("count", count)
    if reads.scale:
        v, at, last = "v", f"v * {reads.scale}", f"max(last, since * {reads.scale})"
        first = [f"since = -(-last // {reads.scale})", f"latest //= {reads.scale}"]
        for kind in timed:
            bodies[kind].insert(0, f"t = {at}")
    else:
        v, at, last, first = "t", "", "since", ["since = last"]
    each = [
        f"{v} = {reads.raw if reads.scale else reads.time}",
        f"if {v} < since{'' if numbered else f' or {v} > latest'}: break",
        f"i = {'e' if numbered else 'n'}; since = {v}; y = {reads.type}",
        *loop.dispatch(bodies),
    ]
    walk = [f"i = {begin} - 1; cut = True", *ending(f"for {each_of}:", each, "refused")]
    loop.bind("refused", REFUSED)
    run: Run = loop.function("rows, ids, last, latest", first, here, walk, f"return {taken}, {last}, cut", at=at)
    return run


def _run_dicts(loop: RowLoop, reads: Reads) -> Run:
    """Rows are given as the iterator of a list, which knows how many are left: so none has to be numbered."""
    assert reads.within is not None and reads.scale
    here = loop.fused_here()
    loop.taken = ["since = v"]
    timed, bodies = loop.bodies(reads)
    at = f"v * {reads.scale}; e = i = final - left()"
    for kind in timed:
        bodies[kind].insert(0, f"t = {at}")
    lowest, end = reads.within
    first = [
        "left = rows.__length_hint__; final = ids.start - 1 + left()",
        f"since = max(-(-last // {reads.scale}), {lowest})",
    ]
    each = [
        "if r.__class__ is not dict: break",
        f"v = {reads.raw}",
        f"if v.__class__ is not int or v < since or v >= {end}: break",
        f"y = {reads.type}",
        *([] if len(bodies) <= CHAIN else ["if y.__class__ is not str: break"]),
        *loop.dispatch(bodies),
        f"{'elif y.__class__ is str' if len(bodies) <= CHAIN else 'else'}: since = v",
        *(["else: break"] if len(bodies) <= CHAIN else []),
    ]
    walk = ["cut = True", *ending("for r in rows:", each, "KeyError")]
    last = f"return final - ids.start - left() + (not cut), max(last, since * {reads.scale}), cut"
    run: Run = loop.function("rows, ids, last, latest", first, here, walk, last, at=at)
    return run


def ending(head: str, each: Sequence[str], refused: str) -> list[str]:
    """The walk, which ends where a row is refused; `cut` says whether it did."""
    return ["try:", f"    {head}", *(f"        {line}" for line in each), "    else: cut = False", f"except {refused}: pass"]
