"""Rules of one shape: they differ in a number and a length of time alone, and are matched together.

x{3,} -> y within 5m                  x{5,8} -> y within 1h
count() >= 3 over 5m then reset       count() >= 9 over 1h then reset
"""

from __future__ import annotations

from dataclasses import replace

from cep.match.rising import counted_threshold
from cep.match.tally import why_not_tally
from cep.plan.ir import Const
from cep.plan.plan import RulePlan, SequenceBody, WindowBody, WindowKind
from cep.types import Type

FEWEST = 3  # two rules are as cheap alone


def shape_of(plan: RulePlan) -> str | None:
    """The same text for rules that can be matched together; None: the rule is always alone. As text, because to Python 1 and 1.0
    are equal; to who reads what a register made of them they are not."""
    match plan.body:
        case SequenceBody() as body if plan.resolve is None and not why_not_tally(body):
            first, then = body.nodes
            return repr(
                (plan.key.by_type, replace(body, nodes=(replace(first, min=1, max=None), then), within_us=None, exclusive=False))
            )
        case WindowBody(kind=WindowKind.SLIDE, then_reset=True) as body:
            if plan.budget is None and counted_threshold(body) is not None:
                return repr((plan.key.by_type, replace(body, when=Const(True, Type.BOOL), window_us=0)))
    return None
