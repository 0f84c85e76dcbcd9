"""The fifth pass: every rule has a bound on what it keeps. A pattern that can stay open must say for how long."""

from __future__ import annotations

from cep.lang import tree
from cep.plan.bounded import is_bounded
from cep.plan.check_pattern import mend_of_no_time
from cep.plan.check_window import kind_of, length_of
from cep.plan.draft import BookDraft, RuleDraft, Shape
from cep.plan.plan import Chain, RegisterKind, Take, WindowKind
from cep.plan.words import say_duration

COLLECTING = (RegisterKind.DISTINCT, RegisterKind.PERCENTILE, RegisterKind.TOP)  # keep every (different) value


def bound_memory(book: BookDraft) -> None:
    """Tell patterns without a bound; warn of a silence longer than the window it silences."""
    for draft in book.rules:
        if draft.shape is Shape.SEQUENCE:
            _check_within(draft)
        if draft.shape is Shape.WINDOW:
            _check_window(draft)
        _check_silence(draft)


def _check_window(draft: RuleDraft) -> None:
    """Windows that nothing ends: the last events of a key that never comes again, and what is collected while events come."""
    rule, kind = draft.tree, kind_of(draft.tree)
    if rule.window is None:
        return
    if kind is WindowKind.EVENTS and draft.key.names and rule.budget is None:
        draft.faults.error(
            "E0452",
            rule.window.span,
            "the last events of a key are kept for ever",
            help="say how many keys at most, as in `budget 10000 runs`; or count over a time, as in `over 1h`",
        )
    endless = kind is WindowKind.BUCKET or (isinstance(rule.window, tree.Session) and rule.window.max_us is None)
    collecting = next((register for register in draft.registers if register.kind in COLLECTING), None)
    if endless and collecting is not None:
        said = "percentile" if collecting.kind is RegisterKind.PERCENTILE else collecting.kind
        mend = (
            "say how long one may be, as in `session gap 5m max 1h`"
            if kind is WindowKind.SESSION
            else "use `count`, `sum`, `avg`, `max`"
        )
        draft.faults.error(
            "E0452",
            rule.window.span,
            f"`{said}` collects values for as long as events come, and nothing ends that",
            help=mend,
        )


def _check_within(draft: RuleDraft) -> None:
    rule, pattern = draft.tree, draft.pattern
    if rule.window is not None or pattern is None:  # `over` instead of `within` is told as such
        return
    timed = rule.within is not None and bool(rule.within.us)
    if not timed and _waits_at_an_end(draft, pattern):
        return
    if rule.within is not None or is_bounded(pattern):
        return
    if rule.pick is not None and rule.pick.kind == "longest":
        _needs_within(draft, "`pick longest` holds a match for as long as it can grow")
    elif rule.budget is None:
        _needs_within(draft, "a match that has begun stays open for ever")


def _waits_at_an_end(draft: RuleDraft, pattern: Chain) -> bool:
    """Tell a negation at the start or at the end without a bound in time: that of the pattern or that of its arrow."""
    links = pattern.links
    takes = [number for number, link in enumerate(links) if not link.negated]
    counted = draft.tree.within is not None or draft.tree.budget is not None  # what waits for one event more is few
    for number, link in enumerate(links):
        if not isinstance(link.part, Take) or takes[0] <= number <= takes[-1]:
            continue
        after = number > takes[-1]
        arrow = link if after else links[number + 1]
        if arrow.max_us is None and not (arrow.arrow == "=>" and (counted or not after)):
            why = "at the end never comes true" if after else "at the start looks back for ever"
            _needs_within(draft, f"`!{draft.steps[link.part.step].label}` {why} without a bound")
            return True
    return False


def _needs_within(draft: RuleDraft, why: str) -> None:
    written = [step for step in draft.steps if step.taken]
    within = draft.tree.within
    needed = "a time in its `within`" if within is not None and within.us is None else "`within`"
    draft.faults.error(
        "E0401",
        written[0].span.to(written[-1].span),
        f"this pattern needs {needed}: {why}",
        label="no bound in time",
        help=mend_of_no_time(within),
    )


def _check_silence(draft: RuleDraft) -> None:
    rule = draft.tree
    window = length_of(rule.window) or (rule.within.us or None if rule.within else None)
    if rule.once is not None and window is not None and rule.once.every_us > 100 * window:
        draft.faults.warning(
            "W0402",
            rule.once.span,
            f"one alert silences {say_duration(rule.once.every_us)}, more than a hundred times the "
            f"{say_duration(window)} the rule looks at",
            help="alerts in between are counted and listed, but nobody is told; is the unit right?",
        )
