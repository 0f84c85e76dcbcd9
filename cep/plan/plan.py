"""The plan of a rule: plain, immutable, serialisable data that the matchers run. No source text, no tree, no closures.

`cep.plan.rulebook` makes these from the tree; `cep.plan.kernels` compiles their expressions; `cep.match` runs them.
"""

from __future__ import annotations

from dataclasses import field
from enum import StrEnum
from typing import Any

from cep.plan.ir import Expr
from cep.records import record
from cep.types import Type

Path = tuple[str, ...]
RULE_TYPE = "rule "  # of events that are the alerts of a rule: its ID follows


@record(frozen=True, slots=True)
class Select:
    """Events of `type` for which `where` is true. Event-only: its leaves are Field and Const (no registers), so it is
    judged once per event for all rules that share it."""

    type: str
    where: Expr | None = None


def rule_read(event_type: str) -> str | None:
    """The ID of the rule whose alerts are the events of this type; None: events as they come from outside."""
    return event_type[len(RULE_TYPE) :] if event_type.startswith(RULE_TYPE) else None


class RegisterKind(StrEnum):
    """What a register holds over the events taken by a label (or in the window).

    FIRST, LAST  the expression's value at the first or last event
    COUNT        events (where the filter is true); with an expression: of those where it is not null
    SUM          exact: ints stay ints, floats by exact summation; of nothing 0
    AVG MIN MAX  nulls skipped; of nothing null
    DISTINCT     number of distinct non-null values
    NTH          value at event `nth` (from 0; from the end when negative); null when there is none
    LIST         the non-null values in order (at most 1,000; sequences only)
    STDDEV       of a sample (n - 1); rounded once; of fewer than two null
    PERCENTILE   the value below which `argument` percent lie, between neighbours in proportion; of nothing null
    TOP          the `argument` most frequent values, most frequent first, of equals the one met first
    DECAY        each value halved for every `argument` us of its event's age, summed; of nothing 0 (windows only)
    ROW, LABEL   the value at each event, null or not, and the label of the step that took it (at most 1,000): what `emit rows`
                 tells of each
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
    STDDEV = "stddev"
    PERCENTILE = "percentile"
    TOP = "top"
    DECAY = "decay"
    ROW = "row"
    LABEL = "label"


ANY_STEP = -1  # a register with this step takes the events of every step: `prev`, and the rows of `emit rows`


@record(frozen=True, slots=True)
class Register:
    """One value kept per run or window. `expr` and `where` are event-only, of the event taken; `where` selects which of
    the taken events count (None: all). `step` is the index of the step whose events it holds (0 in windows, or ANY_STEP)."""

    kind: RegisterKind
    step: int
    type: Type
    expr: Expr | None = None
    where: Expr | None = None
    nth: int = 0
    skip_nulls: bool = True  # FIRST and LAST as aggregates skip nulls; as "the field of that event" they do not
    argument: int | float = 0  # PERCENTILE: which one, 0 to 100 (the median is 50); TOP: how many; DECAY: the half-life in us


@record(frozen=True, slots=True)
class KeyPlan:
    """How the key of an event is calculated, per event type: a tuple of event-only expressions, all of `len(names)`.
    An event whose key has a null part does not exist for the rule. No names: one global key, ()."""

    names: tuple[str, ...]
    by_type: tuple[tuple[str, tuple[Expr, ...]], ...]  # every event type of the rule
    types: tuple[Type, ...] = ()


@record(frozen=True, slots=True)
class FilterBody:
    """An alert for each event that fits. Registers: none; emit reads the event's fields."""

    select: Select


class WindowKind(StrEnum):
    """What a window holds, and when it is judged.

    SLIDE    [t - window_us, t]; after each event and each departure
    EVENTS   the last `events` events; at each event
    HOP      [end - window_us, end), ends every `every_us` (tumbling: the same as window_us), aligned to the epoch or to the
             midnights of `zone`; once, at the end, which is the alert's time
    SESSION  events each at most `window_us` after the one before (at most `max_us` in all, 0: no limit); when it closes
    BUCKET   a leaky bucket of `events`, of which `leak` leak every `every_us`; told when it runs over, then emptied. No `when`
    NONE     no window: `when` is judged at each event alone (`first_seen`, `changed`)
    """

    SLIDE = "slide"
    EVENTS = "events"
    HOP = "hop"
    SESSION = "session"
    BUCKET = "bucket"
    NONE = "none"


@record(frozen=True, slots=True)
class Recall:
    """A value that looks at events before the window's own: `kind` "first_seen" or "changed" (true or false of the newest event:
    `values` are event-only, remembered `over_us`), or "baseline" (the mean of `register` over the whole windows of `per_us`
    in the `over_us` before the present one). In `when` it is the register after the window's own, in order."""

    kind: str
    values: tuple[Expr, ...] = ()
    over_us: int = 0
    per_us: int = 0
    register: Register | None = None


@record(frozen=True, slots=True)
class WindowBody:
    """`from SELECT when WHEN over WINDOW`, per key; leaves of `when` and `until`: Reg, KeyPart, Const.

    fire_each   an alert at each event after which `when` is true; otherwise one at the rising edge, open while it holds
    then_reset  the alert has no open state, the window is emptied, the next event counts as first
    for_us      `when` must be true at every moment from the rise on so long (0: at once)
    until       once open, only this resolves
    resolve     events that resolve as well; `when` must then be false once before it can open again
    """

    select: Select
    window_us: int
    registers: tuple[Register, ...]
    when: Expr
    fire_each: bool = False
    then_reset: bool = False
    kind: WindowKind = WindowKind.SLIDE
    every_us: int = 0
    events: int = 0
    leak: int = 0
    max_us: int = 0
    zone: str = ""
    recalls: tuple[Recall, ...] = ()
    for_us: int = 0
    until: Expr | None = None
    resolve: Select | None = None


@record(frozen=True, slots=True)
class ExpectPlan:
    """Keys that ought to be heard of: per row of the table for which `where` (leaves: Column of the row's own key, Const) is
    true, its key column is the rule's key."""

    table: str
    where: Expr | None = None


@record(frozen=True, slots=True)
class AbsentBody:
    """Armed per key by each event that fits; fires once at last + for_us if none came by then; the next one resolves and arms.
    Registers over the last event only (step 0, FIRST/LAST): what emit may say of it.

    expect         these keys are armed by the first watermark, or by their entry into the table; leaving it disarms and resolves
    unless_silent  a source that says nothing at all holds its keys back and arms them anew when it speaks
    resolve        events that resolve (and arm) as well
    """

    select: Select
    for_us: int
    registers: tuple[Register, ...] = ()
    expect: ExpectPlan | None = None
    unless_silent: bool = False
    resolve: Select | None = None


@record(frozen=True, slots=True)
class StepPlan:
    """One label. `select` is the event-only part of its condition (the selector's mask bit is the step's index); `cond` the
    part that needs the run: leaves Field (the event being tried), Reg, KeyPart, Const. `cond_after_take`: registers are to
    be updated with the event before `cond` is judged (its own label stands in it), and put back if it is not true."""

    label: str
    select: Select
    cond: Expr | None = None
    cond_after_take: bool = False


@record(frozen=True, slots=True)
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


@record(frozen=True, slots=True)
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


# ---------------------------------------------------------------- patterns that are no plain line


@record(frozen=True, slots=True)
class Loop:
    """How often a part is taken (min 0: optional; max None: no end) and how its passes follow each other.

    lazy    has its minimum: the next part goes first
    inner   "->" relaxed, "=>" strict, "->>" combinations
    gap_us  the longest time between neighbours
    until   index of the step whose events close the loop
    """

    min: int = 1
    max: int | None = 1
    lazy: bool = False
    inner: str = "->"
    gap_us: int | None = None
    until: int | None = None


ONCE = Loop()


@record(frozen=True, slots=True)
class Bound:
    """From the first event to the last at most `us` (`exclusive`: less); or both among `events` own events in a row."""

    us: int | None = None
    exclusive: bool = False
    events: int | None = None


@record(frozen=True, slots=True)
class Take:
    """Events of one step."""

    step: int
    loop: Loop = ONCE


@record(frozen=True, slots=True)
class Chain:
    """Parts one after the other: a whole pattern, or a group, then with a loop and a bound on each pass."""

    links: tuple[Link, ...]
    loop: Loop = ONCE
    bound: Bound | None = None


@record(frozen=True, slots=True)
class Either:
    """One of these."""

    options: tuple[Part, ...]


@record(frozen=True, slots=True)
class AnyOrder:
    """One event for each of `count` different steps of these, in any order."""

    steps: tuple[int, ...]
    count: int


Part = Take | Chain | Either | AnyOrder


@record(frozen=True, slots=True)
class Link:
    """A part, and the arrow that leads to it ("" before the first). `negated`: the part is a Take of one event, which must not
    come: between its neighbours, at the end until the deadline, at the start since the first event's time - within; with
    "=>": as the very next own event. min_us, max_us: the delay since the last event taken, both ends in."""

    part: Part
    arrow: str = ""
    negated: bool = False
    min_us: int | None = None
    max_us: int | None = None


class PickKind(StrEnum):
    FIRST = "first"
    LATEST = "latest"
    LONGEST = "longest"
    ALL = "all"


class SkipKind(StrEnum):
    NONE = "none"
    NEXT = "next"
    PAST_LAST = "past last"
    FIRST = "first"
    LAST = "last"


@record(frozen=True, slots=True)
class PatternBody:
    """Any pattern. Plain lines with `pick first` are SequenceBody instead, which has cheaper matchers of the same meaning.

    limit      pick all: the first so many matches that one event completes
    skip       pick all: `after match skip ...`; `skip_to` is the step of FIRST and LAST
    when       last condition on the complete match; leaves Reg, KeyPart, Const
    timeout    registers are read for `on timeout emit` as well: told for runs that lapse
    """

    steps: tuple[StepPlan, ...]
    pattern: Chain
    within: Bound = Bound()
    pick: PickKind = PickKind.FIRST
    limit: int | None = None
    skip: SkipKind = SkipKind.NONE
    skip_to: int | None = None
    registers: tuple[Register, ...] = ()
    when: Expr | None = None
    timeout: bool = False

    @property
    def needs_own_events(self) -> bool:
        """Whether events of the rule's types that fit no step matter: `=>` and `within N events` count them. With `pick all`
        they also tell loops and optional parts that something came in between."""
        counts = self.within.events is not None or _counts_own(self.pattern)
        return counts or (self.pick is PickKind.ALL and not _is_plain(self.pattern))


def _is_plain(pattern: Chain) -> bool:
    """Single events, one after the other."""
    return all(isinstance(link.part, Take) and link.part.loop == ONCE and not link.negated for link in pattern.links)


def taking(part: Part) -> frozenset[int]:
    """The steps whose events it takes."""
    match part:
        case Take(step=step):
            return frozenset((step,))
        case Chain(links=links):
            return frozenset().union(*(taking(link.part) for link in links if not link.negated))
        case Either(options=options):
            return frozenset().union(*map(taking, options))
        case AnyOrder(steps=steps):
            return frozenset(steps)


def _counts_own(part: Part) -> bool:
    match part:
        case Take(loop=loop):
            return loop.inner == "=>"
        case Chain(links=links, loop=loop, bound=bound):
            counted = bound is not None and bound.events is not None
            return counted or loop.inner == "=>" or any(link.arrow == "=>" or _counts_own(link.part) for link in links)
        case Either(options=options):
            return any(map(_counts_own, options))
        case AnyOrder():
            return False


Body = FilterBody | WindowBody | AbsentBody | SequenceBody | PatternBody


@record(frozen=True, slots=True)
class OncePlan:
    """`once per KEY every D`: `per` are leaves KeyPart, Emitted, Reg, Const; empty: the whole rule. `words` says it."""

    per: tuple[Expr, ...]
    every_us: int
    words: str


@record(frozen=True, slots=True)
class SuppressPlan:
    """`suppress same FIELDS for D`: names of emitted fields; `words` says it."""

    fields: tuple[str, ...]
    for_us: int
    words: str


@record(frozen=True, slots=True)
class BudgetPlan:
    """The most runs (windows, keys) the rule holds at once, and which one goes when it is full: oldest, newest, sample."""

    most: int
    on_full: str = "oldest"


@record(frozen=True, slots=True)
class TitlePart:
    """A literal piece of a title, or an expression whose value is inserted."""

    text: str = ""
    expr: Expr | None = None


@record(frozen=True, slots=True)
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
    enabled: bool = True  # whether it runs: shadow and canary rules do
    suppress: SuppressPlan | None = None
    budget: BudgetPlan | None = None
    mode: str = "enabled"
    canary_percent: int = 100
    rows: tuple[tuple[str, Expr], ...] = ()  # `emit rows`: fields of each event (its own are registers ROW); instead of `emit`
    timeout_emit: tuple[tuple[str, Expr], ...] = ()  # `on timeout emit`
    resolve: Select | None = None  # patterns: `resolve when`

    @property
    def selects(self) -> tuple[Select, ...]:
        """The rule's selections; the index of one is its bit in the step mask. A `resolve when` comes last."""
        if isinstance(self.body, SequenceBody | PatternBody):
            steps = tuple(step.select for step in self.body.steps)
            return steps if self.resolve is None else (*steps, self.resolve)
        resolve = None if isinstance(self.body, FilterBody) else self.body.resolve
        return (self.body.select,) if resolve is None else (self.body.select, resolve)

    @property
    def has_life(self) -> bool:
        """Whether its alerts stay open, to be updated and resolved: at most one per key at a time."""
        match self.body:
            case WindowBody(kind=kind) as body:
                lasting = kind not in (WindowKind.SESSION, WindowKind.BUCKET, WindowKind.NONE)
                return lasting and not body.fire_each and not body.then_reset
            case AbsentBody():
                return True
            case _:
                return self.resolve is not None

    @property
    def event_types(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(select.type for select in self.selects))

    @property
    def reads_rules(self) -> tuple[str, ...]:
        """IDs of the rules whose alerts it takes as events."""
        return tuple(name for name in map(rule_read, self.event_types) if name is not None)

    @property
    def needs_own_events(self) -> bool:
        """Whether events of its types that fit none of its selections matter too."""
        if isinstance(self.body, SequenceBody | PatternBody):
            return self.body.needs_own_events
        return isinstance(self.body, AbsentBody) and self.body.unless_silent


@record(frozen=True, slots=True)
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
