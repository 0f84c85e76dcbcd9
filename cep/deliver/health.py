"""What a channel knows of its receiver: the breaker, a wait the receiver asked for, whether it is disabled or misconfigured.

Kept in Redis with each recorded attempt, so a restart neither hammers a broken receiver nor forgets a 410.
"""

from __future__ import annotations

from hashlib import blake2b

import msgspec

from cep.deliver.outcome import Kind, Outcome

OPEN_AFTER = 5  # failures in a row
WINDOW = 20  # attempts looked back on; half of them failed: open
PROBE_US = 30_000_000
REFUSALS = 5  # in a row: somebody has to look


class Health(msgspec.Struct):
    """target tells which receiver this is about: another URL starts afresh. number counts changes, for of two records that are
    under way at once the older may be written last."""

    number: int = 0
    target: str = ""
    disabled: str = ""  # why nothing is sent any more
    misconfigured: str = ""  # why somebody should look
    refusals: int = 0
    failures: int = 0  # in a row
    recent: str = ""  # the last attempts, newest last: "." delivered, "x" failed
    probe_us: int = 0  # the breaker is open and lets one attempt through from this time on; 0: it is closed
    hold_us: int = 0  # the receiver asked to be left alone until this time

    def aim(self, target: str) -> None:
        """Forget everything if it was learnt of another receiver. Only a digest of what names it is kept."""
        digest = blake2b(target.encode(), digest_size=8).hexdigest()
        if digest != self.target:
            fresh = Health(self.number + 1, digest)
            for name in self.__struct_fields__:
                setattr(self, name, getattr(fresh, name))

    @property
    def breaker(self) -> str:
        return "open" if self.probe_us else "closed"

    def room(self, now_us: int, in_flight: int, concurrency: int) -> int:
        """How many attempts may start now."""
        if self.disabled:  # nothing is asked of the receiver: what is queued goes to the dead letters
            return max(concurrency - in_flight, 0)
        if now_us < self.hold_us:
            return 0
        if self.probe_us:
            return 1 if now_us >= self.probe_us and not in_flight else 0
        return max(concurrency - in_flight, 0)

    def opens_us(self, now_us: int) -> int | None:
        """When there may be room again although there is none now; None: it does not hang on time."""
        later = [at for at in (self.hold_us, self.probe_us) if at > now_us]
        return None if self.disabled or not later else max(later)

    def started(self, now_us: int) -> None:
        """An attempt begins: while the breaker is open, the next may follow in 30 s."""
        if self.probe_us:
            self.probe_us = now_us + PROBE_US

    def took(self, outcome: Outcome, now_us: int) -> list[str]:
        """Learn from an attempt.

        gives   what changed, for the log: empty at nearly every attempt
        """
        self.number += 1
        news: list[str] = []
        match outcome.kind:
            case Kind.OK:
                self._delivered(news)
            case Kind.GONE:
                if not self.disabled:
                    self.disabled = outcome.said
                    news.append(f"disabled: {outcome.said}")
            case Kind.UNSENT:
                if not self.misconfigured:
                    news.append(f"misconfigured: {outcome.said}")
                self.misconfigured = outcome.said
            case Kind.RETRY | Kind.REFUSED:
                self._failed(outcome, now_us, news)
            case Kind.LOST:
                pass
        return news

    def _delivered(self, news: list[str]) -> None:
        if self.probe_us or self.misconfigured:
            news.append("delivers again")
        if self.probe_us:
            self.recent = ""
        self.recent = (self.recent + ".")[-WINDOW:]
        self.failures = self.refusals = self.probe_us = 0  # not hold_us: this may have been on its way when it was set
        self.misconfigured = ""

    def _failed(self, outcome: Outcome, now_us: int, news: list[str]) -> None:
        self.failures += 1
        self.recent = (self.recent + "x")[-WINDOW:]
        self.refusals = self.refusals + 1 if outcome.kind is Kind.REFUSED else 0
        if self.refusals >= REFUSALS and not self.misconfigured:
            self.misconfigured = outcome.said
            news.append(f"misconfigured: refused {REFUSALS} times in a row, {outcome.said}")
        if outcome.retry_after_us is not None:
            self.hold_us = max(self.hold_us, now_us + outcome.retry_after_us)
        many = len(self.recent) == WINDOW and self.recent.count("x") * 2 >= WINDOW
        if not self.probe_us and (self.failures >= OPEN_AFTER or many):
            self.probe_us = now_us + PROBE_US
            news.append(f"breaker open after {self.failures} failures in a row: {outcome.said}")
