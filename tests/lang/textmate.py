"""A small reading of TextMate grammars: enough of them for ours (match, captures, begin and end, include)."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Token:
    text: str
    scope: str
    line: int
    col: int


class Grammar:
    def __init__(self, path: Path) -> None:
        self.tree: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))

    @cached_property
    def rules(self) -> list[dict[str, Any]]:
        return self._flat(self.tree["patterns"])

    def _flat(self, patterns: list[dict[str, Any]]) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        for pattern in patterns:
            if "include" in pattern:
                included = self.tree["repository"][pattern["include"].removeprefix("#")]
                found += self._flat(included["patterns"] if "match" not in included and "begin" not in included else [included])
            else:
                found.append(pattern)
        return found

    def tokens(self, text: str) -> list[Token]:
        """Everything but blanks, with its scope; what no rule takes has none."""
        made: list[Token] = []
        for number, row in enumerate(text.split("\n"), start=1):
            made += self._row(row, number)
        return made

    def _row(self, row: str, number: int) -> list[Token]:
        made: list[Token] = []
        at = 0
        while at < len(row):
            best: tuple[int, int, re.Match[str], dict[str, Any]] | None = None
            for order, rule in enumerate(self.rules):
                found = re.compile(rule.get("match") or rule["begin"]).search(row, at)
                if found and (best is None or found.start() < best[0]):
                    best = (found.start(), order, found, rule)
            start = best[0] if best else len(row)
            made += self._plain(row, at, start, number)
            if best is None:
                break
            _, _, found, rule = best
            end = found.end()
            if "begin" in rule:
                end = self._end(row, end, rule)
                made.append(Token(row[start:end], rule["name"], number, start + 1))
            elif "name" in rule:
                made.append(Token(found[0], rule["name"], number, start + 1))
            else:
                for group, capture in rule["captures"].items():
                    if found[int(group)] and found[int(group)].strip():
                        word = found[int(group)]
                        lead = len(word) - len(word.lstrip())
                        made.append(Token(word.strip(), capture["name"], number, found.start(int(group)) + lead + 1))
            assert end > at, (row, rule)
            at = end
        return made

    @staticmethod
    def _plain(row: str, start: int, end: int, number: int) -> list[Token]:
        text = row[start:end]
        return [Token(text.strip(), "", number, start + 1 + len(text) - len(text.lstrip()))] if text.strip() else []

    @staticmethod
    def _end(row: str, at: int, rule: dict[str, Any]) -> int:
        """Where a range ends on its line; what its patterns take cannot end it."""
        while True:
            end = re.compile(rule["end"]).search(row, at)
            assert end is not None  # every `end` of ours takes the end of the line
            inside = [found for inner in rule["patterns"] if (found := re.compile(inner["match"]).search(row, at))]
            first = min(inside, key=lambda found: found.start(), default=None)
            if first is None or first.start() >= end.start():
                return end.end()
            at = first.end()
