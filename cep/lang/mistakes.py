"""From where the parser halted to what a person would say about it."""

from __future__ import annotations

from cep.errors import Diagnostic
from cep.lang.grammar import Halt
from cep.lang.places import Place


def diagnose(halt: Halt, text: str, place: Place, kind: str) -> Diagnostic:
    return Diagnostic("E0100", f"unexpected text {sorted(halt.accepts)}", place.span(halt.at, halt.at + 1))
