"""A linear pattern as what it is: a pattern."""

from __future__ import annotations

from cep.plan.plan import Bound, Chain, Link, Loop, PatternBody, SequenceBody, Take


def as_pattern(body: SequenceBody) -> PatternBody:
    links: list[Link] = []
    for node in body.nodes:
        links += [Link(Take(x), "->", negated=True) for x in node.forbids]
        arrow = "=>" if node.strict else "->" if links else ""
        links.append(Link(Take(node.step, Loop(node.min, node.max)), arrow))
    links += [Link(Take(x), "=>" if body.ending_strict else "->", negated=True) for x in body.ending]
    bound = Bound(body.within_us, body.exclusive)
    return PatternBody(body.steps, Chain(tuple(links)), bound, registers=body.registers, when=body.when)
