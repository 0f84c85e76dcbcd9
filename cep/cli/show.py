"""What all commands print alike: diagnostics, alerts, the last line that names the next command."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from cep.errors import Diagnostic
from cep.report import render, render_text

FORMATS = ("text", "json", "sarif", "github", "junit")


def colors() -> bool:
    """Whether standard output is a terminal that takes colors (`NO_COLOR` is heeded)."""
    import os

    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def print_diagnostics(diagnostics: Sequence[Diagnostic], sources: Mapping[str, str], output: str = "text") -> None:
    """Text goes to standard error, for people; the other formats are data and go to standard output."""
    if output == "text":
        if diagnostics:
            texts = {**_read_missing(diagnostics, sources), **sources}
            click.echo(render_text(diagnostics, texts, color=sys.stderr.isatty()), err=True)
    else:
        click.echo(render(diagnostics, sources, output))


def _read_missing(diagnostics: Sequence[Diagnostic], sources: Mapping[str, str]) -> dict[str, str]:
    texts = {}
    for path in {diagnostic.span.file for diagnostic in diagnostics} - set(sources):
        try:
            texts[path] = Path(path).read_text(encoding="utf-8", errors="replace")
        except OSError:
            texts[path] = ""
    return texts


def next_step(text: str) -> None:
    """The last line of a command: what to do now."""
    click.echo(f"Next: {text}", err=True)


def plural(count: int, word: str) -> str:
    return f"{count:,} {word}" + ("" if count == 1 else "s")


def print_evicted(evicted: Mapping[str, int]) -> None:
    """Say which rules let something go because their budget was full."""
    for rule, count in sorted(evicted.items()):
        click.echo(f"{rule}: its budget was full, {count:,} evicted so far", err=True)
