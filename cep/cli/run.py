"""`cep run`: over a file of events and done, or as a service."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, BinaryIO

import click
import msgspec

from cep.alert import Alert
from cep.cli.hints import before_1980, silent_rules, why_not_fed
from cep.cli.rules_on_disk import config_option, fault_code, load_rules, need_rules, rules_argument
from cep.cli.show import colors, next_step, plural, print_diagnostics, print_evicted
from cep.config import Config, StreamSpec
from cep.errors import ConfigError
from cep.match.outcome import Rejected
from cep.plan.plan import Rulebook
from cep.run.bounded import Summary, run_bounded
from cep.run.sample import Sample

FINDINGS = 1  # exit code: there were events, and not one could be fed
SHOWN_REJECTED = 5  # events not fed that are shown one by one; the rest are counted


@click.command()
@rules_argument
@click.option("--events", "events", multiple=True, metavar="[STREAM=]FILE", help="JSON lines (.gz too); - is standard input")
@config_option
@click.option("--output", type=click.Choice(["text", "json"]), default="text", help="alerts as lines, or as JSON lines")
@click.option("--rejects", metavar="FILE", help="write events that were late or bad to this file, as JSON lines")
@click.option("--redis", metavar="URL", help="serve on this Redis instead of an embedded one")
@click.option("--lifecycle", is_flag=True, help="print also how alerts go on: their updates and resolves")
@click.option("--quiet", is_flag=True, help="alerts only: no progress, no summary")
def command(
    rules: tuple[str, ...],
    events: tuple[str, ...],
    config_path: str | None,
    output: str,
    rejects: str | None,
    redis: str | None,
    lifecycle: bool,
    quiet: bool,
) -> int:
    """Run rules over files of events (--events), print each alert, and end; or, without --events, serve.

    Serving reads the streams of cep.yml from Redis (an embedded Valkey if none is named), reloads rules when their
    files change, and delivers alerts to the channels.
    """
    if not events:
        from cep.run.serve import serve  # heavy: only a service needs Redis and HTTP

        return serve(rules, config_path, redis_url=redis)
    config, loaded = load_rules(rules, config_path)
    errors = [d for d in loaded.diagnostics if d.level == "error"]
    if errors:
        print_diagnostics(errors, loaded.sources)
        next_step("mend the rules above; `cep check` shows the warnings too")
        return fault_code(errors)
    need_rules(rules, config, loaded)
    return _over_files(loaded.rulebook, config, events, output, rejects, lifecycle, quiet)


def _over_files(
    rulebook: Rulebook, config: Config, events: tuple[str, ...], output: str, rejects: str | None, lifecycle: bool, quiet: bool
) -> int:
    inputs = [input_of(text, config.streams) for text in events]
    progress = None if quiet or not sys.stderr.isatty() else _Progress()
    per_rule: Counter[str] = Counter()
    show = _teller(output)

    def tell(alert: Alert) -> None:
        begins = alert.transition in ("opened", "timeout")
        per_rule[alert.rule] += begins
        if alert.delivered and (begins or lifecycle):
            show(alert)

    sample = Sample()
    with _rejects_file(rejects) as file:
        try:
            summary = run_bounded(rulebook, config.streams, inputs, tell, _Rejects(file, quiet), progress, sample)
        finally:
            if progress:
                progress.close()
            sys.stdout.flush()
    if not quiet:
        used = {stream: config.streams[stream] for stream, _ in inputs}
        _print_summary(summary, per_rule)
        _print_next(summary, rejects, _hints(rulebook, summary, per_rule, sample, used))
    return FINDINGS if summary.events and not summary.fed else 0


def _hints(
    rulebook: Rulebook, summary: Summary, per_rule: Counter[str], sample: Sample, streams: dict[str, StreamSpec]
) -> list[str]:
    """Tell why rules brought no alert; give what would mend the events that were not fed."""
    for hint in before_1980(sample, streams):
        click.echo(f"warning: {hint}", err=True)
    if summary.fed:
        for hint in silent_rules(rulebook.plans, per_rule, sample.kinds(streams)):
            click.echo(hint, err=True)
    return why_not_fed(summary, sample, streams)


def _rejects_file(path: str | None) -> AbstractContextManager[BinaryIO | None]:
    """The file for events not fed, open.

    raises  ConfigError: it cannot be written
    """
    if path is None:
        return nullcontext()
    try:
        return Path(path).open("wb")
    except OSError as error:
        raise ConfigError(
            f"cannot write {path}: {error.strerror}", "name a file in a folder you may write to", "E0918"
        ) from error


def input_of(text: str, streams: dict[str, StreamSpec]) -> tuple[str, Path | str]:
    """The stream and the file of `STREAM=FILE` or `FILE`.

    raises  ConfigError: several streams are declared, and none is named
    """
    name, separator, path = text.partition("=")
    if separator and not Path(text).exists():
        return name, path if path == "-" else Path(path)
    if len(streams) > 1:
        names = ", ".join(streams)
        mend = f"say which: --events {next(iter(streams))}={text}"
        raise ConfigError(f"{text}: several streams are declared ({names})", mend, "E0953")
    return next(iter(streams)), text if text == "-" else Path(text)


def _teller(output: str) -> Callable[[Alert], None]:
    from cep.deliver.render import alert_as_line, json_line

    if output == "json":

        def write(alert: Alert) -> None:
            sys.stdout.buffer.write(json_line(alert))

        return write
    color = colors()
    return lambda alert: click.echo(alert_as_line(alert, color))


class _Rejects:
    """Events not fed: the first few are shown, all go to the file, if one is named."""

    def __init__(self, file: BinaryIO | None, quiet: bool) -> None:
        self._file = file
        self._left = 0 if quiet else SHOWN_REJECTED

    def __call__(self, rejected: Rejected) -> None:
        if self._left:
            self._left -= 1
            click.echo(f"not fed: line {rejected.position}: {rejected.reason} ({rejected.code})", err=True)
        if self._file:
            self._file.write(msgspec.json.encode(_as_row(rejected)) + b"\n")


def _as_row(rejected: Rejected) -> dict[str, Any]:
    document = rejected.document
    text = document.decode("utf-8", errors="replace") if isinstance(document, bytes) else dict(document)
    return {
        "stream": rejected.stream, "position": rejected.position, "code": rejected.code, "reason": rejected.reason, "event": text,
    }  # fmt: skip


class _Progress:
    """A bar on standard error, drawn only when the run is long enough to be watched."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn

        columns = (BarColumn(), DownloadColumn(), TimeRemainingColumn())
        self._bar = Progress("reading", *columns, console=Console(stderr=True), transient=True)
        self._task = self._bar.add_task("events", total=None)
        self._calls = 0

    def __call__(self, done: int, total: int | None) -> None:
        self._calls += 1
        if self._calls == 20:  # some 5 MB in: shorter input is over before a bar can be read
            self._bar.start()
        self._bar.update(self._task, completed=done, total=total)

    def close(self) -> None:
        self._bar.stop()


def _print_summary(summary: Summary, per_rule: Counter[str]) -> None:
    rate = summary.events / summary.seconds if summary.seconds else 0.0
    parts = [
        f"{plural(summary.events, 'event')} in {summary.seconds:.2f} s ({rate:,.0f} events/s)",
        plural(summary.alerts, "alert"),
    ]
    if summary.muted:
        parts.append(f"{summary.muted:,} of them muted")
    if summary.shadow:
        parts.append(f"{summary.shadow:,} of them in shadow")
    if summary.resolved:
        parts.append(f"{summary.resolved:,} resolved")
    if summary.late:
        parts.append(f"{summary.late:,} late")
    if summary.dead:
        codes = ", ".join(f"{code} {count:,}" for code, count in sorted(summary.reasons.items()) if code != "E0690")
        parts.append(f"{summary.dead:,} bad ({codes})")
    click.echo(" · ".join(parts), err=True)
    if len(per_rule) > 1:
        click.echo("  " + ", ".join(f"{rule} {count:,}" for rule, count in per_rule.most_common()), err=True)
    print_evicted(summary.evicted)


def _print_next(summary: Summary, rejects: str | None, mends: list[str]) -> None:
    if mends:
        for mend in mends[:-1]:
            click.echo(mend, err=True)
        next_step(mends[-1])
    elif (summary.late or summary.dead) and not rejects:
        next_step("add --rejects rejected.jsonl to keep the events that were not fed; `cep explain CODE` says why")
    elif not summary.alerts:
        next_step("cep test, or change a threshold and run again")
    else:
        next_step("cep test, then `cep run` to serve the same rules live")
