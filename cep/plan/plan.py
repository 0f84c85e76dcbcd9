"""The plan of a rule: plain, immutable, serialisable data that the matchers run. No source text, no tree, no closures.

`cep.plan.rulebook` makes these from the tree; `cep.plan.kernels` compiles their expressions; `cep.match` runs them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from cep.plan.ir import Expr
from cep.types import Type

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Select:
    """Events of `type` for which `where` is true. Event-only: its leaves are Field and Const (no registers), so it is
    judged once per event for all rules that share it."""

    type: str
    where: Expr | None = None


class RegisterKind(StrEnum):
    """What a register holds over the events taken by a label (or in the window).

    FIRST, LAST  the expression's value at the first or last event
    COUNT        events (where the filter is true); with an expression: of those where it is not null
    SUM          exact: ints stay ints, floats by exact summation; of nothing 0
    AVG MIN MAX  nulls skipped; of nothing null
    DISTINCT     number of distinct non-null values
    NTH          value at event `nth` (from 0; from the end when negative); null when there is none
    LIST         the non-null values in order (at most 1,000; sequences only)
    """

    FIRST = "first"
    LAST = "last"
    COUNT = "count"
    SUM = "sum"
    AVG = "avg"
    MIN = "min"
    MAX = "max"
    DISTINCT = "distinct"
    NTH = "nth"
    LIST = "list"


@dataclass(frozen=True, slots=True)
class Register:
    """One value kept per run or window. `expr` and `where` are event-only, of the event taken; `where` selects which of
    the taken events count (None: all). `step` is the index of the step whose events it holds (0 in windows)."""

    kind: RegisterKind
    step: int
    type: Type
    expr: Expr | None = None
    where: Expr | None = None
    nth: int = 0
    skip_nulls: bool = True  # FIRST and LAST as aggregates skip nulls; as "the field of that event" they do not


@dataclass(frozen=True, slots=True)
class KeyPlan:
    """How the key of an event is calculated, per event type: a tuple of event-only expressions, all of `len(names)`.
    An event whose key has a null part does not exist for the rule. No names: one global key, ()."""

    names: tuple[str, ...]
    by_type: tuple[tuple[str, tuple[Expr, ...]], ...]  # every event type of the rule
    types: tuple[Type, ...] = ()


@dataclass(frozen=True, slots=True)
class FilterBody:
    """An alert for each event that fits. Registers: none; emit reads the event's fields."""

    select: Select


@dataclass(frozen=True, slots=True)
class WindowBody:
    """`from SELECT when WHEN over WINDOW`. The window at t holds [t - window_us, t] per key; `when` is judged after each
    event and after each departure (timer at e.time + window_us); leaves of `when`: Reg, KeyPart, Const.

    fire_each   an alert at each event after which `when` is true; otherwise one at the rising edge, open while it holds
    then_reset  the alert has no open state, the window is emptied, the next event counts as first
    """

    select: Select
    window_us: int
    registers: tuple[Register, ...]
    when: Expr
    fire_each: bool = False
    then_reset: bool = False


@dataclass(frozen=True, slots=True)
class AbsentBody:
    """Armed per key by each event that fits; fires once at last + for_us if none came by then. Registers over the last
    event only (step 0, FIRST/LAST): what emit may say of it."""

    select: Select
    for_us: int
    registers: tuple[Register, ...] = ()


@dataclass(frozen=True, slots=True)
class StepPlan:
    """One label. `select` is the event-only part of its condition (the selector's mask bit is the step's index); `cond` the
    part that needs the run: leaves Field (the event being tried), Reg, KeyPart, Const. `cond_after_take`: registers are to
    be updated with the event before `cond` is judged (its own label stands in it), and put back if it is not true."""

    label: str
    select: Select
    cond: Expr | None = None
    cond_after_take: bool = False


@dataclass(frozen=True, slots=True)
class Node:
    """A place of the pattern that takes events.

    step     index into steps
    min,max  how many events it takes; min 0: optional; max None: no end
    strict   entered by `=>`: the event that enters it is the very next own event after the last one taken
    forbids  steps whose events kill a run that has its previous node's minimum and has not entered this one
    """

    step: int
    min: int
    max: int | None
    strict: bool = False
    forbids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class SequenceBody:
    """A linear pattern: nodes in order; `ending` are steps forbidden after the last node until the deadline (trailing `!`):
    the match then completes at first.time + within_us.

    within_us   bound from first to last event, inclusive unless `exclusive`; None: no bound (then plan demanded a budget)
    when        last condition on the complete match; leaves Reg, KeyPart, Const
    ending_strict  the trailing `!x` is entered by `=>`: the very next own event must exist and not fit x
    """

    steps: tuple[StepPlan, ...]
    nodes: tuple[Node, ...]
    within_us: int | None
    exclusive: bool = False
    ending: tuple[int, ...] = ()
    ending_strict: bool = False
    registers: tuple[Register, ...] = ()
    when: Expr | None = None

    @property
    def needs_own_events(self) -> bool:
        """Whether events of the rule's types that fit no step matter: `=>` counts them."""
        return self.ending_strict or any(node.strict for node in self.nodes)


Body = FilterBody | WindowBody | AbsentBody | SequenceBody


@dataclass(frozen=True, slots=True)
class OncePlan:
    """`once per KEY every D`: `per` are leaves KeyPart, Emitted, Reg, Const; empty: the whole rule. `words` says it."""

    per: tuple[Expr, ...]
    every_us: int
    words: str


@dataclass(frozen=True, slots=True)
class TitlePart:
    """A literal piece of a title, or an expression whose value is inserted."""

    text: str = ""
    expr: Expr | None = None


@dataclass(frozen=True, slots=True)
class RulePlan:
    """A rule, ready to run.

    version  hash of what decides (key, body, emit names and expressions, once): not words, tags, channels
    emit     (name, expression); leaves Field only in filter rules; elsewhere Reg, KeyPart, Const
    """

    id: str
    version: str
    key: KeyPlan
    body: Body
    emit: tuple[tuple[str, Expr], ...]
    title: tuple[TitlePart, ...] = ()
    severity: str = "medium"
    tags: tuple[str, ...] = ()
    description: str = ""
    meta: tuple[tuple[str, str], ...] = ()
    to: tuple[str, ...] = ()
    once: OncePlan | None = None
    enabled: bool = True

    @property
    def selects(self) -> tuple[Select, ...]:
        """The rule's selections; the index of one is its bit in the step mask."""
        if isinstance(self.body, SequenceBody):
            return tuple(step.select for step in self.body.steps)
        return (self.body.select,)

    @property
    def event_types(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(select.type for select in self.selects))


@dataclass(frozen=True, slots=True)
class Rulebook:
    """All plans of one generation, with what they read.

    projection  per event type the fields any rule reads, with the type each must have (from use and schemas)
    tables      table name -> {key: {column: value}}, of the version named in `tables_version`
    """

    plans: tuple[RulePlan, ...]
    projection: dict[str, dict[Path, Type]]
    tables: dict[str, dict[Any, dict[str, Any]]] = field(default_factory=dict)
    tables_version: str = ""

    def __getitem__(self, rule_id: str) -> RulePlan:
        for plan in self.plans:
            if plan.id == rule_id:
                return plan
        raise KeyError(rule_id)
