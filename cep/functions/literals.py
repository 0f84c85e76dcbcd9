"""Texts without case, and what must be in them: pieces of a text or of a regular expression that every match holds.

contains "Foo-ΣBar"          foo-, bar           in the folded text; what folds by what stands beside it is left out
matches "a(bcd|efg)h{2,}"    (bcd or efg)        one of the pieces is in every text that fits
"""

from __future__ import annotations

from functools import lru_cache

from cep.functions.letter_cases import cases
from cep.functions.regex_syntax import Assertion, Chars, Choice, Regex, Repeat, Sequence

SHORTEST = 2  # a single character is in nearly every text
LONGEST = 64  # the first characters of a piece tell it well enough
FEW = 4  # characters of a class, or repetitions, that are written out
MOST = 16  # pieces of which one must be there: more tell little
Pieces = tuple[str, ...]  # one of them is in the folded text; (): nothing is known


def folded(text: str) -> str:
    """The text without case. Pieces are looked for here, whether or not their condition minds the case."""
    low = text.lower()
    return low if low.isascii() else low.replace("ſ", "s")


@lru_cache(maxsize=4096)
def _steady(c: str, fold: bool) -> str:
    """What stands in a folded text for the character, or with `fold` for any of its cases; "": that is not always the same."""
    if "\ud800" <= c <= "\udfff":  # half a character: scanners read UTF-8
        return ""
    found = {folded(v) if v != "Σ" else "" for v in (cases(c) if fold else (c,))}  # a Σ ends a word in another letter
    one = found.pop()
    return one if not found and len(one) == 1 else ""


def pieces_of(text: str) -> Pieces:
    """Of texts that hold this one as it is: the longest piece."""
    return _best([[_steady(c, False) for c in text]])


def pieces_of_lower(text: str) -> Pieces:
    """Of texts that hold this one when both are in lower case (`str.lower`)."""
    return () if any("\ud800" <= c <= "\udfff" for c in text) else _worth((text.lower().replace("ſ", "s"),))


def pieces_of_regex(regex: Regex) -> Pieces:
    """Of texts that the pattern fits."""
    match regex:
        case Sequence(parts=parts):
            return _of_sequence(parts)
        case Choice(options=options):
            found = [pieces_of_regex(option) for option in options]
            return _worth(tuple(dict.fromkeys(piece for some in found for piece in some))) if all(found) else ()
        case Repeat(part=part, min=least) if least:
            return pieces_of_regex(part)
        case _:
            return ()


def _of_sequence(parts: tuple[Regex, ...]) -> Pieces:
    """What stands side by side is one piece: `--(foo|bar):` is `--foo:` or `--bar:`."""
    found: list[Pieces] = []
    run: Pieces = ("",)
    for part in parts:
        whole = _whole(part)
        if whole and len(whole) * len(run) <= MOST:
            run = tuple(before + one for before in run for one in whole)
            continue
        found += [_worth(run), pieces_of_regex(part)]
        run = whole or ("",)
    return max([*found, _worth(run)], key=_told)


def _whole(regex: Regex) -> Pieces:
    """All that may stand in a folded text where the pattern fits; (): too much, or what folds by what stands beside it."""
    match regex:
        case Chars(ranges=ranges, fold=fold, negated=negated):
            if negated or sum(high - low + 1 for low, high in ranges) > FEW:
                return ()
            some = [_steady(chr(c), fold) for low, high in ranges for c in range(low, high + 1)]
            return tuple(dict.fromkeys(some)) if all(some) else ()
        case Assertion():  # takes no room
            return ("",)
        case Sequence(parts=parts):
            run: Pieces = ("",)
            for part in parts:
                run = tuple(before + one for before in run for one in _whole(part))
                if len(run) > MOST:
                    return ()
            return run
        case Choice(options=options):
            found = [_whole(option) for option in options]
            return tuple(dict.fromkeys(one for some in found for one in some)) if all(found) else ()
        case Repeat(part=part, min=least, max=most):
            if (least, most) == (0, 1):
                return tuple(dict.fromkeys(("", *_whole(part)))) if _whole(part) else ()
            return _whole(Sequence((part,) * least)) if least == most and least <= FEW else ()


def _best(runs: list[list[str]]) -> Pieces:
    """The longest run of known characters."""
    pieces = [piece for run in runs for piece in "".join(c or "\0\0" for c in run).split("\0\0")]
    return _worth((max(pieces, key=len),))


def _worth(pieces: Pieces) -> Pieces:
    short = tuple(dict.fromkeys(piece[:LONGEST] for piece in pieces))
    return short if len(short) <= MOST and all(len(piece) >= SHORTEST for piece in short) else ()


def _told(pieces: Pieces) -> tuple[int, int]:
    """How much it tells that one of the pieces is there."""
    return min((len(piece) for piece in pieces), default=0), -len(pieces)
