"""The text form in its one layout: clauses in a fixed order, what they say in one column."""

from __future__ import annotations

from typing import assert_never

from cep.lang import tree
from cep.lang.declared import kind_of
from cep.lang.literals import NAME, WORD, show_duration, show_name, show_string
from cep.lang.notes import Anchor, Notes
from cep.lang.print_expressions import (
    WIDTH,
    broken,
    show_after_match,
    show_budget,
    show_checks,
    show_emit,
    show_expect,
    show_field,
    show_key_part,
    show_macro_head,
    show_mode,
    show_once,
    show_pattern,
    show_pick,
    show_plain,
    show_rows,
    show_select,
    show_suppress,
    show_type,
    show_window,
    show_within,
)

_ALIGNED = 6  # longer words than this stand before a single blank
_NONE: frozenset[str] = frozenset()


class TextPrinter:
    """Prints one file."""

    def __init__(self, file: tree.File) -> None:
        self.file = file
        self.notes = Notes(file.comments)
        self.lines: list[str] = []

    def print(self) -> str:
        blocks: list[list[str]] = self._declarations()
        for at, rule in enumerate(self.file.rules):
            blocks.append(self._block(("rule", at), rule))
            blocks += [
                self._block(("test", j), test)
                for j, test in enumerate(self.file.tests)
                if test.rule.text == rule.id.text and rule is self._first(rule.id.text)
            ]
        known = {rule.id.text for rule in self.file.rules}
        blocks += [self._block(("test", j), test) for j, test in enumerate(self.file.tests) if test.rule.text not in known]
        end = self.notes.take(("file",), "after")
        blocks += [end] if end else []
        return "\n\n".join("\n".join(block) for block in blocks) + ("\n" if blocks else "")

    def _first(self, name: str) -> tree.Rule:
        return next(rule for rule in self.file.rules if rule.id.text == name)

    def _block(self, root: Anchor, node: tree.Rule | tree.RuleTest) -> list[str]:
        self.lines = list(self.notes.take(root, "before"))
        if isinstance(node, tree.Rule):
            self._rule(root, node)
        else:
            self._test(root, node)
        self.lines += [f"  {text}" for text in self.notes.rest(root)]
        return self.lines

    # ------------------------------------------------------------ what rules share

    def _declarations(self) -> list[list[str]]:
        """A block each; those of one line and one kind stand together."""
        blocks: list[list[str]] = []
        last = ""
        for at, declaration in enumerate(self.file.declarations):
            root: Anchor = ("declaration", at)
            self.lines = list(self.notes.take(root, "before"))
            self._declaration(root, declaration)
            self.lines += [f"  {text}" for text in self.notes.rest(root)]
            kind = kind_of(declaration) if len(self.lines) == 1 else ""
            if kind and kind == last:
                blocks[-1] += self.lines
            else:
                blocks.append(self.lines)
            last = kind
        return blocks

    def _declaration(self, root: Anchor, declaration: tree.Declaration) -> None:
        match declaration:
            case tree.Macro(expr=expr):
                first, *others = broken(expr, WIDTH - 20)
                self._put([f"macro {show_macro_head(declaration)}: {first}", *(f"    {row}" for row in others)], root)
            case tree.TableBlock(name=name, file=file, key=key):
                shown = f"{show_name(name.text, _NONE)} from {show_string(file)} key {show_name(key, _NONE)}"
                self._put([f"table {shown}"], root)
            case tree.ListBlock(name=name):
                self._listed(root, f"list {show_name(name.text, _NONE)}: ", "[]", _parts(declaration))
            case tree.SchemaBlock(type=kind):
                self._listed(root, f"schema {show_type(kind.text)} ", "{}", _parts(declaration))
            case _ as never:
                assert_never(never)

    def _listed(self, root: Anchor, head: str, brackets: str, parts: list[str]) -> None:
        """On one line; with a line each if that is too long or if a part has a comment."""
        whole = f"{head}{brackets[0]}{', '.join(parts)}{brackets[1]}"
        noted = any(self.notes.has((*root, "item", at), place) for at in range(len(parts)) for place in ("before", "beside"))
        if len(whole) <= WIDTH and not noted:
            self._put([whole], root)
            return
        self._put([head + brackets[0]], root)
        for at, part in enumerate(parts):
            self._put([f"  {part}," if at < len(parts) - 1 else f"  {part}"], (*root, "item", at), "  ")
        self.lines.append(brackets[1])

    # ------------------------------------------------------------ a rule

    def _rule(self, root: Anchor, rule: tree.Rule) -> None:
        head = f"rule {show_id(rule.id.text)}"
        apart = self.notes.has(root, "beside") or self.notes.has((*root, "severity"), "before")
        if rule.severity is not None and not apart:
            self._put([f"{head}  severity {rule.severity}"], (*root, "severity"))
        else:
            self._put([head], root)
        if rule.title is not None:
            self._put([f"  {show_string(rule.title)}"], (*root, "title"), "  ")
        clauses = _clauses(rule)
        if rule.severity is not None and apart:
            clauses.insert(0, ("severity", "severity", [rule.severity]))
        if rule.when is not None and rule.window is not None:
            word, _ = show_window(rule.window)
            if not (self.notes.has((*root, "when"), "beside") or self.notes.has((*root, word), "before")):
                clauses = _join_window(clauses, word)
        column = 2 + max((len(word) for word, _, _ in clauses if len(word) <= _ALIGNED), default=0) + 2
        for word, kind, rows in clauses:
            self._clause(root, word, kind, rows, column)
            if isinstance(rule.body, tree.MatchClause) and word == "match" and rule.body.where:
                self._where(root, rule.body.where, column)

    def _clause(self, root: Anchor, word: str, kind: str, rows: list[str], column: int) -> None:
        anchor: Anchor = (*root, *(part if part.isalpha() else int(part) for part in kind.split()))
        start = f"  {word}".ljust(column) if len(word) <= _ALIGNED else f"  {word} "
        if kind.startswith("when "):
            self.lines += [f"  {text}" for text in self.notes.take((*root, "when"), "before")]
            anchor = (*root, kind[5:])
        self._put([start + rows[0], *(" " * len(start) + row for row in rows[1:])], anchor, "  ")

    def _where(self, root: Anchor, selects: tuple[tree.Select, ...], column: int) -> None:
        labels = [f"{show_name(select.label, _NONE)}: " for select in selects]
        types = [show_type(select.type) for select in selects]
        label_width, type_width = max(map(len, labels)), max(map(len, types))
        for at, (select, label, name) in enumerate(zip(selects, labels, types, strict=True)):
            start = ("  where" if at == 0 else "").ljust(column) + label.ljust(label_width)
            rows = [start + name]
            if select.where is not None:
                start += name.ljust(type_width) + "  where "
                conditions = broken(select.where, WIDTH - len(start))
                rows = [start + conditions[0], *(" " * (len(start) - 6) + "  " + row for row in conditions[1:])]
            self._put(rows, (*root, "where", at), " " * column if at else "  ")

    def _put(self, rows: list[str], anchor: Anchor, indent: str = "") -> None:
        """Lines with the comments before and beside them."""
        self.lines += [f"{indent or ''}{text}" for text in self.notes.take(anchor, "before")]
        beside = self.notes.take(anchor, "beside")
        self.lines += rows
        if beside:
            self.lines[-1] += f"  {beside[0]}"
            self.lines += [f"{indent}{text}" for text in beside[1:]]

    # ------------------------------------------------------------ a test

    def _test(self, root: Anchor, test: tree.RuleTest) -> None:
        self._put([f"test {show_id(test.rule.text)}" + (f" {show_string(test.name)}" if test.name else "")], root)
        width = max((len(show_duration(given.at_us)) for given in test.given), default=0)
        for at, given in enumerate(test.given):
            row = f"  at {show_duration(given.at_us).ljust(width)}  {show_type(given.type)} {show_plain(given.event)}"
            if given.repeat != 1 or given.every_us:
                row += f" x{given.repeat}" + (f" every {show_duration(given.every_us)}" if given.every_us else "")
            self._put([row], (*root, "given", at), "  ")
        for at, expect in enumerate(test.expect):
            self._put([f"  expect {_expected(expect)}"], (*root, "expect", at), "  ")
        if test.until_us is not None:
            self._put([f"  until {show_duration(test.until_us)}"], (*root, "until"), "  ")


def _parts(declaration: tree.Declaration) -> list[str]:
    """What stands between the brackets of a list or a schema."""
    match declaration:
        case tree.ListBlock(items=items):
            return [show_plain(item.value) for item in items]
        case tree.SchemaBlock(fields=fields):
            return [f"{show_field(path)}: {kind}" for path, kind in fields]
        case _:
            return []


def show_id(name: str) -> str:
    return name if WORD.fullmatch(name) else f"`{name}`"


def _word(text: str) -> str:
    return text if WORD.fullmatch(text) else show_string(text)


def _clauses(rule: tree.Rule) -> list[tuple[str, str, list[str]]]:
    """(word, anchor, lines) of every clause but title and severity, in the order of the layout."""
    made: list[tuple[str, str, list[str]]] = []

    def add(word: str, said: str | list[str] | None, kind: str = "") -> None:
        if said is not None:
            made.append((word, kind or word, [said] if isinstance(said, str) else said))

    add("description", None if rule.description is None else show_string(rule.description))
    add("tags", ", ".join(map(_word, rule.tags)) or None)
    add("meta", _meta(rule.meta))
    add("mode", show_mode(rule))
    add("by", None if rule.by is None else _by(rule.by))
    match rule.body:
        case tree.From(select=select):
            add("from", _select_rows(select))
        case tree.MatchClause(pattern=pattern):
            add("match", show_pattern(pattern))
        case tree.Absent(select=select, for_us=for_us):
            add("absent", f"{show_select(select)} for {show_duration(for_us)}")
    add("expect", None if rule.expect is None else show_expect(rule.expect))
    add("unless", "source silent" if rule.unless_silent else None)
    for at, let in enumerate(rule.lets):
        rows = broken(let.expr, WIDTH - 20)
        add("let", [f"{show_name(let.name, _NONE)}: {rows[0]}", *(f"  {row}" for row in rows[1:])], f"let {at}")
    add("within", None if rule.within is None else show_within(rule.within))
    add("pick", None if rule.pick is None else show_pick(rule.pick))
    add("after match", None if rule.after_match is None else show_after_match(rule.after_match), "after")
    add("when", None if rule.when is None else _hanging(broken(rule.when, WIDTH - 20)))
    if rule.window is not None:
        add(*show_window(rule.window))
    add("for", None if rule.for_us is None else show_duration(rule.for_us))
    add("until", None if rule.until is None else _hanging(broken(rule.until, WIDTH - 20)))
    add("resolve when", None if rule.resolve is None else _select_rows(rule.resolve), "resolve")
    add("fire", "each" if rule.fire_each else None)
    add("then", "reset" if rule.then_reset else None)
    if rule.emit_rows and rule.emit:
        add("emit rows", _emit(show_rows(rule.emit)), "emit")
    else:
        add("emit", _emit(list(map(show_emit, rule.emit))) if rule.emit else None)
    add("on timeout emit", _emit(list(map(show_emit, rule.on_timeout))) if rule.on_timeout else None, "timeout")
    add("once", None if rule.once is None else show_once(rule.once))
    add("suppress", None if rule.suppress is None else show_suppress(rule.suppress))
    add("budget", None if rule.budget is None else show_budget(rule.budget))
    add("to", ", ".join(map(_word, rule.to)) or None)
    return made


def _join_window(clauses: list[tuple[str, str, list[str]]], window: str) -> list[tuple[str, str, list[str]]]:
    """`when C over D` on one line."""
    said = next(rows for word, _, rows in clauses if word == window)
    return [
        (word, f"when {window}", [*rows[:-1], f"{rows[-1]} {window} {said[0]}"]) if word == "when" else (word, kind, rows)
        for word, kind, rows in clauses
        if word != window
    ]


def _hanging(rows: list[str]) -> list[str]:
    return [rows[0], *(f"  {row}" for row in rows[1:])]


def _select_rows(select: tree.Select) -> list[str]:
    if select.where is None:
        return [show_type(select.type)]
    start = f"{show_type(select.type)} where "
    rows = broken(select.where, WIDTH - len(start) - 10)
    return [start + rows[0], *(f"  {row}" for row in rows[1:])]


def _meta(meta: tuple[tuple[str, str], ...]) -> str | None:
    pairs = [f"{name if NAME.fullmatch(name) else show_string(name)}: {show_string(text)}" for name, text in meta]
    return f"{{{', '.join(pairs)}}}" if pairs else None


def _by(by: tree.By) -> str:
    if not by.types:
        return ", ".join(map(show_key_part, by.parts))
    pairs = []
    for name, parts in by.types:
        shown = ", ".join(map(show_key_part, parts))
        pairs.append(f"{show_type(name)}: {shown if len(parts) == 1 else f'[{shown}]'}")
    return f"{{{', '.join(pairs)}}}"


def _emit(shown: list[str]) -> list[str]:
    whole = ", ".join(shown)
    return [whole] if len(whole) <= WIDTH - 10 else [*(f"{field}," for field in shown[:-1]), shown[-1]]


def _expected(expect: tree.ExpectAlerts | tree.ExpectNothing) -> str:
    if isinstance(expect, tree.ExpectNothing):
        return "nothing" + (f" until {show_duration(expect.until_us)}" if expect.until_us is not None else "")
    text = f"{expect.count} {'resolve' if expect.resolves else 'alert'}" + ("" if expect.count == 1 else "s")
    if expect.at_us is not None:
        text += f" at {show_duration(expect.at_us)}"
    return text + (f" with {show_checks(expect.checks)}" if expect.checks else "")
