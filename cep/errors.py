"""What can be wrong and how it is said: spans, diagnostics, and one error class per person who can mend it.

The codes themselves (what each means, how to mend it) are in `cep.codes`; drawing a diagnostic is in `cep.report`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

Level = Literal["error", "warning"]


class Span(NamedTuple):
    """A piece of a file: lines and columns count from 1, the end column is exclusive. A tuple, because each part of a tree has
    one, and tuples are made four times as fast as frozen dataclasses."""

    file: str
    line: int
    col: int
    end_line: int
    end_col: int

    def to(self, other: Span) -> Span:
        """The span from the start of this one to the end of the other."""
        return Span(self.file, self.line, self.col, other.end_line, other.end_col)


NOWHERE = Span("", 0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Fix:
    """An edit that mends the fault: replace the text under `span` by `text`. `safe` ones `cep check --fix` applies."""

    span: Span
    text: str
    safe: bool = True


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One fault: a stable code, where it is, what is wrong, and what would mend it."""

    code: str
    message: str
    span: Span
    level: Level = "error"
    label: str = ""  # said beside the caret
    help: str = ""  # what would mend it
    notes: tuple[str, ...] = ()
    labels: tuple[tuple[Span, str], ...] = ()  # other places that matter
    fix: Fix | None = None


class CepError(Exception):
    """Base of all errors a user can meet. `str()` is a whole message, never a traceback."""


class RuleError(CepError):
    """The author of a rule can mend it: all faults of the file set, root causes first."""

    def __init__(self, diagnostics: list[Diagnostic]) -> None:
        self.diagnostics = diagnostics
        first = diagnostics[0]
        more = f" (and {len(diagnostics) - 1} more)" if len(diagnostics) > 1 else ""
        super().__init__(f"{first.span.file}:{first.span.line}:{first.span.col} {first.code} {first.message}{more}")


@dataclass(eq=False)
class EventError(CepError):
    """The sender of an event can mend it."""

    reason: str

    def __str__(self) -> str:
        return self.reason


@dataclass(eq=False)
class ConfigError(CepError):
    """The operator can mend it: wrong configuration, a server that is not there, a file that cannot be read."""

    message: str
    help: str = ""
    code: str = "E0900"
    span: Span = field(default=NOWHERE)

    def __str__(self) -> str:
        where = f"{self.span.file}:{self.span.line}:{self.span.col}: " if self.span.line else ""
        return f"{where}{self.message}" + (f"; {self.help}" if self.help else "")


@dataclass(eq=False)
class DeliveryError(CepError):
    """The receiver of an alert can mend it."""

    message: str

    def __str__(self) -> str:
        return self.message
