"""A rule set on its way from tree to plan: what the passes read and fill in, one after the other."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from cep.errors import Span
from cep.lang import tree
from cep.plan import bound
from cep.plan.faults import Faults
from cep.plan.follows import Follows
from cep.plan.ir import Expr
from cep.plan.plan import Chain, Path, Recall, Register, RulePlan
from cep.plan.shared import Shared
from cep.types import Type

Tables = Mapping[str, Mapping[Any, Mapping[str, Any]]]
Schemas = Mapping[str, Mapping[str, str]]


class Shape(StrEnum):
    """The kinds of rules, in the words of messages."""

    FILTER = "a filter rule"
    WINDOW = "a window rule"
    SEQUENCE = "a sequence rule"
    ABSENCE = "an absence rule"


@dataclass(slots=True)
class StepDraft:
    """One selection of events: the step of a pattern, or the only one of other rules (then its label is empty).

    bound            the condition with names bound, after resolve_names
    select, cond     its event-only part and the part that needs the run, after fold_constants
    """

    index: int
    label: str
    type: str
    span: Span
    where: tree.Expr | None
    negated: bool = False
    min: int = 1
    max: int | None = 1
    taken: bool = True  # False: it only says what closes a loop
    repeats: bool = False  # it lies in a group that is repeated
    bound: bound.Bound | None = None
    typed: Expr | None = None
    select: Expr | None = None
    cond: Expr | None = None

    @property
    def single(self) -> bool:
        return self.max == 1 and not self.repeats


@dataclass(slots=True)
class KeyDraft:
    names: tuple[str, ...] = ()
    trees: dict[str, tuple[tree.Expr, ...]] = field(default_factory=dict)  # event type -> parts
    bound: dict[str, tuple[bound.Bound, ...]] = field(default_factory=dict)
    typed: dict[str, tuple[Expr, ...]] = field(default_factory=dict)
    types: tuple[Type, ...] = ()


@dataclass(slots=True)
class EmitDraft:
    name: str
    span: Span
    bound: bound.Bound
    typed: Expr | None = None


@dataclass(slots=True)
class TitleDraft:
    text: str = ""
    bound: bound.Bound | None = None
    typed: Expr | None = None


@dataclass(slots=True)
class RuleDraft:
    """One rule; `faults.broken` takes it out of the plan but not out of the checks."""

    tree: tree.Rule
    shape: Shape
    faults: Faults = field(default_factory=Faults)
    steps: list[StepDraft] = field(default_factory=list)
    pattern: Chain | None = None
    follows: Follows = field(default_factory=Follows)
    key: KeyDraft = field(default_factory=KeyDraft)
    when: bound.Bound | None = None
    when_typed: Expr | None = None
    until: bound.Bound | None = None
    until_typed: Expr | None = None
    recalls: list[Recall] = field(default_factory=list)
    emit: list[EmitDraft] = field(default_factory=list)
    rows: list[EmitDraft] = field(default_factory=list)
    timeout: list[EmitDraft] = field(default_factory=list)
    title: list[TitleDraft] = field(default_factory=list)
    once: list[bound.Bound] = field(default_factory=list)
    once_typed: list[Expr] = field(default_factory=list)
    resolve: StepDraft | None = None  # `resolve when`: comes after all steps
    expect: bound.Bound | None = None  # condition on a row of the table of `expect`
    expect_typed: Expr | None = None
    registers: list[Register] = field(default_factory=list)
    fields: dict[tuple[str, Path], Span] = field(default_factory=dict)  # first use of each field read
    plan: RulePlan | None = None
    reads: list[RuleDraft] = field(default_factory=list)  # the rules whose alerts it takes
    waits: bool = False  # one of these is faulty: this one has no fault of its own, and no plan

    @property
    def sound(self) -> bool:
        return not self.faults.broken and not self.waits

    def wait(self) -> None:
        """See whether a rule it reads is faulty; those come before it in `BookDraft.reading`."""
        self.waits = any(not other.sound for other in self.reads)

    @property
    def selections(self) -> list[StepDraft]:
        """Everything that takes events: the steps, and `resolve when`."""
        return self.steps if self.resolve is None else [*self.steps, self.resolve]

    @property
    def labels(self) -> dict[str, StepDraft]:
        return {step.label: step for step in self.steps if step.label}

    @property
    def positive(self) -> list[StepDraft]:
        return [step for step in self.steps if step.taken and not step.negated]


@dataclass(slots=True)
class BookDraft:
    """The whole rule set. `faults` holds what belongs to no single rule. write_out replaces `files` and `schemas`."""

    files: Sequence[tree.File]
    schemas: Schemas
    fields: Mapping[str, str]  # declared for events of any type that has no schema of its own
    tables: Tables
    channels: Collection[str] | None
    rules: list[RuleDraft] = field(default_factory=list)
    reading: list[RuleDraft] = field(default_factory=list)  # the same, each after the rules whose alerts it reads
    alerts: dict[str, RuleDraft] = field(default_factory=dict)  # event type `rule ID` -> the rule
    faults: Faults = field(default_factory=Faults)
    shared: Shared = field(default_factory=Shared)  # after write_out
    early: dict[int, Faults] = field(default_factory=dict)  # by id of a tree: what write_out found in it
