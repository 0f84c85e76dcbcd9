"""The first pass: is each rule put together so that it can mean something? Names and types are not looked at.

Makes one RuleDraft per rule, with a StepDraft per selection of events.
"""

from __future__ import annotations

from typing import assert_never

from cep.errors import Span
from cep.lang import tree
from cep.plan.check_pattern import check_pattern
from cep.plan.draft import BookDraft, RuleDraft, Shape, StepDraft
from cep.plan.faults import did_you_mean


def check_shape(book: BookDraft) -> None:
    """Fill `book.rules`; tell clauses that do not fit their rule, patterns that cannot match, ids used twice."""
    first: dict[str, tree.Name] = {}
    for file in book.files:
        for rule in file.rules:
            draft = _draft(rule)
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
            _check_clauses(draft)
            _check_durations(draft)
            book.rules.append(draft)


def _draft(rule: tree.Rule) -> RuleDraft:
    match rule.body:
        case tree.From(select=select):
            # `fire each` and `then reset` speak of a window too: without `over` the fault is the missing window.
            windowed = rule.window is not None or rule.when is not None or rule.fire_each or rule.then_reset
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
    if rule.when is not None and shape is Shape.ABSENCE:
        _misplaced(draft, rule.when.span, "when", "put the condition on events into `where`")
    _check_selection(draft)
    if shape is Shape.WINDOW:
        _check_window(draft)
        return
    if rule.fire_each:
        _misplaced(draft, rule.id.span, "fire each", windowed)
    if rule.then_reset:
        _misplaced(draft, rule.id.span, "then reset", windowed)


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
            help="add `within 10m`: from the first event to the last",
        )


def _check_window(draft: RuleDraft) -> None:
    rule = draft.tree
    if rule.window is None:
        span = rule.when.span if rule.when is not None else rule.id.span
        what = "`when`" if rule.when is not None else "`fire each`" if rule.fire_each else "`then reset`"
        draft.faults.error(
            "E0403",
            span,
            f"{what} needs a window",
            help="say over how long, as in `when count() >= 5 over 10m`; a condition on single events belongs in `where`",
        )
    elif rule.when is None:
        draft.faults.error(
            "E0403",
            rule.window.span,
            "a window without a condition never tells anything",
            help="say when it should, as in `when count() >= 5 over 10m`",
        )
    if rule.fire_each and rule.then_reset:
        # Both together have one meaning: an alert, then an empty window. It is what `then reset` alone says.
        draft.faults.error(
            "E0405",
            rule.id.span,
            "`fire each` and `then reset` exclude each other",
            help="`then reset` already lets every full window tell its own alert: leave out `fire each`",
        )


def _misplaced(draft: RuleDraft, span: Span, clause: str, instead: str) -> None:
    draft.faults.error("E0405", span, f"`{clause}` does not fit {draft.shape.value}", help=instead)


def _check_durations(draft: RuleDraft) -> None:
    rule = draft.tree
    places = [
        (rule.window, rule.window.us if isinstance(rule.window, tree.Over) else 1, "over"),
        (rule.once, rule.once.every_us if rule.once else 1, "every"),
        (rule.body, rule.body.for_us if isinstance(rule.body, tree.Absent) else 1, "for"),
        (rule.within, rule.within.us or not rule.within.exclusive if rule.within else 1, "within"),
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
