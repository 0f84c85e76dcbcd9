"""Which of thousands of pieces are in a text, in one pass over it. Texts and pieces are without case (`literals.folded`).

Aho-Corasick where it is installed (`cepheid[text]`). Else by grams: of each piece four of its bytes in a row, the rarest ones,
are looked for at all places of many texts at once, and the piece itself only where they stand.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

try:
    import ahocorasick_rs
except ImportError:  # the extra is not installed
    ahocorasick_rs = None

GRAM = 4  # bytes
MANY = 6_000  # bytes of texts from which on NumPy is faster than sets of grams
ENOUGH = 20_000  # bytes of texts that tell which grams are common
_BITS = 16
_MIX = 0x9E3779B1  # Knuth's multiplier: its high bits depend on all four bytes


class Scanner(Protocol):
    """together  whether many texts at once take less time than one after the other"""

    together: bool

    def find(self, texts: Sequence[str]) -> list[set[int]]:
        """The numbers of the pieces in each text."""
        ...


def make_scanner(pieces: Sequence[str]) -> Scanner:
    """A scanner for these pieces, each at least two characters, no two alike."""
    return GramScanner(pieces) if ahocorasick_rs is None else AhoScanner(pieces)


class AhoScanner:
    """By the automaton of Aho and Corasick."""

    together = False

    def __init__(self, pieces: Sequence[str]) -> None:
        self._find: Any = ahocorasick_rs.AhoCorasick(pieces).find_matches_as_indexes

    def find(self, texts: Sequence[str]) -> list[set[int]]:
        return [{number for number, _, _ in self._found(text)} for text in texts]

    def _found(self, text: str) -> Any:
        try:
            return self._find(text, overlapping=True)
        except UnicodeEncodeError:  # half a character: it is in no piece
            return self._find(text.encode("utf-8", "replace").decode(), overlapping=True)


class GramScanner:
    """By grams. Which gram stands for a piece is chosen by how often it stands in other pieces and, as soon as enough
    of them came, in texts."""

    together = True

    def __init__(self, pieces: Sequence[str]) -> None:
        self._pieces = [piece.encode() for piece in pieces]
        self._learned = False
        # a gram that many pieces hold stands in many texts too
        self._choose(Counter(gram for piece in self._pieces for gram in set(_grams(piece, GRAM))).__getitem__)

    def _choose(self, commonness: Callable[[bytes], int]) -> None:
        self._by_gram: dict[bytes, list[int]] = {}
        for number, piece in enumerate(self._pieces):
            gram = min(_grams(piece, GRAM), key=commonness)
            self._by_gram.setdefault(gram, []).append(number)
        self._sizes = sorted({len(gram) for gram in self._by_gram})
        self._tables: dict[int, Any] = {}

    def find(self, texts: Sequence[str]) -> list[set[int]]:
        data = [text.encode("utf-8", "surrogatepass") for text in texts]
        if sum(map(len, data)) < MANY:
            return [self._seen(one, self._grams_of(one)) for one in data]
        return self._find_together(data)

    def _grams_of(self, text: bytes) -> set[bytes]:
        found: set[bytes] = set()
        for size in self._sizes:
            found.update(self._by_gram.keys() & {text[at : at + size] for at in range(len(text) - size + 1)})
        return found

    def _seen(self, text: bytes, grams: Iterable[bytes]) -> set[int]:
        pieces, by_gram = self._pieces, self._by_gram
        return {number for gram in grams for number in by_gram[gram] if pieces[number] in text}

    def _find_together(self, texts: list[bytes]) -> list[set[int]]:
        import numpy  # heavy, and needed for many texts only

        whole = b"\0".join(texts)
        cells = numpy.frombuffer(whole + b"\0" * GRAM, numpy.uint8).astype(numpy.uint32)
        if not self._learned and len(whole) >= ENOUGH:
            self._learn(cells)
        starts = numpy.cumsum([0, *(len(text) + 1 for text in texts)])[:-1]
        grams: list[set[bytes]] = [set() for _ in texts]
        for size in self._sizes:
            places = self._table(size)[_hashes(cells, size)].nonzero()[0]
            owners = numpy.searchsorted(starts, places, side="right") - 1
            for at, owner in zip(places.tolist(), owners.tolist()):
                gram = whole[at : at + size]
                if gram in self._by_gram:
                    grams[owner].add(gram)
        return [self._seen(text, some) if some else set() for text, some in zip(texts, grams)]

    def _table(self, size: int) -> Any:
        """Whether a gram of so many bytes could be one of ours, by its hash."""
        if size not in self._tables:
            import numpy

            cells = numpy.frombuffer(
                b"".join(gram.ljust(GRAM, b"\0") for gram in self._by_gram if len(gram) == size), numpy.uint8
            ).astype(numpy.uint32)
            table = numpy.zeros(1 << _BITS, bool)
            table[_hashes(numpy.append(cells, numpy.zeros(GRAM, numpy.uint32)), size)[: len(cells) : GRAM]] = True
            self._tables[size] = table
        return self._tables[size]

    def _learn(self, cells: Any) -> None:
        """Choose the grams anew, the rarest in these texts."""
        import numpy

        self._learned = True
        counts = numpy.bincount(_hashes(cells, GRAM), minlength=1 << _BITS).tolist()

        def commonness(gram: bytes) -> int:
            return counts[_hash(gram)] if len(gram) == GRAM else 0

        self._choose(commonness)


def _grams(piece: bytes, size: int) -> list[bytes]:
    """The grams of a piece: a short one is its own gram."""
    return [piece[at : at + size] for at in range(max(1, len(piece) - size + 1))]


def _hashes(cells: Any, size: int) -> Any:
    """The hash of the gram at each place. cells: uint32, a byte each, GRAM of them beyond the last place."""
    end = len(cells) - GRAM
    grams = cells[:end].copy()
    for n in range(1, size):
        grams |= cells[n : end + n] << (8 * n)
    return (grams * cells.dtype.type(_MIX)) >> cells.dtype.type(32 - _BITS)


def _hash(gram: bytes) -> int:
    """The same of one gram."""
    return (int.from_bytes(gram, "little") * _MIX & 0xFFFFFFFF) >> 32 - _BITS
