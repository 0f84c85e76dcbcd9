"""`pick all`: greedy loops give nothing back, so an event that fits the loop and the next step goes to the loop alone."""

from __future__ import annotations

from collections.abc import Iterator

from cep.plan.contradictions import contradiction
from cep.plan.draft import RuleDraft, StepDraft
from cep.plan.ir import And, Expr, Not
from cep.plan.plan import AnyOrder, Chain, Either, Part, Take


def warn_of_greedy(draft: RuleDraft) -> None:
    """Tell each greedy loop that one event fits as well as a step behind it."""
    if draft.pattern is None or draft.tree.pick is None or draft.tree.pick.kind != "all":
        return
    for index in _greedy(draft.pattern):
        loop = draft.steps[index]
        for step in draft.positive:
            if step is not loop and index in draft.follows.previous.get(step.index, ()) and _may_fit_both(loop, step):
                draft.faults.warning(
                    "W0430",
                    loop.span,
                    f"an event that fits `{loop.label}` and `{step.label}` is taken by the loop alone",
                    help="make the loop lazy, with a `?` behind its quantifier, or let the conditions exclude each other",
                    labels=((step.span, "may never get it"),),
                )
                break


def _greedy(part: Part) -> Iterator[int]:
    match part:
        case Take(step=step, loop=loop):
            # A loop of exactly so many has nothing to give back: it is full before the next step is open.
            if loop.max != loop.min and loop.max != 1 and not loop.lazy and loop.inner != "->>":
                yield step
        case Chain(links=links):
            for link in links:
                if not link.negated:
                    yield from _greedy(link.part)
        case Either(options=options):
            for option in options:
                yield from _greedy(option)
        case AnyOrder():
            return


def _may_fit_both(loop: StepDraft, step: StepDraft) -> bool:
    mine, others = _conjuncts(loop.select), _conjuncts(step.select)
    opposite = any(Not(part) in others for part in mine) or any(Not(part) in mine for part in others)
    return loop.type == step.type and not opposite and not contradiction((*mine, *others))


def _conjuncts(expr: Expr | None) -> tuple[Expr, ...]:
    if expr is None:
        return ()
    return expr.operands if isinstance(expr, And) else (expr,)
