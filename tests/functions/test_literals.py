"""What must be in a text is in every text that fits: nothing that fits is lost by looking for pieces."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cep.functions.literals import SHORTEST, folded, pieces_of, pieces_of_lower, pieces_of_regex
from cep.functions.regex import compile_regex, refuse_regex
from cep.functions.regex_syntax import parse_regex

LETTERS = "abAB-.kK\u212asSſΣσςİıßéÉ"
TEXT = st.text(alphabet=LETTERS, max_size=12)
LITERAL = st.text(alphabet=LETTERS.replace(".", ""), min_size=1, max_size=4)


def grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    group = st.tuples(st.sampled_from(["(", "(?:", "(?i:"]), inner).map(lambda pair: f"{pair[0]}{pair[1]})")
    piece = st.tuples(st.one_of(LITERAL, group), st.sampled_from(["", "", "", "*", "+", "?", "{2}"])).map("".join)
    return st.lists(st.lists(piece, min_size=1, max_size=3).map("".join), min_size=1, max_size=3).map("|".join)


PATTERN = st.recursive(st.one_of(LITERAL, st.sampled_from([".", "^", "$", r"\b", "[ab]", "[^k]", r"\w"])), grown, max_leaves=8)


def may_hold(text: str, pieces: tuple[str, ...]) -> bool:
    return not pieces or any(piece in folded(text) for piece in pieces)


@given(PATTERN, st.booleans(), st.lists(TEXT, max_size=6))
@settings(max_examples=800, deadline=None)
def test_a_text_that_fits_a_pattern_holds_one_of_its_pieces(pattern: str, fold: bool, texts: list[str]) -> None:
    if refuse_regex(pattern) is not None:
        return
    fits, pieces = compile_regex(pattern, fold), pieces_of_regex(parse_regex(pattern, fold))
    assert all(len(piece) >= SHORTEST for piece in pieces)
    for text in [*texts, pattern, pattern.upper(), pattern.lower()]:
        if fits(text):
            assert may_hold(text, pieces)


@given(TEXT, LITERAL, TEXT)
@example("Α", "ΒΣ", "Γ")  # here it ends no word
@example("", "Kſ", "")
@settings(max_examples=500, deadline=None)
def test_a_text_that_holds_another_holds_its_piece(before: str, held: str, after: str) -> None:
    text = before + held + after
    assert may_hold(text, pieces_of(held))
    for other in (text, text.upper(), text.lower(), text.swapcase()):
        if held.lower() in other.lower():
            assert may_hold(other, pieces_of_lower(held))


@pytest.mark.parametrize(
    ("pattern", "pieces"),
    [
        (r"\\powershell\.exe$", ("\\powershell.exe",)),
        ("(foo|bar)b", ("foob", "barb")),
        (r"--(foo|bar):\d{3,}", ("--foo:", "--bar:")),
        ("(foo|bar).*bazz", ("bazz",)),
        ("(?:-enc|-e) [A-Z]{4}", ("-enc ", "-e ")),
        ("(a|)(long)?b(ab)+", ("ab",)),
        ("[Mm]imi[kt]?z", ("mimiz", "mimikz", "mimitz")),
        ("ha{3}", ("haaa",)),
        ("foo|.*", ()),
        ("[a-z]+", ()),
        ("(?i)Mask", ("mask",)),
        ("^http", ("http",)),
        ("(a|b|c|d|e)(a|b|c|d)mnop", ("amnop", "bmnop", "cmnop", "dmnop")),
    ],
)
def test_the_pieces_of_a_pattern_are_its_longest(pattern: str, pieces: tuple[str, ...]) -> None:
    assert pieces_of_regex(parse_regex(pattern)) == pieces
