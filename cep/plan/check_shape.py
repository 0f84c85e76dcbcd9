"""The first pass: is each rule put together so that it can mean something? Names and types are not looked at.

Makes one RuleDraft per rule, with a StepDraft per selection of events.
"""

from __future__ import annotations

from itertools import pairwise
from typing import assert_never

from cep.errors import Span
from cep.lang import tree
from cep.plan.draft import BookDraft, RuleDraft, Shape, StepDraft
from cep.plan.faults import did_you_mean

MOST_REPEATS = 10_000  # of one step: a run holds the ids of what it took


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
            _take_resolve(draft)
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
            _pattern(draft, clause)
            return draft
        case _:
            assert_never(rule.body)


def _only_step(select: tree.Select) -> StepDraft:
    return StepDraft(0, "", select.type, select.span, select.where)


# ---------------------------------------------------------------- patterns


def _pattern(draft: RuleDraft, clause: tree.MatchClause) -> None:
    steps, arrows = _steps(clause), ("", *(arrow.kind for arrow in clause.pattern.arrows))
    selects = _selects(draft, clause)
    seen: dict[str, tree.Step] = {}
    for step, arrow in zip(steps, arrows, strict=True):
        if step.label in seen:
            draft.faults.error(
                "E0410",
                step.span,
                f"label `{step.label}` stands twice in the pattern",
                help=f"one label per step: call this one `{step.label}_2` and describe it in `where`, "
                f"or say how often with a quantifier, as in `{step.label}{{2}}`",
                labels=((seen[step.label].span, "first here"),),
            )
            continue
        seen[step.label] = step
        select = selects.get(step.label)
        if select is None:
            draft.faults.error(
                "E0204",
                step.span,
                f"nothing says which events `{step.label}` are",
                label="no `where` for this label",
                help=_missing_where_help(step.label, [label for label in selects if label not in {s.label for s in steps}]),
            )
        low, high = _quantifier(draft, step)
        draft.steps.append(
            StepDraft(
                len(draft.steps),
                step.label,
                select.type if select else "",
                step.span,
                select.where if select else None,
                step.negated,
                low,
                high,
                arrow,
            )
        )
    _check_order(draft)


def _steps(clause: tree.MatchClause) -> list[tree.Step]:
    return [part for part in clause.pattern.parts if isinstance(part, tree.Step)]


def _missing_where_help(label: str, unused: list[str]) -> str:
    near = did_you_mean(label, unused, " ")
    return near if near.strip() else f"add a line to `where`: {label}: EVENT_TYPE where CONDITION"


def _selects(draft: RuleDraft, clause: tree.MatchClause) -> dict[str, tree.Select]:
    labels = {step.label for step in _steps(clause)}
    selects: dict[str, tree.Select] = {}
    for select in clause.where:
        if select.label in selects:
            draft.faults.error(
                "E0205",
                select.span,
                f"label `{select.label}` is described twice",
                help="keep one of them; join the conditions with `and`",
                labels=((selects[select.label].span, "first here"),),
            )
        elif select.label not in labels:
            described = {other.label for other in clause.where}
            if not any(did_you_mean(label, [select.label], " ").strip() for label in labels - described):
                draft.faults.error(
                    "E0205",
                    select.span,
                    f"`{select.label}` is not in the pattern",
                    help=did_you_mean(
                        select.label, labels - described, f"add `{select.label}` to `match`, or take this line away"
                    ),
                )
        selects.setdefault(select.label, select)
    return selects


def _quantifier(draft: RuleDraft, step: tree.Step) -> tuple[int, int | None]:
    quantifier = step.repeat.quantifier if step.repeat else None
    if quantifier is None:
        return 1, 1
    low, high = quantifier.min, quantifier.max
    if max(low, high or 0) <= MOST_REPEATS:
        return low, high
    draft.faults.error(
        "E0406",
        quantifier.span,
        f"`{step.label}`: a step repeats at most {MOST_REPEATS:,} times",
        help=f"count so many with a window rule: `when count() >= {low} over 10m`",
    )
    return 1, 1


def _check_order(draft: RuleDraft) -> None:
    """Tell negations and arrows that stand where they have no meaning, and patterns that nothing can fill."""
    steps = draft.steps
    if not steps:
        return
    if steps[0].negated:
        start = next((step.label for step in steps if not step.negated), "a")
        draft.faults.error(
            "E0408",
            steps[0].span,
            f"a pattern cannot begin with `!{steps[0].label}`",
            help=f"begin with the event after which `{steps[0].label}` must not come, as in "
            f"`before -> !{steps[0].label} -> {start}`; for silence by itself use `absent {steps[0].type or 'TYPE'} for 10m`",
        )
        return
    if all(step.min == 0 for step in draft.positive):
        draft.faults.error(
            "E0411",
            draft.positive[0].span.to(draft.positive[-1].span),
            "this pattern is complete without any event",
            help=f"make one step necessary: `{draft.positive[0].label}+` instead of `*`, or leave out the `?`",
        )
    for before, step in pairwise(steps):
        trailing = all(later.negated for later in steps[step.index :])
        if step.negated and step.arrow == "=>" and not (trailing and step.index == len(steps) - 1 and not before.negated):
            draft.faults.error(
                "E0409",
                step.span,
                f"`=> !{step.label}` has a meaning only at the end of a pattern",
                help=f"write `-> !{step.label}` to forbid it until the next step",
            )
        elif before.negated and step.arrow == "=>" and not step.negated:
            draft.faults.error(
                "E0409",
                before.span.to(step.span),
                f"nothing can stand between two events joined by `=>`, so `!{before.label}` forbids nothing",
                help=f"write `=> {step.label}` without `!{before.label}`, or `-> {step.label}` to let other events lie between",
            )


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
    if shape is Shape.WINDOW:
        _check_window(draft)
        return
    if rule.fire_each:
        _misplaced(draft, rule.id.span, "fire each", windowed)
    if rule.then_reset:
        _misplaced(draft, rule.id.span, "then reset", windowed)


def _take_resolve(draft: RuleDraft) -> None:
    """`resolve when` takes events as a step does, behind all others."""
    select = draft.tree.resolve
    if select is not None:
        draft.resolve = StepDraft(len(draft.steps), "", select.type, select.span, select.where)


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
        (rule.suppress, rule.suppress.us if rule.suppress else 1, "for"),
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
