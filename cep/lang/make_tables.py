"""Tables of the parser, made from `grammar.lark` by Lark: LALR(1) states, the terminals that each of them takes, and what each
rule of the grammar hands to the builder.

Lark takes about a second for it, so the result is kept (`cep.lang.tables`); nothing else of Lark is used. Imported only to make
tables: when the package is built, and in a source tree after an edit of the grammar.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def make_tables(grammar: str, starts: Sequence[str]) -> dict[str, Any]:
    """Plain data, fit for JSON.

    terminals  [name, regular expression], in the order in which they are tried wherever several may stand
    ignored    those that stand anywhere: spaces and comments
    rules      [name, how many parts, what it is called for the builder, places of the parts that it is given, those of them that
               are lists of parts (`_rules` and repetitions), whether a single part stands for the whole]
    rows       name of a part -> the state after it (from 0), or ~(the rule that ends before it)
    states     for each its row
    starts     for each its first state, and the state that says that all was read
    """
    from lark import Lark

    lark = Lark(grammar, parser="lalr", lexer="contextual", start=list(starts), maybe_placeholders=False)
    table = lark.parser.parser._parse_table  # Lark shows it nowhere else
    numbers = {rule: number for number, rule in enumerate(lark.rules)}
    places = _in_order(table, starts)
    rows: dict[tuple[tuple[str, int], ...], int] = {}
    states = []
    for state in places:
        row = ((name, ~numbers[arg] if hasattr(arg, "origin") else places[arg]) for name, (_, arg) in table.states[state].items())
        states.append(rows.setdefault(tuple(sorted(row)), len(rows)))
    return {
        "terminals": _terminals(lark),
        "ignored": sorted(lark.ignore_tokens),
        "rules": [_rule(rule) for rule in lark.rules],
        "rows": [dict(row) for row in rows],
        "states": states,
        "starts": {start: [places[table.start_states[start]], places[table.end_states[start]]] for start in starts},
    }


def _in_order(table: Any, starts: Sequence[str]) -> dict[int, int]:
    """A number for each state, as they are met from the starts on: Lark's own change from one time to the next."""
    waiting = [table.start_states[start] for start in starts]
    places = {state: place for place, state in enumerate(waiting)}
    for state in waiting:  # grows meanwhile
        for _, (_, arg) in sorted(table.states[state].items(), key=lambda item: item[0]):
            if not hasattr(arg, "origin") and arg not in places:
                places[arg] = len(places)
                waiting.append(arg)
    return places


def _terminals(lark: Any) -> list[list[str]]:
    """In Lark's order: by priority, then the longest first."""
    ordered = sorted(lark.terminals, key=lambda one: (-one.priority, -one.pattern.max_width, -len(one.pattern.value), one.name))
    return [[one.name, one.pattern.to_regexp()] for one in ordered]


def _rule(rule: Any) -> list[Any]:
    name = rule.alias or rule.origin.name
    given = [at for at, part in enumerate(rule.expansion) if not (part.is_term and part.filter_out)]
    opened = [at for at in given if not rule.expansion[at].is_term and rule.expansion[at].name.startswith("_")]
    single = bool(rule.options.expand1 and not rule.alias)
    return [str(rule.origin.name), len(rule.expansion), str(name), given, opened, single]
