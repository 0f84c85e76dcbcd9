"""Titles: text with expressions in braces. `{{` and `}}` are literal braces."""

from __future__ import annotations

from collections.abc import Iterator

from cep.errors import Diagnostic, Span
from cep.lang import tree
from cep.lang.grammar import parse
from cep.lang.mistakes import diagnose
from cep.lang.places import Lines, Place
from cep.plan.draft import RuleDraft, TitleDraft
from cep.plan.expressions import bind
from cep.plan.scope import Scope


def bind_title(draft: RuleDraft, scope: Scope) -> None:
    """Fill `draft.title`; a brace that cannot be read is told at its place."""
    title = draft.tree.title
    if title is None:
        return
    literal = ""
    for start, text, is_expression in _pieces(title):
        span = _span(draft.tree, title, start, start + len(text))
        if not is_expression:
            literal += text
            continue
        if start + len(text) == len(title):
            draft.faults.error("E0214", span, "a brace in the title is never closed", help=_HELP)
            continue
        parsed = _parse(text, span)
        if isinstance(parsed, Diagnostic):
            draft.faults.error("E0214", parsed.span, f"the title's `{{{text}}}` cannot be read: {parsed.message}", help=_HELP)
            continue
        if literal:
            draft.title.append(TitleDraft(literal))
            literal = ""
        draft.title.append(TitleDraft(bound=bind(parsed, scope)))
    if literal:
        draft.title.append(TitleDraft(literal))


def pieces_of(title: str) -> Iterator[tuple[str, bool]]:
    """(text, whether it is an expression) of each piece, as it is written: literal braces doubled, the others taken off."""
    for _, text, is_expression in _pieces(title):
        yield (text, True) if is_expression else (text.replace("{", "{{").replace("}", "}}"), False)


def title_expression(text: str, rule: tree.Rule) -> tree.Expr | None:
    """What a piece of a title says; None if it cannot be read."""
    parsed = _parse(text, rule.title_span or rule.id.span)
    return None if isinstance(parsed, Diagnostic) else parsed


class _InTitle(Place):
    """The place of an expression within a title."""

    def __init__(self, text: str, whole: Span) -> None:
        super().__init__(Lines(whole.file, text))
        self.whole = whole
        self.exact = whole.line == whole.end_line and whole.end_col - whole.col == len(text)

    def span(self, start: int, end: int) -> Span:
        if not self.exact:
            return self.whole
        here = self.whole
        return Span(here.file, here.line, here.col + start, here.line, here.col + max(start, end))


def _parse(text: str, span: Span) -> tree.Expr | Diagnostic:
    place = _InTitle(text, span)
    parsed = parse("fragment_expression", text, place)
    if parsed.halt is not None:
        return diagnose(parsed.halt, text, place, "fragment_expression")
    if parsed.faults:
        return parsed.faults[0]
    found: tree.Expr = parsed.value
    return found


_HELP = "braces hold a field of `emit` or an expression, as in `{tries}`; for a brace itself write `{{` or `}}`"


def _pieces(title: str) -> Iterator[tuple[int, str, bool]]:
    """(where it starts, text, whether it is an expression) of each piece; braces are taken off."""
    at = 0
    while at < len(title):
        if title.startswith(("{{", "}}"), at):
            yield at, title[at], False
            at += 2
        elif title[at] == "{":
            end = _closing(title, at)
            yield at + 1, title[at + 1 : end], True
            at = end + 1
        else:
            end = min((i for i in (title.find("{", at + 1), title.find("}", at + 1)) if i >= 0), default=len(title))
            yield at, title[at:end], False
            at = end


def _closing(title: str, start: int) -> int:
    """Where the expression that opens at `start` ends: at a brace outside quotes, or the end of the title."""
    quote = ""
    for at in range(start + 1, len(title)):
        if quote:
            quote = "" if title[at] == quote else quote
        elif title[at] in "\"'":
            quote = title[at]
        elif title[at] == "}":
            return at
    return len(title)


def _span(rule: tree.Rule, title: str, start: int, end: int) -> Span:
    """The place of title[start:end], where the title stands in the file just as it reads; else of the whole title."""
    whole = rule.title_span
    if whole is None:
        return rule.id.span
    quotes = (whole.end_col - whole.col - len(title)) // 2
    if whole.line != whole.end_line or whole.end_col - whole.col - len(title) not in (0, 2):
        return whole
    return Span(whole.file, whole.line, whole.col + quotes + start, whole.line, whole.col + quotes + end)
