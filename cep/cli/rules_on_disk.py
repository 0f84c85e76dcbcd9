"""What commands that work on rule files share: the arguments, and loading."""

from __future__ import annotations

from pathlib import Path

import click

from cep.config import Config
from cep.errors import ConfigError
from cep.loader.config import read_config
from cep.loader.files import Loaded, load

rules_argument = click.argument("rules", nargs=-1)
config_option = click.option("--config", "config_path", metavar="FILE", help="cep.yml (the one in this folder, if any)")


def load_rules(rules: tuple[str, ...], config_path: str | None) -> tuple[Config, Loaded]:
    """The configuration and the rules of the named files and folders (none named: those of the configuration).

    raises  ConfigError: nothing there
    """
    config = read_config(config_path)
    paths = [Path(rule) for rule in rules] or [config.base / rule for rule in config.rules]
    for path in paths:
        if not path.exists():
            hint = "name a rule file or a folder of them, or start with `cep init my-rules`"
            raise ConfigError(f"there are no rules at {path}", hint, "E0954")
    return config, load(paths, config, None)
