"""`cep explain E0203`: what a code means and how to mend it."""

from __future__ import annotations

import click

from cep.cli.show import next_step
from cep.codes import CODES
from cep.codes.page import as_text
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
    click.echo(as_text(page))
    next_step("cep check")
    return 0
