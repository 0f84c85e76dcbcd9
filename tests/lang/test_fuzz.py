"""Hostile and damaged input: no traceback, no hang, every caret inside the file. Seeded, so a failure comes back."""

from __future__ import annotations

import os
import random
import time
from pathlib import Path

import pytest

from cep.lang.printer import print_rules
from cep.lang.read import read_rules

ROOT = Path(__file__).resolve().parents[2]
BROKEN = Path(__file__).parent / "broken"
NEW = Path(__file__).parent / "whole_language.cep"  # every construct once
SEEDS = [
    NEW,
    *(path for folder in (ROOT / "rules", BROKEN) for path in sorted(folder.iterdir()) if path.suffix in (".cep", ".yml")),
]
WORDS = """
rule test where when ( ) [ ] { } -> => ! = == and not : - | >- # 10m 1e999 lookup é &a *a !!x --- ? <<: % @ x5 at expect nothing
->> ->[1m..5m] ->[..1s] .. {2,} ?? +? [=>] [->>] gap until within exclusive 200 events all( 2 of ( pick all limit after
match skip to next over per session bucket leak every in "Europe/Berlin" for resolve unless source silent emit rows on timeout
suppress same budget runs full drop mode canary 10% first_seen(x) in 1d baseline( macro m(x): list l: table t from "f" key
schema s { macros: lists: tables: schemas: rule_x expect k in table resolves
"""
PIECES = [
    *(f"{word} " for word in WORDS.split()),
    "\nrule x\n",
    "\nmacro m(a): a > 1\n",
    "\nlist l: [1]\n",
    '"',
    "'",
    "`",
    "\\",
    "\n",
    "\n\n",
    "  ",
    "\t",
    "\u2028",
    "\r",
    "9" * 30,
]
CASES_A_ROUND = 150
ROUNDS = int(os.environ.get("CEP_FUZZ", "2250")) // CASES_A_ROUND  # 100,000 files: make fuzz


def _damaged(text: str, rng: random.Random) -> str:
    """The text with one to four pieces taken out, doubled, moved or put in."""
    for _ in range(rng.randint(1, 4)):
        start = rng.randrange(len(text) + 1)
        end = min(len(text), start + rng.choice((0, 1, 1, 3, 10, 40)))
        kind = rng.randrange(4)
        if kind == 0:
            text = text[:start] + text[end:]
        elif kind == 1:
            text = text[:end] + text[start:]
        elif kind == 2:
            text = text[:start] + rng.choice(PIECES) + text[start:]
        else:
            there = rng.randrange(len(text) + 1)
            text = text[:there] + text[start:end] + text[there:]
    return text


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_damaged_files_are_told_and_never_raise(seed: int) -> None:
    rng = random.Random(seed)
    read_rules("a.cep", "rule a\n  from b\n")  # the parser is made at the first text: not in the time of any
    for _ in range(CASES_A_ROUND):
        path = rng.choice(SEEDS)
        source = _damaged(path.read_text(encoding="utf-8"), rng)
        started = time.perf_counter()
        file, faults = read_rules(path.name, source)
        assert time.perf_counter() - started < 5, source
        rows = source.removeprefix("\ufeff").split("\n")
        for fault in faults:
            assert 1 <= fault.span.line <= len(rows), (source, fault)
            assert 1 <= fault.span.col <= len(rows[fault.span.line - 1]) + 1, (source, fault)
        again, more = read_rules(path.name, print_rules(file))
        assert (again.rules, again.tests, again.declarations) == (file.rules, file.tests, file.declarations), source
        assert more == [], source


MEGABYTE = 1 << 20
HOSTILE = {
    "brackets.cep": "rule a\n  from b where " + "(" * 60_000,
    "nots.cep": "rule a\n  from b where " + "not " * 15_000 + "x",
    "sum.cep": "rule a\n  from b where " + "x + " * 15_000 + "x > 1",
    "path.cep": "rule a\n  from b where x" + ".x" * 30_000,
    "list.cep": "rule a\n  from b where x in [" + "1, " * 20_000 + "1]",
    "quotes.cep": "rule a\n  from b where " + "'" * 60_001,
    "backslashes.cep": 'rule a\n  from b where x == "' + "\\" * 60_000,
    "digits.cep": "rule a\n  from b where x == " + "9" * 60_000,
    "units.cep": "rule a\n  from b over " + "1h" * 30_000,
    "rules.cep": "rule a\n" * 20_000,
    "words.cep": "x " * (MEGABYTE // 2),
    "lines.cep": "rule a from b\nx\n" * 5_000,
    "labels.cep": "rule a match x where " + "a: b " * 10_000,
    "groups.cep": "rule a\n  match " + "(" * 20_000 + "a" + ")" * 20_000 + "\n  where a: t\n  within 1m\n",
    "groups_repeated.cep": "rule a\n  match " + "(" * 70 + "a" + "){2}" * 70 + "\n  where a: t\n  within 1m\n",
    "options.cep": "rule a\n  match " + "a | " * 15_000 + "a\n  where a: t\n  within 1m\n",
    "arrows.cep": "rule a\n  match " + "a ->[1m..5m] " * 5_000 + "a\n  where a: t\n  within 1m\n",
    "any_order.cep": "rule a\n  match all(" + ", ".join(f"a{at}" for at in range(10_000)) + ")\n  where a: t\n  within 1m\n",
    "repeats.cep": "rule a\n  match a{" + "9" * 5_000 + "}\n  where a: t\n  within 1m\n",
    "baselines.cep": "rule a\n  from b\n  when " + "baseline(" * 5_000 + "x",
    "lists.cep": "list l: [" + "1, " * 60_000 + "1]\nrule a\n  from b where x in l\n",
    "declarations.cep": "list l: [1]\n" * 20_000,
    "macros.cep": "".join(f"macro m{at}(x): m{at + 1}(x)\n" for at in range(4_000)) + "rule a\n  from b where m0(x)\n",
    "schema.cep": "schema s {" + "x: text, " * 20_000 + "}",
    "brackets.yml": "[" * MEGABYTE,
    "braces.yml": "{" * MEGABYTE,
    "dashes.yml": "- " * (MEGABYTE // 2),
    "questions.yml": "? " * (MEGABYTE // 2),
    "keys.yml": "".join(f"k{at}: 1\n" for at in range(60_000)),
    "same_key.yml": "rule: a\n" * 60_000,
    "laughs.yml": "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 45)),
    "aliases.yml": "rule: &a a\nfrom: b\ntags: [" + "*a, " * 500 + "*a]\n",
    "itself.yml": "rule: a\nfrom: b\nmeta: &m {x: *m}\n",
    "documents.yml": "--- x\n" * 20_000,
    "broken_documents.yml": "--- 'x\n" * 300,
    "colons.yml": "a:" * (MEGABYTE // 2),
    "scalar.yml": "rule: a\nfrom: " + "x " * (MEGABYTE // 3),
    "folded.yml": "rule: a\nfrom: >\n" + "  x\n" * 20_000,
    "digits.yml": "rule: a\nfrom: b\ntests: [{given: [{at: 0s, event: {type: b, x: " + "9" * 60_000 + "}}], expect: []}]\n",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_file_is_answered_in_time(name: str) -> None:
    started = time.perf_counter()
    file, faults = read_rules(name, HOSTILE[name])
    assert time.perf_counter() - started < 10
    assert faults or file.rules
