"""What commands that work on rule files share: the arguments, and loading."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import click

from cep.config import Config
from cep.errors import ConfigError, Diagnostic
from cep.loader.config import read_config
from cep.loader.files import Loaded, load
from cep.plan.plan import RulePlan
from cep.spelling import closest

RULE_FILES = (".cep", ".yml", ".yaml")
rules_argument = click.argument("rules", nargs=-1)
config_option = click.option("--config", "config_path", metavar="FILE", help="cep.yml (the one in this folder, if any)")


def load_rules(rules: tuple[str, ...], config_path: str | None) -> tuple[Config, Loaded]:
    """The configuration and the rules of the named files and folders (none named: those of the configuration).

    raises  ConfigError: nothing there
    """
    config = read_config(config_path)
    # What the command line names starts at the current folder; what the configuration names, at its own.
    return config, load([Path.cwd() / rule for rule in rules] or None, config)


def fault_code(errors: Iterable[Diagnostic]) -> int:
    """The exit code of these errors: 3 if the configuration alone is to blame, else 2."""
    return 3 if all(error.code in ("E0958", "E0959") for error in errors) else 2


def need_rules(rules: tuple[str, ...], config: Config, loaded: Loaded) -> None:
    """Nothing found is nothing checked.

    raises  ConfigError: there is not one rule, and no fault that tells why
    """
    if not loaded.rules and not any(one.level == "error" for one in loaded.diagnostics):
        where = ", ".join(rules or config.rules)
        help = "write one into a file that ends in .cep, .yml or .yaml, or begin with `cep init my-rules`"
        raise ConfigError(f"there are no rules in {where}", help, "E0962")


def paths_and_names(words: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Paths, and names of rules: what is there, or is written like a path, is one."""
    paths = tuple(word for word in words if Path(word).exists() or "/" in word or word.endswith(RULE_FILES))
    return paths, tuple(word for word in words if word not in paths)


def chosen(plans: tuple[RulePlan, ...], names: tuple[str, ...]) -> list[RulePlan]:
    """The plans of these names, in the order they are named; all without a name.

    raises  ConfigError: there is no such rule
    """
    if not names:
        return list(plans)
    by_name = {plan.id: plan for plan in plans}
    for name in names:
        if name not in by_name:
            near = closest(name, by_name)
            mend = f"did you mean {near}?" if near else f"there are: {', '.join(by_name)}"
            raise ConfigError(f"there is no rule {name}", mend, "E0962")
    return [by_name[name] for name in dict.fromkeys(names)]
