"""Says in words what the parser would have taken: terminals of the grammar as an author knows them."""

from __future__ import annotations

CLAUSE_PLACE = frozenset({"LET"})  # terminals that are accepted only where a clause of a rule may begin
TEST_PLACE = frozenset({"AT"})
VALUE_PLACE = frozenset({"LPAR", "LOOKUP"})

_SIGNS = {
    "LATER": "->", "EACH_LATER": "->>", "STRICT": "=>", "BANG": "!", "QMARK": "?", "PLUS": "+", "MINUS": "-", "STAR": "*",
    "SLASH": "/", "PERCENT": "%", "LPAR": "(", "RPAR": ")", "LSQB": "[", "RSQB": "]", "LBRACE": "{", "RBRACE": "}", "COMMA": ",",
    "COLON": ":", "DOT": ".", "DOTS": "..", "VBAR": "|", "EQUAL": "=", "TILDE": "~", "REGEX": "=~",
}  # fmt: skip
_KINDS = {
    "NAME": "a name",
    "WORD": "a name",
    "LABEL": "a name and `:`",
    "STRING": "text in quotes",
    "INT": "a whole number",
    "FLOAT": "a number",
    "DURATION": "a duration such as `10m`",
    "COMPARE": "a comparison",
    "TIMES": "`x5`",
    "ALERT": "`alert`",
    "RESOLVES": "`resolve`",
    "EVENTS": "`events`",
    "UNTIL_STEP": "`until`",
}
_SILENT = frozenset(
    {
        "QNAME", "QLABEL", "RAW", "SIZE", "REGEX_I", "TILDE_I", "TEXT_OP", "WHERE_LABELS", "ALERT_AT", "NOTHING_UNTIL",
        "RESOLVE_AT", "RULE_OF", "ROWS", "SEEN", "BASELINE", "ALL", "$END",
    }
)  # fmt: skip
_SPELLED = {"ALERT": "alert", "RESOLVES": "resolve", "EVENTS": "events", "UNTIL_STEP": "until"}
_MOST = 5


def keyword(word: str, accepts: frozenset[str]) -> str | None:
    """The accepted terminal that `word` (a keyword or a sign) would be."""
    if word in ("==", "!=", "<", "<=", ">", ">="):
        return "COMPARE" if "COMPARE" in accepts else None
    if word.lstrip("i") in ("contains", "startswith", "endswith"):
        return "TEXT_OP" if "TEXT_OP" in accepts else None
    for terminal in accepts:
        if _SIGNS.get(terminal) == word or (terminal.isalpha() and terminal not in _KINDS and terminal.lower() == word):
            return terminal
    return None


def keywords(accepts: frozenset[str]) -> list[str]:
    """The accepted words of the language."""
    listed = [name.lower() for name in accepts if name.isalpha() and name not in _SIGNS and name not in _KINDS]
    listed += [word for name, word in _SPELLED.items() if name in accepts]
    return sorted(listed)


def expected_words(accepts: frozenset[str]) -> str:
    """What may stand there, in a few words."""
    if accepts >= VALUE_PLACE:
        return "a value"
    if accepts & {"LSQB"} and "LBRACE" in accepts:
        return "plain data (text in quotes, a number, true, false, null, [..] or {..})"
    parts: list[str] = []
    if accepts & CLAUSE_PLACE:
        parts.append("a clause")
    elif accepts & TEST_PLACE:
        parts.append("`at`, `expect` or `until`")
    if "AND" in accepts and "PLUS" in accepts:
        parts.append("an operator")
        parts += [_shown(terminal) for terminal in ("EVERY", "FOR") if terminal in accepts and parts[0] != "a clause"]
    elif not parts:
        parts = [_shown(terminal) for terminal in sorted(accepts - _SILENT, key=_order)]
    elif "LATER" in accepts:
        parts.append("`->`")
    elif "COMMA" in accepts:
        parts.append("`,`")
    parts = list(dict.fromkeys(parts))
    if not parts:
        return "the end"
    if len(parts) > _MOST:
        parts = [*parts[:_MOST], "more"]
    return " or ".join(filter(None, [", ".join(parts[:-1]), parts[-1]]))


def _order(terminal: str) -> tuple[bool, bool, str]:
    return terminal in _SIGNS, terminal not in _KINDS, terminal


def _shown(terminal: str) -> str:
    if terminal in _KINDS:
        return _KINDS[terminal]
    return f"`{_SIGNS.get(terminal, terminal.lower())}`"
