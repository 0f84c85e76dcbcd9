"""The YAML form in its one layout: a document per rule, keys in a fixed order, tests under their rule."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from typing import Any, assert_never

from cep.lang import tree
from cep.lang.declared import KEYS, kind_of
from cep.lang.literals import show_duration
from cep.lang.notes import Anchor, Notes
from cep.lang.print_expressions import (
    WIDTH,
    broken,
    show,
    show_after_match,
    show_budget,
    show_checks,
    show_expect,
    show_key_part,
    show_macro_head,
    show_mode,
    show_once,
    show_pattern,
    show_pick,
    show_select,
    show_suppress,
    show_type,
    show_window,
    show_within,
)

_RESERVED_FIELDS = frozenset({"at", "count", "resolves", "with"})
# plain text that some reader of YAML 1.1 or 1.2 takes for something else than text
_AMBIGUOUS = re.compile(
    r"(?i:~|null|true|false|yes|no|on|off|=|<<|[-+]?\.(?:inf|nan)|[-+.]?\d[\d_,.:xobe+-]*"
    r"|[-+.]?\d[-\d_:.tz +]*|0[xo][0-9a-f_]+)"
)
_ADDRESS = re.compile(r"\d+(?:\.\d+){3}")  # text to every reader
_PLAIN_START = re.compile(r"[^\s\-?:,\[\]{}#&*!|>'\"%@`]")
_FLOW_SIGNS = re.compile(r"[,\[\]{}]")


def scalar(text: str, flow: bool = False, data: bool = False) -> str:
    """The text as a YAML scalar: plain where every reader takes it for this text, else quoted.

    flow  inside {..} or [..]
    data  it stands for a value of its own: text that looks like a number or a word such as `yes` is quoted
    """
    if data and _AMBIGUOUS.fullmatch(text) and not _ADDRESS.fullmatch(text):
        return _double(text)
    if _is_plain(text, flow):
        return text
    if text.isprintable() and ('"' in text or "\\" in text):
        return "'" + text.replace("'", "''") + "'"
    return _double(text)


def _is_plain(text: str, flow: bool) -> bool:
    if not text or not text.isprintable() or not _PLAIN_START.match(text) or text[-1] in " :":
        return False
    if ": " in text or " #" in text or (flow and (_FLOW_SIGNS.search(text) or ":" in text)):
        return False
    return not text.startswith(("---", "..."))


def _double(text: str) -> str:
    pieces = []
    for character in text:
        if character in '"\\':
            pieces.append("\\" + character)
        elif character.isprintable():
            pieces.append(character)
        else:
            code = ord(character)
            short = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}.get(character)
            pieces.append(short or (f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"))
    return '"' + "".join(pieces) + '"'


def data(value: Any) -> str:
    """Plain data in flow style."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case str():
            return scalar(value, flow=True, data=True)
        case dict():
            return "{" + ", ".join(f"{scalar(key, flow=True, data=True)}: {data(item)}" for key, item in value.items()) + "}"
        case list() | tuple():
            return "[" + ", ".join(map(data, value)) + "]"
        case _:
            return repr(value)


class YamlPrinter:
    """Prints one file."""

    def __init__(self, file: tree.File) -> None:
        self.file = file
        self.notes = Notes(file.comments)
        self.lines: list[str] = []

    def print(self) -> str:
        documents: list[list[str]] = []
        told: set[str] = set()
        if self.file.declarations:
            documents.append(self._declarations())
        for at, rule in enumerate(self.file.rules):
            tests = [] if rule.id.text in told else [j for j, t in enumerate(self.file.tests) if t.rule.text == rule.id.text]
            told.add(rule.id.text)
            documents.append(self._rule(("rule", at), rule, tests))
        documents += [self._only_tests(group) for group in self._strangers(told)]
        end = self.notes.take(("file",), "after")
        text = "\n---\n".join("\n".join(lines) for lines in documents)
        if end:
            text += ("\n\n" if text else "") + "\n".join(end)
        return text + "\n" if text else ""

    def _strangers(self, told: set[str]) -> list[list[int]]:
        """The tests of rules that are not in the file, those of one rule in a row together."""
        groups: list[list[int]] = []
        for at, test in enumerate(self.file.tests):
            if test.rule.text in told:
                continue
            if groups and self.file.tests[groups[-1][0]].rule.text == test.rule.text:
                groups[-1].append(at)
            else:
                groups.append([at])
        return groups

    # ------------------------------------------------------------ what rules share

    def _declarations(self) -> list[str]:
        """One document, a key for each kind."""
        self.lines = []
        keys = {kind: key for key, kind in KEYS.items()}
        last = ""
        for at, declaration in enumerate(self.file.declarations):
            root: Anchor = ("declaration", at)
            kind = kind_of(declaration)
            if kind != last:
                self.lines.append(f"{keys[kind]}:")
            last = kind
            self._declaration(root, declaration)
            self.lines += [f"    {text}" for text in self._rest(root)]
        return self.lines

    def _declaration(self, root: Anchor, declaration: tree.Declaration) -> None:
        match declaration:
            case tree.Macro(expr=expr):
                head = scalar(show_macro_head(declaration), data=True)
                self._put(_condition(f"  {head}: ", "  ", expr), root, "  ")
            case tree.TableBlock(name=name, file=file, key=key):
                self._put([f"  {scalar(name.text, data=True)}: {data({'file': file, 'key': key})}"], root, "  ")
            case tree.ListBlock(name=name, items=items):
                self._listed(root, f"  {scalar(name.text, data=True)}:", "[]", [data(item.value) for item in items])
            case tree.SchemaBlock(type=kind, fields=fields):
                shown = [f"{scalar(path, flow=True, data=True)}: {word}" for path, word in fields]
                self._listed(root, f"  {scalar(kind.text, data=True)}:", "{}", shown)
            case _ as never:
                assert_never(never)

    def _listed(self, root: Anchor, head: str, brackets: str, parts: list[str]) -> None:
        """On one line; with a line each if that is too long or if a part has a comment."""
        whole = f"{head} {brackets[0]}{', '.join(parts)}{brackets[1]}"
        noted = any(self.notes.has((*root, "item", at), place) for at in range(len(parts)) for place in ("before", "beside"))
        if len(whole) <= WIDTH and not noted:
            self._put([whole], root, "  ")
            return
        self._put([head], root, "  ")
        for at, part in enumerate(parts):
            self._put([f"    {'- ' if brackets == '[]' else ''}{part}"], (*root, "item", at), "    ")

    # ------------------------------------------------------------ a rule

    def _rule(self, root: Anchor, rule: tree.Rule, tests: list[int]) -> list[str]:
        self.lines = list(self.notes.take(root, "before"))
        self._put([f"rule: {scalar(rule.id.text, data=True)}"], root)
        self._words(root, rule)
        if rule.by is not None:
            self._put([f"by: {_by(rule.by)}"], (*root, "by"))
        self._body(root, rule)
        if rule.expect is not None:
            self._value(root, "expect", show_expect(rule.expect))
        if rule.unless_silent:
            self._value(root, "unless", "source silent")
        if rule.within is not None:
            self._value(root, "within", show_within(rule.within))
        if rule.pick is not None:
            self._value(root, "pick", show_pick(rule.pick))
        if rule.after_match is not None:
            self._put([f"after match: {scalar(show_after_match(rule.after_match))}"], (*root, "after"))
        if rule.lets:
            self.lines.append("let:")
            for at, let in enumerate(rule.lets):
                self._entry((*root, "let", at), let.name, let.expr)
        if rule.when is not None:
            self._put(_condition("when: ", "", rule.when), (*root, "when"))
        if rule.window is not None:
            self._value(root, *show_window(rule.window))
        if rule.for_us is not None:
            self._value(root, "for", show_duration(rule.for_us))
        if rule.until is not None:
            self._put(_condition("until: ", "", rule.until), (*root, "until"))
        if rule.resolve is not None:
            self._put(_select("resolve when: ", "", rule.resolve), (*root, "resolve"))
        if rule.fire_each:
            self._value(root, "fire", "each")
        if rule.then_reset:
            self._value(root, "then", "reset")
        if rule.emit:
            self._put(_emit("emit rows" if rule.emit_rows else "emit", rule.emit), (*root, "emit"))
        if rule.on_timeout:
            self._put(_emit("on timeout emit", rule.on_timeout), (*root, "timeout"))
        if rule.once is not None:
            self._value(root, "once", show_once(rule.once))
        if rule.suppress is not None:
            self._value(root, "suppress", show_suppress(rule.suppress))
        if rule.budget is not None:
            self._value(root, "budget", show_budget(rule.budget))
        if rule.to:
            self._put([f"to: {data(list(rule.to))}"], (*root, "to"))
        self.lines += [f"{'      ' if tests else '  '}{text}" for text in self._rest(root)]
        self._tests(tests)
        return self.lines

    def _words(self, root: Anchor, rule: tree.Rule) -> None:
        if rule.severity is not None:
            self._value(root, "severity", rule.severity)
        if rule.title is not None:
            self._put([f"title: {scalar(rule.title, data=True)}"], (*root, "title"))
        if rule.tags:
            self._put([f"tags: {data(list(rule.tags))}"], (*root, "tags"))
        if rule.description is not None:
            self._put(_prose(rule.description), (*root, "description"))
        if rule.meta:
            self._put([f"meta: {data(dict(rule.meta))}"], (*root, "meta"))
        mode = show_mode(rule)
        if mode is not None:
            self._value(root, "mode", mode)

    def _body(self, root: Anchor, rule: tree.Rule) -> None:
        match rule.body:
            case tree.From(select=select):
                self._put(_select("from: ", "", select), (*root, "from"))
            case tree.MatchClause(pattern=pattern, where=where):
                self._value(root, "match", show_pattern(pattern))
                if where:
                    self.lines.append("where:")
                width = max((len(scalar(select.label, data=True)) for select in where), default=0) + 2
                for at, select in enumerate(where):
                    start = f"  {scalar(select.label, data=True)}:".ljust(width + 2)
                    self._put(_select(start, "  ", select), (*root, "where", at), "  ")
            case tree.Absent(select=select, for_us=for_us):
                self._put([*_select("absent: ", "", select), f"for: {show_duration(for_us)}"], (*root, "absent"))

    def _value(self, root: Anchor, key: str, fragment: str) -> None:
        self._put([f"{key}: {scalar(fragment)}"], (*root, key))

    def _entry(self, anchor: Anchor, name: str, expr: tree.Expr) -> None:
        self._put(_condition(f"  {scalar(name, data=True)}: ", "  ", expr), anchor, "  ")

    def _put(self, rows: list[str], anchor: Anchor, indent: str = "") -> None:
        """Lines with the comments before and beside them; a value of several lines has none beside it."""
        before = self.notes.take(anchor, "before")
        beside = self.notes.take(anchor, "beside")
        if len(rows) > 1 or len(beside) > 1:
            before, beside = [*before, *beside], []
        self.lines += [f"{indent}{text}" if text else "" for text in before]
        self.lines += rows
        if beside:
            self.lines[-1] += f"  {beside[0]}"

    def _rest(self, root: Anchor) -> list[str]:
        return self.notes.rest(root)

    # ------------------------------------------------------------ tests

    def _only_tests(self, group: list[int]) -> list[str]:
        """A document of tests whose rule stands in another file."""
        self.lines = list(self.notes.take(("test", group[0]), "before"))
        self.lines.append(f"rule: {scalar(self.file.tests[group[0]].rule.text, data=True)}")
        self._tests(group)
        return self.lines

    def _tests(self, which: list[int]) -> None:
        if which:
            self.lines.append("tests:")
        for at in which:
            self._test(("test", at), self.file.tests[at])

    def _test(self, root: Anchor, test: tree.RuleTest) -> None:
        first = len(self.lines)
        before = self.notes.take(root, "before")
        if test.name:
            self._put([f"    name: {scalar(test.name, data=True)}"], root, "    ")
        self._events(root, test.given)
        self._alerts(root, test.expect)
        until = test.until_us
        if isinstance(test.expect[0], tree.ExpectNothing) and until is None:
            until = test.expect[0].until_us
        if until is not None:
            self._put([f"    until: {show_duration(until)}"], (*root, "until"), "    ")
        self.lines += [f"      {text}" for text in self._rest(root)]
        start = next(at for at in range(first, len(self.lines)) if not self.lines[at].lstrip().startswith("#"))
        self.lines[start] = "  - " + self.lines[start][4:]
        self.lines[first:first] = [f"  {text}" if text else "" for text in before]

    def _events(self, root: Anchor, events: Sequence[tree.Given]) -> None:
        self.lines.append("    given:" if events else "    given: []")
        for at, given in enumerate(events):
            pairs = [f"at: {show_duration(given.at_us)}"]
            if given.repeat != 1 or given.every_us:
                pairs.append(f"repeat: {given.repeat}")
            if given.every_us:
                pairs.append(f"every: {show_duration(given.every_us)}")
            event = given.event if isinstance(given.event, dict) else {}
            pairs.append(f"event: {data({'type': given.type, **event})}")
            self._put([f"      - {{{', '.join(pairs)}}}"], (*root, "given", at), "      ")

    def _alerts(self, root: Anchor, expect: Sequence[tree.ExpectAlerts | tree.ExpectNothing]) -> None:
        if isinstance(expect[0], tree.ExpectNothing):
            self._put(["    expect: []"], (*root, "expect", 0), "    ")
            return
        self.lines.append("    expect:")
        for at, alert in enumerate(expect):
            if isinstance(alert, tree.ExpectAlerts):
                self._put([f"      - {{{', '.join(_alert_pairs(alert))}}}"], (*root, "expect", at), "      ")


def _alert_pairs(alert: tree.ExpectAlerts) -> list[str]:
    pairs = [] if alert.at_us is None else [f"at: {show_duration(alert.at_us)}"]
    if alert.resolves:
        pairs.append(f"resolves: {alert.count}")
    elif alert.count != 1:
        pairs.append(f"count: {alert.count}")
    plain = 0  # claims of equality before the first other claim are keys
    fields: set[str] = set()
    for check in alert.checks:
        if check.op != "==" or check.field in fields or check.field in _RESERVED_FIELDS:
            break
        fields.add(check.field)
        pairs.append(f"{scalar(check.field, flow=True, data=True)}: {data(check.value)}")
        plain += 1
    if plain < len(alert.checks):
        pairs.append(f"with: {scalar(show_checks(alert.checks[plain:]), flow=True)}")
    return pairs


def _by(by: tree.By) -> str:
    if not by.types:
        if len(by.parts) == 1:
            return scalar(show_key_part(by.parts[0]))
        return _flow_list([show_key_part(part) for part in by.parts])
    pairs = []
    for name, parts in by.types:
        shown = [show_key_part(part) for part in parts]
        pairs.append(
            f"{scalar(name, flow=True, data=True)}: {scalar(shown[0], flow=True) if len(shown) == 1 else _flow_list(shown)}"
        )
    return f"{{{', '.join(pairs)}}}"


def _flow_list(fragments: list[str]) -> str:
    return "[" + ", ".join(scalar(fragment, flow=True) for fragment in fragments) + "]"


def _select(start: str, indent: str, select: tree.Select) -> list[str]:
    whole = f"{start}{scalar(show_select(select))}"
    if len(whole) <= WIDTH or select.where is None:
        return [whole]
    return _folded(start, indent, [f"{show_type(select.type)} where", *broken(select.where, WIDTH - len(indent) - 4)])


def _condition(start: str, indent: str, expr: tree.Expr) -> list[str]:
    whole = f"{start}{scalar(show(expr))}"
    rows = broken(expr, WIDTH - len(indent) - 4)
    return [whole] if len(whole) <= WIDTH or len(rows) == 1 else _folded(start, indent, rows)


def _folded(start: str, indent: str, rows: list[str]) -> list[str]:
    """A block whose lines are read as one; not for text that YAML could take for the end of the block."""
    if any(row != row.strip() or not row.isprintable() for row in rows):
        return [f"{start}{scalar(' '.join(rows))}"]
    return [f"{start.rstrip()} >-", *(f"{indent}  {row}" for row in rows)]


def _prose(text: str) -> list[str]:
    """`description`: on its line, or as a block when it has several lines that a block can hold."""
    rows = text.split("\n")
    body = rows[:-1] if rows[-1] == "" else rows
    clean = len(rows) > 1 and body and body[0][:1] not in ("", " ") and body[-1] != ""
    if clean and all(row.isprintable() and not row.endswith(" ") for row in body):
        return ["description: |" + ("" if rows[-1] == "" else "-"), *(f"  {row}" if row else "" for row in body)]
    whole = f"description: {scalar(text, data=True)}"
    if len(whole) > WIDTH and text.isprintable() and text == " ".join(text.split()):
        rows = textwrap.wrap(text, WIDTH - 2, break_long_words=False, break_on_hyphens=False)
        return ["description: >-", *(f"  {row}" for row in rows)]
    return [whole]


def _emit(key: str, fields: tuple[tree.EmitField, ...]) -> list[str]:
    """A map on one line if it fits and needs no quotes there, else a line per field."""
    shown = [(field.name, show(field.expr)) for field in fields]
    pairs = [f"{scalar(name, flow=True, data=True)}: {text}" for name, text in shown]
    whole = f"{key}: {{{', '.join(pairs)}}}"
    if len(whole) <= WIDTH and all(_is_plain(text, flow=True) for _, text in shown):
        return [whole]
    return [f"{key}:", *(f"  {scalar(name, data=True)}: {scalar(text)}" for name, text in shown)]
