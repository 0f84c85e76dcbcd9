"""`cep test`: the tests that stand beside the rules."""

from __future__ import annotations

import sys
import time
from collections import Counter

import click

from cep.cli.rules_on_disk import chosen, config_option, load_rules, need_rules, rules_argument
from cep.cli.show import next_step, print_diagnostics
from cep.loader.script import TestResult, run_tests


@click.command()
@rules_argument
@config_option
@click.option("--rule", "only", multiple=True, help="only the tests of this rule")
@click.option("--output", type=click.Choice(["text", "json", "junit"]), default="text")
def command(rules: tuple[str, ...], config_path: str | None, only: tuple[str, ...], output: str) -> int:
    """Run the tests of rules. Each runs four ways (in one batch, event by event, shuffled, restarted halfway).

    Exit code 0: all pass; 1: some fail; 2: a rule has faults.
    """
    config, loaded = load_rules(rules, config_path)
    errors = [d for d in loaded.diagnostics if d.level == "error"]
    if errors:
        print_diagnostics(errors, loaded.sources)
        next_step("mend the rules above, then cep test")
        return 2
    need_rules(rules, config, loaded)
    chosen(loaded.rulebook.plans, only)
    started = time.perf_counter()
    results = [r for r in run_tests(loaded.rulebook, loaded.files) if not only or r.test.rule.text in only]
    seconds = time.perf_counter() - started
    if output == "text":
        _print_text(results, seconds)
    elif output == "json":
        _print_json(results)
    else:
        _print_junit(results, seconds)
    failed = sum(not r.passed for r in results)
    if output == "text":
        untested = sorted({plan.id for plan in loaded.rulebook.plans} - {r.test.rule.text for r in results})
        if untested and not only:
            click.echo(f"without a test: {', '.join(untested)}", err=True)
        next_step("cep run --events FILE.jsonl" if not failed else "change the rule or the test, then cep test")
    return 1 if failed else 0


def _print_text(results: list[TestResult], seconds: float) -> None:
    by_file: dict[str, list[TestResult]] = {}
    for result in results:
        by_file.setdefault(result.test.span.file, []).append(result)
    good, bad = click.style("✓", fg="green"), click.style("✗", fg="red")
    for file, tests in by_file.items():
        click.echo(file)
        for result in tests:
            click.echo(f"  {good if result.passed else bad} {result.test.rule.text}: {result.test.name}")
            if not result.passed:
                click.echo(f"      at {file}:{result.test.span.line}")
                for problem in result.problems:
                    click.echo(f"      {problem}")
                for line in result.timeline:
                    click.echo(f"        {line}")
    counts = Counter(result.passed for result in results)
    click.echo(f"{counts[True]} passed, {counts[False]} failed in {seconds:.2f} s")


def _print_json(results: list[TestResult]) -> None:
    import msgspec

    for r in results:
        row = {
            "rule": r.test.rule.text, "test": r.test.name, "file": r.test.span.file, "line": r.test.span.line,
            "passed": r.passed, "problems": r.problems,
        }  # fmt: skip
        sys.stdout.write(msgspec.json.encode(row).decode() + "\n")


def _print_junit(results: list[TestResult], seconds: float) -> None:
    from xml.sax.saxutils import escape, quoteattr

    failed = sum(not r.passed for r in results)
    click.echo('<?xml version="1.0" encoding="UTF-8"?>')
    click.echo(f'<testsuite name="cep" tests="{len(results)}" failures="{failed}" time="{seconds:.3f}">')
    for r in results:
        click.echo(f"  <testcase classname={quoteattr(r.test.rule.text)} name={quoteattr(r.test.name)}", nl=False)
        if r.passed:
            click.echo("/>")
        else:
            text = escape("\n".join([*r.problems, *r.timeline]))
            click.echo(f">\n    <failure message={quoteattr(r.problems[0])}>{text}</failure>\n  </testcase>")
    click.echo("</testsuite>")
