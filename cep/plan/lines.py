"""Patterns that are a plain line, which have cheaper matchers."""

from __future__ import annotations

from cep.plan.plan import ANY_STEP, Loop, Node, PatternBody, PickKind, SequenceBody, Take


def as_line(body: PatternBody) -> SequenceBody | None:
    """The same pattern as a line of steps; None when there is more to it.

    A line has single steps with plain quantifiers, arrows `->` and `=>` without delays, negations behind a step, and a bound in
    time; it is picked by the first match.
    """
    alone = body.pick is PickKind.FIRST and not body.timeout and body.within.events is None
    if not alone or body.pattern.links[0].negated or any(register.step == ANY_STEP for register in body.registers):
        return None
    nodes: list[Node] = []
    forbids: list[int] = []
    strict = False
    for link in body.pattern.links:
        part, plain = link.part, link.min_us is None and link.max_us is None and link.arrow != "->>"
        if not plain or strict or not isinstance(part, Take):
            return None
        if link.negated:
            forbids.append(part.step)
            strict = link.arrow == "=>"  # only at the end
            continue
        if part.loop != Loop(part.loop.min, part.loop.max):
            return None
        nodes.append(Node(part.step, part.loop.min, part.loop.max, link.arrow == "=>", tuple(forbids)))
        forbids = []
    return SequenceBody(
        steps=body.steps,
        nodes=tuple(nodes),
        within_us=body.within.us,
        exclusive=body.within.exclusive,
        ending=tuple(forbids),
        ending_strict=strict,
        registers=body.registers,
        when=body.when,
    )
