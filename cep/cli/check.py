"""`cep check`: all faults of a set of rule files, at once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from cep.cli.rewrite import write_back
from cep.cli.rules_on_disk import config_option, fault_code, load_rules, need_rules, rules_argument
from cep.cli.show import FORMATS, next_step, plural, print_diagnostics
from cep.errors import Diagnostic

MOST_ROUNDS = 100  # of `--fix`; each takes away at least one fault


@click.command()
@rules_argument
@config_option
@click.option("--fix", is_flag=True, help="apply the fixes that are safe")
@click.option("--strict", is_flag=True, help="warnings fail too")
@click.option("--output", type=click.Choice(FORMATS), default="text", help="how to print what was found")
def command(rules: tuple[str, ...], config_path: str | None, fix: bool, strict: bool, output: str) -> int:
    """Find the faults of rule files: syntax, names, types, missing bounds.

    Exit code 0: none; 1: warnings, with --strict; 2: errors; 3: no rules at all, or a fault of the configuration.
    """
    config, loaded = load_rules(rules, config_path)
    if fix:
        fixed = 0
        for _ in range(MOST_ROUNDS):
            count = _apply(loaded.diagnostics)
            if not count:
                break
            fixed += count
            _, loaded = load_rules(rules, config_path)  # one mend may uncover the next fault
        if fixed:
            click.echo(f"fixed {plural(fixed, 'fault')}", err=True)
    print_diagnostics(loaded.diagnostics, loaded.sources, output)
    need_rules(rules, config, loaded)
    faults = [d for d in loaded.diagnostics if d.level == "error"]
    errors, warnings = len(faults), len(loaded.diagnostics) - len(faults)
    if output == "text":
        found = (
            ", ".join([plural(errors, "error")] * bool(errors) + [plural(warnings, "warning")] * bool(warnings)) or "no faults"
        )
        click.echo(f"{plural(len(loaded.rulebook.plans), 'rule')} in {plural(len(loaded.sources), 'file')}: {found}", err=True)
        fixable = any(d.fix and d.fix.safe for d in loaded.diagnostics)
        next_step("cep check --fix" if fixable else "cep explain CODE" if errors else "cep test")
    return fault_code(faults) if errors else 1 if warnings and strict else 0


def _apply(diagnostics: Sequence[Diagnostic]) -> int:
    """Apply safe fixes, from the end of each file backwards so that earlier places stay where they are."""
    fixes = [d.fix for d in diagnostics if d.fix and d.fix.safe]
    done = 0
    for path in {fix.span.file for fix in fixes}:
        lines = Path(path).read_text(encoding="utf-8").split("\n")
        after: tuple[int, int] | None = None
        for fix in sorted((f for f in fixes if f.span.file == path), key=lambda f: f.span, reverse=True):
            span = fix.span
            if after is not None and (span.end_line, span.end_col) > after:
                continue  # overlaps a fix that is already in: the next run will find it
            head, tail = lines[span.line - 1][: span.col - 1], lines[span.end_line - 1][span.end_col - 1 :]
            lines[span.line - 1 : span.end_line] = (head + fix.text + tail).split("\n")
            after = (span.line, span.col)
            done += 1
        write_back(path, "\n".join(lines))
    return done
