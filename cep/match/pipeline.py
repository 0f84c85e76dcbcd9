"""decode -> order by event time -> engine: everything between raw documents and alerts, as one pure object.

The same object serves a file, a test script, a backtest and the worker; none of them sees how rows are ordered.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from cep.collector import collector_waits
from cep.config import StreamSpec
from cep.event import Document, EventId
from cep.match.arrivals import Arrivals
from cep.match.columnintake import ColumnIntake
from cep.match.engine import Engine, Rows
from cep.match.held import Group
from cep.match.intake import Intake
from cep.match.order import NEVER, Arrived, InputPosition, Orderer
from cep.match.outcome import Outcome
from cep.match.planner import make_matcher
from cep.match.running import MakeMatcher
from cep.plan.plan import Rulebook


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
        self._intake = Intake(self.engine, self._order, Arrivals(rulebook, streams, rows), streams, self.counts)
        self._columns = ColumnIntake(rulebook, self._intake, self._rows)

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
        return self._intake.push(stream, documents, positions, arrivals_us)

    def push_arrow(self, stream: str, batch: Any, first_position: int) -> Outcome:
        """Take a `pyarrow.RecordBatch`: only rows that some rule could want become objects. Positions count from the first.

        cost  about 20 ns per row and column judged, and what `push` costs per row wanted
        """
        return self._columns.push(stream, batch, first_position)

    def reread(self, stream: str, documents: Sequence[Document], positions: Sequence[EventId]) -> None:
        """Take documents again, from the restored `low` up to its `high`: what was held then is held again, no more."""
        if documents:
            self._order.reread(stream, self._intake.arrivals.decode(stream, documents, positions, None, Outcome())[0])

    # -- moves of time that are not events

    def idle(self, stream: str, partition: str) -> Outcome:
        """Leave a quiet partition out of the watermark until it speaks again."""
        return Outcome(self._intake.feed(self._order.idle(stream, partition)))

    def end(self, stream: str) -> Outcome:
        """A finite stream has ended while others go on: none of its partitions holds the watermark back any more."""
        outcome = Outcome()
        for partition in list(self._order.partitions(stream)):
            outcome.alerts += self.idle(stream, partition).alerts
        return outcome

    def wall(self, watermark_us: int) -> Outcome:
        """Move the watermark by wall time: only while all partitions are idle."""
        return Outcome(self._intake.feed(self._order.move(watermark_us)))

    def finish(self, until_us: int | None = None) -> Outcome:
        """Finite input ends: everything up to the last time written (or `until_us`) is done, timers of that time too."""
        end_us = max(self._order.last_us, NEVER if until_us is None else until_us)
        if end_us == NEVER:
            return Outcome()
        batch = self._order.move(end_us + 1)  # beyond the last time, so that timers due at it act
        return Outcome(self._intake.feed(batch))

    # -- state

    @property
    def watermark_us(self) -> int:
        return self._order.watermark_us

    def own_watermark(self, stream: str) -> int:
        """The lowest watermark of the stream's own partitions (the stream with the lowest holds the others back)."""
        return self._order.own_watermark(stream)

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
            self._order.hold_again(self._again(self._intake.arrivals, Outcome()))

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
        before = self._intake.arrivals
        self._intake.arrivals = Arrivals(rulebook, self.streams, self._rows)
        self._columns = ColumnIntake(rulebook, self._intake, self._rows)
        self._order.hold_again(self._again(before, outcome))
        self.counts["dead"] += len(outcome.dead)
        return outcome

    def _again(self, before: Arrivals, outcome: Outcome) -> Callable[[str, Group, int], Arrived | None]:
        """Decodes the rows of a group that wait. before: who decoded it."""
        self.counts["fed"] += self._order.held

        def again(stream: str, group: Group, limit_us: int) -> Arrived | None:
            documents, positions = group.documents[: group.count], group.positions[: group.count]
            times_us = before.decoders[stream].decode(documents).times_us  # all of them were good
            some = [i for i, time_us in enumerate(times_us) if time_us > limit_us and i not in group.without]
            if not some:
                return None
            self.counts["fed"] -= len(some)
            return self._intake.arrivals.decode(
                stream, [documents[i] for i in some], [positions[i] for i in some], None, outcome
            )[0]

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
