"""`cep fmt`: one layout for all, and either spelling from the other."""

from __future__ import annotations

from pathlib import Path

import click

from cep.cli.rewrite import write_back
from cep.cli.show import next_step, plural, print_diagnostics
from cep.config import Config
from cep.errors import ConfigError
from cep.lang import tree
from cep.lang.printer import print_text, print_yaml
from cep.lang.read import read_rules
from cep.loader.scan import Disk, scan


@click.command()
@click.argument("paths", nargs=-1, required=True)
@click.option("--to", "spelling", type=click.Choice(["text", "yaml"]), help="print in this spelling to standard output")
@click.option("--check", is_flag=True, help="change nothing; exit code 1 if a file is not in the layout")
def command(paths: tuple[str, ...], spelling: str | None, check: bool) -> int:
    """Write rule files in the one layout; with --to, print them as text or as YAML instead."""
    disk = scan(paths, Config(base=Path.cwd()))
    if disk.missing:
        raise ConfigError(f"there is no file {disk.missing[0]}", "name a rule file or a folder of them", "E0962")
    read = {path: read_rules(path, text.encode()) for path, text in disk.texts.items()}
    faults = [*disk.faults, *(d for _, found in read.values() for d in found if d.level == "error")]
    broken = {fault.span.file for fault in faults}
    print_diagnostics(faults, disk.texts)
    good = {path: file for path, (file, _) in read.items() if path not in broken}
    if spelling:
        for file in good.values():
            click.echo(print_yaml(file) if spelling == "yaml" else print_text(file), nl=False)
        return 2 if faults else 0
    changed = _rewrite(good, disk, check)
    verb = "would change" if check else "changed"
    for path in changed:
        click.echo(f"{verb} {path}", err=True)
    click.echo(f"{plural(len(read), 'file')}, {verb} {len(changed)}", err=True)
    next_step(("cep fmt " if check and changed else "cep check ") + " ".join(paths))
    return 2 if faults else 1 if check and changed else 0


def _rewrite(files: dict[str, tree.File], disk: Disk, check: bool) -> list[str]:
    changed = []
    for path, file in files.items():
        text = print_yaml(file) if path.endswith((".yml", ".yaml")) else print_text(file)
        if text != disk.texts[path]:
            changed.append(path)
            if not check:
                write_back(path, text)
    return changed
