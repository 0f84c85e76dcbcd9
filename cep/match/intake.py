"""The ways in which documents reach the rules, from the cheapest that applies to the one that always does.

skimmed    most lines are told by their bytes and not decoded                     `cep.match.prefilter`
straight   each row is fed as it is decoded, and no batch is made                 `cep.match.straightloop`
collected  rows have to wait: they are judged and held as they are decoded        `cep.match.collecting`
batched    all the rest: decoded, put in order, fed as columns
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from cep.alert import Alert
from cep.config import StreamSpec
from cep.event import Batch, Document, EventId, Reads
from cep.match.arrivals import Arrivals, late_row
from cep.match.collecting import Collect, collect_rows
from cep.match.decode import Decoder
from cep.match.engine import Engine
from cep.match.order import Arrived, Orderer
from cep.match.outcome import Outcome, Returned
from cep.match.prefilter import Skimmed
from cep.texts import LineText

FOR_EVER = 1 << 62  # later than any time
NOTHING = Arrived([], [], [], [], None, None, [], [], 0, 0)
PART_BYTES = 64 * 1024  # of a text, some 500 lines: they, and the rows of a batch made of them, stay in the cache


class Intake:
    """Takes documents of the streams of one cell.

    arrivals  decodes for the rules that run now
    counts    events seen, fed, late, dead
    """

    def __init__(
        self, engine: Engine, order: Orderer, arrivals: Arrivals, streams: Mapping[str, StreamSpec], counts: Counter[str]
    ) -> None:
        self._engine = engine
        self.order = order
        self.arrivals = arrivals
        self.streams = streams
        self.counts = counts

    def push(
        self,
        stream: str,
        documents: Sequence[Document],
        positions: Sequence[EventId],
        arrivals_us: Sequence[int] | None = None,
    ) -> Outcome:
        """As `cep.match.pipeline.Pipeline.push`."""
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
        decoder, partition = self.arrivals.decoders[stream], self.order.partitions(stream).get("")
        if partition is None or partition.idle or self._engine.waiting or arrivals_us is not None:
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
        new, kept = self.arrivals.decode(stream, skimmed.documents(), wanted, None, outcome) if wanted else (NOTHING, wanted)
        lines = [position - positions.start for position in cast(Sequence[int], kept)]
        watermark_us = self.order.partitions(stream)[""].watermark_us
        rows, largest_us, behind = skimmed.judge(lines, new.times_us, watermark_us, self.streams[stream].lateness_us)
        row_of = dict(zip(lines, range(len(lines))))
        for line, behind_us in behind.items():
            document = new.documents[row_of[line]] if line in row_of else skimmed.document(line)
            outcome.late.append(late_row(stream, positions[line], behind_us, document))
        new = new.chosen([row for line, row in row_of.items() if line not in behind] if behind else None, positions[0])
        if new.rows:
            outcome.alerts += self.feed(self.order.add(stream, new)[0])
        rest, dead = rows - len(new.rows), len(outcome.dead) - dead
        outcome.alerts += self.feed(self.order.seen(stream, rest, largest_us, last))
        self.counts["seen"] += rows + dead
        self.counts["fed"] += rest - len(behind)
        self.counts["late"] += len(behind)
        self.counts["dead"] += dead

    def _go_skimmed(self, stream: str, skimmed: Skimmed, positions: range, outcome: Outcome) -> int:
        """As `_go_straight`, of the lines that are decoded; the others are done as well. How many were done in all."""
        start_us, documents = self.order.straight_from(stream), skimmed.documents()
        straight = self.arrivals.decoders[stream].straight(documents) if start_us is not None else None
        if start_us is None or straight is None or not skimmed.runs_from(start_us, documents):
            return 0
        rows, reads = straight
        run = self._engine.run(reads, numbered=False)
        if run is None:
            return 0
        wanted, done = skimmed.wanted.tolist(), len(skimmed)
        taken, _, cut = run(rows(), [positions[n] for n in wanted], start_us, FOR_EVER)
        if cut:
            done = wanted[taken]
        if done:
            self.order.went_straight(stream, done, skimmed.time_us(done - 1), positions[done - 1])
            self.counts["seen"] += done
            self.counts["fed"] += done
            outcome.alerts += self._engine.ran(self.order.watermark_us)
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
        start_us = self.order.straight_from(stream)
        if start_us is None and not self.order.collects(stream):
            return 0, True
        straight = self.arrivals.decoders[stream].straight(documents)
        if straight is None:
            return 0, True
        rows, reads = straight
        numbered = arrivals_us is None and isinstance(positions, range) and positions.step == 1
        latest_us = arrivals_us[0] + self.streams[stream].future_us if arrivals_us is not None else FOR_EVER
        if start_us is None:
            collect = self._engine.collect(reads, numbered=numbered)
            if collect is None:
                return 0, True
            return self._collect(collect, reads, stream, documents, rows(), positions, latest_us, outcome)
        run = self._engine.run(reads, numbered=numbered)
        if run is None:
            return 0, True
        taken, last_us, cut = run(rows(), positions, start_us, latest_us)
        if taken:
            self.order.went_straight(stream, taken, last_us, positions[taken - 1])
            self.counts["seen"] += taken
            self.counts["fed"] += taken
            outcome.alerts += self._engine.ran(self.order.watermark_us)
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
        found = collect_rows(self.order, stream, collect, reads, rows, positions, documents, latest_us)
        if found.taken:
            outcome.late += [late_row(stream, positions[i], behind_us, documents[i]) for i, behind_us in found.late]
            self.counts["seen"] += found.taken
            self.counts["late"] += len(found.late)
            self.counts["fed"] += found.unread
            outcome.alerts += self.feed(found.batch)
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
        new, kept = self.arrivals.decode(stream, documents, positions, arrivals_us, outcome)
        batch, late = self.order.add(stream, new)
        for i, partition in self.order.returned if new.rows else ():
            outcome.moves.append(Returned(stream, partition, kept[i - 1] if i else before))
        for i, behind_us in late:
            outcome.late.append(late_row(stream, kept[i], behind_us, new.documents[i]))
        dead = len(outcome.dead) - dead
        self.counts["seen"] += len(new.rows) + dead
        self.counts["late"] += len(late)
        self.counts["dead"] += dead
        outcome.alerts += self.feed(batch)
        return kept[-1] if kept else before

    def feed(self, batch: Batch | None) -> list[Alert]:
        watermark_us = self.order.watermark_us
        if batch is None:
            due_us = self._engine.next_due()
            return self._engine.advance(watermark_us) if due_us is not None and due_us < watermark_us else []
        self.counts["fed"] += len(batch)
        return self._engine.feed(batch, watermark_us)
