"""`cep plan`: how each rule will run, what it keeps at most, what it costs."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from cep.cli.rules_on_disk import chosen, config_option, fault_code, load_rules, need_rules, paths_and_names, rules_argument
from cep.cli.run import input_of
from cep.cli.show import next_step, plural, print_diagnostics
from cep.match.bound import Bound, bound_of
from cep.match.cost import Cost, costs_of
from cep.match.matched import matched_with
from cep.match.planner import choose_matcher
from cep.plan.explain import describe
from cep.plan.plan import RulePlan
from cep.plan.words import say_duration
from cep.run.measure import Measured, Measurement, measure

PLAIN_COLUMNS = 120  # where there is no terminal whose width could be asked


@dataclass(frozen=True, slots=True)
class Line:
    """Everything said of one rule.

    others  the rules that it is matched together with
    """

    plan: RulePlan
    matcher: str
    why: str
    bound: Bound
    cost: Cost
    others: tuple[str, ...]
    measured: Measured | None


@click.command()
@rules_argument
@config_option
@click.option("--events", "events", multiple=True, metavar="[STREAM=]FILE", help="measure over these JSON lines (.gz too)")
@click.option("--output", type=click.Choice(["table", "json"]), default="table", help="json: one line a rule")
def command(rules: tuple[str, ...], config_path: str | None, events: tuple[str, ...], output: str) -> int:
    """Say of each rule which matcher runs it and why, what it keeps at most, and what it costs.

    Words that are no files are names of rules; named rules are told in full. Costs are those among all the rules that were
    found: a condition that several rules ask is judged once.

    Exit code 2: some rule has faults; the others are planned.
    """
    paths, names = paths_and_names(rules)
    config, loaded = load_rules(paths, config_path)
    errors = [one for one in loaded.diagnostics if one.level == "error"]
    if errors:
        print_diagnostics(errors, loaded.sources)
    need_rules(paths, config, loaded)
    plans = loaded.rulebook.plans
    wanted = {plan.id for plan in chosen(plans, names)}
    inputs = [input_of(text, config.streams) for text in events]
    measured = measure(loaded.rulebook, config.streams, inputs) if inputs else None
    lines = [
        Line(plan, *choose_matcher(plan), bound_of(plan), cost, others, measured.rules[plan.id] if measured else None)
        for plan, cost, others in zip(plans, costs_of(plans), matched_with(plans))
        if plan.id in wanted
    ]
    if output == "json":
        for line in lines:
            click.echo(json.dumps(_as_row(line, measured)))
    else:
        _print(lines, measured, in_full=bool(names))
    next_step(_next(measured, bool(events)))
    return fault_code(errors) if errors else 0


def _next(measured: Measurement | None, asked: bool) -> str:
    if measured is not None and not measured.summary.fed:
        return "cep run with the same --events, which says why no event was fed"
    return "cep graph, for a picture of the same rules" if asked else "cep plan --events FILE.jsonl, to measure the cost"


def _as_row(line: Line, measured: Measurement | None) -> dict[str, Any]:
    bound, cost = line.bound, line.cost
    row: dict[str, Any] = {
        "rule": line.plan.id, "matcher": line.matcher, "why": line.why, "matched_with": list(line.others),
        "bound": {
            "words": bound.words, "entries_per_key": bound.entries, "entry": bound.what,
            "lives_seconds": None if bound.lives_us is None else bound.lives_us / 1_000_000,
            "budget": bound.budget, "on_full": bound.on_full or None,
        },
        "cost": {
            "event_types": list(cost.types), "conditions": cost.conditions, "own": cost.own, "shared": cost.shared,
            "looked_up": cost.looked_up, "by_column": cost.by_column, "of_runs": cost.of_runs,
            "selects_like": list(cost.alike), "all_events_of_its_types": cost.all_events, "found_by": list(cost.found_by),
        },
    }  # fmt: skip
    if line.measured is not None and measured is not None:
        one, fed = line.measured, measured.summary.fed
        row["measured"] = {
            "events": fed, "rows": one.rows, "share": round(one.rows / fed, 6) if fed else None,
            "us_per_event": round(one.seconds * 1e6 / fed, 4) if fed else None,
            "us_per_row": round(one.seconds * 1e6 / one.rows, 4) if one.rows else None,
            "alerts": one.alerts, "muted": one.muted, "peak_keys": one.peak_keys, "peak_state_bytes": one.peak_bytes,
        }  # fmt: skip
    return row


# ---------------------------------------------------------------- for people


def _print(lines: list[Line], measured: Measurement | None, *, in_full: bool) -> None:
    if in_full:
        for line in lines:
            click.echo(describe(line.plan))
            click.echo(f"  runs   as {line.matcher}: {_say_why(line)}")
            if line.cost.found_by:
                click.echo(f"  found  where {'; or '.join(line.cost.found_by)}")
            click.echo("")
    console = Console(width=None if sys.stdout.isatty() else PLAIN_COLUMNS)
    console.print(_table(lines))
    if measured is not None:
        click.echo("")
        console.print(_measured_table(lines, measured.summary.fed))
    if not in_full:
        click.echo("")
        for words, names in _reasons(lines).items():
            click.echo(f"{words}: {', '.join(names)}")
    if measured is not None:
        _print_sum(measured)


def _table(lines: list[Line]) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("rule", "matcher", "woken by", "conditions", "keeps per key", "for at most"):
        table.add_column(name, overflow="fold", no_wrap=name == "rule")
    for line in lines:
        cost = line.cost
        woken = ", ".join(cost.types) + (" (all of them)" if cost.all_events else "")
        table.add_row(line.plan.id, line.matcher, woken, _say_conditions(cost), _say_kept(line.bound), _say_life(line.bound))
    return table


def _say_conditions(cost: Cost) -> str:
    parts = {"shared": cost.shared, "looked up": cost.looked_up, "by column": cost.by_column, "of runs": cost.of_runs}
    told = [f"{number} {word}" for word, number in parts.items() if number]
    return ", ".join([f"{cost.own} own"] * bool(cost.own) + told) or "none"


def _say_kept(bound: Bound) -> str:
    if bound.entries == 0:
        return "nothing"
    each = f"any number of {bound.what}s" if bound.entries is None else plural(bound.entries, bound.what)
    return each if bound.budget is None else f"{each}; {bound.budget:,} in all, then drop {bound.on_full}"


def _say_life(bound: Bound) -> str:
    if bound.entries == 0:
        return ""
    return "until pushed out" if bound.lives_us is None else say_duration(bound.lives_us)


def _measured_table(lines: list[Line], fed: int) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("rule", no_wrap=True)
    for name in ("rows", "of events", "us/event", "us/row", "alerts", "muted", "peak keys", "state"):
        table.add_column(name, justify="right", no_wrap=True)
    for line in lines:
        one = line.measured
        if one is not None:
            share = f"{100 * one.rows / fed:.1f} %" if fed else ""
            per_event = f"{one.seconds * 1e6 / fed:.3f}" if fed else ""
            per_row = f"{one.seconds * 1e6 / one.rows:.2f}" if one.rows else ""
            table.add_row(
                line.plan.id, f"{one.rows:,}", share, per_event, per_row, f"{one.alerts:,}", f"{one.muted:,}",
                f"{one.peak_keys:,}", _say_bytes(one.peak_bytes),
            )  # fmt: skip
    return table


def _say_bytes(count: int) -> str:
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.3g} {unit}" if unit != "B" else f"{count} B"
        count = count / 1000  # type: ignore[assignment]
    return f"{count:.3g} GB"


def _reasons(lines: list[Line]) -> dict[str, list[str]]:
    """Why a matcher was picked -> the rules it was picked for."""
    found: dict[str, list[str]] = {}
    for line in lines:
        found.setdefault(f"{line.matcher} ({_say_why(line)})", []).append(line.plan.id)
    return found


def _say_why(line: Line) -> str:
    """The reason for the matcher, and whether others share what it keeps."""
    if not line.others:
        return line.why
    return f"{line.why}; matched together with {len(line.others)} others that differ in constants alone"


def _print_sum(measured: Measurement) -> None:
    summary = measured.summary
    if not summary.fed:
        click.echo(f"{plural(summary.events, 'event')}, none of them fed", err=True)
        return
    whole, matchers = summary.seconds * 1e6 / summary.fed, sum(one.seconds for one in measured.rules.values()) * 1e6 / summary.fed
    fed = plural(summary.fed, "event")
    click.echo(f"{fed} fed in {summary.seconds:.2f} s: {whole:.2f} us an event, {matchers:.2f} of them in matchers", err=True)
    click.echo(
        f"the rest (making the matchers, reading, ordering and finding rows) is shared by {plural(len(measured.rules), 'rule')}",
        err=True,
    )
