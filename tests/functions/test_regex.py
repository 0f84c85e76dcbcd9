"""Regular expressions mean the same with RE2 and without, and take one pass over the text either way."""

from __future__ import annotations

import random
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cep.functions.regex import compile_regex, re2, refuse_regex
from cep.functions.regex_automaton import MOST_STATES, Automaton
from cep.functions.regex_syntax import parse_regex

TEXT = st.text(alphabet="aAbBc01_- é\nÉ.\tkKsſ\u212a", max_size=9)
ATOM = st.sampled_from(
    ["a", "b", "A", ".", r"\d", r"\w", r"\s", r"\b", "^", "$", "[ab]", "[^a]", "[a-c0]", r"[\d_]", r"\W", "-", "1", "é", "É",
     r"\.", r"[^\w]", r"\D", " ", r"[^\Wb]", "k", "K", "s", "ſ", "\u212a", "[i-l]", "[^S]", r"\x61", "[]a]", "[a-]", "{", "}"]
)  # fmt: skip
COUNT = st.sampled_from(["", "", "", "*", "+", "?", "{2}", "{1,2}", "{0,1}", "*?", "+?", "{2,}", "{,3}"])


def grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    group = st.tuples(st.sampled_from(["(", "(?:", "(?i:", "(?s:", "(?P<n>"]), inner).map(lambda pair: f"{pair[0]}{pair[1]})")
    piece = st.tuples(st.one_of(ATOM, ATOM, group), COUNT).map("".join)
    return st.lists(st.lists(piece, max_size=3).map("".join), min_size=1, max_size=3).map("|".join)


PATTERN = st.recursive(ATOM, grown, max_leaves=6)


if re2 is not None:  # the extra `cepheid[re2]`: without it there is nothing to agree with

    def with_re2(pattern: str, fold: bool) -> object:
        options = re2.Options()
        options.log_errors = False
        options.case_sensitive = not fold
        return re2.compile(pattern, options)

    @given(pattern=PATTERN, fold=st.booleans(), texts=st.lists(TEXT, min_size=1, max_size=4))
    @settings(max_examples=1200, deadline=None)
    def test_our_automaton_agrees_with_re2(pattern: str, fold: bool, texts: list[str]) -> None:
        try:
            theirs = with_re2(pattern, fold)
        except re2.error:
            assert refuse_regex(pattern) is not None
            return
        assert refuse_regex(pattern) is None
        ours = Automaton(parse_regex(pattern, fold))
        for text in texts:
            assert ours.search(text) == (theirs.search(text) is not None)  # type: ignore[attr-defined]  # re2 has no types


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        (r"(a)\1", "refers back"),
        (r"(?P<n>a)(?P=n)", "refers back"),
        (r"a(?=b)", "look-around"),
        (r"(?<!a)b", "look-around"),
        (r"a++", "possessive"),
        (r"(?>a)", "atomic"),
        (r"(a", "never closed"),
        (r"a)", "without"),
        (r"[a", "never closed"),
        (r"[b-a]", "range"),
        (r"*a", "nothing to repeat"),
        (r"a**", "repeats a repetition"),
        (r"a{3,2}", "cannot both hold"),
        (r"a{2000}", "counts further"),
        (r"(?:(?:a{500}){500})", "too many"),
        ("(" * 70 + ")" * 70, "nested"),
        (r"\p{L}", "escape"),
        (r"\Ba", "escape"),
        ("[[:alpha:]]", "named classes"),
        (r"(?m)^a", "unknown"),
        ("a\\", "single"),
        (r"\x1", "hexadecimal"),
        ("a" * 5000, "longer"),
        ("\ud800", "surrogate"),
    ],
)
def test_a_refused_pattern_says_why(pattern: str, reason: str) -> None:
    refusal = refuse_regex(pattern)
    assert refusal is not None
    assert reason in refusal.what


@pytest.mark.parametrize("pattern", [r"(a+)+$", r"(a|a)*$", r"(a|aa)+$", r"a*a*a*a*a*c", r"(.*a){12}"])
def test_patterns_that_kill_other_engines_take_steps_in_proportion_to_the_text(pattern: str) -> None:
    steps = 0

    def count(frame: object, event: str, arg: object) -> None:
        nonlocal steps
        steps += event == "call"

    def calls_for(length: int) -> int:
        nonlocal steps
        automaton, text, steps = Automaton(parse_regex(pattern)), "a" * length + "b", 0
        sys.setprofile(count)
        try:
            automaton.search(text)
        finally:
            sys.setprofile(None)
        return steps

    short, long = calls_for(500), calls_for(4000)
    assert long <= short + 200  # the states are known by then: one look-up for each further character


def test_the_states_kept_are_bounded() -> None:
    automaton = Automaton(parse_regex("(a|b)*a(a|b){14}c"))  # a classic: 2**15 states
    chance = random.Random(1)
    automaton.search("".join(chance.choice("ab") for _ in range(20_000)))
    assert len(automaton._states) <= MOST_STATES


def test_a_compiled_pattern_searches_anywhere_and_folds_case() -> None:
    assert compile_regex("b+", False)("abc")
    assert not compile_regex("B+", False)("abc")
    assert compile_regex("B+", True)("abc")
    assert compile_regex("^straße$", True)("STRAßE")


@pytest.mark.parametrize("alike", ["kK\u212a", "sSſ", "åÅ\u212b", "µμΜ", "θΘϑϴ", "ßẞ", "вВ\u1c80", "ﬅﬆ"])
def test_letters_of_more_than_two_cases_are_alike_whichever_engine_runs(alike: str) -> None:
    for pattern in alike:
        for search in (compile_regex(f"^{pattern}$", True), Automaton(parse_regex(f"^{pattern}$", True)).search):
            assert [c for c in alike + "iıxΣ" if search(c)] == list(alike)


def test_half_a_character_in_a_text_is_no_character_of_a_pattern() -> None:
    for search in (compile_regex("^a.b$", False), Automaton(parse_regex("^a.b$")).search):
        assert search("a\ud800b")
        assert not search("a\ud800")
    for search in (compile_regex(r"a\?b", False), Automaton(parse_regex(r"a\?b")).search):
        assert not search("a\ud800b")
