"""What commands that work on rule files share: the arguments, and loading."""

from __future__ import annotations

from pathlib import Path

import click

from cep.config import Config
from cep.loader.config import read_config
from cep.loader.files import Loaded, load

rules_argument = click.argument("rules", nargs=-1)
config_option = click.option("--config", "config_path", metavar="FILE", help="cep.yml (the one in this folder, if any)")


def load_rules(rules: tuple[str, ...], config_path: str | None) -> tuple[Config, Loaded]:
    """The configuration and the rules of the named files and folders (none named: those of the configuration).

    raises  ConfigError: nothing there
    """
    config = read_config(config_path)
    # What the command line names starts at the current folder; what the configuration names, at its own.
    return config, load([Path.cwd() / rule for rule in rules] or None, config)
