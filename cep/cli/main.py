"""The command `cep`. Each sub-command is a module of its own, imported when it is called: the start stays quick.

Exit codes: 0 ok, 1 findings or failed tests, 2 a rule is wrong, 3 configuration, usage or something unreachable.
"""

from __future__ import annotations

import importlib
import os
import sys
from typing import Any

import click

from cep.errors import CepError, ConfigError, RuleError

FINDINGS, RULE_FAULT, CONFIG_FAULT = 1, 2, 3
COMMANDS = {
    "demo": "watch three rules at work on made-up events, about 20 seconds",
    "init": "make a folder with a rule, its test, sample events and a configuration",
    "check": "find the faults of rule files",
    "fmt": "print rule files in one layout, or turn text into YAML and back",
    "explain": "the page of a code such as E0203",
    "rules": "the rules: what is on disk and what is running",
    "plan": "what each rule keeps and costs, and which matcher runs it",
    "graph": "draw the steps of rules, as SVG, DOT or text",
    "test": "run the tests written beside the rules",
    "run": "run rules over a file of events, or as a service",
    "send": "send events to a running service or a Redis stream",
    "schema": "JSON Schema of rules written in YAML, for editors",
    "lsp": "language server for editors, over standard input and output",
}


class LazyGroup(click.Group):
    """Knows its sub-commands by name and imports one only to call it."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"cep.cli.{cmd_name}").command
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        if args and args[0] not in COMMANDS:
            from cep.spelling import closest  # only on the way to an error message

            near = closest(args[0], COMMANDS)
            hint = f"did you mean `cep {near}`?" if near else "`cep --help` lists the commands"
            raise click.UsageError(f"there is no command `{args[0]}`; {hint}")
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            # The reader of our output has gone (`cep run | head`): nobody is left to tell. Click would call it a failure.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="cepheid", prog_name="cep")
def cli() -> None:
    """Complex event processing: rules over event time, durable state, signed alerts.

    Start with `cep demo`, then `cep init my-rules`.
    """


def main() -> None:
    """Entry point: whatever a user can cause ends in a message and an exit code, never in a traceback."""
    try:
        code = cli.main(standalone_mode=False)
    except click.exceptions.Exit as leave:
        code = leave.exit_code
    except click.ClickException as error:
        error.show()
        code = CONFIG_FAULT
    except (click.Abort, KeyboardInterrupt):
        click.echo("stopped", err=True)
        code = 130
    except RuleError as error:
        code = _tell_rule_faults(error)
    except CepError as error:
        tell(error)
        code = CONFIG_FAULT
    except Exception as error:  # a fault of ours; whoever is on call gets a sentence, and the details on demand
        if os.environ.get("CEP_DEBUG"):
            raise
        click.echo(f"internal error: {type(error).__name__}: {error}", err=True)
        click.echo("this is our fault, not yours: run it again with CEP_DEBUG=1 and report what it prints", err=True)
        code = CONFIG_FAULT
    sys.exit(code if isinstance(code, int) else 0)


def _tell_rule_faults(error: RuleError) -> int:
    from cep.cli.show import print_diagnostics  # only on the way to an error message

    print_diagnostics(error.diagnostics, {})
    return RULE_FAULT


def tell(error: CepError) -> None:
    """Print an error: what is wrong, where, and what would mend it."""
    if isinstance(error, ConfigError):
        click.echo(f"{click.style('error', fg='red', bold=True)}[{error.code}]: {error.message}", err=True)
        if error.span.line:
            click.echo(f"  --> {error.span.file}:{error.span.line}:{error.span.col}", err=True)
        if error.help:
            click.echo(f"   = help: {error.help}", err=True)
        if error.code != "E0900":
            click.echo(f"   = see: cep explain {error.code}", err=True)
    else:
        click.echo(f"{click.style('error', fg='red', bold=True)}: {error}", err=True)
