"""Did you mean: the nearest of the known words to one that is not known."""

from __future__ import annotations

from collections.abc import Iterable

MAX_DISTANCE = 2


def closest(word: str, candidates: Iterable[str]) -> str | None:
    """The candidate nearest to `word`: at most two edits away, and at most a third of the word's length.

    Equal distances go to the candidate that begins alike, then to the first in order.
    """
    bound = min(MAX_DISTANCE, len(word) // 3)
    best: tuple[int, int, str] | None = None
    for candidate in dict.fromkeys(candidates):
        if candidate == word or abs(len(candidate) - len(word)) > bound:
            continue
        apart = distance(word, candidate, bound)
        if apart <= bound:
            ranked = (apart, 0 if candidate[:1] == word[:1] else 1, candidate)
            if best is None or ranked[:2] < best[:2]:
                best = ranked
    return best[2] if best else None


def distance(one: str, other: str, bound: int) -> int:
    """Damerau-Levenshtein distance (insert, delete, replace, swap neighbours); `bound + 1` stands for anything beyond.

    cost    O(len(one) * len(other)), less where every cell of a row is beyond the bound
    source  Wagner & Fischer 1974, with the swap of Damerau 1964 (optimal string alignment)
    """
    before_last: list[int] = []
    last = list(range(len(other) + 1))
    for i, a in enumerate(one, start=1):
        row = [i]
        for j, b in enumerate(other, start=1):
            cell = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and one[i - 2] == b:
                cell = min(cell, before_last[j - 2] + 1)
            row.append(cell)
        if min(row) > bound and min(last) > bound:
            return bound + 1
        before_last, last = last, row
    return last[-1]
