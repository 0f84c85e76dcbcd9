"""The fifth pass: every rule has a bound on what it keeps. A pattern that can stay open must say for how long."""

from __future__ import annotations

from cep.lang import tree
from cep.plan.draft import BookDraft, RuleDraft, Shape
from cep.plan.words import say_duration


def bound_memory(book: BookDraft) -> None:
    """Tell patterns without a bound; warn of a silence longer than the window it silences."""
    for draft in book.rules:
        if draft.shape is Shape.SEQUENCE:
            _check_within(draft)
        _check_silence(draft)


def _check_within(draft: RuleDraft) -> None:
    if draft.tree.within is not None or draft.tree.window is not None:  # `over` instead of `within` is told as such
        return
    last, positive = draft.steps[-1], draft.positive
    if last.negated:
        why = f"`!{last.label}` at the end never comes true without a bound"
    elif len(positive) > 1 or not positive[0].single:
        why = "a match that has begun stays open for ever"
    else:
        return
    draft.faults.error(
        "E0401",
        draft.steps[0].span.to(last.span),
        f"this pattern needs `within`: {why}",
        label="no bound in time",
        help="add `within 10m`: from the first event to the last",
    )


def _check_silence(draft: RuleDraft) -> None:
    rule = draft.tree
    window = rule.window.us if isinstance(rule.window, tree.Over) else rule.within.us if rule.within else None
    if rule.once is not None and window is not None and rule.once.every_us > 100 * window:
        draft.faults.warning(
            "W0402",
            rule.once.span,
            f"one alert silences {say_duration(rule.once.every_us)}, more than a hundred times the "
            f"{say_duration(window)} the rule looks at",
            help="alerts in between are counted and listed, but nobody is told; is the unit right?",
        )
