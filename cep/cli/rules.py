"""`cep rules`: the rules on disk, and which of them a service runs."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass

import click
from rich.console import Console
from rich.table import Table

from cep.buffer.commit import Standing, read_standing
from cep.buffer.embedded import EmbeddedServer
from cep.buffer.link import Link, RedisGone
from cep.cli.rules_on_disk import config_option, load_rules, rules_argument
from cep.cli.show import next_step, plural, print_evicted
from cep.config import Config, redis_of
from cep.deliver.render import iso_time
from cep.loader.files import Loaded, RuleStatus, load_texts
from cep.match.planner import choose_matcher
from cep.plan.plan import RulePlan
from cep.run.aside import in_words
from cep.run.generations import Generation, newest_generation

PLAIN_COLUMNS = 1000  # where there is no terminal, for `grep`: one line a rule


@dataclass(frozen=True, slots=True)
class Running:
    """What a service runs: the generation written last, and how far its worker has come with it."""

    generation: Generation
    standing: Standing | None
    versions: dict[str, str]  # rule -> version
    files: dict[str, str]  # rule -> the file it came from

    @property
    def live(self) -> bool:
        return self.standing is not None and self.standing.generation == self.generation.number


@click.command()
@rules_argument
@config_option
@click.option("--redis", metavar="URL", help="the Redis of the service (default: that of cep.yml, or the embedded one)")
@click.option("--output", type=click.Choice(["text", "json"]), default="text")
def command(rules: tuple[str, ...], config_path: str | None, redis: str | None, output: str) -> int:
    """List the rules: on disk, and running in a service if there is one.

    Exit code 1 if what runs is not what is on disk.
    """
    config, loaded = load_rules(rules, config_path)
    running = _running(redis or redis_of(config) or _embedded(config), config)
    statuses = {status.rule: status for status in loaded.rules}
    rows = [_row(plan, statuses.get(plan.id), running) for plan in loaded.rulebook.plans]
    rows += _gone(loaded, running)
    if output == "json":
        for row in rows:
            click.echo(json.dumps(row))
    else:
        _print_table(rows, running)
    differs = any(row["state"] not in ("running", "on disk", "disabled") for row in rows)
    return 1 if differs else 0


def _embedded(config: Config) -> str | None:
    server = EmbeddedServer(config.base / config.data / "redis")
    return server.url if server.folder.is_dir() and server.runs() else None


def _running(url: str | None, config: Config) -> Running | None:
    if url is None:
        return None
    link = Link(url)
    try:
        generation = newest_generation(link)
        if generation is None:
            return None
        _, standing = read_standing(link, "main")
    except RedisGone as error:
        click.echo(f"what is running cannot be seen: {error}", err=True)
        return None
    finally:
        link.close()
    runs = load_texts(generation.texts, config)
    versions = {plan.id: plan.version for plan in runs.rulebook.plans}
    return Running(generation, standing, versions, {status.rule: status.file for status in runs.rules})


def _row(plan: RulePlan, status: RuleStatus | None, running: Running | None) -> dict[str, str]:
    if not plan.enabled:
        state = "disabled"
    elif running is None:
        state = "on disk"
    elif running.versions.get(plan.id) == plan.version:
        state = "running" if running.live else "starting"
    else:
        state = "other version runs" if plan.id in running.versions else "not running"
    return {
        "rule": plan.id,
        "severity": plan.severity,
        "matcher": choose_matcher(plan)[0],
        "version": plan.version,
        "mode": f"canary {plan.canary_percent}%" if plan.mode == "canary" else plan.mode,
        "state": state,
        "file": status.file if status else "",
        "reason": status.reason if status else "",
    }


def _gone(loaded: Loaded, running: Running | None) -> list[dict[str, str]]:
    """Rules that run and are not (any more, or not without a fault) on disk."""
    here = {plan.id for plan in loaded.rulebook.plans}
    reasons = {status.rule: status for status in loaded.rules}
    names = {**(running.versions if running else {}), **{r: s.version for r, s in reasons.items()}}
    rows = []
    for rule, version in names.items():
        if rule not in here:
            status = reasons.get(rule)
            runs = running is not None and rule in running.versions
            file = status.file if status else running.files.get(rule, "") if running else ""
            rows.append(
                {
                    "rule": rule,
                    "severity": "",
                    "matcher": "",
                    "version": version,
                    "mode": "",
                    "state": "last good version runs" if runs else "broken",
                    "file": file,
                    "reason": status.reason if status else _why_gone(file, loaded),
                }
            )
    return rows


def _why_gone(file: str, loaded: Loaded) -> str:
    """Why a rule that runs was not found on disk: its file is broken, no longer holds it, or is gone."""
    faults = [one for one in loaded.diagnostics if one.level == "error" and one.span.file == file]
    if faults:
        return f"{file}:{faults[0].span.line} {faults[0].code} {faults[0].message}"
    return f"not in {file} any more" if file in loaded.sources else f"{file} is not on disk" if file else "not on disk"


def _unusual(row: dict[str, str]) -> bool:
    return row["mode"] not in ("", "enabled", "disabled")


def _print_table(rows: list[dict[str, str]], running: Running | None) -> None:
    table = Table(box=None, pad_edge=False)
    columns = (
        "rule",
        "severity",
        "matcher",
        "version",
        *(("mode",) if any(_unusual(row) for row in rows) else ()),
        "state",
        "file",
    )
    for name in columns:
        # where the terminal is narrow these give way; the others, and a name above all, are what one looks for
        gives = name in ("matcher", "version", "file")
        table.add_column(name, no_wrap=not gives, overflow="ellipsis" if name == "version" else "fold")
    for row in rows:
        table.add_row(*(row[name] for name in columns))
    Console(width=None if sys.stdout.isatty() else PLAIN_COLUMNS).print(table)
    for row in rows:
        if row["reason"]:
            click.echo(f"{row['rule']}: {row['reason']}", err=True)
    if running is None:
        click.echo(f"{plural(len(rows), 'rule')} on disk; no service is running here", err=True)
        next_step("cep run, to serve them")
        return
    since = iso_time(running.generation.at_us)
    click.echo(f"generation {running.generation.number}, written {since} by {running.generation.author}", err=True)
    if running.standing is not None and running.standing.counts:
        click.echo(f"events: {in_words(running.standing.counts)}", err=True)
    if running.standing is not None:
        print_evicted(running.standing.evicted)
    for problem in running.generation.problems:
        click.echo(f"not running: {problem}", err=True)
    next_step("cep check" if running.generation.problems else "edit a rule and look again: it is reloaded as it runs")
