"""A forgiving look at a text that did not parse: its words, strings and brackets, whatever the grammar thinks of them."""

from __future__ import annotations

import re
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""(?P<space>\s+|\#[^\n]*)
    |(?P<string>r"[^"\n]*"|r'[^'\n]*'|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')
    |(?P<quoted>`[^`\n]*`)
    |(?P<word>[^\W\d]\w*)
    |(?P<number>\d(?:[eE][+-]\d|[\w.])*)
    |(?P<sign>-->|==>|===|!==|==|!=|<=|>=|<>|->>|->|=>|=~i?|&&|\|\||.)""",
    re.VERBOSE | re.DOTALL,
)
_CLOSES = {")": "(", "]": "[", "}": "{"}


@dataclass(frozen=True, slots=True)
class Piece:
    """kind: string, quoted (a name in backquotes), word, number or sign."""

    kind: str
    text: str
    start: int

    @property
    def end(self) -> int:
        return self.start + len(self.text)


def scan(text: str) -> list[Piece]:
    """All pieces in order, without spaces and comments."""
    return [
        Piece(found.lastgroup or "", found[0], found.start()) for found in _TOKEN.finditer(text) if found.lastgroup != "space"
    ]


def lone_brackets(pieces: list[Piece]) -> tuple[list[Piece], list[tuple[Piece, Piece | None]]]:
    """Brackets without a partner: those that open, and those that close (with the one they wrongly meet, if any)."""
    waiting: list[Piece] = []
    closing: list[tuple[Piece, Piece | None]] = []
    for piece in pieces:
        if piece.kind != "sign":
            continue
        if piece.text in "([{":
            waiting.append(piece)
        elif piece.text in _CLOSES:
            if waiting and waiting[-1].text == _CLOSES[piece.text]:
                waiting.pop()
            elif any(other.text == _CLOSES[piece.text] for other in waiting):
                while waiting[-1].text != _CLOSES[piece.text]:
                    closing.append((piece, waiting.pop()))
                waiting.pop()
            else:
                closing.append((piece, waiting[-1] if waiting else None))
    return waiting, closing
