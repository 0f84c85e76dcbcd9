"""The pages of docs/codes, made from the table of codes: `python -m tests.docs.code_pages`."""

from __future__ import annotations

from cep.codes import CODES
from cep.codes.page import as_markdown, list_as_markdown
from tests.docs.pages import DOCS

FOLDER = DOCS / "codes"


def code_pages() -> dict[str, str]:
    """File name -> text."""
    return {"README.md": list_as_markdown(CODES), **{f"{code.code}.md": as_markdown(code) for code in CODES.values()}}


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    made = code_pages()
    for path in FOLDER.glob("*.md"):
        if path.name not in made:
            path.unlink()
    for name, text in made.items():
        (FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
