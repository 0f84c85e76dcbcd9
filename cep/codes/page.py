"""The page of a code, for a terminal and for docs/codes: the same words in both."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass

from cep.codes.code import Code

COLUMNS = 100
FAMILIES = {
    "E01": "Text and YAML that cannot be read",
    "E02": "Names",
    "E03": "Types",
    "E04": "Bounds, and how a rule is put together",
    "E05": "Tests",
    "E06": "Events that are put aside",
    "E09": "Configuration and operation",
    "W0": "Warnings",
}


@dataclass(frozen=True, slots=True)
class Section:
    """`heading` is empty for the first. `code`: the text is a file, in the text form or YAML."""

    heading: str
    text: str
    code: bool = False


def sections(code: Code) -> Iterator[Section]:
    """What the page says, in order: what it means, how to mend it, a rule before and after."""
    yield Section("", " ".join(code.what.split()))
    yield Section("To mend it", " ".join(code.mend.split()))
    for heading, text in (("Before", code.before), ("After", code.after)):
        if text.strip():
            yield Section(heading, text.strip("\n"), code=True)


def as_text(code: Code) -> str:
    """The page as `cep explain` prints it, without its title."""
    lines: list[str] = []
    for section in sections(code):
        lines.append("")
        if section.heading:
            lines.append(f"{section.heading}:")
        if section.code:
            lines += ["", textwrap.indent(section.text, "    ")]
        else:
            lines.append(textwrap.indent(textwrap.fill(section.text, COLUMNS), "  "))
    return "\n".join(lines)


def as_markdown(code: Code) -> str:
    """The page as it stands in docs/codes."""
    kind = "yaml" if code.yaml else "cep"
    parts = [f"# {code.code}: {code.title}"]
    for section in sections(code):
        if section.heading:
            parts.append(f"## {section.heading}")
        parts.append(f"```{kind}\n{section.text}\n```" if section.code else section.text)
    parts.append("[All codes](README.md)")
    return "\n\n".join(parts) + "\n"


def family_of(code: Code) -> str:
    """The heading it stands under in the list of all codes."""
    return next(words for start, words in FAMILIES.items() if code.code.startswith(start))


def list_as_markdown(codes: dict[str, Code]) -> str:
    """The list of all codes, by family."""
    parts = [
        "# Codes",
        "Every fault has a code that stays the same. `cep explain E0203` prints the page of a code; so does this folder.",
    ]
    for words in FAMILIES.values():
        rows = [code for code in sorted(codes.values(), key=lambda one: one.code) if family_of(code) == words]
        if rows:
            table = "\n".join(f"| [{row.code}]({row.code}.md) | {row.title} |" for row in rows)
            parts.append(f"## {words}\n\n| code | says |\n|---|---|\n{table}")
    return "\n\n".join(parts) + "\n"
