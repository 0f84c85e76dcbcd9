"""`cep graph`: pictures of rules."""

from __future__ import annotations

from pathlib import Path

import click

from cep.cli.rules_on_disk import chosen, config_option, load_rules, need_rules, paths_and_names, rules_argument
from cep.cli.show import next_step, plural, print_diagnostics
from cep.draw.diagram import diagram_of
from cep.draw.dot import as_dot
from cep.draw.svg import as_svg
from cep.draw.text import as_text
from cep.errors import ConfigError

FORMATS = {"dot": as_dot, "svg": as_svg, "text": as_text}
ENDINGS = {".dot": "dot", ".gv": "dot", ".svg": "svg", ".txt": "text"}


@click.command()
@rules_argument
@config_option
@click.option("--rule", "only", multiple=True, metavar="ID", help="only this rule (may be given several times)")
@click.option("--format", "form", type=click.Choice(list(FORMATS)), help="the default is what the file's name ends in, else text")
@click.option("-o", "--out", metavar="FILE", help="write to this file instead of standard output")
def command(rules: tuple[str, ...], config_path: str | None, only: tuple[str, ...], form: str | None, out: str | None) -> int:
    """Draw the steps of each rule: what leads to an alert, what forbids it, what repeats, which timers run.

    Words that are no files are names of rules: `cep graph rules brute_force -o rule.svg`.

    Exit code 2: some rule has faults; the others are drawn.
    """
    paths, named = paths_and_names(rules)
    config, loaded = load_rules(paths, config_path)
    errors = [one for one in loaded.diagnostics if one.level == "error"]
    if errors:
        print_diagnostics(errors, loaded.sources)
    need_rules(paths, config, loaded)
    plans = chosen(loaded.rulebook.plans, (*named, *only))
    form = form or _form_of(Path(out or ""))
    text = FORMATS[form]([diagram_of(plan) for plan in plans])
    if out is None:
        click.echo(text, nl=False)
        next_step("cep graph -o rules.svg, and open it in a browser" if form == "text" else "add -o FILE to keep it")
    else:
        _write(Path(out), text)
        click.echo(f"{plural(len(plans), 'rule')} drawn in {out}", err=True)
        next_step("dot -Tpng FILE.dot > FILE.png, or cep graph --format svg" if form == "dot" else "cep plan, for what they cost")
    return 2 if errors else 0


def _form_of(path: Path) -> str:
    if path.suffix and path.suffix not in ENDINGS:
        help = f"name a file that ends in {', '.join(ENDINGS)}, or say --format"
        raise ConfigError(f"rules are not drawn as {path.suffix}", help, "E0918")
    return ENDINGS.get(path.suffix, "text")


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(
            f"cannot write {path}: {error.strerror}", "name a file in a folder you may write to", "E0918"
        ) from error
