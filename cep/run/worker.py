"""The matcher's process: the one loop that joins the parts.

    read -> work -> commit -> swap or checkpoint

It owns one cell at a time. When Redis goes away it waits and goes on; when Redis went back in time, or another worker took
the cell, it drops what it holds and recovers.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from redis.exceptions import ResponseError

from cep.buffer import keys
from cep.buffer.checkpoint import Checkpoints, Manifest
from cep.buffer.commit import Commits, Standing, read_standing
from cep.buffer.control import read_control
from cep.buffer.lease import RENEW_EVERY_US, Fenced, Lease, Rewound, process_of
from cep.buffer.link import Link, Patience, RedisGone
from cep.buffer.reader import Reader
from cep.clock import Clock, SystemClock
from cep.config import Config
from cep.errors import ConfigError
from cep.loader.files import Loaded
from cep.match.outcome import Outcome
from cep.match.pipeline import Pipeline
from cep.plan.plan import Rulebook
from cep.run.aside import Aside
from cep.run.cell import Cell, Parts, entries_of
from cep.run.collector import collector_kept_out
from cep.run.failpoints import Failpoints
from cep.run.generations import newest_generation, read_generation, write_generation
from cep.run.memory import Sweeper
from cep.run.recovery import Replay, hold_again, input_keys
from cep.run.rules import Rules, changes, make_generation, versions_of
from cep.run.stopping import StopFlag
from cep.run.trim import Trimmer

STOP_WITHIN_US = 8_000_000  # to save what is held at the end; what is not saved is replayed by the next worker
log = logging.getLogger(__name__)


class Worker:
    """Runs the rules of a service over its streams until stop().

    url  of the Redis that holds the streams and the cell
    """

    def __init__(
        self,
        config: Config,
        url: str,
        rules: Rules,
        *,
        cell: str = "main",
        service: str = "",
        clock: Clock | None = None,
        failpoints: Failpoints | None = None,
    ) -> None:
        self._config, self._rules, self._name, self._service = config, rules, cell, service
        self._clock = clock or SystemClock()
        self._failpoints = failpoints or Failpoints(None)
        self._stopping = StopFlag()
        self._patience = Patience(self._stopping.wait, self._clock.elapsed_us)
        self._read_link, self._write_link = Link(url), Link(url)
        self._cell: Cell | None = None
        self._sweeper = Sweeper()
        self._aside = Aside(self._clock)
        self._inputs = input_keys(config.streams)
        self._trimmer = Trimmer(self._inputs, config.streams, cell, self._clock)
        self._offered: Loaded | None = None
        self._renewed_us = 0
        self._waiting_for = ""  # name of the worker that holds the cell, once that was told
        self._had_read: dict[str, str] = {}  # how far streams had been read when Redis went back

    def stop(self) -> None:
        """End soon, in order. Safe in a signal handler."""
        self._stopping.set()

    def run(self) -> None:
        """Work until stop().

        raises  ConfigError: nothing to run, or Redis holds what cannot be read
        """
        with collector_kept_out():
            while not self._stopping.is_set():
                self._guarded(self._turn)
            deadline_us = self._clock.elapsed_us() + STOP_WITHIN_US
            self._patience = Patience(time.sleep, self._clock.elapsed_us)  # the old one would not wait any more
            while self._cell is not None and self._clock.elapsed_us() < deadline_us:
                self._guarded(self._end)
        self._aside.tell(all_of_it=True)
        self._rules.close()

    def _guarded(self, step: Callable[[], None]) -> None:
        try:
            step()
            self._patience.succeeded()
        except RedisGone as error:
            self._patience.failed(f"Redis does not answer: {error}")
        except ResponseError as error:
            raise ConfigError(f"Redis refuses what the engine needs: {error}", "see its ACL and its log", "E0916") from None
        except (Fenced, Rewound) as error:
            log.warning("%s; starting again from the last checkpoint", error)
            if isinstance(error, Rewound) and self._cell is not None:
                self._had_read = dict(self._cell.reader.cursors)
            self._drop()

    def _turn(self) -> None:
        cell = self._cell or self._come_alive()
        if cell is None:
            return
        cell.finish_saving()
        cell.commits.settle(leave=1)
        found = cell.read()
        self._failpoints.pass_by("after_read")
        entries = cell.work(found)
        self._aside.note([*entries.late, *entries.dead])
        self._aside.tell()
        cell.gather(found, entries)
        if cell.commit_due():
            cell.commit()
        if found:
            self._sweeper.worked(self._clock.elapsed_us())
        elif not entries.control:
            cell.commits.settle()
            self._renew(cell)
            self._sweeper.idle(self._clock.elapsed_us())
        self._swap(cell)
        if cell.checkpoint_due():
            cell.checkpoint()
            self._sweeper.check_growth()
            if self._trimmer.due() and cell.checkpoints.current is not None:
                self._trimmer.trim(self._write_link, cell.checkpoints.current)

    def _end(self) -> None:
        """Save everything and give the cell up."""
        if self._cell is None:
            return
        self._cell.finish_saving()
        self._cell.commits.settle()
        self._cell.checkpoint()
        self._cell.lease.give_up(self._write_link, self._cell.commits.number)
        self._drop()

    def _drop(self) -> None:
        self._cell = None
        self._read_link.close()
        self._write_link.close()

    def _renew(self, cell: Cell) -> None:
        now = self._clock.elapsed_us()
        if now - self._renewed_us >= RENEW_EVERY_US:
            cell.lease.renew(self._write_link, cell.commits.number)
            self._renewed_us = now

    # -- rules

    def _swap(self, cell: Cell) -> None:
        """Run the rules that were changed on disk, if they were, as the next generation."""
        self._offered = self._rules.poll() or self._offered
        loaded = self._offered
        if loaded is None:
            return
        cell.commits.settle()
        newest = newest_generation(self._write_link)
        made = make_generation(loaded, newest.number + 1 if newest else 1, self._clock.now_us())
        if newest is not None and (newest.hash, newest.disk_hash) == (made.hash, made.disk_hash):
            made = newest  # written by a worker that did not live to run it; or it is what runs
        elif not write_generation(self._write_link, made):
            return  # somebody else wrote one this moment: look again at the next turn
        self._offered = None
        if made.number != cell.generation:
            before, now = versions_of(cell.pipeline.engine.rulebook), versions_of(loaded.rulebook)
            cell.swap(loaded.rulebook, made.number)
            log.info("generation %d: %s; %d rules%s", made.number, changes(before, now), len(now), _words(made.problems))

    # -- coming alive

    def _come_alive(self) -> Cell | None:
        """Take the cell and stand where its last worker stood; None while somebody else holds it."""
        lease = Lease(self._name, self._service)
        held = lease.take(self._write_link)
        if held is not None:
            if held.name != self._waiting_for:
                log.warning(
                    "another `cep run` is at work on this Redis (its worker is %s); this one stands by, and takes over when the "
                    "other ends", process_of(held.who) or held.name,
                )  # fmt: skip
                self._waiting_for = held.name
            self._stopping.wait(min(held.left_ms + 10, 500) / 1000)
            return None
        self._waiting_for = ""
        number, standing = read_standing(self._write_link, self._name)
        lose_answer = partial(self._failpoints.due, "lost_answer")
        commits = Commits(self._write_link, self._name, lease, number=number, lose_answer=lose_answer)
        checkpoints = Checkpoints(self._name, lease.name)
        snapshots = checkpoints.load(self._write_link)
        checkpoints.sweep(self._write_link)
        reader = Reader(self._read_link, self._inputs, {}, {})
        reader.count_from_here()
        parts = reader, commits, checkpoints, lease
        if checkpoints.current is None or standing is None:
            cell = self._begin(parts)
        else:
            cell = self._recover(parts, checkpoints.current, snapshots, standing)
        cell.note_rewind(self._had_read)
        self._had_read = {}
        self._sweeper.settle()
        self._cell = cell
        return cell

    def _begin(self, parts: Parts) -> Cell:
        """A cell without a past: from the beginning of its streams, with a first checkpoint."""
        newest = newest_generation(self._write_link)
        loaded = self._rules.start(newest)
        made = make_generation(loaded, newest.number + 1 if newest else 1, self._clock.now_us())
        if newest is not None and (newest.hash, newest.disk_hash) == (made.hash, made.disk_hash):
            made = newest
        elif not write_generation(self._write_link, made):
            return self._begin(parts)  # somebody else wrote one this moment
        pipeline = Pipeline(loaded.rulebook, self._config.streams, generation=made.number)
        log.info("generation %d: %d rules%s", made.number, len(loaded.rulebook.plans), _words(made.problems))
        cell = self._make_cell(pipeline, parts, made.number, {})
        cell.checkpoint(base=True)
        return cell

    def _recover(self, parts: Parts, manifest: Manifest, snapshots: list[Any], standing: Standing) -> Cell:
        started_us = self._clock.elapsed_us()
        reader, commits, _, _ = parts
        generation = read_generation(self._write_link, manifest.standing.generation)
        self._rules.start(generation)
        pipeline = Pipeline(self._rules.again(generation), self._config.streams, generation=generation.number)
        gaps = hold_again(pipeline, reader, manifest, snapshots)
        rejected = {stream: list(positions) for stream, positions in manifest.rejected.items()}
        tell = partial(_tell_again, commits, standing, rejected)
        replay = Replay(pipeline, reader, standing, tell, self._rulebook)
        for entry in read_control(self._write_link, keys.cell(self._name, "control"), manifest.commit):
            replay.obey(entry)
        replay.finish()
        commits.settle()
        log.info(
            "recovered from checkpoint %d and %d rows behind it, %.2f s; %d alerts had been told already", manifest.number,
            replay.rows, (self._clock.elapsed_us() - started_us) / 1e6, commits.refused,
        )  # fmt: skip
        cell = self._make_cell(pipeline, parts, replay.generation or generation.number, standing.counts)
        cell.resume(rejected, gaps)
        return cell

    def _make_cell(self, pipeline: Pipeline, parts: Parts, generation: int, counts: Mapping[str, int]) -> Cell:
        links = self._read_link, self._write_link
        return Cell(
            self._config.streams, pipeline, parts, links, self._clock, self._failpoints, generation=generation, counts=counts
        )

    def _rulebook(self, number: int) -> Rulebook:
        return self._rules.again(read_generation(self._write_link, number))


def _tell_again(commits: Commits, standing: Standing, rejected: dict[str, list[str]], outcome: Outcome) -> None:
    """What came of a step of the replay; the positions in Redis stay those of the last commit."""
    if outcome.alerts or outcome.late or outcome.dead:
        commits.submit(entries_of(outcome), standing)
        commits.settle(leave=8)
        for dead in outcome.dead:
            rejected.setdefault(dead.stream, []).append(str(dead.position))


def _words(problems: list[str]) -> str:
    if not problems:
        return ""
    many = len(problems) > 1
    return f"; {len(problems)} faults on disk, the first: {problems[0]}" if many else f"; a fault on disk: {problems[0]}"
