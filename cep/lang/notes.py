"""Hands the comments of a tree to a printer, each once, and tells which were not asked for."""

from __future__ import annotations

from collections.abc import Iterable

from cep.lang import tree

Anchor = tuple[str | int, ...]


class Notes:
    """Comments by what they belong to and where they stand."""

    def __init__(self, comments: Iterable[tree.Comment]) -> None:
        self._left: dict[tuple[Anchor, str], list[str]] = {}
        for comment in comments:
            self._left.setdefault((comment.anchor, comment.place), []).append(comment.text)

    def take(self, anchor: Anchor, place: str) -> list[str]:
        """The comments of `anchor` at `place`; asked again, none."""
        return self._left.pop((anchor, place), [])

    def has(self, anchor: Anchor, place: str) -> bool:
        return (anchor, place) in self._left

    def rest(self, root: Anchor) -> list[str]:
        """All that is left of a block: the comments after it, and those of parts that this spelling has no line for."""
        own = [key for key in self._left if key[0][: len(root)] == root]
        return [text for key in own for text in self._left.pop(key) if text]
