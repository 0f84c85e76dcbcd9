"""The pass that puts rules in order: who reads the alerts of a rule comes after it, and nobody reads himself in a circle.

breach: rule brute_force_then_login        takes events of the type `rule brute_force_then_login`
"""

from __future__ import annotations

from itertools import pairwise

from cep.plan.draft import BookDraft, RuleDraft, StepDraft
from cep.plan.faults import did_you_mean, rename
from cep.plan.plan import rule_read


def order_rules(book: BookDraft) -> None:
    """Fill `book.alerts` and `book.reading`; tell rules that are not there, circles, and rules whose alerts nobody can read."""
    known: dict[str, RuleDraft] = {}
    for draft in book.rules:
        known.setdefault(draft.tree.id.text, draft)
    read = {draft.tree.id.text: _reads(draft) for draft in book.rules}
    for draft in book.rules:
        for name, step in read[draft.tree.id.text].items():
            if name in known:
                book.alerts[step.type] = known[name]
                _check_told(draft, known[name], step)
                continue
            draft.faults.error(
                "E0245",
                step.span,
                f"there is no rule `{name}`",
                help=did_you_mean(name, known, "name a rule of this rule set by its ID"),
                fix=rename(step.span, name, known) if step.span.end_col - step.span.col == len(name) else None,
            )
    done: set[str] = set()
    for name in known:
        _visit(name, known, read, [], done, book)
    if len(book.reading) < len(book.rules):  # second ones of one id, told as such
        book.reading += [draft for draft in book.rules if draft not in book.reading]


def _reads(draft: RuleDraft) -> dict[str, StepDraft]:
    """The rules whose alerts it takes, with the first place that says so."""
    found: dict[str, StepDraft] = {}
    for step in draft.selections:
        name = rule_read(step.type)
        if name is not None:
            found.setdefault(name, step)
    return found


def _visit(
    name: str,
    known: dict[str, RuleDraft],
    read: dict[str, dict[str, StepDraft]],
    way: list[str],
    done: set[str],
    book: BookDraft,
) -> None:
    """Depth first, so that what is read comes before who reads it."""
    if name in way:
        _tell_circle([*way[way.index(name) :], name], known, read)
        return
    if name in done:
        return
    for other in read[name]:
        if other in known:
            _visit(other, known, read, [*way, name], done, book)
    done.add(name)
    draft = known[name]
    draft.reads = [known[other] for other in read[name] if other in known]
    book.reading.append(draft)


def _tell_circle(circle: list[str], known: dict[str, RuleDraft], read: dict[str, dict[str, StepDraft]]) -> None:
    said = " -> ".join(circle)
    for name, other in pairwise(circle):
        known[name].faults.error(
            "E0246",
            read[name][other].span,
            f"rules that read each other in a circle: {said}",
            label=f"`{name}` reads the alerts of `{other}`",
            help="an alert cannot come of itself: let one of them read events instead",
        )


def _check_told(draft: RuleDraft, other: RuleDraft, step: StepDraft) -> None:
    """Alerts of a rule that is switched off never come; those of a rule in shadow are for rules in shadow."""
    if draft.tree.mode == "disabled":
        return
    if other.tree.mode == "disabled":
        why = "is disabled, so it has no alerts"
    elif other.tree.mode == "shadow" and draft.tree.mode != "shadow":
        why = "is in shadow, and its alerts are events for rules in shadow only"
    else:
        return
    draft.faults.warning(
        "W0240", step.span, f"`{other.tree.id.text}` {why}: `{draft.tree.id.text}` waits in vain", help="change the mode of one"
    )
