"""The first pass: is each rule put together so that it can mean something? Names and types are not looked at.

Makes one RuleDraft per rule, with a StepDraft per selection of events.
"""

from __future__ import annotations

from typing import assert_never

from cep.errors import Span
from cep.lang import tree
from cep.plan.check_pattern import check_pattern, mend_of_no_time
from cep.plan.check_window import check_window
from cep.plan.draft import BookDraft, RuleDraft, Shape, StepDraft
from cep.plan.faults import did_you_mean


def check_shape(book: BookDraft) -> None:
    """Fill `book.rules`; tell clauses that do not fit their rule, patterns that cannot match, ids used twice."""
    first: dict[str, tree.Name] = {}
    for file in book.files:
        for rule in file.rules:
            draft = _draft(rule)
            draft.faults.found += book.early[id(rule)].found if id(rule) in book.early else []
            if rule.id.text in first:
                before = first[rule.id.text].span
                draft.faults.error(
                    "E0402",
                    rule.id.span,
                    f"rule `{rule.id.text}` is defined twice",
                    help="an id is the name of one rule for ever: give this one another",
                    labels=((before, "first defined here"),),
                )
            first.setdefault(rule.id.text, rule.id)
            _take_resolve(draft)
            _check_clauses(draft)
            _check_durations(draft)
            book.rules.append(draft)


def _draft(rule: tree.Rule) -> RuleDraft:
    match rule.body:
        case tree.From(select=select):
            # `fire each` and the like speak of a window too: without one that is the fault.
            lasting = rule.fire_each or rule.then_reset or rule.for_us is not None or rule.until is not None
            windowed = rule.window is not None or rule.when is not None or lasting
            return RuleDraft(rule, Shape.WINDOW if windowed else Shape.FILTER, steps=[_only_step(select)])
        case tree.Absent(select=select):
            return RuleDraft(rule, Shape.ABSENCE, steps=[_only_step(select)])
        case tree.MatchClause() as clause:
            draft = RuleDraft(rule, Shape.SEQUENCE)
            check_pattern(draft, clause)
            return draft
        case _:
            assert_never(rule.body)


def _only_step(select: tree.Select) -> StepDraft:
    return StepDraft(0, "", select.type, select.span, select.where)


# ---------------------------------------------------------------- clauses


def _check_clauses(draft: RuleDraft) -> None:
    rule, shape = draft.tree, draft.shape
    windowed = "only window rules have it: `from TYPE` with `when` and `over`"
    if rule.within is not None and shape is not Shape.SEQUENCE:
        instead = {Shape.WINDOW: "the window's length is `over`", Shape.FILTER: "a filter rule looks at one event"}
        _misplaced(draft, rule.within.span, "within", instead.get(shape, "an absence rule says how long with `for`"))
    if rule.window is not None and shape in (Shape.SEQUENCE, Shape.ABSENCE):
        instead = {Shape.SEQUENCE: "a pattern is bounded by `within`"}
        _misplaced(draft, rule.window.span, "over", instead.get(shape, "an absence rule says how long with `for`"))
    _check_absence(draft)
    _check_life(draft)
    if rule.when is not None and shape is Shape.ABSENCE:
        _misplaced(draft, rule.when.span, "when", "put the condition on events into `where`")
    _check_selection(draft)
    if shape is Shape.WINDOW:
        check_window(draft)
        return
    if rule.fire_each:
        _misplaced(draft, rule.id.span, "fire each", windowed)
    if rule.then_reset:
        _misplaced(draft, rule.id.span, "then reset", windowed)
    if rule.until is not None:
        _misplaced(draft, rule.until.span, "until", windowed)
    if rule.for_us is not None:
        _misplaced(draft, rule.id.span, "for", windowed)


def _take_resolve(draft: RuleDraft) -> None:
    """`resolve when` takes events as a step does, behind all others."""
    select = draft.tree.resolve
    if select is not None:
        draft.resolve = StepDraft(len(draft.steps), "", select.type, select.span, select.where)


def _check_selection(draft: RuleDraft) -> None:
    """`pick`, `after match`, `emit rows`, `on timeout`: of patterns."""
    rule = draft.tree
    of_patterns = "only sequence rules have it: `match` with a pattern"
    if draft.shape is not Shape.SEQUENCE:
        if rule.pick is not None:
            _misplaced(draft, rule.pick.span, "pick", of_patterns)
        if rule.after_match is not None:
            _misplaced(draft, rule.after_match.span, "after match", of_patterns)
        if rule.emit_rows:
            _misplaced(draft, rule.emit[0].span if rule.emit else rule.id.span, "emit rows", of_patterns)
        if rule.on_timeout:
            _misplaced(draft, rule.on_timeout[0].span, "on timeout", of_patterns)
        return
    label = rule.after_match.label if rule.after_match is not None else None
    if rule.after_match is not None and label is not None and label not in {step.label for step in draft.positive}:
        known = [step.label for step in draft.positive]
        helps = did_you_mean(label, known, "name a step of the pattern")
        draft.faults.error("E0433", rule.after_match.span, f"no event of a match is taken by `{label}`", help=helps)
    if rule.on_timeout is not None and (rule.within is None or not rule.within.us):
        draft.faults.error(
            "E0434",
            rule.on_timeout[0].span if rule.on_timeout else rule.id.span,
            "`on timeout` tells what ran out of time, and nothing says how much there is",
            help=mend_of_no_time(rule.within),
        )


def _check_absence(draft: RuleDraft) -> None:
    """Clauses of absence rules alone."""
    rule = draft.tree
    if draft.shape is not Shape.ABSENCE:
        instead = "it is for `absent TYPE for DURATION`: who ought to be heard of"
        if rule.expect is not None:
            _misplaced(draft, rule.expect.span, "expect", instead)
        if rule.unless_silent:
            _misplaced(draft, rule.id.span, "unless source silent", "only `absent TYPE for DURATION` waits for a source")


def _check_life(draft: RuleDraft) -> None:
    """Clauses about what is open, or held."""
    rule = draft.tree
    if draft.shape is not Shape.FILTER:
        return
    if rule.resolve is not None:
        _misplaced(draft, rule.resolve.span, "resolve when", "each event that fits is an alert by itself: none stays open")
    if rule.budget is not None:
        _misplaced(draft, rule.budget.span, "budget", "it looks at one event and keeps nothing")


def _misplaced(draft: RuleDraft, span: Span, clause: str, instead: str) -> None:
    draft.faults.error("E0405", span, f"`{clause}` does not fit {draft.shape.value}", help=instead)


def _check_durations(draft: RuleDraft) -> None:
    rule = draft.tree
    places = [
        (rule.once, rule.once.every_us if rule.once else 1, "every"),
        (rule.suppress, rule.suppress.us if rule.suppress else 1, "for"),
        (rule.body, rule.body.for_us if isinstance(rule.body, tree.Absent) else 1, "for"),
        (rule.within, 0 if rule.within and rule.within.us == 0 and rule.within.exclusive else 1, "within"),
    ]
    for node, us, clause in places:
        if node is not None and us <= 0:
            draft.faults.error(
                "E0414",
                node.span,
                f"`{clause}` of no length",
                help="events of one and the same time: write `within 0s` without `exclusive`"
                if clause == "within"
                else "say how long, as in `10m`",
            )
