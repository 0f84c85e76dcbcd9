"""What a word means: functions, aggregates, clauses, steps, fields, what the rule set declares; and the page of a fault."""

from __future__ import annotations

import re

from cep.codes import CODES
from cep.codes.page import as_markdown
from cep.errors import Diagnostic
from cep.functions import FUNCTIONS
from cep.lang import tree
from cep.lang.print_expressions import show, show_macro_head, show_plain, show_select
from cep.lsp.complete import Names
from cep.lsp.words import AGGREGATES, CLAUSES

_NAME = re.compile(r"[^\W\d]\w*")
MOST_ITEMS = 20  # of a list that are shown


def word_at(row: str, col: int) -> tuple[str, str]:
    """The word around a column (from 0) of a line, and the dotted path up to it."""
    for found in _NAME.finditer(row):
        if found.start() <= col <= found.end():
            path = re.search(r"(?:[^\W\d]\w*\.)*\Z", row[: found.start()])
            return found[0], (path[0] if path else "") + found[0]
    return "", ""


def page_of(fault: Diagnostic) -> str:
    """The page of the fault's code, as Markdown."""
    return as_markdown(CODES[fault.code]) if fault.code in CODES else fault.message


def meaning(
    word: str, path: str, called: bool, rule: tree.Rule | None, names: Names, lists: dict[str, tree.ListBlock]
) -> str | None:
    """What the word means there, as Markdown; None where nobody knows. `called`: a bracket follows."""
    if called and word in names.macros:
        macro = names.macros[word]
        return _code(f"macro {show_macro_head(macro)}: {show(macro.expr)}")
    if called and word in FUNCTIONS:
        function = FUNCTIONS[word]
        examples = "\n".join(f"{one}  # {result}" for one, result in function.examples)
        return f"{function.doc}\n\n{_code(examples)}"
    if called and word in AGGREGATES:
        return AGGREGATES[word]
    if rule is not None:
        said = _of_rule(word, path, rule, names)
        if said is not None:
            return said
    if word in lists:
        items = ", ".join(show_plain(item.value) for item in lists[word].items[:MOST_ITEMS])
        more = ", ..." if len(lists[word].items) > MOST_ITEMS else ""
        return _code(f"list {word}: [{items}{more}]")
    if word in CLAUSES:
        return CLAUSES[word]
    if word in AGGREGATES:
        return AGGREGATES[word]
    return None


def _of_rule(word: str, path: str, rule: tree.Rule, names: Names) -> str | None:
    selects = rule.body.where if isinstance(rule.body, tree.MatchClause) else (rule.body.select,)
    for select in selects:
        if word == select.label and path == word:
            return f"A step of this rule:\n\n{_code(f'{select.label}: {show_select(select)}')}"
    for let in rule.lets:
        if word == let.name and path == word:
            return _code(f"let {let.name}: {show(let.expr)}")
    labels = {select.label: select.type for select in selects if select.label}
    head, _, rest = path.partition(".")
    kinds = [labels[head]] if head in labels and rest else [select.type for select in selects]
    field = rest if head in labels and rest else path
    for kind in kinds:
        what = names.schemas.get(kind, {}).get(field)
        if what is not None:
            return f"`{field}` of `{kind}`: {what}"
    return None


def _code(text: str) -> str:
    return f"```cep\n{text}\n```"
