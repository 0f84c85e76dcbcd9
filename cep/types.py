"""What a value of the rule language may be. Shared by functions, plans and matchers."""

from __future__ import annotations

from enum import StrEnum


class Type(StrEnum):
    """What a value may be, besides null."""

    BOOL = "true or false"
    NUMBER = "number"  # int or float; ints of any size are exact
    TEXT = "text"
    TIME = "time"  # int microseconds since the epoch, UTC
    SPAN = "duration"  # int microseconds
    LIST = "list"
    ANY = "anything"  # a scalar whose type nothing tells: equality only
