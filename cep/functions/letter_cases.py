"""Which letters are the same letter in another case. Some have more than two: `k K` and the Kelvin sign, `s S` and the long s.

Letters are alike if Unicode folds them alike; so RE2 has it too.
"""

from __future__ import annotations

from functools import lru_cache

# where letters with cases stand (ends out): a walk over all of Unicode would take a third of a second
_BLOCKS = (
    (0x41, 0x3000), (0xA640, 0xAC00), (0xFB00, 0xFB50), (0xFF00, 0x10000), (0x10400, 0x11000), (0x11800, 0x11900),
    (0x16E00, 0x16F00), (0x1E900, 0x1EA00),
)  # fmt: skip


def cases(c: str) -> tuple[str, ...]:
    """The character in all its cases, itself among them."""
    return _orbits().get(c) or (c,)


@lru_cache(maxsize=1)
def _orbits() -> dict[str, tuple[str, ...]]:
    """Each character that has other cases -> all of them."""
    alike: dict[str, list[str]] = {}
    for start, end in _BLOCKS:
        for c in map(chr, range(start, end)):
            alike.setdefault(c.casefold(), []).append(c)
    return {c: tuple(some) for some in alike.values() if len(some) > 1 for c in some}
