"""An index of rules by what their conditions want of one field: a value leads to the few rules that may want the event.

    event -> line "powershell -enc SQBFAFgA"  -> one pass over the text: pieces `-enc`, `powershell`
                                              -> rules that look for them, of which these judge the line true: r17, r80
                                              -> what else r17 and r80 ask of the event

What is so of a text is found out once for each distinct one, as long as it is remembered. A rule stands under the field and the
pieces that the fewest other rules ask for (`cep.match.needles`), and is judged whole: an index never changes an answer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from cep.event import Batch, EventId
from cep.functions.literals import folded
from cep.match.masks import text_field
from cep.match.needles import Ways, asks, choose, ways_in
from cep.match.picks import Pick, Target
from cep.match.places import part_code
from cep.match.scan import make_scanner
from cep.match.strike import strike
from cep.match.takers import Takers
from cep.plan import ir
from cep.plan.codegen import Namespace, Rows, Tables, Writer, deep_parts
from cep.types import Type

FEWEST_BY_TEXT = 8  # rules about texts of one event type from which on an index is made
FEWEST_BY_VALUE = 32  # or rules that ask for values
MOST_CHARS = 4_000_000  # of texts remembered
FEWEST_TOGETHER = 16  # rows whose texts are looked through together
Tell = Callable[[int, Any, int, EventId], None]  # (index, row, time, id): judges the rest, and notes the row


def indexed_picks(targets: Sequence[Target], in_families: frozenset[int]) -> dict[str, list[tuple[Pick, Ways]]]:
    """Per event type the picks that an index is to find, and how: of targets all of whose picks are found so."""
    options: dict[str, list[tuple[Pick, list[Ways]]]] = {}
    for n, target in enumerate(targets):
        if n in in_families or any(target.gathers(pick.type) or deep_parts(*pick.conjuncts, *pick.key) for pick in target.picks):
            continue
        open_ways = [ways_in(pick.conjuncts) for pick in target.picks]
        if all(open_ways):
            for pick, each in zip(target.picks, open_ways):
                options.setdefault(pick.type, []).append((pick, each))
    few = {name for name, some in options.items() if not _worth([ways for _, ways in some])}
    left = {pick.target for name in few for pick, _ in options[name]}  # a target is found by tables alone, or not so
    found: dict[str, list[tuple[Pick, Ways]]] = {}
    for name, some in options.items():
        asked = Counter(one for _, ways in some for one in {one for each in ways for one in asks(each)})
        chosen = [(pick, choose(ways, asked)) for pick, ways in some if pick.target not in left]
        if chosen:
            found[name] = chosen
    return found


def _worth(some: Sequence[list[Ways]]) -> bool:
    by_text = sum(any(way.pieces for ways in each for way in ways) for each in some)
    return by_text >= FEWEST_BY_TEXT or len(some) >= FEWEST_BY_VALUE


class TypeIndex:
    """The index of one event type.

    fields    that are looked up
    together  whether `gather` is to see a batch before its rows are looked up
    several   whether a rule may be found by more than one field
    """

    def __init__(
        self, name: str, picks: Sequence[tuple[Pick, Ways]], targets: Sequence[Target], takers: Takers, tables: Tables, rows: Rows
    ) -> None:
        self.picks = frozenset(id(pick) for pick, _ in picks)
        by_field: dict[ir.Field, _FieldIndex] = {}
        for pick, ways in picks:
            entry = _Entry(pick, ways, targets[pick.target].masked, takers, tables, rows)
            for way in ways:
                field = by_field.setdefault(way.field, _FieldIndex(way.field))
                for value in way.values:
                    field.by_value.setdefault(value, []).append(entry)
                for piece in way.pieces:
                    field.by_piece.setdefault(piece, []).append(entry)
        for index in by_field.values():
            index.complete()
        self.fields: Mapping[ir.Field, _FieldIndex] = by_field
        self.several = any(len(ways) > 1 for _, ways in picks)
        self.together = any(index.together for index in by_field.values())
        together = [(index, field) for field, index in by_field.items() if index.together]
        write, names = Writer(Namespace(tables), rows=rows), [f"texts{n}" for n in range(len(together))]
        source = [
            f"def {texts}(rows): return {{{write.value(field)} for r in rows}}" for texts, (_, field) in zip(names, together)
        ]
        made = write.names.run("\n".join(source))
        self._name = name
        self._gathering = [(index, made[texts]) for texts, (index, _) in zip(names, together)]

    def gather(self, batch: Batch) -> None:
        """Look through the texts of a batch that are new, all at once."""
        if len(batch) < FEWEST_TOGETHER:
            return
        name = self._name
        rows = [row for row, one in zip(batch.rows, batch.types) if one == name]
        for index, texts in self._gathering:
            index.learn_all(texts(rows))


class _FieldIndex:
    """by_value, by_piece  the rules that stand under it
    known     value -> who wants its event, for `learn` to fill. Of a text that is looked through: all that were seen; else the
              values that rules ask for
    """

    def __init__(self, field: ir.Field) -> None:
        self.field = field
        self.by_value: dict[Any, list[_Entry]] = {}
        self.by_piece: dict[str, list[_Entry]] = {}
        self.known: dict[Any, tuple[Tell, ...] | None] = {}
        self.scans = self.together = False
        self._chars = 0

    def complete(self) -> None:
        """All rules are there."""
        self.scans = bool(self.by_piece)
        if self.scans:
            self._scanner = make_scanner(list(self.by_piece))
            self._of_piece = list(self.by_piece.values())
            self.together = self._scanner.together
        self._forget()

    def _forget(self) -> None:
        self._chars = 0
        self.known.clear()
        self.known.update({None: ()} if self.scans else dict.fromkeys(self.by_value))

    def learn(self, value: Any) -> tuple[Tell, ...]:
        """Who wants an event with this value."""
        if not self.scans:
            return self._note(value, self.by_value[value])
        return self._note_text(value, self._scanner.find([folded(value)])[0])

    def learn_all(self, texts: set[Any]) -> None:
        new = list(texts - self.known.keys())
        for text, pieces in zip(new, self._scanner.find([folded(text) for text in new]) if new else ()):
            self._note_text(text, pieces)

    def _note_text(self, text: str, pieces: set[int]) -> tuple[Tell, ...]:
        if self._chars > MOST_CHARS:
            self._forget()
        self._chars += len(text) + 100  # what a text takes beside its characters
        entries = self.by_value.get(text, [])
        if pieces:
            entries = list(dict.fromkeys([*entries, *(entry for number in pieces for entry in self._of_piece[number])]))
        return self._note(text, entries)

    def _note(self, value: Any, entries: Sequence[_Entry]) -> tuple[Tell, ...]:
        field = self.field
        found = self.known[value] = tuple(entry.tell for entry in entries if entry.may_want(field, value))
        return found


class _Entry:
    """One rule's way into its hits. Its functions are made when the first event may fit it: most rules of a large set wait
    long for one."""

    __slots__ = ("_fits", "_masked", "_of_text", "_pick", "_rest", "_rows", "_tables", "_takers", "_tell")

    def __init__(self, pick: Pick, ways: Ways, masked: bool, takers: Takers, tables: Tables, rows: Rows) -> None:
        self._pick, self._masked, self._takers, self._tables, self._rows = pick, masked, takers, tables, rows
        field = ways[0].field if len(ways) == 1 and ways[0].field.type is Type.TEXT else None
        self._of_text = tuple(one for one in pick.conjuncts if field is not None and text_field(one) == field)
        self._rest = tuple(one for one in pick.conjuncts if one not in self._of_text)
        self._fits: Callable[[Any], bool] | None = None
        self._tell: Tell | None = None

    def may_want(self, field: ir.Field, value: Any) -> bool:
        """Whether all conditions on this field alone are true of the value."""
        if not self._of_text:
            return True
        if self._fits is None:
            write = Writer(Namespace(self._tables), rows=self._rows, locals={field: "v"})
            source = f"def fits(v): return {write.true(ir.And(self._of_text))}"
            self._fits = write.names.run(source)["fits"]
        return bool(self._fits(value))

    @property
    def tell(self) -> Tell:
        if self._tell is None:
            self._tell = self._made()
        return self._tell

    def _made(self) -> Tell:
        write = Writer(Namespace(self._tables), rows=self._rows)
        lines, parts = [], [part_code(write, part) for part in self._pick.key]
        asked = [write.true(ir.And(self._rest))] if self._rest else []
        asked += [f"(k{n} := {part}) is not None" for n, part in enumerate(parts)]
        key = "k0" if len(parts) == 1 else "(" + "".join(f"k{n}, " for n in range(len(parts))) + ")"
        lines += [f"if {' and '.join(asked)}:"] if asked else ["if True:"]
        lines += [f"    {line}" for line in self._written(write.names, key)]
        source = "\n".join(["def tell(i, r, t, e):", *(f"    {line}" for line in lines)])
        tell: Tell = write.names.run(source)["tell"]
        return tell

    def _written(self, names: Namespace, key: str) -> list[str]:
        takers, target = self._takers, self._pick.target
        if target in takers.strikers:
            names.globals.update(takers.called)
            return [
                strike(names.slot(rule), "" if make is None else names.slot(make), key) for rule, make in takers.strikers[target]
            ]
        hits = takers.hits[target]
        line = (
            f"{names.slot(hits.rows.append)}(i); {names.slot(hits.keys.append)}({key}); {names.slot(takers.hit.append)}({target})"
        )
        return [line + (f"; {names.slot(hits.masks.append)}({self._pick.bits})" if self._masked else "")]
