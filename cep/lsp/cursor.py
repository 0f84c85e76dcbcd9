"""What stands around a place in a text: the block, the fragment of YAML, the word."""

from __future__ import annotations

import re
from dataclasses import dataclass

from cep.lang.blocks import BLOCKS, clause_starts
from cep.lang.grammar import STARTS, accepts_after

_WORD = re.compile(r"[\w.]*\Z")
_HEAD = re.compile(rf"^(?:{'|'.join(BLOCKS)})(?!\w)", re.MULTILINE)
_KEY = re.compile(r"^(\s*(?:- )?)(?:\"([^\"\n]*)\"|'([^'\n]*)'|([^\s#:\"'{\[][^:\n]*?))\s*:(?:\s+|$)(.*)", re.DOTALL)
_FRAGMENTS = {
    "match": "pattern", "from": "select", "resolve when": "select", "where": "expression", "until": "expression",
    "for": "duration", "emit": "emit_list", "emit rows": "emit_list", "on timeout emit": "emit_list", "after match": "after",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Cursor:
    """accepts: the terminals that may stand here. word: what has been typed of the word; before: all before it that counts.
    block: the whole text of the rule or declaration, for the names in it. key: in YAML, the key whose value this is; None where a
    key is being written."""

    accepts: frozenset[str]
    word: str
    before: str
    block: str
    key: str | None = None


def in_text(text: str, offset: int) -> Cursor:
    """The place in a file of the text form."""
    heads = [found.start() for found in _HEAD.finditer(text)]
    start = max((head for head in heads if head < offset), default=0)
    end = min((head for head in heads if head >= offset), default=len(text))
    word = _word(text, offset)
    before = text[start : offset - len(word)]
    kind = _HEAD.match(before)
    if kind is None:
        return Cursor(frozenset(), word, before, text[start:end])
    block = f"{kind[0]}_block"
    accepts = accepts_after(block, before)
    if not accepts:  # something before is broken: what counts is the clause, or that one begins here
        at = max(clause_starts(before, kind[0]), default=None)
        begins = not before[before.rfind("\n") + 1 :].strip()
        rest = "" if begins or at is None else before[at:]
        accepts = accepts_after(block, f"{kind[0]} x\n{rest}")
    return Cursor(accepts, word, before, text[start:end])


def in_yaml(text: str, offset: int) -> Cursor:
    """The place in a YAML file: in a key, or in the value of a key on the same line."""
    line = text[text.rfind("\n", 0, offset) + 1 : offset]
    documents = [0, *(found.end() for found in re.finditer(r"^---.*$", text, re.MULTILINE))]
    start = max(at for at in documents if at <= offset)
    end = min((at for at in documents if at > offset), default=len(text))
    block, word = text[start:end], _word(text, offset)
    found = _KEY.match(line)
    if found is None:
        return Cursor(frozenset(), line.strip().removeprefix("- "), "", block)
    key = found[2] or found[3] or found[4] or ""
    parent = _parent(text[:offset].split("\n"), len(found[1]))
    value = found[5].lstrip("\"'{[>|-")
    before = value[: len(value) - len(word)] if word else value
    kind = _FRAGMENTS.get(parent if parent in ("emit", "let") else key, key.replace(" ", "_"))
    kind = "select" if parent == "where" else "expression" if parent in ("emit", "let", "emit rows", "on timeout emit") else kind
    kind = f"fragment_{kind}"
    return Cursor(accepts_after(kind, before) if kind in STARTS else frozenset(), word, before, block, key)


def _parent(lines: list[str], indent: int) -> str:
    """The key of the map that a line of this indentation stands in."""
    for line in reversed(lines[:-1]):
        found = _KEY.match(line)
        if found is not None and len(found[1]) < indent:
            return (found[2] or found[3] or found[4] or "").strip()
    return ""


def _word(text: str, offset: int) -> str:
    found = _WORD.search(text, 0, offset)
    return found[0] if found else ""
