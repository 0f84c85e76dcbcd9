"""The last pass over single rules: sound drafts become plans."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any, assert_never

from cep.lang import tree
from cep.plan import ir
from cep.plan.bounded import forks
from cep.plan.check_pattern import bound_of
from cep.plan.check_window import kind_of
from cep.plan.draft import BookDraft, EmitDraft, RuleDraft, Shape, StepDraft
from cep.plan.fold_constants import TRUE
from cep.plan.implied import with_implied
from cep.plan.lines import as_line
from cep.plan.plan import (
    ANY_STEP,
    AbsentBody,
    Body,
    BudgetPlan,
    ExpectPlan,
    FilterBody,
    KeyPlan,
    OncePlan,
    PatternBody,
    PickKind,
    Register,
    RegisterKind,
    RulePlan,
    Select,
    SequenceBody,
    SkipKind,
    StepPlan,
    SuppressPlan,
    TitlePart,
    WindowBody,
)
from cep.plan.registers import is_row
from cep.plan.wire import version_of
from cep.plan.words import say_duration
from cep.types import Type

DEFAULT_SEVERITY = "medium"
MOST_FORKED = 10_000  # runs that `->>` may hold if the rule says no `budget`; with `pick all` its matcher has as many
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
    emit = _told(draft.emit)
    once = _once(draft)
    # The version is that of the rule as written: what is implied by it may be found out better one day.
    rows, timeout = _told(draft.rows), _told(draft.timeout)
    resolve = _resolve(draft) if isinstance(body, SequenceBody | PatternBody) else None
    suppress, budget = _suppress(draft), _budget(draft)
    said = budget if rule.budget else None  # what a rule holds at most decides too, and which matcher keeps it
    version = version_of(key, body, (*emit, *rows, *timeout), once, resolve, suppress, said)
    if isinstance(body, SequenceBody | PatternBody):
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
        budget=budget,
        rows=rows,
        timeout_emit=timeout,
        resolve=resolve,
    )


def _told(drafts: list[EmitDraft]) -> tuple[tuple[str, ir.Expr], ...]:
    return tuple((field.name, field.typed) for field in drafts if field.typed is not None)


def _resolve(draft: RuleDraft) -> Select | None:
    return None if draft.resolve is None else Select(draft.resolve.type, draft.resolve.select)


def _suppress(draft: RuleDraft) -> SuppressPlan | None:
    suppress = draft.tree.suppress
    if suppress is None:
        return None
    words = f"suppress same {', '.join(suppress.fields)} for {say_duration(suppress.us)}"
    return SuppressPlan(suppress.fields, suppress.us, words)


def _budget(draft: RuleDraft) -> BudgetPlan | None:
    """As written. Two kinds of rules have one anyway: an absence of whomever it may be, since each key stays for ever, and a
    pattern whose runs fork at events that they leave out."""
    budget = draft.tree.budget
    if budget is not None:
        return BudgetPlan(budget.most, budget.on_full)
    if draft.pattern is not None and forks(draft.pattern) and (draft.tree.pick is None or draft.tree.pick.kind != "all"):
        return BudgetPlan(MOST_FORKED)
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
            return _window(draft)
        case Shape.ABSENCE:
            if not isinstance(rule.body, tree.Absent):
                raise AssertionError("only `absent` makes this shape")
            expect = None if rule.expect is None else ExpectPlan(rule.expect.table, draft.expect_typed)
            return AbsentBody(select, rule.body.for_us, registers, expect, rule.unless_silent, _resolve(draft))
        case Shape.SEQUENCE:
            return _pattern(draft)
        case _:
            assert_never(draft.shape)


def _window(draft: RuleDraft) -> WindowBody:
    rule, first = draft.tree, draft.steps[0]
    body = WindowBody(
        Select(first.type, first.select),
        0,
        tuple(draft.registers),
        TRUE if draft.when_typed is None else draft.when_typed,
        rule.fire_each,
        rule.then_reset,
        kind_of(rule),
        recalls=tuple(draft.recalls),
        for_us=rule.for_us or 0,
        until=draft.until_typed,
        resolve=_resolve(draft),
    )
    match rule.window:
        case None:
            return body
        case tree.Over(events=int(events)):
            return replace(body, events=events)
        case tree.Over(us=us, every_us=every_us, zone=zone):
            return replace(body, window_us=us, every_us=every_us or 0, zone=zone or "")
        case tree.Per(us=us, zone=zone):
            return replace(body, window_us=us, every_us=us, zone=zone or "")
        case tree.Session(gap_us=gap_us, max_us=max_us):
            return replace(body, window_us=gap_us, max_us=max_us or 0)
        case tree.Bucket(size=size, leak=leak, per_us=per_us):
            return replace(body, events=size, leak=leak, every_us=per_us)
        case _:
            assert_never(rule.window)


def _pattern(draft: RuleDraft) -> SequenceBody | PatternBody:
    rule = draft.tree
    if draft.pattern is None:
        raise AssertionError("check_shape makes it of every sound rule")
    if draft.rows and not any(map(is_row, draft.registers)):
        draft.registers.append(Register(RegisterKind.LABEL, ANY_STEP, Type.TEXT))  # how many rows there are
    after = rule.after_match
    steps = tuple(_step(step, draft) for step in draft.steps)
    body = PatternBody(
        steps=steps,
        pattern=draft.pattern,
        within=bound_of(rule.within),
        pick=PickKind(rule.pick.kind) if rule.pick else PickKind.FIRST,
        limit=rule.pick.limit if rule.pick else None,
        skip=SkipKind(after.kind) if after else SkipKind.NONE,
        skip_to=draft.labels[after.label].index if after and after.label else None,
        registers=tuple(draft.registers),
        when=None if draft.when_typed == TRUE else draft.when_typed,
        timeout=bool(draft.timeout),
    )
    return (None if rule.budget or draft.rows else as_line(body)) or body


def _step(step: StepDraft, draft: RuleDraft) -> StepPlan:
    own = _reads_own(step, draft)
    cond = step.cond
    if cond is not None and own:
        # The registers hold the event itself by then, so the one before it is the last but one.
        cond = _with_registers(cond, {i: _last_but_one(i, draft) for i in ir.registers_in(cond) if _is_previous(i, draft)})
    return StepPlan(step.label, Select(step.type, step.select), cond, own)


def _is_previous(index: int, draft: RuleDraft) -> bool:
    register = draft.registers[index]
    return register.step == ANY_STEP and register.kind is RegisterKind.LAST


def _last_but_one(index: int, draft: RuleDraft) -> int:
    """The register of the event before the last one: found, or added."""
    wanted = replace(draft.registers[index], kind=RegisterKind.NTH, nth=-2)
    if wanted not in draft.registers:
        draft.registers.append(wanted)
    return draft.registers.index(wanted)


def _with_registers(expr: ir.Expr, numbers: dict[int, int]) -> ir.Expr:
    """The expression with other registers in the places of those."""
    if isinstance(expr, ir.Reg):
        return replace(expr, index=numbers.get(expr.index, expr.index))
    parts: dict[str, Any] = {}
    for one in fields(expr):
        value = getattr(expr, one.name)
        if isinstance(value, ir.Expr):
            parts[one.name] = _with_registers(value, numbers)
        elif isinstance(value, tuple) and all(isinstance(item, ir.Expr) for item in value):
            parts[one.name] = tuple(_with_registers(item, numbers) for item in value)
    return replace(expr, **parts)


def _reads_own(step: StepDraft, draft: RuleDraft) -> bool:
    """Whether the condition reads what its own step has taken: then the event being tried counts among it."""
    return any(draft.registers[index].step == step.index for index in ir.registers_in(step.cond))
