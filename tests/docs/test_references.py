"""What pages and code refer to is there: links between pages, anchors, numbered items of the meaning."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.pages import DOCS, ROOT, pages

_LINK = re.compile(r"\]\(([^)\s]+)\)")
_CITED = re.compile(r"docs/language\.md,\s+Meaning\s+([\d,\s]*\d(?:(?:\s+and|\s+to)\s+\d+)*)")
_ITEM = re.compile(r"^### Meaning (\d+): ", re.MULTILINE)


def anchors(page: Path) -> set[str]:
    """What a link into the page may name: its headings as GitHub spells them, and anchors written out."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    spelled = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
    return spelled | set(re.findall(r'<a id="([^"]+)">', text))


@pytest.mark.parametrize("name", list(pages()))
def test_links_lead_somewhere(name: str) -> None:
    page = DOCS / name
    text = re.sub(r"^```.*?^```$|`[^`\n]*`", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    for link in _LINK.findall(text):
        path, _, anchor = link.partition("#")
        if "://" in path:
            continue
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{name}: {link}"
        assert not anchor or anchor in anchors(target), f"{name}: {link}"


def test_items_of_the_meaning_that_are_cited_exist() -> None:
    items = {int(number) for number in _ITEM.findall((DOCS / "language.md").read_text(encoding="utf-8"))}
    assert items == set(range(1, 18))
    for folder in ("cep", "tests", "docs"):
        for path in (ROOT / folder).rglob("*.*"):
            if path.suffix not in (".py", ".md", ".lua") or path == Path(__file__):
                continue
            text = re.sub(r"\n\s*#?\s*", " ", path.read_text(encoding="utf-8"))
            for cited in _CITED.findall(text):
                for first, last in re.findall(r"(\d+)(?: to (\d+))?", cited):
                    assert set(range(int(first), int(last or first) + 1)) <= items, f"{path}: {cited}"
