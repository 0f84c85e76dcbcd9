"""What a run of a pattern may do at each place it can stand, worked out once from the plan. No state lives here.

A run stands at a node of the pattern, below its minimum, between minimum and maximum, or full; and it may have let an own
event of its key pass since the last one it took, which closes whatever is entered by `=>`. Each combination is a `Stance`.

    pattern a{2,} -> b      node 0, 1 taken     open: a
                            node 0, 2 taken     open: a, b
                            node 1              complete
"""

from __future__ import annotations

from dataclasses import dataclass, field

from cep.plan.plan import Node, SequenceBody


@dataclass(frozen=True, slots=True)
class Move:
    """An event that fits the step may be taken by the node: the run goes on to (or stays in) it."""

    bit: int  # of the step in the selector's mask
    step: int
    node: int
    strict: bool


@dataclass(frozen=True, slots=True)
class Strike:
    """An event that fits the step kills every fork but those that take it as node `before` or a later one."""

    bit: int
    step: int
    before: int


@dataclass(slots=True, eq=False)
class Stance:
    """Where a run stands and all it may do there.

    moves     open steps, in order of nodes
    interest  mask of the steps that concern the run: others it lets pass
    complete  every node has its minimum
    next_ends a trailing `=> !x`: the very next own event decides
    waits     complete, and a trailing `-> !x` awaits the deadline
    single    the one step that concerns the run, where that is all: its condition (if any) on the run as it stands decides
    missed    the stance after an own event that was not taken: this one, another, or None when nothing is left to come
    """

    node: int
    gap: bool
    moves: tuple[Move, ...]
    strikes: tuple[Strike, ...]
    complete: bool
    next_ends: bool
    waits: bool
    interest: int = 0
    single: int | None = None
    missed: Stance | None = field(default=None, repr=False)

    @property
    def alive(self) -> bool:
        """Whether anything may still become of a run here."""
        return bool(self.moves) or self.waits or self.next_ends


@dataclass(frozen=True, slots=True)
class NodeStances:
    """The stances of one node, by how many events it has taken: without and with an own event passed since."""

    min: int
    max: int | None
    below: tuple[Stance, Stance]
    between: tuple[Stance, Stance]
    full: tuple[Stance, Stance]

    def at(self, count: int, *, gap: bool = False) -> Stance:
        if count < self.min:
            return self.below[gap]
        if self.max is None or count < self.max:
            return self.between[gap]
        return self.full[gap]


def build_stances(body: SequenceBody) -> tuple[NodeStances, ...]:
    """The stances of each node of the pattern."""
    return tuple(
        NodeStances(
            node.min,
            node.max,
            _pair(body, i, loops=True, has_minimum=False),
            _pair(body, i, loops=True, has_minimum=True),
            _pair(body, i, loops=False, has_minimum=True),
        )
        for i, node in enumerate(body.nodes)
    )


def starts(body: SequenceBody) -> tuple[Move, ...]:
    """The nodes at which a run may begin: the first, and those behind optional ones."""
    return tuple(_move(body.nodes, j) for j in reach(body.nodes, 0))


def reach(nodes: tuple[Node, ...], first: int) -> list[int]:
    """That node and those behind it, as long as the ones between are optional."""
    reached = []
    for j in range(first, len(nodes)):
        reached.append(j)
        if nodes[j].min > 0:
            break
    return reached


def _move(nodes: tuple[Node, ...], j: int, *, strict: bool = False) -> Move:
    return Move(1 << nodes[j].step, nodes[j].step, j, strict)


def _pair(body: SequenceBody, i: int, *, loops: bool, has_minimum: bool) -> tuple[Stance, Stance]:
    passed = _stance(body, i, loops=loops, has_minimum=has_minimum, gap=True)
    passed.missed = passed if passed.alive else None
    stance = _stance(body, i, loops=loops, has_minimum=has_minimum, gap=False)
    same = stance.moves == passed.moves and not stance.next_ends
    stance.missed = stance if same else passed.missed
    return stance, passed


def _stance(body: SequenceBody, i: int, *, loops: bool, has_minimum: bool, gap: bool) -> Stance:
    nodes = body.nodes
    following = reach(nodes, i + 1) if has_minimum else []
    moves = [_move(nodes, i)] if loops else []
    moves += [_move(nodes, j, strict=nodes[j].strict) for j in following if not (gap and nodes[j].strict)]
    strikes = [Strike(1 << step, step, j) for j in following for step in nodes[j].forbids]
    complete = has_minimum and all(node.min == 0 for node in nodes[i + 1 :])
    if complete:
        strikes += [Strike(1 << step, step, len(nodes)) for step in body.ending]
    interest = 0
    for move in moves:
        interest |= move.bit
    for strike in strikes:
        interest |= strike.bit
    plain = len(moves) == 1 and not strikes and not body.steps[moves[0].step].cond_after_take
    return Stance(
        node=i,
        gap=gap,
        moves=tuple(moves),
        strikes=tuple(strikes),
        complete=complete,
        next_ends=complete and body.ending_strict and not gap,
        waits=complete and bool(body.ending) and not body.ending_strict,
        interest=interest,
        single=moves[0].step if plain else None,
    )
