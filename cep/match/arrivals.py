"""Documents of a stream become rows that have arrived; what cannot be fed goes aside with its reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cep.config import StreamSpec
from cep.event import Column, Document, EventId
from cep.match.decode import BLANK, Decoded, Decoder
from cep.match.dicts import DictDecoder
from cep.match.order import Arrived
from cep.match.outcome import FUTURE, LATE, Outcome, Rejected
from cep.plan.codegen import Rows
from cep.plan.plan import Rulebook, rule_read


class Arrivals:
    """Decodes the documents of all streams for one rule set.

    decoders  by stream
    """

    def __init__(self, rulebook: Rulebook, streams: Mapping[str, StreamSpec], rows: Rows) -> None:
        self._streams = streams
        self.decoders: Mapping[str, Decoder | DictDecoder]
        if rows == "dict":
            self.decoders = {name: DictDecoder(rulebook.projection, spec) for name, spec in streams.items()}
        else:
            # what comes from outside is no alert of a rule, whatever type it says
            outside = {name: fields for name, fields in rulebook.projection.items() if rule_read(name) is None}
            self.decoders = {name: Decoder(outside, spec) for name, spec in streams.items()}

    def decode(
        self,
        stream: str,
        documents: Sequence[Document],
        positions: Sequence[EventId],
        arrivals_us: Sequence[int] | None,
        outcome: Outcome,
    ) -> tuple[Arrived, Sequence[EventId]]:
        """The good rows, and their positions; the bad ones go to `outcome.dead`."""
        decoded = self.decoders[stream].decode(documents)
        if arrivals_us is not None and decoded.times_us:
            _quarantine(decoded, arrivals_us, self._streams[stream].future_us)
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


def late_row(stream: str, position: EventId, behind_us: int, document: Document) -> Rejected:
    """A row that is not fed because its time is over."""
    reason = f"its time is {behind_us / 1_000_000:g} s behind the watermark of its partition"
    return Rejected(stream, position, LATE, reason, document, behind_us)
