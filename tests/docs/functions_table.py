"""The table of functions in docs/language.md, made from the functions themselves: `python -m tests.docs.functions_table`."""

from __future__ import annotations

import re

from cep.functions import FUNCTIONS
from cep.functions.function import Function
from cep.types import Type
from tests.docs.pages import DOCS

START, END = "<!-- functions -->\n", "<!-- /functions -->"
WORDS = {Type.BOOL: "condition", Type.SPAN: "duration", Type.ANY: "value"}


def functions_table() -> str:
    """The table, in the order of the functions' families."""
    head = "| function | gives | | for example |\n|---|---|---|---|\n"
    return head + "".join(_row(function) for function in FUNCTIONS.values())


def _row(function: Function) -> str:
    example, result = function.examples[0]
    cells = (f"`{_call(function)}`", _gives(function), function.doc, f"`{example}` is `{result}`")
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def _call(function: Function) -> str:
    words = [_word(kind, function) for kind in function.params]
    needed = len(words) - function.optional
    inside = ", ".join(words[:needed]) + "".join(f"[, {word}]" for word in words[needed:])
    return f"{function.name}({inside}{', ...' if function.rest else ''})"


def _word(kind: Type, function: Function) -> str:
    if kind is Type.ANY and function.generic:
        return " or ".join(str(one) for one in function.generic)
    return WORDS.get(kind, str(kind))


def _gives(function: Function) -> str:
    if function.result is Type.ANY:
        return "the same"
    return str(function.result)


def main() -> None:
    page = DOCS / "language.md"
    text = page.read_text(encoding="utf-8")
    made = START + functions_table() + END
    page.write_text(re.sub(f"{START}.*?{END}", lambda _: made, text, flags=re.DOTALL), encoding="utf-8")


if __name__ == "__main__":
    main()
