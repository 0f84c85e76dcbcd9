"""Records that nobody changes once they are made: what trees and plans are built of."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

__all__ = ["record"]

if TYPE_CHECKING:
    from dataclasses import dataclass as record
else:

    def record(*, frozen: bool, slots: bool, eq: bool = True) -> Any:
        """`dataclass`, held frozen by the type checker alone. Python makes instances of a dataclass that is frozen at run time
        three to four times as slowly, and a rule set of ten thousand rules is a million of them."""
        assert frozen

        def make(cls: type) -> type:
            hashed = eq and cls.__dict__.get("__hash__") is None  # as `dataclass` would, were it frozen
            return dataclasses.dataclass(slots=slots, eq=eq, unsafe_hash=hashed)(cls)

        return make
