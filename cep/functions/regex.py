"""Regular expressions of the rule language, in time linear in the text: RE2 where it is installed (`cepheid[re2]`), else our
own automaton. Both read the same patterns and give the same answers, for texts of any length.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from cep.functions.regex_automaton import Automaton
from cep.functions.regex_syntax import Refused, parse_regex

try:
    import re2
except ImportError:  # the extra is not installed
    re2 = None

LONGEST_PATTERN = 4096
_HALVES = re.compile("[\ud800-\udfff]")
Search = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a pattern cannot be used, and what would do instead (may be empty)."""

    what: str
    mend: str


def refuse_regex(pattern: str) -> Refusal | None:
    """What is wrong with a pattern; None when it can be compiled, with RE2 and without."""
    if len(pattern) > LONGEST_PATTERN:
        return Refusal(f"it is longer than {LONGEST_PATTERN:,} characters", "split it, or use `in [..]` or a table")
    if any("\ud800" <= c <= "\udfff" for c in pattern):
        return Refusal("it holds half a character (a lone surrogate)", "write the whole character")
    try:
        parse_regex(pattern)
    except Refused as refused:
        return Refusal(str(refused), refused.mend)
    return None


@lru_cache(maxsize=1024)
def compile_regex(pattern: str, fold: bool) -> Search:
    """A test whether the pattern fits anywhere in a text; `fold` ignores case.

    raises  Refused for a pattern that `refuse_regex` refuses
    """
    regex = parse_regex(pattern, fold)
    compiled = _with_re2(pattern, fold)
    if compiled is None:
        return Automaton(regex).search
    return compiled


def _with_re2(pattern: str, fold: bool) -> Search | None:
    if re2 is None:
        return None
    options = re2.Options()
    options.log_errors = False
    options.case_sensitive = not fold
    options.never_capture = True
    try:
        compiled: Any = re2.compile(pattern, options)
    except re2.error:  # beyond its memory for one pattern: our own automaton has another limit
        return None
    found = compiled.search

    def search(text: str) -> bool:
        try:
            return found(text) is not None
        except UnicodeEncodeError:  # a lone surrogate: no character that a pattern names; RE2 reads UTF-8
            return found(_HALVES.sub("\U0010ffff", text)) is not None

    return search
