"""The last pass over single rules: sound drafts become plans."""

from __future__ import annotations

from typing import assert_never

from cep.lang import tree
from cep.plan import ir
from cep.plan.draft import BookDraft, RuleDraft, Shape, StepDraft
from cep.plan.fold_constants import TRUE
from cep.plan.implied import with_implied
from cep.plan.plan import (
    AbsentBody,
    Body,
    BudgetPlan,
    ExpectPlan,
    FilterBody,
    KeyPlan,
    Node,
    OncePlan,
    PatternBody,
    RulePlan,
    Select,
    SequenceBody,
    StepPlan,
    SuppressPlan,
    TitlePart,
    WindowBody,
)
from cep.plan.wire import version_of
from cep.plan.words import say_duration

DEFAULT_SEVERITY = "medium"
MOST_SILENT = 1_000_000  # keys an absence rule holds if it says neither `expect` nor `budget`


def build_automaton(book: BookDraft) -> None:
    """Give every sound draft its plan; warn of two that decide alike."""
    alike: dict[tuple[str, tuple[str, ...]], RuleDraft] = {}
    for draft in book.reading:
        draft.wait()
    for draft in book.rules:
        if not draft.sound:
            continue
        draft.plan = _plan(draft)
        first = alike.setdefault((draft.plan.version, tuple(name for name, _ in draft.plan.emit)), draft)
        if first is not draft:
            draft.faults.warning(
                "W0401",
                draft.tree.id.span,
                f"`{draft.tree.id.text}` decides exactly as `{first.tree.id.text}` does",
                help="take one of them away; one rule can go to several channels",
                labels=((first.tree.id.span, "the first"),),
            )


def _plan(draft: RuleDraft) -> RulePlan:
    rule = draft.tree
    key = KeyPlan(draft.key.names, tuple(draft.key.typed.items()), draft.key.types)
    body = _body(draft)
    emit = tuple((field.name, field.typed) for field in draft.emit if field.typed is not None)
    once = _once(draft)
    # The version is that of the rule as written: what is implied by it may be found out better one day.
    resolve = _resolve(draft) if isinstance(body, SequenceBody | PatternBody) else None
    suppress = _suppress(draft)
    version = version_of(key, body, emit, once, resolve, suppress)
    if isinstance(body, SequenceBody):
        body = with_implied(body)
    return RulePlan(
        id=rule.id.text,
        version=version,
        key=key,
        body=body,
        emit=emit,
        title=tuple(TitlePart(piece.text, piece.typed) for piece in draft.title),
        severity=rule.severity or DEFAULT_SEVERITY,
        tags=rule.tags,
        description=rule.description or "",
        meta=rule.meta,
        to=rule.to,
        once=once,
        enabled=rule.mode != "disabled",
        mode=rule.mode,
        canary_percent=rule.canary_percent,
        suppress=suppress,
        budget=_budget(draft),
        resolve=resolve,
    )


def _resolve(draft: RuleDraft) -> Select | None:
    return None if draft.resolve is None else Select(draft.resolve.type, draft.resolve.select)


def _suppress(draft: RuleDraft) -> SuppressPlan | None:
    suppress = draft.tree.suppress
    if suppress is None:
        return None
    words = f"suppress same {', '.join(suppress.fields)} for {say_duration(suppress.us)}"
    return SuppressPlan(suppress.fields, suppress.us, words)


def _budget(draft: RuleDraft) -> BudgetPlan | None:
    """As written; an absence of whomever it may be has one anyway, since each key stays for ever."""
    budget = draft.tree.budget
    if budget is not None:
        return BudgetPlan(budget.most, budget.on_full)
    return BudgetPlan(MOST_SILENT) if draft.shape is Shape.ABSENCE and draft.tree.expect is None else None


def _once(draft: RuleDraft) -> OncePlan | None:
    once = draft.tree.once
    if once is None:
        return None
    names = [".".join(per.parts) for per in once.per if isinstance(per, tree.Path)]
    per = f"per {', '.join(names)} " if names else ""
    return OncePlan(tuple(draft.once_typed), once.every_us, f"once {per}every {say_duration(once.every_us)}")


def _body(draft: RuleDraft) -> Body:
    rule, first = draft.tree, draft.steps[0]
    select, registers = Select(first.type, first.select), tuple(draft.registers)
    match draft.shape:
        case Shape.FILTER:
            return FilterBody(select)
        case Shape.WINDOW:
            if not isinstance(rule.window, tree.Over) or draft.when_typed is None:
                raise AssertionError("check_shape demands both")
            return WindowBody(
                select, rule.window.us, registers, draft.when_typed, rule.fire_each, rule.then_reset, resolve=_resolve(draft)
            )
        case Shape.ABSENCE:
            if not isinstance(rule.body, tree.Absent):
                raise AssertionError("only `absent` makes this shape")
            expect = None if rule.expect is None else ExpectPlan(rule.expect.table, draft.expect_typed)
            return AbsentBody(select, rule.body.for_us, registers, expect, rule.unless_silent, _resolve(draft))
        case Shape.SEQUENCE:
            return _sequence(draft)
        case _:
            assert_never(draft.shape)


def _sequence(draft: RuleDraft) -> SequenceBody:
    """Steps keep the order of the pattern; each step that takes events becomes a node, the `!x` before it its `forbids`."""
    nodes: list[Node] = []
    forbids: list[int] = []
    ending_strict = False
    for step in draft.steps:
        if step.negated:
            forbids.append(step.index)
            ending_strict = step.arrow == "=>"  # check_shape lets it stand only at the end
            continue
        nodes.append(Node(step.index, step.min, step.max, step.arrow == "=>", tuple(forbids)))
        forbids, ending_strict = [], False
    within = draft.tree.within
    return SequenceBody(
        steps=tuple(_step(step, draft) for step in draft.steps),
        nodes=tuple(nodes),
        within_us=within.us if within else None,
        exclusive=bool(within and within.exclusive),
        ending=tuple(forbids),
        ending_strict=ending_strict,
        registers=tuple(draft.registers),
        when=None if draft.when_typed == TRUE else draft.when_typed,
    )


def _step(step: StepDraft, draft: RuleDraft) -> StepPlan:
    return StepPlan(step.label, Select(step.type, step.select), step.cond, _reads_own(step, draft))


def _reads_own(step: StepDraft, draft: RuleDraft) -> bool:
    """Whether the condition reads what its own step has taken: then the event being tried counts among it."""
    stack = [] if step.cond is None else [step.cond]
    while stack:
        node = stack.pop()
        if isinstance(node, ir.Reg) and draft.registers[node.index].step == step.index:
            return True
        stack.extend(ir.children(node))
    return False
