"""Unknown types and what is found out about them: sets of possible types that only shrink.

Each use of a value says which types it allows. Two values that must be alike share one variable; arithmetic ties three
together by a table of the combinations that mean something. Everything can be undone to a mark, so that a faulty rule
leaves no trace in the types of the others.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import Any, NamedTuple

from cep.errors import Span
from cep.types import Type

N, T, B, TIME, SPAN, LIST, ANY = Type.NUMBER, Type.TEXT, Type.BOOL, Type.TIME, Type.SPAN, Type.LIST, Type.ANY
Types = frozenset[Type]
EVERY: Types = frozenset({N, T, B, TIME, SPAN, LIST})
IN_EVENTS: Types = frozenset({N, T, B, TIME, LIST})  # JSON holds no durations
SCALARS: Types = EVERY - {LIST}
ORDERED: Types = frozenset({N, T, TIME, SPAN})
SUMMED: Types = frozenset({N, SPAN})
MIXED: Types = frozenset({ANY})  # known to hold values of several types (a column of a table): equality only
PREFERENCE = (N, T, TIME, SPAN, B, LIST)  # what a value is when its uses leave a choice

MEANINGS: dict[str, tuple[tuple[Type, Type, Type], ...]] = {
    "+": ((N, N, N), (TIME, SPAN, TIME), (SPAN, TIME, TIME), (SPAN, SPAN, SPAN)),
    "-": ((N, N, N), (TIME, TIME, SPAN), (TIME, SPAN, TIME), (SPAN, SPAN, SPAN)),
    "*": ((N, N, N), (SPAN, N, SPAN), (N, SPAN, SPAN)),
    "/": ((N, N, N), (SPAN, SPAN, N), (SPAN, N, SPAN)),
    "%": ((N, N, N), (SPAN, SPAN, SPAN)),
}


class Because(NamedTuple):
    """What decided a type: a place in the rules, or (without a span) a schema or table, in words."""

    span: Span | None
    words: str


@dataclass(slots=True, eq=False)
class Var:
    allowed: Types
    why: Because | None = None
    link: Var | None = None
    ties: list[Tie] = field(default_factory=list)
    size: int = 1  # how many variables it stands for


@dataclass(slots=True, eq=False)
class Tie:
    """left OP right = result."""

    op: str
    parts: tuple[Var, Var, Var]


class Clash(Exception):
    """No type is left. `var` still holds what was known of it before."""

    def __init__(self, var: Var) -> None:
        super().__init__()
        self.var = var


class Solver:
    """The variables of a rule set."""

    def __init__(self) -> None:
        self._undo: list[tuple[Var, str, Any]] = []

    def mark(self) -> int:
        return len(self._undo)

    def undo_to(self, mark: int) -> None:
        while len(self._undo) > mark:
            var, attribute, old = self._undo.pop()
            setattr(var, attribute, old)

    def keep(self) -> None:
        """Nothing up to here is undone any more: a sound rule leaves no log behind."""
        self._undo.clear()

    def find(self, var: Var) -> Var:
        while var.link is not None:
            var = var.link
        return var

    def allowed(self, var: Var) -> Types:
        return self.find(var).allowed

    def why(self, var: Var) -> Because | None:
        return self.find(var).why

    def narrow(self, var: Var, types: Types, because: Because | None = None) -> None:
        """Leave only these types. raises Clash, changing nothing, when none would be left."""
        root = self.find(var)
        left = root.allowed & types
        if left == root.allowed:
            return
        if not left:
            raise Clash(root)
        mark = self.mark()
        self._set(root, "allowed", left)
        self._set(root, "why", because or root.why)
        try:
            self._settle(list(root.ties), because)
        except Clash:
            self.undo_to(mark)
            raise

    def unify(self, a: Var, b: Var, because: Because | None = None) -> None:
        """Both have one type from now on. raises Clash, changing nothing, when they cannot."""
        a, b = self.find(a), self.find(b)
        if a is b:
            return
        left = a.allowed & b.allowed
        if not left:
            raise Clash(b)
        mark = self.mark()
        # The reason that stays is that of the side that knew more; a side that learns something has `because` of this place.
        why = a.why if a.allowed == left else b.why if b.allowed == left else because
        # Ties of a side that learns nothing are settled already: thousands of rules may calculate with one field.
        open_ties = [*(a.ties if left != a.allowed else ()), *(b.ties if left != b.allowed else ())]
        # The smaller one follows, so that what thousands of rules share is found in a few steps.
        root, other = (b, a) if b.size > a.size else (a, b)
        self._set(root, "size", a.size + b.size)
        self._set(root, "ties", [*a.ties, *b.ties] if a.ties and b.ties else a.ties or b.ties)
        self._set(root, "allowed", left)
        self._set(root, "why", why or because)
        self._set(other, "link", root)
        try:
            self._settle(open_ties, because)
        except Clash:
            self.undo_to(mark)
            raise

    def tie(self, op: str, left: Var, right: Var, result: Var, because: Because | None) -> None:
        """Demand a combination that `op` has a meaning for. raises Clash, changing nothing."""
        mark = self.mark()
        tie = Tie(op, (left, right, result))
        try:
            for var in tie.parts:
                root = self.find(var)
                self._set(root, "ties", [*root.ties, tie])
            self._settle([tie], because)
        except Clash:
            self.undo_to(mark)
            raise

    def _settle(self, ties: list[Tie], because: Because | None) -> None:
        """Drop from each variable the types for which no combination is left, until nothing changes."""
        while ties:
            tie = ties.pop()
            roots = [self.find(var) for var in tie.parts]
            left = [ways for ways in MEANINGS[tie.op] if all(t in root.allowed for t, root in zip(ways, roots))]
            if not left:
                raise Clash(roots[0])
            for place, root in enumerate(roots):
                possible = frozenset(ways[place] for ways in left)
                if not root.allowed <= possible:
                    self._set(root, "allowed", root.allowed & possible)
                    self._set(root, "why", because or root.why)
                    ties.extend(root.ties)

    def _set(self, var: Var, attribute: str, value: Any) -> None:
        self._undo.append((var, attribute, getattr(var, attribute)))
        setattr(var, attribute, value)

    def decide(self, var: Var) -> Type:
        """The type for good: ANY when nothing tells, the first of PREFERENCE when several would do."""
        root = self.find(var)
        if root.allowed >= {N, T, B}:
            return ANY
        if len(root.allowed) == 1:
            return next(iter(root.allowed))
        for choice in PREFERENCE:
            if choice in root.allowed:
                try:
                    self.narrow(root, frozenset({choice}))
                except Clash:
                    continue
                return choice
        return ANY


@cache
def say_a(types: Types) -> str:
    """The types after `is`: `a number`, `text or a time`, ..."""
    if types == MIXED or types >= {N, T, B}:
        return say_types(types)
    return " or ".join(("" if choice in (T, B) else "a ") + str(choice) for choice in PREFERENCE if choice in types)


@cache
def say_types(types: Types) -> str:
    """`number`, `text or time`, ..."""
    if types == MIXED:
        return "of several types"
    if types >= {N, T, B}:
        return "anything"
    return " or ".join(str(choice) for choice in PREFERENCE if choice in types)
