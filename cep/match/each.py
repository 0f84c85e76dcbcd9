"""Rules that judge each event by what came before it: `when first_seen(user, country) in 30d`. Each true event is an alert."""

from __future__ import annotations

from cep.event import Batch, Match
from cep.match.content import GrowingContent
from cep.match.found import found
from cep.match.kept import KeptWindows
from cep.match.matcher import Hits
from cep.match.recall import Recalls
from cep.plan.kernels import RuleKernels
from cep.plan.plan import WindowBody


class EachEvent(KeptWindows):
    """All keys: only what is recalled is kept. cost: O(1) per row"""

    recalls: Recalls
    content: GrowingContent

    def __init__(self, body: WindowBody, kernels: RuleKernels) -> None:
        assert kernels.when is not None
        super().__init__(GrowingContent(body, kernels), Recalls(body.recalls, kernels.recalls, len(body.registers), 0))
        self._kernels = kernels
        self._when = kernels.when

    def feed(self, batch: Batch, hits: Hits, out: list[Match]) -> None:
        rows, times_us, ids = batch.rows, batch.times_us, batch.ids
        for index, key in zip(hits.rows, hits.keys):
            time_us = times_us[index]
            window = self.content.fresh(key)
            window.seen = self.recalls.note(key, rows[index], time_us)
            self.content.take(window, rows[index], time_us, ids[index])
            registers = self.content.judged(window, time_us)
            self.recalls.fill(registers, key, window.seen, time_us)
            if self._when(registers, key):
                out.append(found(self._kernels, key, time_us, index, registers, window.span(), window.evidence(), 1))
        self.noted.add_all(hits.keys)

    def advance(self, watermark_us: int, out: list[Match]) -> None:
        self.forget_recalled(watermark_us)

    def next_due(self) -> int | None:
        return self.earliest()
