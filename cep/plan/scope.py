"""Where an expression stands, and so what its names may mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum, auto

from cep.errors import Span
from cep.lang import tree
from cep.plan import bound
from cep.plan.draft import BookDraft, RuleDraft, Shape

DEEPEST = 64
MOST_NODES = 20_000  # of one rule's expressions, `let` written out


class TooBig(Exception):
    """An expression is beyond DEEPEST or MOST_NODES; `span` is where."""

    def __init__(self, span: Span, message: str) -> None:
        super().__init__(message)
        self.span = span


class Place(Enum):
    EVENT = auto()  # `where` of a rule without labels, `by`: bare names are fields, nothing else is known
    STEP = auto()  # `where` of a label: bare names are fields of the event being tried, labels say what the run took
    TAKEN = auto()  # inside an aggregate: bare names are fields of the events it runs over
    RESULT = auto()  # `when`, `emit`, titles
    ROW = auto()  # `expect`: bare names are columns of a table's row


@dataclass(slots=True)
class Naming:
    """What holds for all expressions of one rule: its lets, those in use, those being written out, and how much was read."""

    lets: dict[str, tree.Let]
    used: set[str] = field(default_factory=set)
    open: list[tree.Let] = field(default_factory=list)
    circular: set[str] = field(default_factory=set)  # lets of circles already told
    nodes: int = 0


@dataclass(slots=True)  # not frozen, which would make one four times as slow: each part of an expression has its own
class Scope:
    """Never changed once made.

    event_type  of the event that bare names are fields of; empty where there is none
    step        index of the step whose event is being tried or was taken
    emitted     fields `emit` has calculated (titles)
    table       whose row is looked at (ROW)
    rows        in `emit rows`: bare names are fields of each event of the match
    element     the item of a list, inside `any` and `all`: there `x` means it
    """

    book: BookDraft
    rule: RuleDraft
    naming: Naming
    place: Place
    event_type: str = ""
    step: int = 0
    emitted: Mapping[str, bound.Bound] = field(default_factory=dict)
    element: bound.Element | None = None
    table: str = ""
    depth: int = 0
    rows: bool = False

    def deeper(self, span: Span) -> Scope:
        """The scope of the parts of an expression; counts."""
        self.naming.nodes += 1
        if self.depth >= DEEPEST:
            raise TooBig(span, f"this expression is nested more than {DEEPEST} levels deep")
        if self.naming.nodes > MOST_NODES:
            raise TooBig(span, f"the expressions of this rule have more than {MOST_NODES:,} parts")
        return Scope(
            self.book, self.rule, self.naming, self.place, self.event_type, self.step, self.emitted, self.element, self.table,
            self.depth + 1, self.rows,
        )  # fmt: skip

    def inside_aggregate(self, event_type: str, step: int) -> Scope:
        return replace(self, place=Place.TAKEN, event_type=event_type, step=step, emitted={}, rows=False)

    def with_element(self, element: bound.Element) -> Scope:
        return replace(self, element=element)

    @property
    def shape(self) -> Shape:
        return self.rule.shape

    def known_names(self) -> set[str]:
        """Names that mean something here by themselves or with a field behind them, for suggestions."""
        names = set(self.naming.lets) | set(self.emitted)
        if self.place in (Place.STEP, Place.TAKEN, Place.RESULT):
            names |= set(self.rule.labels)
        if self.place is Place.RESULT:
            names |= set(self.rule.key.names)
        return names
