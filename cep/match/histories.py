"""Sets of histories, all that partial matches at one place have taken, as a graph whose parts are shared: any number of them in
room that grows with the events alone.

    link    an event taken after any history of a set (or after none)
    union   the histories of two sets

A history is read by walking from a link to the set before it, to one link of that, and so on. Every node knows the latest start
of its histories, so those that began too early are passed by without being walked.

    source  Bucchi, Grez, Quintana, Riveros, Vansummeren: CORE: a Complex event Recognition Engine, VLDB 2022, section 4.
            Their timed enumerable compact set (tECS) has our link as output node, our union, and max-start as `latest`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from cep.event import EventId

# (latest, left, right) or (latest, before or None, step, number, time_us, id, values for registers); `left` has the later start.
# Tuples: a long chain of them is freed without recursion.
Union = tuple[int, Any, Any]
Link = tuple[int, Any, int, int, int, EventId, tuple[Any, ...]]
Node = tuple[Any, ...]
History = list[Link]  # in order of events


def union(one: Node, other: Node) -> Node:
    return (one[0], one, other) if one[0] >= other[0] else (other[0], other, one)


def histories(node: Node, earliest: int) -> Iterator[History]:
    """Each history that began at `earliest` or later.

    cost  O(length) for each, and a step for each union on the way
    """
    stack: list[tuple[Node, Any]] = [(node, None)]
    while stack:
        node, behind = stack.pop()
        if len(node) == 3:
            _, left, right = node
            if right[0] >= earliest:
                stack.append((right, behind))
            if left[0] >= earliest:
                stack.append((left, behind))
            continue
        if node[1] is not None:
            if node[1][0] >= earliest:
                stack.append((node[1], (node, behind)))
            continue
        if node[0] >= earliest:
            history = [node]
            while behind is not None:
                history.append(behind[0])
                behind = behind[1]
            yield history


def in_order(roots: Sequence[Node]) -> list[Node]:
    """All nodes that can be reached, each behind those it is made of."""
    found: dict[int, Node] = {}
    stack = [(root, False) for root in reversed(roots)]
    while stack:
        node, done = stack.pop()
        if done:
            found.setdefault(id(node), node)
        elif id(node) not in found:
            stack.append((node, True))
            stack += [(part, False) for part in reversed(parts_of(node)) if id(part) not in found]
    return list(found.values())


def parts_of(node: Node) -> tuple[Node, ...]:
    if len(node) == 3:
        return node[1:]
    return () if node[1] is None else (node[1],)


def count(roots: Sequence[Node], earliest: int) -> int:
    """How many histories there are, without walking them."""
    counts: dict[int, int] = {}
    for node in in_order(roots):
        parts = parts_of(node)
        counts[id(node)] = 0 if node[0] < earliest else sum(counts[id(part)] for part in parts) if parts else 1
    return sum(counts[id(root)] for root in roots)


def pruned(roots: Sequence[Node], earliest: int) -> tuple[list[Node | None], int]:
    """The same sets without histories that began before `earliest`, as far as whole nodes go; and how many nodes there are."""
    fresh: dict[int, Node | None] = {}
    held = 0
    for node in in_order(roots):
        if node[0] < earliest:
            fresh[id(node)] = None
            continue
        parts = parts_of(node)
        new = [fresh[id(part)] for part in parts]
        if all(one is part for one, part in zip(new, parts)):
            fresh[id(node)] = node
            held += 1
        elif len(node) == 3:
            left = [one for one in new if one is not None]
            fresh[id(node)] = union(left[0], left[1]) if len(left) == 2 else left[0]
            held += len(left) == 2
        else:
            fresh[id(node)] = (node[0], new[0], *node[2:])
            held += 1
    return [fresh[id(root)] for root in roots], held


def preferred(roots: Sequence[Node], earliest: int, most: int) -> list[History]:
    """The first so many histories in the order of `preference` (cep.match.every_run): by start, the longest, then taken before
    left. What comes after the first `most` of a set comes after them in all sets made of it, so the others are not made.

    cost  O(nodes most length)
    """
    best: dict[int, list[tuple[Any, History]]] = {}
    for node in in_order(roots):
        if node[0] < earliest:
            best[id(node)] = []
        elif len(node) == 3:
            both = best[id(node[1])] + best[id(node[2])]
            best[id(node)] = sorted(both, key=_first)[:most]
        else:
            before = [(None, [])] if node[1] is None else best[id(node[1])]
            made = [[*history, node] for _, history in before]
            best[id(node)] = [(rank(history), history) for history in made]
    found = [one for root in roots for one in best[id(root)]]
    return [history for _, history in sorted(found, key=_first)[:most]]


def rank(history: History) -> tuple[int, int, list[tuple[int, int]]]:
    """The order of matches of one event (Meaning 10)."""
    return history[0][3], -len(history), [(link[3], link[2]) for link in history]


def _first(ranked: tuple[Any, History]) -> Any:
    return ranked[0]
