"""Tree to text, in either spelling: one layout, so that printing what was printed changes nothing. Comments stay with what
they belong to; spaces and line breaks are the layout's."""

from __future__ import annotations

from cep.lang import tree
from cep.lang.print_text import TextPrinter
from cep.lang.print_yaml import YamlPrinter


def print_text(file: tree.File) -> str:
    """The file as text."""
    return TextPrinter(file).print()


def print_yaml(file: tree.File) -> str:
    """The file as YAML."""
    return YamlPrinter(file).print()


def print_rules(file: tree.File) -> str:
    """The file in the spelling that its name asks for."""
    return print_yaml(file) if file.path.endswith((".yml", ".yaml")) else print_text(file)
