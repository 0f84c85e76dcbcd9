"""A run over finite input: files or standard input through the pipeline, alerts out, and an end. No server, no state kept."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cep.alert import Alert
from cep.config import StreamSpec
from cep.errors import ConfigError
from cep.match.outcome import Outcome, Rejected
from cep.match.pipeline import Pipeline
from cep.match.planner import make_matcher
from cep.match.running import MakeMatcher
from cep.plan.plan import Rulebook
from cep.run.collector import collector_kept_out
from cep.run.sample import Sample
from cep.sources.file import Lines, Progress, read_file

TOO_LONG = "E0602"


@dataclass(slots=True)
class Summary:
    """What a run did: `alerts` that opened, how many of them `muted` or in `shadow`, and how many `resolved`; `seconds` is wall
    time from the first line read to the last alert told.

    behind_us  stream -> how far its latest event was behind the watermark
    evicted    rule -> how much it let go because its budget was full
    """

    events: int = 0
    fed: int = 0
    alerts: int = 0
    muted: int = 0
    shadow: int = 0
    resolved: int = 0
    late: int = 0
    dead: int = 0
    seconds: float = 0.0
    reasons: Counter[str] = field(default_factory=Counter)  # code of each rejected event -> how many
    behind_us: dict[str, int] = field(default_factory=dict)
    evicted: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class _Input:
    stream: str
    batches: Iterator[Lines]
    open: bool = True


def run_bounded(
    rulebook: Rulebook,
    streams: Mapping[str, StreamSpec],
    inputs: Sequence[tuple[str, Path | str]],
    tell: Callable[[Alert], None],
    reject: Callable[[Rejected], None],
    progress: Progress | None = None,
    sample: Sample | None = None,
    *,
    make: MakeMatcher = make_matcher,
) -> Summary:
    """Run the rules over the inputs to their end; `tell` sees every alert in order, `reject` every event not fed.

    sample   is given the first documents of each stream, as they come
    make     makes the matcher of a rule
    inputs   (stream, file): files of one stream are read one after the other, streams side by side by event time
    raises   ConfigError: a stream that is not declared, a file that cannot be read
    """
    for stream, path in inputs:
        if stream not in streams:
            known = ", ".join(streams)
            raise ConfigError(
                f"{path} is said to be of stream `{stream}`, which is not declared",
                f"declared are: {known}; add it under `streams` in cep.yml", "E0953",
            )  # fmt: skip
    used = {stream: streams[stream] for stream, _ in inputs}
    summary = Summary()
    alerts = 0
    started = time.perf_counter()
    with collector_kept_out(collect=False):
        pipeline = Pipeline(rulebook, used, make=make)  # in here, because the kernels of a thousand rules are many new objects
        for outcome in _outcomes(pipeline, _open(inputs, progress), summary, reject, sample):
            for alert in outcome.alerts:
                kind = alert.transition
                if kind == "opened" or kind == "timeout":
                    alerts += 1
                    if alert.muted:
                        summary.muted += 1
                    if alert.shadow:
                        summary.shadow += 1
                elif kind == "resolved":
                    summary.resolved += 1
                tell(alert)
            for rejected in (*outcome.late, *outcome.dead):
                summary.reasons[rejected.code] += 1
                reject(rejected)
            for late in outcome.late:
                summary.behind_us[late.stream] = max(summary.behind_us.get(late.stream, 0), late.behind_us)
    summary.alerts = alerts
    counts = pipeline.counts
    summary.events += counts["seen"]
    summary.fed = counts["fed"]
    summary.evicted = pipeline.engine.evicted()
    summary.late, summary.dead = counts["late"], summary.dead + counts["dead"]
    summary.seconds = time.perf_counter() - started
    return summary


def _open(inputs: Sequence[tuple[str, Path | str]], progress: Progress | None) -> list[_Input]:
    by_stream: dict[str, list[Path | str]] = {}
    for stream, path in inputs:
        by_stream.setdefault(stream, []).append(path)
    return [_Input(stream, _chain(paths, progress)) for stream, paths in by_stream.items()]


def _chain(paths: Sequence[Path | str], progress: Progress | None) -> Iterator[Lines]:
    for path in paths:
        yield from read_file(path, progress=progress, text=True)


def _outcomes(
    pipeline: Pipeline,
    inputs: list[_Input],
    summary: Summary,
    reject: Callable[[Rejected], None],
    sample: Sample | None,
) -> Iterator[Outcome]:
    """Push batch after batch, always of the stream that holds the watermark back: little has to wait in memory."""
    while inputs:
        behind = min(inputs, key=lambda one: pipeline.own_watermark(one.stream))
        lines = next(behind.batches, None)
        if lines is None:
            inputs.remove(behind)
            if inputs:
                yield pipeline.end(behind.stream)
            continue
        for cut in lines.rejected:
            summary.events += 1
            summary.dead += 1
            summary.reasons[TOO_LONG] += 1
            reject(Rejected(behind.stream, cut.position, TOO_LONG, cut.reason, cut.head))
        if sample is not None and sample.wants(behind.stream):
            sample.take(behind.stream, [*(cut.head for cut in lines.rejected), *lines.lines])
        yield pipeline.push(behind.stream, lines.lines, lines.positions)
    yield pipeline.finish()
