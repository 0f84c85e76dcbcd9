"""What the judges of `cep.lang.mistakes` look at: where the parser halted, and the pieces of text around it."""

from __future__ import annotations

import functools
from dataclasses import dataclass

from cep.errors import Diagnostic, Fix, Span
from cep.lang.grammar import Halt
from cep.lang.places import Place
from cep.lang.scan import Piece, scan


@dataclass(frozen=True)
class Scene:
    """A halt, and the text around it in pieces. `here` is the piece the parser did not expect, None at the end."""

    halt: Halt
    text: str
    place: Place
    kind: str  # rule, test, or the fragment

    @functools.cached_property
    def pieces(self) -> list[Piece]:
        return scan(self.text)

    @functools.cached_property
    def here(self) -> Piece | None:
        return None if self.halt.token == "end" else next((p for p in self.pieces if p.end > self.halt.at), None)

    @functools.cached_property
    def before(self) -> Piece | None:
        stop = self.here.start if self.here else len(self.text)
        return next((p for p in reversed(self.pieces) if p.end <= stop), None)

    @property
    def accepts(self) -> frozenset[str]:
        return self.halt.accepts

    @property
    def after(self) -> Piece | None:
        return next((p for p in self.pieces if self.here and p.start >= self.here.end), None)

    def at(self, piece: Piece) -> Span:
        return self.place.span(piece.start, piece.end)

    def found(self) -> str:
        piece = self.here
        return "the end" if piece is None else "this text" if len(piece.text) > 30 else f"`{piece.text}`"

    def starts_line(self, piece: Piece) -> bool:
        return not self.text[self.text.rfind("\n", 0, piece.start) + 1 : piece.start].strip()

    def fault(self, code: str, message: str, piece: Piece, help: str, instead: str | None = None, label: str = "") -> Diagnostic:
        """A diagnostic under `piece`; `instead` is what to write there."""
        span = self.at(piece)
        return Diagnostic(code, message, span, label=label, help=help, fix=Fix(span, instead) if instead is not None else None)
