"""Both scanners find the pieces that are in a text, no more and no fewer."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cep.functions.literals import folded
from cep.match import scan
from cep.match.scan import ENOUGH, MANY, AhoScanner, GramScanner, Scanner, make_scanner

PIECES = st.lists(st.text(alphabet="abcäж-", min_size=2, max_size=7), min_size=1, max_size=12, unique=True)
TEXTS = st.lists(st.text(alphabet="abcäж-\ud800", max_size=30), max_size=8)
BOTH: list[Callable[..., Scanner]] = [GramScanner] if scan.ahocorasick_rs is None else [GramScanner, AhoScanner]


@pytest.mark.parametrize("make", BOTH)
@given(PIECES, TEXTS)
@settings(max_examples=300, deadline=None)
def test_what_is_found_is_what_is_in_the_text(
    make: type[GramScanner] | type[AhoScanner], pieces: list[str], texts: list[str]
) -> None:
    scanner: Scanner = make(pieces)
    want = [{n for n, piece in enumerate(pieces) if piece in text} for text in texts]
    assert scanner.find(texts) == want
    many = [text + " " * 7 for text in texts] * (ENOUGH // 40)  # so that all are looked through together
    assert scanner.find(many) == want * (ENOUGH // 40)


def test_the_rarest_grams_are_learned_from_texts() -> None:
    """Every text holds `common`: what stands for a piece is what only it holds."""
    dice = random.Random(1)
    pieces = [f"common{n:03}" for n in range(400, 500)]
    texts = [f"common{dice.randrange(1000):03} common" for _ in range(3000)]
    scanner = GramScanner(pieces)
    assert sum(map(len, texts)) > max(ENOUGH, MANY)
    assert scanner.find(texts) == [{n for n, piece in enumerate(pieces) if piece in text} for text in texts]
    assert b"comm" not in scanner._by_gram


def test_the_scanner_is_the_one_that_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert make_scanner(["ab"]).together is (scan.ahocorasick_rs is None)
    monkeypatch.setattr(scan, "ahocorasick_rs", None)
    assert make_scanner(["ab"]).together
    assert make_scanner(["ab"]).find([folded("xABx")]) == [{0}]
