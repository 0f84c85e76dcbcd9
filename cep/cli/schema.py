"""`cep schema`: JSON Schema of rules written in YAML."""

from __future__ import annotations

import json

import click

from cep.cli.show import next_step
from cep.lang.schema import yaml_schema


@click.command()
def command() -> int:
    """Print the JSON Schema of the YAML form, for editors and CI."""
    click.echo(json.dumps(yaml_schema(), indent=2))
    next_step("cep schema > cep-rules.schema.json, and in a rule file: # yaml-language-server: $schema=cep-rules.schema.json")
    return 0
