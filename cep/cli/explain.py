"""`cep explain E0203`: what a code means and how to mend it."""

from __future__ import annotations

import textwrap

import click

from cep.cli.show import next_step
from cep.codes import CODES
from cep.errors import ConfigError
from cep.spelling import closest


@click.command()
@click.argument("code", required=False)
def command(code: str | None) -> int:
    """Print the page of a code: what it says, how to mend it, a rule before and after. Without a code: all of them."""
    if code is None:
        for row in sorted(CODES.values(), key=lambda row: row.code):
            click.echo(f"{row.code}  {row.title}")
        next_step("cep explain E0101, say")
        return 0
    page = CODES.get(code.upper())
    if page is None:
        near = closest(code.upper(), CODES)
        raise ConfigError(f"there is no code {code}", f"did you mean {near}?" if near else "`cep explain` lists them")
    click.echo(click.style(f"{page.code}  {page.title}", bold=True))
    for heading, text in (("", page.what), ("To mend it", page.mend)):
        click.echo()
        if heading:
            click.echo(heading + ":")
        click.echo(textwrap.indent(textwrap.fill(" ".join(text.split()), 100), "  "))
    for heading, text in (("Before", page.before), ("After", page.after)):
        if text.strip():
            click.echo(f"\n{heading}:\n")
            click.echo(textwrap.indent(text.strip("\n"), "    "))
    next_step("cep check")
    return 0
