"""The TextMate grammar colours what the real grammar reads: blocks, clauses, steps, strings, numbers, calls."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cep.lang import tree
from cep.lang.blocks import BLOCKS, RULE_WORDS
from cep.lang.printer import print_text
from cep.lang.read import read_rules
from tests.lang.textmate import Grammar, Token

ROOT = Path(__file__).resolve().parents[2]
GRAMMAR = Grammar(ROOT / "editors" / "cep.tmLanguage.json")
SHIPPED = sorted(path for ending in ("*.cep", "*.yml") for path in (ROOT / "rules").glob(ending))


def scopes(text: str) -> dict[str, str]:
    return {token.text: token.scope for token in GRAMMAR.tokens(text)}


def of(tokens: list[Token], scope: str) -> list[Token]:
    return [token for token in tokens if token.scope.startswith(scope)]


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_shipped_rules_are_coloured_as_they_are_read(path: Path) -> None:
    file, faults = read_rules(path.name, path.read_bytes())
    assert faults == []
    text = print_text(file)
    read, _ = read_rules("a.cep", text)
    tokens = GRAMMAR.tokens(text)
    names = [(token.text.strip("`"), token.line) for token in of(tokens, "entity.name.type")]
    assert names == sorted(
        [(rule.id.text, rule.id.span.line) for rule in read.rules]
        + [(test.rule.text, test.rule.span.line) for test in read.tests],
        key=lambda pair: pair[1],
    )
    selects = [one for rule in read.rules if isinstance(rule.body, tree.MatchClause) for one in rule.body.where]
    steps = [(token.text, token.line) for token in of(tokens, "variable.parameter")]
    assert [(select.label, select.span.line) for select in selects] == steps
    assert set("".join(token.text for token in tokens if token.scope == "")) <= set("(){}[],.: ")
    comments = [token.text for token in of(tokens, "comment")]
    assert comments == [comment.text for comment in read.comments if comment.text]


@pytest.mark.parametrize("word", [*BLOCKS, *(word for word in RULE_WORDS if word not in ("after", "resolve", "on", "unless"))])
def test_every_block_and_clause_is_a_keyword(word: str) -> None:
    line = f"{word} x" if word in BLOCKS else f"rule r\n  {word} x"
    assert scopes(line)[word].startswith("keyword.")


@pytest.mark.parametrize(
    ("text", "word", "scope"),
    [
        ("  on timeout emit x", "on timeout emit", "keyword.control"),
        ("  after match skip to next", "after match skip", "keyword.control"),
        ("  resolve when t", "resolve when", "keyword.control"),
        ("  unless source silent", "unless source silent", "keyword.control"),
        ("  emit rows user, ip", "emit rows", "keyword.control"),
        ("  emit rows, ip", "emit", "keyword.control"),
        ("  match a{2,} ->> b", "->>", "keyword.operator.arrow"),
        ("  where fail: auth where x > 1", "fail", "variable.parameter"),
        ('  from t where x == "a \\" b"', '"a \\" b"', "string.quoted.double"),
        ('  from t where x =~ r"\\d+"', 'r"\\d+"', "string.quoted.raw"),
        ("  within 1h30m", "1h30m", "constant.numeric.duration"),
        ("  within 10m exclusive and 200 events", "and", "keyword.operator.word"),
        ("  match (a -> b within 10m and 20 events){2}", "events", "keyword.operator.word"),
        ("  from t where b > 10MB", "10MB", "constant.numeric.size"),
        ("  from t where b > 1_000.5e3", "1_000.5e3", "constant.numeric.cep"),
        ("  when count() > 5", "count", "support.function"),
        ("  from t where x is not null", "null", "constant.language"),
        ("  from t where `odd name` > 1", "`odd name`", "variable.other"),
        ("  from t where x.null > 1 and y in eu", "and", "keyword.operator.word"),
        ("  at 0s t {x: 1} x5 every 1m", "x5", "constant.numeric"),
    ],
)
def test_words_have_their_scope(text: str, word: str, scope: str) -> None:
    assert scopes(text).get(word, "").startswith(scope)


def test_the_grammar_uses_only_what_all_readers_of_it_know() -> None:
    """Oniguruma knows no possessive Python-only forms, and Python no variable look-behind: what both take is used."""
    text = (ROOT / "editors" / "cep.tmLanguage.json").read_text(encoding="utf-8")
    assert not re.search(r"\(\?P|\(\?\(|\\Z|\\A", text)
