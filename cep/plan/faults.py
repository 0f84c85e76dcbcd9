"""Collecting what is wrong, so that all faults of a rule set are told at once."""

from __future__ import annotations

from collections.abc import Iterable

from cep.errors import Diagnostic, Fix, Level, Span
from cep.spelling import closest

Places = tuple[tuple[Span, str], ...]


def did_you_mean(word: str, known: Iterable[str], otherwise: str = "") -> str:
    """A help line that proposes the nearest known word; else the known words, if few; else `otherwise`."""
    words = sorted(set(known))
    near = closest(word, words)
    if near is not None:
        return f"did you mean `{near}`?"
    if otherwise or not words:
        return otherwise
    return "known here: " + ", ".join(words[:12]) + (", ..." if len(words) > 12 else "")


def rename(span: Span, word: str, known: Iterable[str]) -> Fix | None:
    """The edit that writes the nearest known word instead; only a person can say that it is what was meant."""
    near = closest(word, sorted(set(known)))
    return None if near is None else Fix(span, near, safe=False)


class Faults:
    """The faults of one rule, or of what belongs to no rule, in the order they were found."""

    def __init__(self) -> None:
        self.found: list[Diagnostic] = []

    @property
    def broken(self) -> bool:
        """Whether there is an error among them; warnings break nothing."""
        return any(one.level == "error" for one in self.found)

    def error(
        self,
        code: str,
        span: Span,
        message: str,
        *,
        label: str = "",
        help: str = "",
        notes: tuple[str, ...] = (),
        labels: Places = (),
        fix: Fix | None = None,
    ) -> None:
        self._add(Diagnostic(code, message, span, "error", label, help, notes, labels, fix))

    def warning(
        self, code: str, span: Span, message: str, *, label: str = "", help: str = "", labels: Places = (), fix: Fix | None = None
    ) -> None:
        level: Level = "warning"
        self._add(Diagnostic(code, message, span, level, label, help, (), labels, fix))

    def add(self, one: Diagnostic) -> None:
        """A fault that another part has worded."""
        self._add(one)

    def _add(self, one: Diagnostic) -> None:
        # A `let` used twice, or a key resolved for two event types, would tell the same fault twice.
        if not any(known.code == one.code and known.span == one.span and known.message == one.message for known in self.found):
            self.found.append(one)
