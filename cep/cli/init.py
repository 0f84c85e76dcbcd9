"""`cep init FOLDER`: a small working set-up to start from."""

from __future__ import annotations

import random
from importlib import resources
from pathlib import Path

import click
import msgspec

from cep.cli.show import next_step
from cep.deliver.render import iso_time
from cep.errors import ConfigError

START_US = 1_767_258_000_000_000  # 2026-01-01T09:00:00Z
FILES = {
    "cep.yml": "cep.yml",
    "rules/brute_force.cep": "rules/brute_force.cep",
    ".github/workflows/cep.yml": "workflow.yml",
}


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), default=".")
def command(folder: Path) -> int:
    """Make a configuration, a rule with its tests, sample events and a CI workflow. Nothing that exists is overwritten."""
    wanted = [*FILES, "events.sample.jsonl"]
    there = [name for name in wanted if (folder / name).exists()]
    if there:
        raise ConfigError(f"{folder / there[0]} exists already", "name a new folder: cep init my-rules", "E0919")
    templates = resources.files("cep.cli").joinpath("templates")
    try:
        for name, template in FILES.items():
            _write(folder / name, templates.joinpath(template).read_bytes())
        _write(folder / "events.sample.jsonl", sample_events())
    except OSError as error:
        raise ConfigError(f"cannot write to {folder}: {error.strerror}", "name a folder you may write to", "E0918") from error
    click.echo("created  " + "  ".join(str(folder / name) for name in wanted))
    where = "" if folder == Path() else f"cd {folder} && "
    next_step(f"{where}cep test, then cep run --events events.sample.jsonl")
    return 0


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def sample_events(count: int = 600) -> bytes:
    """Twenty minutes of logins, in order; one user's password is guessed on the way."""
    dice = random.Random(4)
    users = (f"user{dice.randrange(40)}" for _ in range(count))
    events = [(dice.randrange(1200), user, f"198.51.100.{dice.randrange(250)}", dice.random() < 0.12) for user in users]
    events += [(400 + 9 * n, "mara", "203.0.113.66", n < 8) for n in range(9)]
    events.sort()
    lines = [
        msgspec.json.encode(
            {
                "ts": iso_time(START_US + second * 1_000_000),
                "type": "login",
                "user": user,
                "ip": ip,
                "outcome": "failure" if failed else "success",
            }
        )
        for second, user, ip, failed in events
    ]
    return b"\n".join(lines) + b"\n"
