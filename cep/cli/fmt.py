"""`cep fmt`: one layout for all, and either spelling from the other."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from cep.cli.show import next_step, plural, print_diagnostics
from cep.errors import ConfigError, Diagnostic
from cep.lang.files import read_rules
from cep.lang.printer import print_text, print_yaml
from cep.loader.files import rule_files


@click.command()
@click.argument("paths", nargs=-1, required=True)
@click.option("--to", "spelling", type=click.Choice(["text", "yaml"]), help="print in this spelling to standard output")
@click.option("--check", is_flag=True, help="change nothing; exit code 1 if a file is not in the layout")
@click.option("--stdout", "to_stdout", is_flag=True, help="print instead of writing the files")
def command(paths: tuple[str, ...], spelling: str | None, check: bool, to_stdout: bool) -> int:
    """Write rule files in the one layout; with --to, turn text into YAML or back."""
    changed: list[Path] = []
    faults: list[Diagnostic] = []
    sources: dict[str, str] = {}
    files = [file for path in paths for file in _files(Path(path))]
    for file in files:
        source = file.read_bytes()
        tree, found = read_rules(str(file), source)
        sources[str(file)] = source.decode("utf-8", errors="replace")
        errors = [d for d in found if d.level == "error"]
        if errors:
            faults += errors
            continue
        is_yaml = file.suffix in (".yml", ".yaml")
        wanted = spelling or ("yaml" if is_yaml else "text")
        text = print_yaml(tree) if wanted == "yaml" else print_text(tree)
        if spelling or to_stdout:
            click.echo(text, nl=False)
        elif text.encode() != source:
            changed.append(file)
            if not check:
                file.write_text(text, encoding="utf-8")
    print_diagnostics(faults, sources)
    if not (spelling or to_stdout):
        done = "would change" if check else "changed"
        for file in changed:
            click.echo(f"{done} {file}", err=True)
        click.echo(f"{plural(len(files), 'file')}, {len(changed)} {done}", err=True)
        next_step("cep fmt " + " ".join(paths) if check and changed else "cep check " + " ".join(paths))
    sys.stdout.flush()
    return 2 if faults else 1 if check and changed else 0


def _files(path: Path) -> list[Path]:
    if not path.exists():
        raise ConfigError(f"there is no file {path}", "name a rule file or a folder of them", "E0954")
    return rule_files([path])
