"""decode -> order by event time -> engine: everything between raw documents and alerts, as one pure object.

The same object serves a file, a test script, a backtest and the worker; none of them sees how rows are ordered.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import repeat
from typing import Any, cast

import msgspec

from cep.alert import Alert
from cep.collector import collector_waits
from cep.config import StreamSpec
from cep.event import Batch, Column, Document, EventId, Reads, Walked
from cep.match.collecting import Collect, collect_rows
from cep.match.decode import BLANK, Decoded, Decoder
from cep.match.dicts import DictDecoder
from cep.match.engine import Engine, Rows
from cep.match.frames import FrameReader, whole_rows
from cep.match.held import Group
from cep.match.order import NEVER, Arrived, InputPosition, Orderer
from cep.match.outcome import FUTURE, LATE, Outcome, Rejected, Returned
from cep.match.planner import make_matcher
from cep.match.prefilter import Skimmed
from cep.match.running import MakeMatcher
from cep.plan.plan import Rulebook, rule_read
from cep.texts import LineText

_encode = msgspec.json.Encoder().encode
FOR_EVER = 1 << 62  # later than any time
NOTHING = Arrived([], [], [], [], None, None, [], [], 0, 0)
PART_BYTES = 64 * 1024  # of a text, some 500 lines: they, and the rows of a batch made of them, stay in the cache
Decoders = dict[str, Decoder] | dict[str, DictDecoder]


class Pipeline:
    """One cell's work: some rules, the streams they read, no IO.

    counts   events seen, fed, late, dead so far
    rows     "struct": documents come as bytes or field-value pairs; "dict": as dicts, which are checked but not decoded
    """

    def __init__(
        self,
        rulebook: Rulebook,
        streams: dict[str, StreamSpec],
        *,
        generation: int = 1,
        rows: Rows = "struct",
        make: MakeMatcher = make_matcher,
    ) -> None:
        self.streams = streams
        with collector_waits():
            self.engine = Engine(rulebook, generation=generation, rows=rows, make=make)
        self._rows = rows
        self.counts: Counter[str] = Counter()
        self._order = Orderer(streams)
        self._decoders = self._make_decoders(rulebook)
        self._frame_readers: dict[str, FrameReader] = {}  # made when columns come

    def _make_decoders(self, rulebook: Rulebook) -> Decoders:
        if self._rows == "dict":
            return {name: DictDecoder(rulebook.projection, spec) for name, spec in self.streams.items()}
        # what comes from outside is no alert of a rule, whatever type it says
        outside = {name: fields for name, fields in rulebook.projection.items() if rule_read(name) is None}
        return {name: Decoder(outside, spec) for name, spec in self.streams.items()}

    # -- events

    def push(
        self,
        stream: str,
        documents: Sequence[Document],
        positions: Sequence[EventId],
        arrivals_us: Sequence[int] | None = None,
    ) -> Outcome:
        """Take documents of one stream in buffer order.

        positions    of each document; there may be more, which are not looked at
        arrivals_us  when the buffer took it, if the buffer knows: a time absurdly far beyond it is quarantined
        """
        outcome = Outcome()
        if isinstance(documents, LineText):
            self._push_text(stream, documents, positions, arrivals_us, outcome)
        elif documents:
            taken, cut = self._go_straight(stream, documents, positions, arrivals_us, outcome)
            if cut:
                arrivals_us = arrivals_us[taken:] if arrivals_us is not None else None
                self._push(stream, documents[taken:], positions[taken:], arrivals_us, outcome)
        return outcome

    def _push_text(
        self,
        stream: str,
        text: LineText,
        positions: Sequence[EventId],
        arrivals_us: Sequence[int] | None,
        outcome: Outcome,
    ) -> None:
        """As `push`. Where lines cannot be fed as they are decoded, a batch is made of the next few, and it is tried again."""
        done, rest, before = 0, text, None
        while rest:
            skimmed = self._skim(stream, rest, positions[done:], arrivals_us)
            if skimmed is not None:
                self._push_skimmed(stream, skimmed, positions[done:], outcome)
                done += len(skimmed)
                break
            taken, cut = self._go_straight(stream, rest, positions[done:], arrivals_us and arrivals_us[done:], outcome)
            done += taken
            if not cut:
                break
            some, rest = rest.after(taken).parted(PART_BYTES)
            before = self._push(stream, some, positions[done:], arrivals_us and arrivals_us[done:], outcome, before)
            done += len(some)
        text.counted(done)

    def _skim(
        self, stream: str, text: LineText, positions: Sequence[EventId], arrivals_us: Sequence[int] | None
    ) -> Skimmed | None:
        """Which lines have to be decoded, where the others can do nothing but let time go on; None: all have to be."""
        decoder, partition = self._decoders[stream], self._order.partitions(stream).get("")
        if partition is None or partition.idle or self.engine.waiting or arrivals_us is not None:
            return None
        plain = isinstance(decoder, Decoder) and isinstance(positions, range) and positions.step == 1
        return decoder.skim(text) if plain else None  # type: ignore[union-attr]  # a plain one is a Decoder

    def _push_skimmed(self, stream: str, skimmed: Skimmed, positions: Sequence[EventId], outcome: Outcome) -> None:
        """As `_push`, of lines most of which are not decoded: their times are judged, and move the watermark, all the same."""
        assert isinstance(positions, range)
        done = self._go_skimmed(stream, skimmed, positions, outcome)
        if done == len(skimmed):
            return
        skimmed, positions = skimmed.after(done), positions[done:]
        dead, last, wanted = len(outcome.dead), positions[len(skimmed) - 1], [positions[n] for n in skimmed.wanted.tolist()]
        new, kept = self._decode(stream, skimmed.documents(), wanted, None, outcome) if wanted else (NOTHING, wanted)
        lines = [position - positions.start for position in cast(Sequence[int], kept)]
        watermark_us = self._order.partitions(stream)[""].watermark_us
        rows, largest_us, behind = skimmed.judge(lines, new.times_us, watermark_us, self.streams[stream].lateness_us)
        row_of = dict(zip(lines, range(len(lines))))
        for line, behind_us in behind.items():
            document = new.documents[row_of[line]] if line in row_of else skimmed.document(line)
            outcome.late.append(self._late(stream, positions[line], behind_us, document))
        new = new.chosen([row for line, row in row_of.items() if line not in behind] if behind else None, positions[0])
        if new.rows:
            outcome.alerts += self._feed(self._order.add(stream, new)[0])
        rest, dead = rows - len(new.rows), len(outcome.dead) - dead
        outcome.alerts += self._feed(self._order.seen(stream, rest, largest_us, last))
        self.counts["seen"] += rows + dead
        self.counts["fed"] += rest - len(behind)
        self.counts["late"] += len(behind)
        self.counts["dead"] += dead

    def _go_skimmed(self, stream: str, skimmed: Skimmed, positions: range, outcome: Outcome) -> int:
        """As `_go_straight`, of the lines that are decoded; the others are done as well. How many were done in all."""
        start_us, documents = self._order.straight_from(stream), skimmed.documents()
        straight = self._decoders[stream].straight(documents) if start_us is not None else None
        if start_us is None or straight is None or not skimmed.runs_from(start_us, documents):
            return 0
        rows, reads = straight
        run = self.engine.run(reads, numbered=False)
        if run is None:
            return 0
        wanted, done = skimmed.wanted.tolist(), len(skimmed)
        taken, _, cut = run(rows(), [positions[n] for n in wanted], start_us, FOR_EVER)
        if cut:
            done = wanted[taken]
        if done:
            self._order.went_straight(stream, done, skimmed.time_us(done - 1), positions[done - 1])
            self.counts["seen"] += done
            self.counts["fed"] += done
            outcome.alerts += self.engine.ran(self._order.watermark_us)
        return done

    def _go_straight(
        self,
        stream: str,
        documents: Sequence[Document],
        positions: Sequence[EventId],
        arrivals_us: Sequence[int] | None,
        outcome: Outcome,
    ) -> tuple[int, bool]:
        """Feed documents as they are decoded, while each is of the usual shape and none goes back in time: no batch is made of
        them. How many, and whether some are left."""
        start_us = self._order.straight_from(stream)
        if start_us is None and not self._order.collects(stream):
            return 0, True
        straight = self._decoders[stream].straight(documents)
        if straight is None:
            return 0, True
        rows, reads = straight
        numbered = arrivals_us is None and isinstance(positions, range) and positions.step == 1
        latest_us = arrivals_us[0] + self.streams[stream].future_us if arrivals_us is not None else FOR_EVER
        if start_us is None:
            collect = self.engine.collect(reads, numbered=numbered)
            if collect is None:
                return 0, True
            return self._collect(collect, reads, stream, documents, rows(), positions, latest_us, outcome)
        run = self.engine.run(reads, numbered=numbered)
        if run is None:
            return 0, True
        taken, last_us, cut = run(rows(), positions, start_us, latest_us)
        if taken:
            self._order.went_straight(stream, taken, last_us, positions[taken - 1])
            self.counts["seen"] += taken
            self.counts["fed"] += taken
            outcome.alerts += self.engine.ran(self._order.watermark_us)
        return taken, cut

    def _collect(
        self,
        collect: Collect,
        reads: Reads,
        stream: str,
        documents: Sequence[Document],
        rows: Iterator[Any],
        positions: Sequence[EventId],
        latest_us: int,
        outcome: Outcome,
    ) -> tuple[int, bool]:
        """Judge documents as they are decoded, while each is of the usual shape, and hold those that some rule reads; then feed
        what waits no longer. How many, and whether some are left."""
        found = collect_rows(self._order, stream, collect, reads, rows, positions, documents, latest_us)
        if found.taken:
            outcome.late += [self._late(stream, positions[i], behind_us, documents[i]) for i, behind_us in found.late]
            self.counts["seen"] += found.taken
            self.counts["late"] += len(found.late)
            self.counts["fed"] += found.unread
            outcome.alerts += self._feed(found.batch)
        return found.taken, found.cut

    def _push(
        self,
        stream: str,
        documents: Sequence[Document],
        positions: Sequence[EventId],
        arrivals_us: Sequence[int] | None,
        outcome: Outcome,
        before: EventId | None = None,
    ) -> EventId | None:
        """Make a batch of documents and feed it; the position of the last row, `before` if there was none."""
        dead = len(outcome.dead)
        new, kept = self._decode(stream, documents, positions, arrivals_us, outcome)
        batch, late = self._order.add(stream, new)
        for i, partition in self._order.returned if new.rows else ():
            outcome.moves.append(Returned(stream, partition, kept[i - 1] if i else before))
        for i, behind_us in late:
            outcome.late.append(self._late(stream, kept[i], behind_us, new.documents[i]))
        dead = len(outcome.dead) - dead
        self.counts["seen"] += len(new.rows) + dead
        self.counts["late"] += len(late)
        self.counts["dead"] += dead
        outcome.alerts += self._feed(batch)
        return kept[-1] if kept else before

    def push_arrow(self, stream: str, batch: Any, first_position: int) -> Outcome:
        """Take a `pyarrow.RecordBatch`: only rows that some rule could want become objects. Positions count from the first.

        cost  about 20 ns per row and column judged, and what `push` costs per row wanted
        """
        if not batch.num_rows:
            return Outcome()
        frame = self._frames(stream).read(batch, self.own_watermark(stream))
        if frame is None:
            return self._push_rows(stream, batch, first_position)
        outcome = Outcome()
        keep = frame.keep.tolist()
        times_us = frame.times_us[frame.keep].tolist()
        ids = [first_position + row for row in keep]
        if keep:
            # A held row is decoded again when rules change, which needs it whole.
            documents = Walked(partial(self._whole, stream, batch, keep), len(keep))
            if self._order.straight_from(stream) is None and self._order.collects(stream):
                held = list(zip(map(float, times_us), repeat(self._order.judged_by(stream)[2]), frame.rows, ids, frame.types))
                group = Group(ids[0], {}, NEVER, documents, ids, len(ids))
                latest_us = int(frame.times_us.max())
                outcome.alerts += self._feed(self._order.collected(stream, held, group, ids[-1], latest_us))
            else:
                new = Arrived(frame.rows, times_us, ids, frame.types, None, None, documents, ids, ids[0], ids[-1])
                outcome.alerts += self._feed(self._order.add(stream, new)[0])
        for (row, behind_us), document in zip(
            frame.late, self._frames(stream).documents(batch, [row for row, _ in frame.late]) if frame.late else ()
        ):
            outcome.late.append(self._late(stream, first_position + row, behind_us, document))
        rest = batch.num_rows - len(keep)
        outcome.alerts += self._feed(self._order.seen(stream, rest, int(frame.times_us.max())))
        self.counts["seen"] += batch.num_rows
        self.counts["fed"] += rest - len(frame.late)
        self.counts["late"] += len(frame.late)
        return outcome

    def _whole(self, stream: str, batch: Any, keep: Sequence[int]) -> Iterator[Any]:
        """Documents of some rows, as they are decoded here."""
        documents = self._frames(stream).documents(batch, keep)
        return iter(documents if self._rows == "dict" else map(_encode, documents))

    def _push_rows(self, stream: str, batch: Any, first_position: int) -> Outcome:
        documents: list[Any] = whole_rows(batch)
        if self._rows == "struct":
            documents = [_encode(document) for document in documents]
        return self.push(stream, documents, range(first_position, first_position + batch.num_rows))

    def _frames(self, stream: str) -> FrameReader:
        if stream not in self._frame_readers:
            book = self.engine.rulebook
            plans = [plan for plan in book.plans if plan.enabled]
            reader = FrameReader(plans, book.projection, self.streams[stream], book.tables, rows=self._rows)
            self._frame_readers[stream] = reader
        return self._frame_readers[stream]

    def reread(self, stream: str, documents: Sequence[Document], positions: Sequence[EventId]) -> None:
        """Take documents again, from the restored `low` up to its `high`: what was held then is held again, no more."""
        if documents:
            self._order.reread(stream, self._decode(stream, documents, positions, None, Outcome())[0])

    @staticmethod
    def _late(stream: str, position: EventId, behind_us: int, document: Document) -> Rejected:
        reason = f"its time is {behind_us / 1_000_000:g} s behind the watermark of its partition"
        return Rejected(stream, position, LATE, reason, document, behind_us)

    def _decode(
        self,
        stream: str,
        documents: Sequence[Document],
        positions: Sequence[EventId],
        arrivals_us: Sequence[int] | None,
        outcome: Outcome,
    ) -> tuple[Arrived, Sequence[EventId]]:
        """The good rows, and their positions; the bad ones go to `outcome.dead`."""
        decoded = self._decoders[stream].decode(documents)
        if arrivals_us is not None and decoded.times_us:
            self._quarantine(decoded, arrivals_us, self.streams[stream].future_us)
        positions = positions[: len(documents)]
        first, last = positions[0], positions[-1]
        for index, code, reason in decoded.bad:
            if code != BLANK:
                outcome.dead.append(Rejected(stream, positions[index], code, reason, documents[index]))
        if decoded.bad:
            bad = {index for index, _, _ in decoded.bad}
            positions = [position for i, position in enumerate(positions) if i not in bad]
            documents = [documents[i] for i in range(len(documents)) if i not in bad]
        ids = positions
        if decoded.ids is not None:
            ids = [position if own is None else own for own, position in zip(decoded.ids, positions)]
        partitions, orders = decoded.partitions, decoded.orders
        new = Arrived(
            decoded.rows, decoded.times_us, ids, decoded.types, partitions, orders, documents, positions, first, last
        )  # fmt: skip
        return new, positions

    @staticmethod
    def _quarantine(decoded: Decoded, arrivals_us: Sequence[int], future_us: int) -> None:
        """Take out rows whose time is absurdly far beyond their arrival: one of them would make all others late.

        Arrivals never go back in a buffer, so the first is a bound for all and the others are looked at only in doubt.
        """
        latest_us = decoded.times_us.largest() if isinstance(decoded.times_us, Column) else max(decoded.times_us)
        if latest_us <= arrivals_us[0] + future_us:
            return
        bad = {index for index, _, _ in decoded.bad}
        indices = [i for i in range(len(arrivals_us)) if i not in bad]
        for row in range(len(indices) - 1, -1, -1):
            ahead_us = decoded.times_us[row] - arrivals_us[indices[row]]
            if ahead_us > future_us:
                decoded.drop(row)
                reason = f"its time is {ahead_us / 1_000_000:g} s ahead of its arrival (more than `future`)"
                decoded.bad.append((indices[row], FUTURE, reason))

    def _feed(self, batch: Batch | None) -> list[Alert]:
        watermark_us = self._order.watermark_us
        if batch is None:
            due_us = self.engine.next_due()
            return self.engine.advance(watermark_us) if due_us is not None and due_us < watermark_us else []
        self.counts["fed"] += len(batch)
        return self.engine.feed(batch, watermark_us)

    # -- moves of time that are not events

    def idle(self, stream: str, partition: str) -> Outcome:
        """Leave a quiet partition out of the watermark until it speaks again."""
        return Outcome(self._feed(self._order.idle(stream, partition)))

    def end(self, stream: str) -> Outcome:
        """A finite stream has ended while others go on: none of its partitions holds the watermark back any more."""
        outcome = Outcome()
        for partition in list(self._order.partitions(stream)):
            outcome.alerts += self.idle(stream, partition).alerts
        return outcome

    def wall(self, watermark_us: int) -> Outcome:
        """Move the watermark by wall time: only while all partitions are idle."""
        return Outcome(self._feed(self._order.move(watermark_us)))

    def finish(self, until_us: int | None = None) -> Outcome:
        """Finite input ends: everything up to the last time written (or `until_us`) is done, timers of that time too."""
        end_us = max(self._order.last_us, NEVER if until_us is None else until_us)
        if end_us == NEVER:
            return Outcome()
        batch = self._order.move(end_us + 1)  # beyond the last time, so that timers due at it act
        return Outcome(self._feed(batch))

    # -- state

    @property
    def watermark_us(self) -> int:
        return self._order.watermark_us

    def own_watermark(self, stream: str) -> int:
        """The lowest watermark of the stream's own partitions (the stream with the lowest holds the others back)."""
        return min((p.watermark_us for p in self._order.partitions(stream).values()), default=NEVER)

    @property
    def all_idle(self) -> bool:
        return self._order.all_idle

    @property
    def held(self) -> int:
        self._hold_unread()
        return self._order.held

    def _hold_unread(self) -> None:
        """Hold the rows too that wait though no rule reads them, so that they count."""
        if self._order.unread:
            self._order.hold_again(self._again(self._decoders, Outcome()))

    def activity(self) -> dict[tuple[str, str], int]:
        """(stream, partition) -> rows seen so far, of every partition known: who stays the same is quiet."""
        return {(s, name): p.seen for s in self.streams for name, p in self._order.partitions(s).items()}

    def is_idle(self, stream: str, partition: str) -> bool:
        return self._order.partitions(stream)[partition].idle

    def next_held(self) -> int | None:
        """Time of the earliest row that waits for the watermark."""
        self._hold_unread()
        return self._order.next_held()

    def positions(self) -> dict[str, InputPosition]:
        return self._order.positions()

    def next_due(self) -> int | None:
        return self.engine.next_due()

    def touched(self) -> int:
        return self.engine.touched()

    def swap(self, rulebook: Rulebook, generation: int) -> Outcome:
        """Between two batches: run another generation. Held rows are decoded anew, for the fields the new rules read; one
        that has a wrong type for them goes to dead letter now. Alerts are those that resolve because their rule goes."""
        outcome = Outcome()
        outcome.alerts = self.engine.swap(rulebook, generation, self._order.watermark_us)
        before, self._decoders = self._decoders, self._make_decoders(rulebook)
        self._frame_readers = {}
        self._order.hold_again(self._again(before, outcome))
        self.counts["dead"] += len(outcome.dead)
        return outcome

    def _again(self, before: Decoders, outcome: Outcome) -> Callable[[str, Group, int], Arrived | None]:
        """Decodes the rows of a group that wait. before: the decoders that it was decoded with."""
        self.counts["fed"] += self._order.held

        def again(stream: str, group: Group, limit_us: int) -> Arrived | None:
            documents, positions = group.documents[: group.count], group.positions[: group.count]
            times_us = before[stream].decode(documents).times_us  # all of them were good
            some = [i for i, time_us in enumerate(times_us) if time_us > limit_us and i not in group.without]
            if not some:
                return None
            self.counts["fed"] -= len(some)
            return self._decode(stream, [documents[i] for i in some], [positions[i] for i in some], None, outcome)[0]

        return again

    def snapshot(self, *, delta: bool) -> dict[str, Any]:
        """Plain data: the engine's state, the watermark, and where each input stands."""
        inputs = {
            name: [at.high, at.low, {p: list(w) for p, w in at.at_high.items()}, {p: list(w) for p, w in at.at_low.items()}]
            for name, at in self.positions().items()
        }
        order = {"watermark_us": self._order.watermark_us, "last_us": self._order.last_us, "inputs": inputs}
        return {"engine": self.engine.snapshot(delta=delta), "order": order}

    def restore(self, snapshots: list[dict[str, Any]]) -> dict[str, InputPosition]:
        """Stand where the last of the snapshots (whole, then deltas) was taken; gives its input positions: where a stream
        has a `low`, its entries from there up to `high` are to be given to `reread` before anything new is pushed."""
        self.engine.restore([snapshot["engine"] for snapshot in snapshots])
        order = snapshots[-1]["order"]
        positions = {
            name: InputPosition(
                high, low, {p: (w, i) for p, (w, i) in at_high.items()}, {p: (w, i) for p, (w, i) in at_low.items()}
            )
            for name, (high, low, at_high, at_low) in order["inputs"].items()
        }
        self._order.restore(order["watermark_us"], order["last_us"], positions)
        return positions
