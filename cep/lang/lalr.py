"""The parser itself: runs the tables of `grammar.lark` over a text, and calls a method of the builder for each rule that ends.

Only the terminals that may follow are looked for (so that words may be names wherever they are not expected), in the order of the
tables; spaces may stand anywhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from typing import Any

import msgspec

END = "$END"
Scanner = tuple[Callable[[str, int], "re.Match[str] | None"], Sequence[str]]
# a rule of the grammar: how many parts, name, method of the builder, the parts it is given (None: all) and which of them hold the
# parts of a part, whether a single part stands for the whole
Ended = tuple[int, str, Callable[..., Any] | None, tuple[tuple[int, bool], ...] | None, bool]


class Token(msgspec.Struct, gc=False):
    """A terminal as it stands in the text."""

    type: str
    text: str
    start_pos: int
    end_pos: int

    def __str__(self) -> str:
        return self.text


class Halted(Exception):
    """The text cannot go on as it does: where (at its end: its length), the terminal found there ("" if none begins so, "end" at
    the end), and the states that were open."""

    def __init__(self, at: int, token: str, states: list[int]) -> None:
        super().__init__(at, token)
        self.at, self.token, self.states = at, token, states


class Parser:
    """Tables (`cep.lang.make_tables`) joined to a builder."""

    def __init__(self, tables: dict[str, Any], builder: Any, comment: Callable[[Token], Any]) -> None:
        self._rows: list[dict[str, int]] = [tables["rows"][row] for row in tables["states"]]
        self._rules = [_ended(builder, *rule) for rule in tables["rules"]]
        self._starts: dict[str, list[int]] = tables["starts"]
        self._patterns: dict[str, str] = dict(tables["terminals"])
        self._comment = comment
        self._ends = {last for _, last in self._starts.values()}
        self._spaces = set(tables["ignored"]) - {"COMMENT"}
        self._between = f"(?:{'|'.join(self._patterns[name] for name in self._spaces)})*+"
        self._skip = re.compile(self._between).match
        self._all = self._scanner_of(self._patterns)
        self._by_terminals: dict[frozenset[str], Scanner] = {}
        self._scanners: list[Scanner | None] = [None] * len(self._rows)
        self._chains: dict[tuple[int, int, str], tuple[int, int | None]] = {}

    def parse(self, start: str, text: str) -> Any:
        """What the builder makes of all of `text`, read as `start`.

        raises  Halted
        """
        states, values = self._read(start, text)
        before = list(states)
        if not self._reduce(END, states, values, self._starts[start][1]):
            raise Halted(len(text), "end", before)
        return values[-1]

    def read(self, start: str, text: str) -> list[int]:
        """The states that are open after `text`, read as the beginning of `start`.

        raises  Halted
        """
        return self._read(start, text)[0]

    def accepts(self, states: Sequence[int], start: str) -> frozenset[str]:
        """The terminals that may come next."""
        last = self._starts[start][1]
        return frozenset(kind for kind in self._rows[states[-1]] if kind.isupper() and self._takes(kind, list(states), last))

    def _takes(self, kind: str, states: list[int], last: int) -> bool:
        while True:
            action = self._rows[states[-1]].get(kind)
            if action is None or action >= 0:
                return action is not None
            size, name, *_ = self._rules[~action]
            del states[len(states) - size :]
            states.append(self._rows[states[-1]][name])
            if kind == END and states[-1] == last:
                return True

    def _read(self, start: str, text: str) -> tuple[list[int], list[Any]]:
        """Take every token; the end itself is not told to the tables."""
        state, last = self._starts[start]
        states: list[int] = [state]
        values: list[Any] = []
        at = 0
        rows, scanners = self._rows, self._scanners
        while True:
            match, kinds = scanners[state] or self._scanner(state)
            found = match(text, at)
            if found is None:
                at = self._skip(text, at).end()  # type: ignore[union-attr]  # it matches nothing at all, too
                if at == len(text):
                    return states, values
                other = self._all[0](text, at)
                raise Halted(at, "" if other is None else self._all[1][other.lastindex or 0], states)
            kind, begin, at = kinds[found.lastindex or 0], found.end(1), found.end()
            token = Token(kind, text[begin:at], begin, at)
            action = rows[state].get(kind)
            if action is None:  # a comment: all others are in the row
                self._comment(token)
                continue
            if action < 0:
                if not self._reduce(kind, states, values, last):
                    raise Halted(begin, kind, states)
                action = rows[states[-1]][kind]
            state = action
            states.append(state)
            values.append(token)

    def _reduce(self, kind: str, states: list[int], values: list[Any], last: int) -> bool:
        """End every rule that ends before `kind`; whether it may then come (the end: whether all was read)."""
        rows, rules, chains = self._rows, self._rules, self._chains
        state = states[-1]
        action = rows[state].get(kind)
        while action is not None and action < 0:
            size, name, method, parts, single = rules[~action]
            if parts is None and method is None:
                # One part that stands for the whole, which is often the only part of the next, as in `5`: a sum of one product
                # of one atom. Where that leads depends on nothing but these three.
                known = chains.get((states[-2], state, kind))
                if known is None:
                    known = chains[states[-2], state, kind] = self._chain(states[-2], state, kind)
                state, action = known
                states[-1] = state
            else:
                if size:
                    given = values[-size:]
                    del values[-size:]
                    del states[-size:]
                else:
                    given = []
                if parts is not None:
                    given = _given(given, parts)
                if method is not None and not (single and len(given) == 1):
                    values.append(method(*given))
                else:
                    values.append(given[0] if single else given)
                state = rows[states[-1]][name]
                states.append(state)
                action = rows[state].get(kind)
            if state == last and kind == END:
                return True
        return action is not None

    def _chain(self, below: int, state: int, kind: str) -> tuple[int, int | None]:
        """The state after all rules of a single part that end here, and what is to be done there."""
        action: int | None = self._rows[state][kind]
        while action is not None and action < 0:
            _, name, method, parts, _ = self._rules[~action]
            if parts is not None or method is not None:
                break
            state = self._rows[below][name]
            action = self._rows[state].get(kind)
            if kind == END and state in self._ends:
                break
        return state, action

    def _scanner(self, state: int) -> Scanner:
        terminals = frozenset(self._patterns.keys() & self._rows[state].keys())
        if terminals not in self._by_terminals:
            self._by_terminals[terminals] = self._scanner_of(terminals | {"COMMENT"})
        made = self._scanners[state] = self._by_terminals[terminals]
        return made

    def _scanner_of(self, terminals: Collection[str]) -> Scanner:
        """Group 1 ends where the token begins; an empty group behind each terminal tells which one it is."""
        kinds = [kind for kind in self._patterns if kind in terminals and kind not in self._spaces]
        either = "|".join(f"(?:{self._patterns[kind]})()" for kind in kinds)
        return re.compile(f"{self._between}()(?:{either})").match, ("", "", *kinds)


def _ended(builder: Any, name: str, size: int, called: str, given: list[int], opened: list[int], single: bool) -> Ended:
    method = None if called.startswith("_") else getattr(builder, called, None)
    assert method or single or called.startswith("_"), f"{called}: the builder has no method for this rule of the grammar"
    all_of_it = len(given) == size and not opened and not called.startswith("_")
    return size, name, method, None if all_of_it else tuple((at, at in opened) for at in given), single


def _given(children: list[Any], parts: tuple[tuple[int, bool], ...]) -> list[Any]:
    given: list[Any] = []
    for at, opened in parts:
        if not opened:
            given.append(children[at])
        elif given:
            given += children[at]
        else:
            given = children[at]  # nobody else holds it: a repetition grows in place
    return given
