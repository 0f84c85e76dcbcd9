"""A cell that is alive: its pipeline, how far it was read, what was committed. Made by recovery, dropped whole when in doubt.

No method here leaves rows half done when Redis goes away: what was read has been pushed and gathered before anything is sent,
and what was gathered or submitted is kept until the answer to its commit has come. While there is a backlog several reads are
one commit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from cep.buffer.checkpoint import Checkpoints, Saving
from cep.buffer.commit import Commits, Entries, Rejection, Standing
from cep.buffer.control import Control, Idle, Returned, Swap, Wall
from cep.buffer.gaps import Gap, look_for_gap
from cep.buffer.lease import Lease
from cep.buffer.link import Link, RedisGone
from cep.buffer.position import Arrivals, place, whole
from cep.buffer.reader import Reader, Rows, without_end
from cep.clock import Clock
from cep.config import StreamSpec
from cep.event import Document, Walked
from cep.match.outcome import Outcome, Rejected
from cep.match.pipeline import Pipeline
from cep.plan.plan import Rulebook
from cep.run.aside import LATE, OUTCOMES
from cep.run.failpoints import Failpoints
from cep.run.quiet import Quiet
from cep.run.recovery import SLICE, input_keys

CHECKPOINT_EVERY_US = 2_000_000
CHECKPOINT_DIRTY = 20_000
CHECKPOINT_COST = 20  # checkpoints made because of many keys take a twentieth of the time at most
LOOK_FOR_GAPS_EVERY_US = 2_000_000
COMMIT_ROWS = 4096  # rows to a commit while there is a backlog; what is read at its end is committed at once
COMMIT_ALERTS = 1000
COMMIT_WITHIN_US = 20_000
MOST_WALKED = 4096  # rows to a push, of those that are not listed
MOST_WAIT_MS = 250  # to wait for events at a time: signals, reloads and leases are looked at in between


Parts = tuple[Reader, Commits, Checkpoints, Lease]


class Cell:
    """The parts, and the few things they do together."""

    def __init__(
        self,
        streams: Mapping[str, StreamSpec],
        pipeline: Pipeline,
        parts: Parts,
        links: tuple[Link, Link],
        clock: Clock,
        failpoints: Failpoints,
        *,
        generation: int,
        counts: Mapping[str, int],
    ) -> None:
        """links: one to read by, one to write by. counts: of all events up to here."""
        self.pipeline = pipeline
        self._before = {name: counts.get(name, 0) - pipeline.counts[name] for name in OUTCOMES}  # a replay counts again
        self._codes = Counter({code: count for code, count in counts.items() if code not in OUTCOMES})
        self.reader, self.commits, self.checkpoints, self.lease = reader, _, _, _ = parts
        self.generation = generation
        self.read_link, self.write_link = links
        self._clock, self._failpoints = clock, failpoints
        self._keys = input_keys(streams)
        self.quiet = Quiet(pipeline, streams, clock.elapsed_us())
        self._at = {stream: whole(entry) for stream, entry in reader.cursors.items()}  # position of the last row pushed
        self._rejected: dict[str, list[str]] = {}  # positions of dead rows, as far back as rows are held
        self._gaps: list[Gap] = []
        self._saving: tuple[Saving, Entries, Standing] | None = None
        self._gathered = Entries()  # what came of rows that no commit covers yet
        self._gathered_rows = 0
        self._behind = False  # whether the last read left something unread
        now = clock.elapsed_us()
        self._gathering_us = self._saved_us = self._looked_us = now
        self._saving_took_us = 0
        self._unsaved = False  # whether anything was committed since the last checkpoint

    # -- read

    def read(self) -> list[Rows]:
        """What has arrived, waiting for it a little; the next read is on its way when this returns."""
        if not self.reader.requested:
            self.reader.request(self._wait_ms())
        found = self.reader.receive()
        at_end = dict.fromkeys(self.reader.cursors, True)
        at_end.update({rows.stream: rows.at_end for rows in found})
        self._behind = not all(at_end.values())
        self.quiet.read(at_end)
        try:
            self._look_for_gaps()
            self.reader.request(self._wait_ms() if not found else 1)
        except RedisGone:
            pass  # what was read is to be worked on first; the next call finds it gone as well
        return found

    def _wait_ms(self) -> int:
        return self.quiet.wait_us(self._clock.elapsed_us(), MOST_WAIT_MS * 1000) // 1000

    def _look_for_gaps(self) -> None:
        now = self._clock.elapsed_us()
        if now - self._looked_us < LOOK_FOR_GAPS_EVERY_US:
            return
        self._looked_us = now
        for stream, key in self._keys.items():
            reader = self.reader
            gap, seen = look_for_gap(self.read_link, stream, key, reader.cursors[stream], reader.seen[stream])
            reader.seen[stream] = seen
            if gap:
                self._gaps.append(gap)

    # -- work

    def work(self, found: list[Rows]) -> Entries:
        """Push the rows, then see who is quiet; everything that came of it."""
        entries = Entries(gaps=self._gaps)
        self._gaps = []
        for rows in found:
            for documents, positions in _slices(rows):
                outcome = self.pipeline.push(rows.stream, documents, positions, Arrivals(positions))
                for move in outcome.moves:
                    at = self._at if move.before is None else {**self._at, move.stream: str(move.before)}
                    entries.control.append(Returned(dict(at), move.stream, move.partition))
                self._at[rows.stream] = positions[-1]
                self._note(outcome, entries)
                self._failpoints.pass_by("mid_batch")
            self._at[rows.stream] = whole(rows.last)
        now = self._clock.elapsed_us()
        for stream, partition in self.quiet.newly_idle(now):
            self._move(Idle(dict(self._at), stream, partition), self.pipeline.idle(stream, partition), entries)
        watermark_us = self.quiet.watermark(now)
        if watermark_us is not None:
            self._move(Wall(dict(self._at), watermark_us), self.pipeline.wall(watermark_us), entries)
        return entries

    def _move(self, entry: Control, outcome: Outcome, entries: Entries) -> None:
        entries.control.append(entry)
        self._note(outcome, entries)

    def _note(self, outcome: Outcome, entries: Entries) -> None:
        entries.alerts += outcome.alerts
        if outcome.late:
            entries.late += map(rejection, outcome.late)
            self._codes[LATE] += len(outcome.late)
        for dead in outcome.dead:
            entries.dead.append(rejection(dead))
            self._codes[dead.code] += 1
            self._rejected.setdefault(dead.stream, []).append(str(dead.position))

    # -- commit

    def standing(self) -> Standing:
        reader = self.reader
        return Standing(
            dict(reader.cursors), dict(reader.seen), self.pipeline.watermark_us, self.generation, self._clock.now_us(),
            self._counts(), self.pipeline.engine.evicted(),
        )  # fmt: skip

    def _counts(self) -> dict[str, int]:
        now = self.pipeline.counts
        return {**{name: before + now[name] for name, before in self._before.items()}, **self._codes}

    def gather(self, found: list[Rows], entries: Entries) -> None:
        """Take in what came of rows: it is committed with what comes of the next ones, or at once (see `commit_due`)."""
        if not self._gathered_rows:
            self._gathering_us = self._clock.elapsed_us()
        # an entry without rows counts as one, for the cursor is to move; and so does what moves time by itself
        self._gathered_rows += sum(len(rows.positions) or 1 for rows in found) + len(entries.control) + len(entries.gaps)
        self._gathered.add(entries)

    def commit_due(self) -> bool:
        """Whether to commit now: with nothing left to read at once, in a backlog when there is enough of it."""
        if not self._gathered_rows:
            return False
        gathered = self._gathered
        return (
            not self._behind
            or self._gathered_rows >= COMMIT_ROWS
            or len(gathered.alerts) + len(gathered.late) + len(gathered.dead) >= COMMIT_ALERTS
            or self._clock.elapsed_us() - self._gathering_us >= COMMIT_WITHIN_US
        )

    def commit(self) -> None:
        """Submit and send what was gathered; the answer is awaited when the next rows have been worked on."""
        self._failpoints.pass_by("before_commit")
        self._submit()
        self.commits.flush()
        self.commits.settle(leave=1)
        self._failpoints.pass_by("after_commit")

    def _submit(self) -> None:
        if self._gathered_rows:
            self.commits.submit(self._gathered, self.standing())
            self._gathered, self._gathered_rows, self._unsaved = Entries(), 0, True

    # -- checkpoint and swap

    def checkpoint_due(self) -> bool:
        if not self._unsaved:
            return False
        elapsed = self._clock.elapsed_us() - self._saved_us
        if elapsed >= CHECKPOINT_EVERY_US:
            return True
        return elapsed >= CHECKPOINT_COST * self._saving_took_us and self.pipeline.touched() >= CHECKPOINT_DIRTY

    def checkpoint(self, *, base: bool = False, entries: Entries | None = None) -> None:
        """Save the state as of the next commit, which carries `entries` and makes it count."""
        self._submit()
        started_us = self._clock.elapsed_us()
        base = base or self.checkpoints.wants_base()
        standing = self.standing()
        lows = {stream: str(at.low) for stream, at in self.pipeline.positions().items() if at.low is not None}
        self._forget_rejected(lows)
        saving = self.checkpoints.capture(
            self.pipeline.snapshot(delta=not base), base=base, commit=self.commits.number + 1, standing=standing, lows=lows,
            rejected={stream: list(positions) for stream, positions in self._rejected.items()},
        )  # fmt: skip
        self._saving = saving, entries or Entries(), standing
        self._saving_took_us = self._clock.elapsed_us() - started_us
        self.finish_saving()

    def finish_saving(self) -> None:
        """Bring a checkpoint under way to its end; nothing else may happen before. Called again after RedisGone."""
        if self._saving is None:
            return
        saving, entries, standing = self._saving
        if saving.manifest.commit > self.commits.number:
            self.commits.settle()
            self.checkpoints.write(self.write_link, saving, lambda: self._failpoints.pass_by("mid_checkpoint"))
            if any(isinstance(entry, Swap) for entry in entries.control):
                self._failpoints.pass_by("mid_swap")
            self.commits.submit(entries, standing, saving.encoded())
        self.commits.settle()
        self._saving = None
        self._saved_us, self._unsaved = self._clock.elapsed_us(), False
        self.checkpoints.flipped(self.write_link, saving.manifest)

    def _forget_rejected(self, lows: Mapping[str, str]) -> None:
        for stream in list(self._rejected):
            if stream not in lows:
                del self._rejected[stream]
            else:
                low = place(lows[stream])
                self._rejected[stream] = [position for position in self._rejected[stream] if place(position) >= low]

    def swap(self, rulebook: Rulebook, generation: int) -> None:
        """Run other rules from here on. The swap and the state after it are one commit."""
        self._submit()
        came = Entries()
        self._note(self.pipeline.swap(rulebook, generation), came)
        if came.dead or came.alerts:
            self.commits.submit(came, self.standing())
        self.generation = generation
        self.checkpoint(base=True, entries=Entries(control=[Swap(dict(self._at), generation)]))

    def resume(self, rejected: dict[str, list[str]], gaps: list[Gap]) -> None:
        """After recovery: positions of dead rows among those that are held, and held rows that are gone."""
        self._rejected, self._gaps = rejected, gaps

    def note_rewind(self, had_read: Mapping[str, str]) -> None:
        """Redis went back behind what had been read: whatever of that is not sent again is lost, though alerts may be out."""
        for stream, cursor in had_read.items():
            now = self.reader.cursors.get(stream)
            if now is not None and place(now) < place(cursor):
                self._gaps.append(Gap(stream=stream, kind="rewound", after=now, before=cursor))


def _slices(rows: Rows) -> Iterator[tuple[Sequence[Document], Sequence[str]]]:
    """The rows, cut so that they stay in the cache: those that are not listed stay there anyway."""
    count = len(rows.positions)
    step = count if isinstance(rows.documents, Walked) and count <= MOST_WALKED else SLICE
    if 0 < count <= step:
        yield rows.documents, rows.positions
        return
    for start in range(0, count, step):
        yield rows.documents[start : start + step], rows.positions[start : start + step]


def rejection(row: Rejected) -> Rejection:
    position = str(row.position)
    return Rejection(row.stream, position, row.code, row.reason, without_end(row.document, position))


def entries_of(outcome: Outcome) -> Entries:
    """What a step of a replay brought: no control entries, they are in the log already."""
    return Entries(outcome.alerts, list(map(rejection, outcome.late)), list(map(rejection, outcome.dead)))
