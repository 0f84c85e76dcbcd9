"""Draws diagnostics: for people as a piece of the file with carets, for machines as json, sarif, github or junit.

Text of files and messages is shown without control characters: a rule file cannot paint on the terminal of whoever checks it.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree import ElementTree

from cep.codes import CODES
from cep.errors import Diagnostic, Span

MAX_SHOWN = 50
MAX_COLUMNS = 140  # of a source line; longer ones are cut around the caret
TAB = 4
CUT = "..."

_STYLES = {"error": "1;31", "warning": "1;33", "gutter": "1;34", "label": "36", "strong": "1"}


def render(diagnostics: Sequence[Diagnostic], sources: Mapping[str, str], output: str) -> str:
    """All diagnostics as `json`, `sarif`, `github` or `junit`; `text` is `render_text` without color.

    sources  text of each file that was read, by path; junit tells of files without faults too
    raises   KeyError: another format
    """
    if output == "text":
        return render_text(diagnostics, sources, color=False)
    made: str = {"json": _json, "sarif": _sarif, "github": _github, "junit": _junit}[output](diagnostics, sources)
    return made


# ---------------------------------------------------------------- for people


def render_text(diagnostics: Sequence[Diagnostic], sources: Mapping[str, str], color: bool) -> str:
    """The first 50 diagnostics, each with the lines it speaks of; lines end without blanks, no line end at the end."""
    paint = _Paint(color)
    pictures = [_picture(diagnostic, sources, paint) for diagnostic in diagnostics[:MAX_SHOWN]]
    if len(diagnostics) > MAX_SHOWN:
        pictures.append(f"... and {len(diagnostics) - MAX_SHOWN} more: mend these first")
    return "\n\n".join(pictures)


class _Paint:
    def __init__(self, color: bool) -> None:
        self.color = color

    def __call__(self, style: str, text: str) -> str:
        return f"\x1b[{_STYLES[style]}m{text}\x1b[0m" if self.color and text else text


def _picture(diagnostic: Diagnostic, sources: Mapping[str, str], paint: _Paint) -> str:
    title = paint(diagnostic.level, f"{diagnostic.level}[{diagnostic.code}]")
    lines = [f"{title}{paint('strong', ': ' + clean(diagnostic.message))}"]
    places = [(diagnostic.span, diagnostic.label, True), *((span, words, False) for span, words in diagnostic.labels)]
    places = [place for place in places if place[0].line]
    width = max((len(str(span.line)) for span, _, _ in places), default=1)
    files = list(dict.fromkeys(span.file for span, _, _ in places))
    for file in files:
        lines += _snippet(file, [place for place in places if place[0].file == file], sources, width, file == files[0], paint)
    lead = " " * (width + 2) + paint("gutter", "= ")
    notes = [("help", diagnostic.help), *(("note", note) for note in diagnostic.notes)]
    if diagnostic.fix is not None and diagnostic.fix.safe:
        notes[0] = ("help", f"{diagnostic.help}  (cep check --fix)" if diagnostic.help else "cep check --fix mends it")
    lines += [f"{lead}{kind}: {clean(words)}" for kind, words in notes if words]
    lines.append(f"{lead}see: cep explain {diagnostic.code}")
    return "\n".join(lines)


def _snippet(
    file: str, places: list[tuple[Span, str, bool]], sources: Mapping[str, str], width: int, first: bool, paint: _Paint
) -> list[str]:
    """The lines of one file that places point at, in order, each with its carets (`^` for the fault, `-` for the others)."""
    head = places[0][0]
    arrow = paint("gutter", "-->" if first else ":::")
    made = [f"{' ' * (width + 1)}{arrow} {clean(file)}:{head.line}:{head.col}"]
    rows = sources.get(file, "").split("\n") if file in sources else None
    if rows is None:
        return made
    bar = paint("gutter", "|")
    gap = f"{' ' * (width + 2)}{bar}"
    made.append(gap)
    shown = 0
    for span, words, main in sorted(places, key=lambda place: (place[0].line, not place[2], place[0].col)):
        if span.line > len(rows):
            continue
        if shown and span.line > shown + 1:
            made.append(paint("gutter", CUT))
        text, start, marks = _drawn(rows[span.line - 1].rstrip("\r"), span, "^" if main else "-")
        if span.line != shown:
            made.append(f" {paint('gutter', str(span.line).rjust(width))} {bar} {text}".rstrip())
        shown = span.line
        caret = paint("error" if main else "label", f"{marks} {clean(words)}".rstrip())
        made.append(f"{gap} {' ' * start}{caret}")
    return made


def _drawn(row: str, span: Span, mark: str) -> tuple[str, int, str]:
    """The line as shown, the column its carets begin at, and the carets."""
    last = span.end_col - 1 if span.end_line == span.line else len(row)
    begin, end = span.col - 1, max(last, span.col)
    head, body, tail = _shown(row[:begin], 0), row[begin:end], row[end:]
    start = _columns(head)
    middle = _shown(body, start)
    text = head + middle + _shown(tail, start + _columns(middle))
    marks = mark * max(1, min(_columns(middle.rstrip()) if body.strip() else _columns(middle), MAX_COLUMNS))
    if _columns(text) <= MAX_COLUMNS:
        return text, start, marks
    if start + len(marks) > MAX_COLUMNS - len(CUT):
        text, start = CUT + _from_column(text, max(0, start - 40)), min(start, 40) + len(CUT)
    cut = CUT if _columns(text) > MAX_COLUMNS else ""
    return _upto_column(text, MAX_COLUMNS) + cut, start, marks[: MAX_COLUMNS - start]


def clean(text: str) -> str:
    """The text on one line, control characters made visible."""
    return _shown(text, 0)


def _shown(text: str, column: int) -> str:
    """Tabs as blanks up to the next stop, control characters as their pictures."""
    pieces = []
    for character in text:
        if character == "\t":
            piece = " " * (TAB - column % TAB)
        elif ord(character) < 0x20:
            piece = chr(0x2400 + ord(character))
        elif unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp"):
            piece = "\ufffd"
        else:
            piece = character
        column += _columns(piece)
        pieces.append(piece)
    return "".join(pieces)


def _columns(text: str) -> int:
    """How many columns of a terminal the text takes: wide characters two, combining marks none."""
    if text.isascii():
        return len(text)
    return sum(_width(character) for character in text)


def _width(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _from_column(text: str, column: int) -> str:
    at = 0
    for index, character in enumerate(text):
        if at >= column:
            return text[index:]
        at += _width(character)
    return ""


def _upto_column(text: str, column: int) -> str:
    at = 0
    for index, character in enumerate(text):
        at += _width(character)
        if at > column:
            return text[:index]
    return text


# ---------------------------------------------------------------- for machines


def _json(diagnostics: Sequence[Diagnostic], sources: Mapping[str, str]) -> str:
    return json.dumps([_as_data(diagnostic) for diagnostic in diagnostics], indent=2, ensure_ascii=False)


def _as_data(diagnostic: Diagnostic) -> dict[str, Any]:
    fix = diagnostic.fix
    return {
        "code": diagnostic.code,
        "severity": diagnostic.level,
        **_where(diagnostic.span),
        "message": diagnostic.message,
        "label": diagnostic.label,
        "labels": [{**_where(span), "message": words} for span, words in diagnostic.labels],
        "help": diagnostic.help,
        "notes": list(diagnostic.notes),
        "fix": None if fix is None else {"edit": {**_where(fix.span), "text": fix.text}, "safe": fix.safe},
        "explain": f"cep explain {diagnostic.code}",
    }


def _where(span: Span) -> dict[str, Any]:
    return {"file": span.file, "line": span.line, "col": span.col, "end": {"line": span.end_line, "col": span.end_col}}


def _sarif(diagnostics: Sequence[Diagnostic], sources: Mapping[str, str]) -> str:
    codes = sorted({diagnostic.code for diagnostic in diagnostics})
    rules = [
        {"id": code, "shortDescription": {"text": CODES[code].title}, "help": {"text": CODES[code].mend}}
        if code in CODES
        else {"id": code}
        for code in codes
    ]
    run = {
        "tool": {"driver": {"name": "cepheid", "rules": rules}},
        "columnKind": "unicodeCodePoints",
        "results": [_sarif_result(diagnostic, codes) for diagnostic in diagnostics],
    }
    schema = "https://json.schemastore.org/sarif-2.1.0.json"
    return json.dumps({"$schema": schema, "version": "2.1.0", "runs": [run]}, indent=2, ensure_ascii=False)


def _sarif_result(diagnostic: Diagnostic, codes: list[str]) -> dict[str, Any]:
    words = [diagnostic.message, diagnostic.label, diagnostic.help, *diagnostic.notes]
    result: dict[str, Any] = {
        "ruleId": diagnostic.code,
        "ruleIndex": codes.index(diagnostic.code),
        "level": diagnostic.level,
        "message": {"text": "; ".join(filter(None, words))},
        "locations": [{"physicalLocation": _sarif_place(diagnostic.span)}],
    }
    if diagnostic.labels:
        result["relatedLocations"] = [
            {"physicalLocation": _sarif_place(span), "message": {"text": text}} for span, text in diagnostic.labels
        ]
    if diagnostic.fix is not None:
        place = _sarif_place(diagnostic.fix.span)
        edit = {"deletedRegion": place["region"], "insertedContent": {"text": diagnostic.fix.text}}
        result["fixes"] = [{"artifactChanges": [{"artifactLocation": place["artifactLocation"], "replacements": [edit]}]}]
    return result


def _sarif_place(span: Span) -> dict[str, Any]:
    region = {
        "startLine": max(span.line, 1),
        "startColumn": max(span.col, 1),
        "endLine": max(span.end_line, 1),
        "endColumn": max(span.end_col, 1),
    }
    return {"artifactLocation": {"uri": span.file.replace("\\", "/")}, "region": region}


def _github(diagnostics: Sequence[Diagnostic], sources: Mapping[str, str]) -> str:
    """Workflow commands, which GitHub shows beside the lines of a pull request."""
    return "\n".join(_github_line(diagnostic) for diagnostic in diagnostics)


def _github_line(diagnostic: Diagnostic) -> str:
    span = diagnostic.span
    parts = {"file": span.file, "line": span.line, "endLine": span.end_line, "col": span.col, "endColumn": span.end_col}
    parts["title"] = diagnostic.code
    shown = ",".join(f"{name}={_github_escape(str(value), ',:')}" for name, value in parts.items())
    words = "\n".join(filter(None, [diagnostic.message, diagnostic.label, diagnostic.help]))
    return f"::{diagnostic.level} {shown}::{_github_escape(words, '')}"


def _github_escape(text: str, more: str) -> str:
    for character in "%\r\n" + more:
        text = text.replace(character, f"%{ord(character):02X}")
    return text


def _junit(diagnostics: Sequence[Diagnostic], sources: Mapping[str, str]) -> str:
    """A suite per file, a failed case per error; a file without errors is one case that passed."""
    suites = ElementTree.Element("testsuites", name="cep check")
    files = sorted({*sources, *(diagnostic.span.file for diagnostic in diagnostics)})
    for file in files:
        own = [diagnostic for diagnostic in diagnostics if diagnostic.span.file == file]
        errors = [diagnostic for diagnostic in own if diagnostic.level == "error"]
        suite = ElementTree.SubElement(
            suites, "testsuite", name=clean(file), tests=str(max(len(errors), 1)), failures=str(len(errors))
        )
        for diagnostic in errors:
            span = diagnostic.span
            case = ElementTree.SubElement(
                suite, "testcase", classname=clean(file), name=f"{diagnostic.code} {span.line}:{span.col}"
            )
            failure = ElementTree.SubElement(case, "failure", message=clean(diagnostic.message), type=diagnostic.code)
            failure.text = "\n".join(clean(words) for words in (diagnostic.label, diagnostic.help, *diagnostic.notes) if words)
        if not errors:
            ElementTree.SubElement(suite, "testcase", classname=clean(file), name="check")
    ElementTree.indent(suites)
    return ElementTree.tostring(suites, encoding="unicode")
