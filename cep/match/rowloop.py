"""One generated function that walks over a batch once and writes down who wants which row.

    for i, r, y in zip(range(n), rows, types):
        if y == 'sensor':            a block per event type: `cep.match.places`
            ...
            a0(i); b0(f1)            rows.append and keys.append of target 0
            w = G1(f1); ...          a matcher written into the loop: `cep.match.fuse`

Families (`cep.match.families`) are walked as tables. Where all matchers stand in the loop, it can also walk over rows as they
come (`cep.match.straightloop`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from cep.event import HELD, Batch, Match, Reads
from cep.match.families import Family, Member, find_families
from cep.match.fuse import AT, At, Bits
from cep.match.matcher import Hits
from cep.match.picks import Pick, Target
from cep.match.places import Place, Tree, not_null
from cep.match.strike import Striker, strike
from cep.plan import ir
from cep.plan.codegen import Namespace, Path, Rows, Tables, Writer
from cep.plan.ir import Expr
from cep.plan.operations import hashable
from cep.types import Type

Loop = Callable[[Batch], None]
# what says of a value that it is not of the type, nor null
WRONG = {
    Type.NUMBER: "(x.__class__ is not float or x - x) and x.__class__ is not int and x is not None",  # of NaN, x - x is NaN
    Type.TEXT: "x.__class__ is not str and x is not None",
    Type.BOOL: "x.__class__ is not bool and x is not None",
}
NONE: frozenset[Path] = frozenset()
LARGEST_LOOP = 150  # picks in one function: keeps compile time and the size of functions bounded
CHAIN = 4  # event types told apart by comparing one by one; more go through a table of numbers
_TOLD = (Type.TEXT, Type.NUMBER, Type.TIME, Type.SPAN)


@dataclass(frozen=True, slots=True)
class Found:
    """What takes the rows that are found.

    hits      one per target
    hit       takes the numbers of targets that families wrote to (repeatedly, in no order)
    listed    targets whose rows are written down in their hits
    fused     per target the matchers that are written into the loop
    strikers  per target the filters whose matches are made where the row is found, and go to
    struck    with their rules
    """

    hits: Sequence[Hits]
    hit: list[int]
    listed: frozenset[int]
    fused: Mapping[int, list[At]]
    strikers: Mapping[int, list[Striker]]
    struck: list[tuple[Any, Match]]


def compile_loops(
    targets: Sequence[Target],
    some: Sequence[int],
    tabled: frozenset[int],
    found: Found,
    tables: Tables,
    rows: Rows,
    reads: Reads | None,
) -> list[Loop]:
    """The functions that find the rows of `some` of the targets: one, unless there are very many picks.

    reads   how batches give times and types (`Batch.reads`)
    """
    parts = parts_of(targets, some, tabled)
    return [RowLoop(part, targets, found, Namespace(tables), rows, reads).compile() for part in parts]


def tabled_targets(targets: Sequence[Target]) -> tuple[frozenset[int], frozenset[int]]:
    """Targets all of whose picks are in families: these tell of their rows by `hit`. And those of which any pick is."""
    masked = [target.masked for target in targets]
    found: Counter[int] = Counter()
    for name, picks in _by_type(pick for target in targets for pick in target.picks).items():
        families, _ = find_families([pick for pick in picks if not targets[pick.target].gathers(name)], masked)
        found.update(member.pick.target for family in families for member in family.members)
    return frozenset(target for target, picks in found.items() if picks == len(targets[target].picks)), frozenset(found)


def parts_of(targets: Sequence[Target], some: Sequence[int], tabled: frozenset[int]) -> list[list[Pick]]:
    """Picks apart into functions. All picks of a target stay together, or its rows would come out of order; families are
    tables, however many members they have, and stay in one function."""
    parts = [[pick for target in some if target in tabled for pick in targets[target].picks]]
    size = 0
    for n in some:
        if n in tabled:
            continue
        picks = targets[n].picks
        if size + len(picks) > LARGEST_LOOP:
            parts.append([])
            size = 0
        parts[-1] += picks
        size += len(picks)
    return [part for part in parts if part]


def _by_type(picks: Iterable[Pick]) -> dict[str, list[Pick]]:
    found: dict[str, list[Pick]] = {}
    for pick in picks:
        found.setdefault(pick.type, []).append(pick)
    return found


class RowLoop:
    """Writes one function."""

    def __init__(
        self, picks: list[Pick], targets: Sequence[Target], found: Found, names: Namespace, rows: Rows, reads: Reads | None
    ) -> None:
        self.picks = picks
        self.targets = targets
        self.found = found
        self.names = names
        self.rows = rows
        self.reads = reads
        self.strikes = any(pick.target in found.strikers for pick in picks)
        self.taken: Sequence[str] = ()  # says that the row is taken, where that is not said of each at once
        # locals of the function, given as defaults: the fastest names
        self.bound: dict[str, Any] = {"hit": found.hit.append}
        if self.strikes:
            self.bound |= {"struck": found.struck.append, "new": Match}

    def compile(self) -> Loop:
        here = self.fused_here()
        timed, bodies = self.bodies()
        if self.reads == HELD:
            return self.compile_held(timed, bodies, here)
        if here or self.strikes:
            timed = list(bodies)
        walked = {"i": "range(len(rows))", "r": "rows"}
        if self.reads is None:
            walked["y"] = "batch.types"
            if timed:
                walked["t"] = "batch.times_us"
            lines = self.dispatch(bodies)
        else:
            for name in timed:
                bodies[name].insert(0, f"t = {self.reads.time}")
            lines = [f"y = {self.reads.type}", *self.dispatch(bodies)]
        if here or self.strikes:
            walked["e"] = "batch.ids"
        walk = [f"for {', '.join(walked)} in zip({', '.join(walked.values())}):", *(f"    {line}" for line in lines)]
        loop: Loop = self.function("batch", ["rows = batch.rows"], here, walk)
        return loop

    def compile_held(self, timed: list[str], bodies: dict[str, list[str]], here: list[At]) -> Loop:
        """For rows that waited: all there is to know of one stands side by side."""
        for name in timed:
            bodies[name].insert(0, f"t = {HELD.time}")
        walk = ["for i, (v, _, r, e, y) in enumerate(batch.held):", *(f"    {line}" for line in self.dispatch(bodies))]
        loop: Loop = self.function("batch", [], here, walk, at=HELD.time)
        return loop

    def bodies(self, reads: Reads | None = None) -> tuple[list[str], dict[str, list[str]]]:
        """The types whose own conditions use the time, and the code of each type. `reads`: what is known of the rows."""
        blocks = {name: _Block(self, name, picks, reads) for name, picks in _by_type(self.picks).items()}
        timed = [name for name, block in blocks.items() if block.tree.uses_time]
        return timed, {name: block.lines() for name, block in blocks.items()}

    def function(self, takes: str, first: list[str], here: list[At], walk: list[str], last: str = "", *, at: str = "") -> Any:
        """The function of these lines, those of the matchers around them. `at`: what makes the time, where it is not known."""
        timed = f"t = {at}"
        walk = [line.replace(AT, timed) for line in walk if at or line.lstrip() != AT]
        before = [line for _, fused, _ in here for line in fused.before]
        after = [line for _, fused, _ in here for line in fused.after]
        defaults = "".join(f", {name}={name}" for name in self.bound)
        self.names.globals.update(self.bound)
        lines = [*first, *before, *walk, *after, last]
        return self.names.run("\n".join([f"def loop({takes}{defaults}):", *(f"    {line}" for line in lines)]))["loop"]

    def fused_here(self) -> list[At]:
        """The matchers written into this loop, by what stands for them and their matches."""
        here = [at for target in sorted({pick.target for pick in self.picks}) for at in self.found.fused.get(target, ())]
        for n, fused, out in here:
            self.bind(f"M{n}", fused.matcher)
            self.bind(f"O{n}", out)
        return here

    def bind(self, name: str, value: Any) -> str:
        """A local name of the function for the value."""
        self.bound[name] = value
        return name

    def dispatch(self, bodies: dict[str, list[str]]) -> list[str]:
        """The block of the row's type: compared one by one, or halved by number when there are many types."""
        if len(bodies) <= CHAIN:
            return [line for n, one in enumerate(bodies.items()) for line in _case(*one, first=not n)]
        number = self.bind("number", {name: n for n, name in enumerate(bodies)}.get)
        return [f"y = {number}(y)", "if y is not None:", *(f"    {line}" for line in _halves(list(bodies.values()), 0))]


def _case(name: str, body: list[str], *, first: bool) -> list[str]:
    return [f"{'if' if first else 'elif'} y == {name!r}:", *(f"    {line}" for line in body)]


def _halves(bodies: list[list[str]], first: int) -> list[str]:
    if len(bodies) == 1:
        return bodies[0]
    half = len(bodies) // 2
    lower, upper = _halves(bodies[:half], first), _halves(bodies[half:], first + half)
    return [f"if y < {first + half}:", *(f"    {line}" for line in lower), "else:", *(f"    {line}" for line in upper)]


class _Block:
    """The code of one event type."""

    def __init__(self, loop: RowLoop, event_type: str, picks: list[Pick], reads: Reads | None) -> None:
        self.loop = loop
        self.event_type = event_type
        self.reads = reads
        texts, present = (reads.texts, reads.present) if reads is not None else (NONE, NONE)
        self.tree = Tree(Writer(loop.names, rows=loop.rows, inline=True, texts=texts, present=present))
        targets = loop.targets
        gathering = [pick for pick in picks if targets[pick.target].gathers(event_type)]
        direct = [pick for pick in picks if not targets[pick.target].gathers(event_type)]
        families, direct = find_families(direct, [target.masked for target in targets])
        self.shared = Counter(cond for pick in [*direct, *gathering] for cond in _conditions(pick.conjuncts))
        self.position = {cond: n for n, cond in enumerate(self.shared)}
        for pick in gathering:
            self._gather(pick)
        for pick in direct:
            place, key = self.tree.keyed(self._grow(pick.conjuncts), pick.key)
            place.actions += self._write(pick.target, key, pick.bits)
        for family in families:
            self._walk_family(family)

    def lines(self) -> list[str]:
        if self.reads is None or self.reads.within is None:
            return self.tree.lines()
        return [*self._looked_at(self.reads), *self.loop.taken, *self.tree.lines()]

    def _looked_at(self, reads: Reads) -> list[str]:
        """Lines that end the run before a row of this type that lacks a field, or holds a wrong one. Nothing has been done of
        the row by then."""
        write = self.tree.writer
        wants = {ir.Field(path, want): want for name, path, want in reads.checks if name == self.event_type}
        asked = [field for field in self.tree.fields() if field.path in reads.present and field not in wants]
        codes = [(field, write.value(field)) for field in [*wants, *asked]]
        lines = [f"{self.tree.give(field)} = {code}" for field, code in codes]
        for field, want in wants.items():
            lines.append(f"if {WRONG[want].replace('x', self.tree.give(field))}: break")
        return lines

    def _grow(self, conjuncts: tuple[Expr, ...]) -> Place:
        """The place where all conditions are true: those that most picks share outermost, among equals the cheaper ones."""
        conditions = _conditions(conjuncts)
        rank = {cond: (-self.shared[cond], _cost(cond), self.position.get(cond, 0)) for cond in conditions}
        return self.tree.walk(self.tree.root, sorted(conditions, key=rank.__getitem__))

    def _write(self, target: int, key: str, bits: Bits) -> list[str]:
        found = self.loop.found
        lines = [line for _, fused, _ in found.fused.get(target, ()) for line in fused.row(key, bits)]
        for number, (rule, make) in enumerate(found.strikers.get(target, ())):
            made = self.loop.bind(f"n{target}_{number}", make) if make is not None else ""
            lines += [AT, strike(self.loop.bind(f"p{target}_{number}", rule), made, key)]
        if target not in found.listed:
            return lines
        hits = found.hits[target]
        # a method called on a list in a local name is the one call that the interpreter does without a call
        line = f"{self.loop.bind(f'a{target}', hits.rows)}.append(i); {self.loop.bind(f'k{target}', hits.keys)}.append({key})"
        if self.loop.targets[target].masked:
            line += f"; {self.loop.bind(f'm{target}', hits.masks)}.append({bits})"
        return [*lines, line]

    def _gather(self, pick: Pick) -> None:
        """Bits of several picks of one target are put together; the row is written down after the tree."""
        bits = f"s{pick.target}"
        self._grow(pick.conjuncts).actions.append(f"{bits} |= {pick.bits}")
        start = f"{bits} = 0"
        if start in self.tree.root.actions:
            return
        self.tree.root.actions.insert(0, start)
        place = self.tree.root.after()
        if not self.loop.targets[pick.target].own:
            place = place.within(("bits", bits))
        place, key = self.tree.keyed(place, pick.key)
        place.actions += self._write(pick.target, key, bits)

    # -- families

    def _walk_family(self, family: Family) -> None:
        strikers = self.loop.found.strikers
        struck = tuple(member for member in family.members if member.pick.target in strikers)
        listed = tuple(member for member in family.members if member.pick.target not in strikers)
        if struck:
            self._walk_members(replace(family, members=struck), self._struck_rows, self._strikes)
        if listed:
            self._walk_members(replace(family, members=listed), self._listed_rows, self._lists)

    def _walk_members(
        self,
        family: Family,
        rows: Callable[[Family, Member], list[tuple[Any, ...]]],
        lines: Callable[[Family, str], tuple[str, list[str]]],
    ) -> None:
        """rows: of a member, in its bucket. lines: names of what stands in a row behind its constants, and what is done of it."""
        shape, number = family.shape, len(self.loop.bound)
        place = self._grow(shape.fixed)
        tables = {value: tuple(row for one in some for row in rows(family, one)) for value, some in family.buckets().items()}
        if family.index is None:
            bucket = self.loop.bind(f"z{number}", tables[None])
        else:
            get = self.loop.bind(f"z{number}", tables.get)
            place, bucket = self.tree.bucket(place, get, shape.variables[family.index][1])
        if family.ordered is not None:
            place = self.tree.walk(place, [not_null(shape.variables[family.ordered][1])])
        for at in family.rest:
            self.tree.read(shape.variables[at][1], place)
        place, key = self.tree.keyed(place, shape.key)
        named, done = lines(family, key)
        asked = [f"q{at}" for at in ((family.ordered,) if family.ordered is not None else ()) + family.rest]
        place.actions.append(f"for {', '.join([*asked, named])} in {bucket}:")
        place.actions += [f"    {line}" for line in [*self._asks(family), *done]]

    def _listed_rows(self, family: Family, member: Member) -> list[tuple[Any, ...]]:
        """One entry of a bucket: threshold, other constants, where to write, step bits, number of the target."""
        target = member.pick.target
        hits = self.loop.found.hits[target]
        written = (hits.rows.append, hits.keys.append, hits.masks.append, member.pick.bits)
        return [(*self._constants(family, member), *(written if family.shape.masked else written[:2]), target)]

    @staticmethod
    def _lists(family: Family, key: str) -> tuple[str, list[str]]:
        masked = family.shape.masked
        return f"a, k, {'m, s, ' if masked else ''}z", [f"a(i); k({key}); hit(z)" + ("; m(s)" if masked else "")]

    def _struck_rows(self, family: Family, member: Member) -> list[tuple[Any, ...]]:
        constants = self._constants(family, member)
        return [(*constants, *striker) for striker in self.loop.found.strikers[member.pick.target]]

    @staticmethod
    def _strikes(family: Family, key: str) -> tuple[str, list[str]]:
        return "p, m", [AT, f"if m is None: {strike('p', '', key)}", f"else: {strike('p', 'm', key)}"]

    @staticmethod
    def _constants(family: Family, member: Member) -> list[Any]:
        """What the walk asks of a member: its threshold, and the constants of the other variables."""
        asked = [] if family.ordered is None else [member.constants[family.ordered]]
        for at in family.rest:
            op, field = family.shape.variables[at]
            constant = member.constants[at]
            asked.append(frozenset(map(hashable, constant)) if op == "in" else _comparable(constant, field))
        return asked

    def _asks(self, family: Family) -> list[str]:
        variables, lines = family.shape.variables, []
        if family.ordered is not None:
            op, field = variables[family.ordered]
            lines.append(f"if not {self.tree.local(field)} {op} q{family.ordered}: break")
        for at in family.rest:
            op, field = variables[at]
            value = self.tree.local(field)
            if op in ("==", "in"):
                asks = f"{value if field.type in _TOLD else f'hashable({value})'} {op} q{at}"
            else:
                asks = f"{value} is not None and {value} {op} q{at}"
            lines.append(f"if not ({asks}): continue")
        return lines


def _comparable(constant: Any, field: ir.Field) -> Any:
    return constant if field.type in _TOLD else hashable(constant)


def _conditions(conjuncts: tuple[Expr, ...]) -> list[Expr]:
    """Conditions to nest: that a compared field is not null is a condition of its own, before it, to be shared."""
    found: list[Expr] = []
    for expr in conjuncts:
        if isinstance(expr, ir.Compare) and expr.op != "==" and isinstance(expr.left, ir.Field):
            found.append(not_null(expr.left))
        found.append(expr)
    return list(dict.fromkeys(found))


def _cost(expr: Expr) -> int:
    """A rough order of what a condition costs: cheap ones are asked first."""
    here = {ir.TextMatch: 4, ir.Quantified: 20, ir.Call: 8, ir.Arith: 6, ir.InTable: 3, ir.Column: 6}.get(type(expr), 1)
    return here + sum(_cost(child) for child in ir.children(expr))
