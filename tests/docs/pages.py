"""Reading the pages of docs/: fenced blocks, tables, headings. What stands in them is run by the tests beside this file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SPLIT = re.compile(r"(?<!\\)\|")


@dataclass(frozen=True)
class Block:
    """A fenced block; `before`: the text between it and the block or heading above it."""

    page: str
    language: str
    line: int
    text: str
    before: str

    @property
    def name(self) -> str:
        return f"{self.page}:{self.line}"


@dataclass(frozen=True)
class Row:
    """A row of a table; `section`: the heading it stands under."""

    page: str
    section: str
    line: int
    cells: tuple[str, ...]


def text_of(page: str) -> str:
    return (DOCS / page).read_text(encoding="utf-8")


def blocks(page: str, *languages: str) -> list[Block]:
    """The fenced blocks of these languages."""
    text, found, end = text_of(page), list[Block](), 0
    for fence in _FENCE.finditer(text):
        line = text.count("\n", 0, fence.start()) + 2
        found.append(Block(page, fence[1], line, fence[2], text[end : fence.start()].strip()))
        end = fence.end()
    return [block for block in found if block.language in languages]


def rows(page: str, *head: str) -> list[Row]:
    """The rows of all tables whose head begins with these cells."""
    found, section, inside = list[Row](), "", False
    for number, line in enumerate(text_of(page).split("\n"), 1):
        if line.startswith("#"):
            section = line.lstrip("# ")
        if not line.startswith("|"):
            inside = False
            continue
        cells = tuple(cell.strip() for cell in _SPLIT.split(line)[1:-1])
        if inside and not set("".join(cells)) <= {"-", ":"}:
            found.append(Row(page, section, number, cells))
        inside = inside or cells[: len(head)] == head
    return found


def code(cell: str) -> str:
    """What stands between the backquotes of a cell; two and a blank where the code holds one itself."""
    return cell[3:-3].replace("\\|", "|") if cell.startswith("`` ") else cell.strip("`").replace("\\|", "|")


def pages() -> Iterator[str]:
    """All pages, decisions and all."""
    for path in sorted(DOCS.rglob("*.md")):
        yield str(path.relative_to(DOCS))
