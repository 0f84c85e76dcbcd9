"""A queue by start: what the skip strategies of `pick all` choose by.

Of several matches with one start the first of the queue is told, and with `after match skip` it decides which others are not.
Flink keeps a binary heap, and which of equal ones comes first follows from how a heap moves its items: a new one climbs past
later starts only, a removed one is replaced by the last item, which sinks below earlier starts only, to the left at a tie.
Python's own `heapq` sinks in another way and chooses others.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, TypeVar


class Started(Protocol):
    start: int


Item = TypeVar("Item", bound=Started)


def push(heap: list[Item], item: Item) -> None:
    at = len(heap)
    heap.append(item)
    while at > 0:
        parent = (at - 1) >> 1
        if item.start >= heap[parent].start:
            break
        heap[at] = heap[parent]
        at = parent
    heap[at] = item


def push_all(heap: list[Item], items: Iterable[Item]) -> None:
    for item in items:
        push(heap, item)


def pop(heap: list[Item]) -> Item:
    first, last = heap[0], heap.pop()
    if heap:
        _sink(heap, 0, last)
    return first


def keep(heap: list[Item], first: int) -> None:
    """Leave only what starts at `first` or later, in an order that follows from the one before."""
    kept = [item for item in heap if item.start >= first]
    if len(kept) == len(heap):
        return
    heap[:] = kept
    for at in range((len(heap) >> 1) - 1, -1, -1):
        _sink(heap, at, heap[at])


def _sink(heap: list[Item], at: int, item: Item) -> None:
    half = len(heap) >> 1
    while at < half:
        child = 2 * at + 1
        if child + 1 < len(heap) and heap[child].start > heap[child + 1].start:
            child += 1
        if item.start <= heap[child].start:
            break
        heap[at] = heap[child]
        at = child
    heap[at] = item
