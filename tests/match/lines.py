"""Plain lines, which have matchers of their own, as patterns: what both say must agree."""

from __future__ import annotations

from dataclasses import replace

from cep.plan.plan import Bound, Chain, Link, Loop, PatternBody, RulePlan, SequenceBody, Take


def as_pattern(plan: RulePlan) -> RulePlan:
    """The same rule with its line said as a pattern."""
    body = plan.body
    assert isinstance(body, SequenceBody)
    links: list[Link] = []
    for node in body.nodes:
        links += [Link(Take(step), "->", negated=True) for step in node.forbids]
        arrow = "" if not links else "=>" if node.strict else "->"
        links.append(Link(Take(node.step, Loop(node.min, node.max)), arrow))
    links += [Link(Take(step), "=>" if body.ending_strict else "->", negated=True) for step in body.ending]
    within = Bound(body.within_us, body.exclusive)
    return replace(plan, body=PatternBody(body.steps, Chain(tuple(links)), within, registers=body.registers, when=body.when))
