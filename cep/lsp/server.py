"""The language server: `pygls` speaks the protocol, this module turns its questions into those of the modules beside it."""

from __future__ import annotations

import re
from asyncio import TimerHandle, get_running_loop
from collections.abc import Sequence
from pathlib import Path

from lsprotocol import types as lsp
from pygls.lsp.server import LanguageServer
from pygls.uris import from_fs_path, to_fs_path
from pygls.workspace import TextDocument

from cep import __version__
from cep.errors import Diagnostic, Span
from cep.lang import tree
from cep.lang.printer import print_rules
from cep.lang.read import YAML_ENDINGS, is_rule_file, read_rules
from cep.lsp.complete import Names, offers
from cep.lsp.cursor import in_text, in_yaml
from cep.lsp.hover import meaning, page_of, word_at
from cep.lsp.rule_set import RuleSet

QUIET_S = 0.15
_KINDS = {
    "keyword": lsp.CompletionItemKind.Keyword,
    "function": lsp.CompletionItemKind.Function,
    "field": lsp.CompletionItemKind.Field,
    "label": lsp.CompletionItemKind.Variable,
    "type": lsp.CompletionItemKind.Class,
    "value": lsp.CompletionItemKind.EnumMember,
    "name": lsp.CompletionItemKind.Constant,
}


class RuleServer(LanguageServer):
    """One editor, one rule set: that of the folder it has open, or of the folder of the first file."""

    def __init__(self) -> None:
        super().__init__("cep", __version__, text_document_sync_kind=lsp.TextDocumentSyncKind.Full)
        self.rules: RuleSet | None = None
        self.told: dict[Path, list[Diagnostic]] = {}
        self._waiting: TimerHandle | None = None

    def rule_set(self, path: Path) -> RuleSet:
        if self.rules is None:
            root = Path(self.workspace.root_path) if self.workspace.root_path else path.parent
            self.rules = RuleSet(root.absolute())
        return self.rules

    # ------------------------------------------------------------ faults

    def take(self, uri: str) -> None:
        """The text of a document as it is now; all faults of the set are told when nothing has been typed for a moment."""
        path = path_of(uri)
        rules = self.rule_set(path)
        if is_rule_file(path.name):
            rules.open(path, self.workspace.get_text_document(uri).source)
        self.tell_soon(rules, QUIET_S)

    def tell_soon(self, rules: RuleSet, after_s: float) -> None:
        """Once for all that is asked for meanwhile."""
        if self._waiting is not None:
            self._waiting.cancel()
        self._waiting = get_running_loop().call_later(after_s, self.tell, rules)

    def tell(self, rules: RuleSet) -> None:
        """Send what has changed for each file; a file without faults any more is told so."""
        found = rules.look()
        for path in {**self.told, **found}:
            faults = found.get(path, [])
            if faults or path in found or self.told.get(path):
                uri = from_fs_path(str(path)) or ""
                lines = self.lines_of(uri)
                self.text_document_publish_diagnostics(
                    lsp.PublishDiagnosticsParams(uri, [self._fault(fault, lines) for fault in faults])
                )
        self.told = found

    def _fault(self, fault: Diagnostic, lines: Sequence[str]) -> lsp.Diagnostic:
        said = "\n".join(filter(None, [fault.message, fault.label, fault.help and f"help: {fault.help}", *fault.notes]))
        related = [
            lsp.DiagnosticRelatedInformation(lsp.Location(uri, self.range_of(span, self.lines_of(uri))), words)
            for span, words in fault.labels
            if (uri := from_fs_path(str(Path(span.file).absolute())))
        ]
        level = lsp.DiagnosticSeverity.Error if fault.level == "error" else lsp.DiagnosticSeverity.Warning
        return lsp.Diagnostic(
            self.range_of(fault.span, lines), said, level, fault.code, source="cep", related_information=related or None
        )

    def lines_of(self, uri: str) -> list[str]:
        """Of the editor, else of the disk; none of a file that is gone."""
        try:
            return list(self.workspace.get_text_document(uri).lines)
        except OSError:
            return []

    def range_of(self, span: Span, lines: Sequence[str]) -> lsp.Range:
        start = lsp.Position(span.line - 1, span.col - 1)
        end = lsp.Position(span.end_line - 1, span.end_col - 1)
        codec = self.workspace.position_codec
        return lsp.Range(codec.position_to_client_units(lines, start), codec.position_to_client_units(lines, end))

    # ------------------------------------------------------------ names

    def names(self, rules: RuleSet) -> tuple[Names, dict[str, tree.ListBlock]]:
        """What is declared anywhere in the set, in cep.yml too; fields that no schema declares count if rules read them."""
        files = rules.files()
        declared = [one for file in files for one in file.declarations]
        config = rules.config
        schemas = {spec.type_fixed: dict(spec.fields) for spec in config.streams.values() if spec.type_fixed}
        for plan in rules.loaded.rulebook.plans if rules.loaded else ():
            for select in plan.selects:
                schemas.setdefault(select.type, {})
        if rules.loaded is not None:
            for kind, fields in rules.loaded.rulebook.projection.items():
                schemas.setdefault(kind, {}).update({".".join(path): str(what) for path, what in fields.items()})
        for one in declared:
            if isinstance(one, tree.SchemaBlock):
                schemas.setdefault(one.type.text, {}).update(one.fields)
        lists = {one.name.text: one for one in declared if isinstance(one, tree.ListBlock)}
        tables = [one.name.text for one in declared if isinstance(one, tree.TableBlock)]
        names = Names(
            schemas={kind: fields for kind, fields in schemas.items() if kind is not None},
            macros={one.name.text: one for one in declared if isinstance(one, tree.Macro)},
            lists=tuple(lists),
            tables=(*config.tables, *tables),
            rules=tuple(rule.id.text for file in files for rule in file.rules),
            channels=(*config.channels, "stdout"),
        )
        return names, lists


def path_of(uri: str) -> Path:
    return Path(to_fs_path(uri) or uri)


def make_server() -> RuleServer:
    """A server that answers for documents; `start_io` runs it."""
    server = RuleServer()

    @server.feature(lsp.TEXT_DOCUMENT_DID_OPEN)
    def opened(params: lsp.DidOpenTextDocumentParams) -> None:
        server.take(params.text_document.uri)

    @server.feature(lsp.TEXT_DOCUMENT_DID_CHANGE)
    def changed(params: lsp.DidChangeTextDocumentParams) -> None:
        server.take(params.text_document.uri)

    @server.feature(lsp.TEXT_DOCUMENT_DID_SAVE)
    def saved(params: lsp.DidSaveTextDocumentParams) -> None:
        server.take(params.text_document.uri)

    @server.feature(lsp.TEXT_DOCUMENT_DID_CLOSE)
    def closed(params: lsp.DidCloseTextDocumentParams) -> None:
        path = path_of(params.text_document.uri)
        rules = server.rule_set(path)
        rules.close(path)
        server.tell_soon(rules, 0.0)

    @server.feature(lsp.TEXT_DOCUMENT_COMPLETION, lsp.CompletionOptions(trigger_characters=[".", " "]))
    def complete(params: lsp.CompletionParams) -> lsp.CompletionList:
        return lsp.CompletionList(is_incomplete=False, items=completions(server, params))

    @server.feature(lsp.TEXT_DOCUMENT_HOVER)
    def hover(params: lsp.HoverParams) -> lsp.Hover | None:
        said = said_of(server, params)
        return None if said is None else lsp.Hover(lsp.MarkupContent(lsp.MarkupKind.Markdown, said))

    @server.feature(lsp.TEXT_DOCUMENT_FORMATTING)
    def layout(params: lsp.DocumentFormattingParams) -> list[lsp.TextEdit]:
        return formatted(server.workspace.get_text_document(params.text_document.uri))

    @server.feature(lsp.TEXT_DOCUMENT_CODE_ACTION)
    def mend(params: lsp.CodeActionParams) -> list[lsp.CodeAction]:
        return mends(server, params)

    return server


def completions(server: RuleServer, params: lsp.CompletionParams) -> list[lsp.CompletionItem]:
    document = server.workspace.get_text_document(params.text_document.uri)
    rules = server.rule_set(path_of(params.text_document.uri))
    offset = document.offset_at_position(params.position)
    yaml = path_of(params.text_document.uri).suffix in YAML_ENDINGS
    cursor = (in_yaml if yaml else in_text)(document.source, offset)
    names, _ = server.names(rules)
    return [
        lsp.CompletionItem(offer.label, kind=_KINDS[offer.kind], detail=offer.says or None, insert_text=offer.insert)
        for offer in offers(cursor, names, yaml)
    ]


def said_of(server: RuleServer, params: lsp.HoverParams) -> str | None:
    """The page of the fault that stands there, else what the word means."""
    document = server.workspace.get_text_document(params.text_document.uri)
    path = path_of(params.text_document.uri)
    rules = server.rule_set(path)
    at = server.workspace.position_codec.position_from_client_units(document.lines, params.position)
    line, col = at.line + 1, at.character + 1
    for fault in server.told.get(path, []):
        if (fault.span.line, fault.span.col) <= (line, col) <= (fault.span.end_line, fault.span.end_col):
            return page_of(fault)
    row = document.lines[at.line] if at.line < len(document.lines) else ""
    word, dotted = word_at(row, at.character)
    if not word:
        return None
    called = re.search(rf"\b{re.escape(word)}\s*\(", row) is not None
    rule = next((one for one in rules.file(path).rules if one.span.line <= line <= one.span.end_line), None)
    names, lists = server.names(rules)
    return meaning(word, dotted, called, rule, names, lists)


def formatted(document: TextDocument) -> list[lsp.TextEdit]:
    """The whole document in its one layout; nothing while it has faults."""
    path = path_of(document.uri)
    file, faults = read_rules(path.name, document.source)
    if any(fault.level == "error" for fault in faults):
        return []
    text = print_rules(file)
    if text == document.source:
        return []
    whole = lsp.Range(lsp.Position(0, 0), lsp.Position(len(document.lines) + 1, 0))
    return [lsp.TextEdit(whole, text)]


def mends(server: RuleServer, params: lsp.CodeActionParams) -> list[lsp.CodeAction]:
    """The edits that faults in the range offer."""
    uri = params.text_document.uri
    lines = list(server.workspace.get_text_document(uri).lines)
    made = []
    for fault in server.told.get(path_of(uri), []):
        if fault.fix is None or fault.fix.span.file != fault.span.file:
            continue
        first, last = params.range.start.line + 1, params.range.end.line + 1
        if not first <= fault.span.line <= last:
            continue
        edit = lsp.TextEdit(server.range_of(fault.fix.span, lines), fault.fix.text)
        title = f"write `{fault.fix.text}`" if fault.fix.text else "take it away"
        made.append(lsp.CodeAction(title, kind=lsp.CodeActionKind.QuickFix, edit=lsp.WorkspaceEdit({uri: [edit]})))
    return made
